/* What no real server does on demand: a connection that ends between an XADD and its reply, and a refusal of the second copy. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "tests/producer/test_till_fake.h"
#include "tests/support/process.h"

/* Plays Redis: takes so many XADDs without a reply, then replies to them with this line. */
struct player {
    char dir[64], url[112];
    int listening;
    pthread_t thread;
    atomic_int swallow;
    const char *reply;
};

static struct player player;

static const char *reply_to(const char *name) {
    static const struct {
        const char *name, *reply;
    } rows[] = {
        {"HMGET", "*2\r\n$1\r\n1\r\n$1\r\n4\r\n"}, {"INFO", "$0\r\n\r\n"}, {"XLEN", ":0\r\n"}, {"XINFO", "*0\r\n"},
        {"XREVRANGE", "*0\r\n"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        if (strcmp(name, rows[i].name) == 0)
            return rows[i].reply;
    return strcmp(name, "XADD") == 0 ? player.reply : ":1\r\n";
}

/* Reads one command, an array of bulk texts, and leaves its name. */
static bool command_read(FILE *in, char name[32]) {
    int count, size, end = 0;
    if (fscanf(in, "*%d\r\n", &count) != 1)
        return false;
    for (int i = 0; i < count; i++) {
        if (fscanf(in, "$%d", &size) != 1 || fgetc(in) != '\r' || fgetc(in) != '\n')
            return false;
        for (int j = 0; j < size && (end = fgetc(in)) != EOF; j++)
            if (i == 0 && j < 31)
                name[j] = (char)end, name[j + 1] = '\0';
        if (end == EOF || fgetc(in) != '\r' || fgetc(in) != '\n')
            return false;
    }
    return true;
}

static void play(int fd) {
    FILE *in = fdopen(fd, "r");
    char name[32];
    while (command_read(in, name)) {
        if (strcmp(name, "XADD") == 0 && atomic_load(&player.swallow) > 0) {
            atomic_fetch_sub(&player.swallow, 1);
            break;
        }
        const char *reply = reply_to(name);
        if (send(fd, reply, strlen(reply), MSG_NOSIGNAL) < 0) /* a handle that is closed does not wait for its last ones */
            break;
    }
    fclose(in);
}

static void *run(void *unused) {
    for (int fd; (fd = accept(player.listening, NULL, NULL)) >= 0;)
        play(fd);
    return unused;
}

static void start(void) {
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    process_make_dir("till-lost", player.dir, sizeof player.dir);
    snprintf(address.sun_path, sizeof address.sun_path, "%s/s", player.dir);
    snprintf(player.url, sizeof player.url, "unix:%s/s", player.dir);
    player.listening = socket(AF_UNIX, SOCK_STREAM, 0);
    if (bind(player.listening, (struct sockaddr *)&address, sizeof address) != 0 || listen(player.listening, 8) != 0)
        process_die(NULL, "cannot listen at %s", address.sun_path);
    pthread_create(&player.thread, NULL, run, NULL);
}

static void stop(void) {
    shutdown(player.listening, SHUT_RDWR);
    pthread_join(player.thread, NULL);
    close(player.listening);
    process_remove_tree(player.dir);
}

TestSuite(till_lost, .init = start, .fini = stop, .timeout = 30);

static struct till *open_player(void) {
    struct till *till;
    int code = till_open(&till, &(struct till_options){.url = player.url});
    cr_assert_eq(code, TILL_OK, "%s", till_error(till));
    return till;
}

static const struct row {
    const char *name;
    int swallow;
    const char *reply;
    int code;
} rows[] = {
    {"taken at once", 0, "$3\r\n1-1\r\n", TILL_OK},
    {"taken the second time", 1, "$3\r\n1-1\r\n", TILL_OK},
    {"refused at once: nothing is there", 0, "-OOM command not allowed\r\n", TILL_BUSY},
    {"forbidden at once: nothing is there", 0, "-NOPERM this user has no permissions\r\n", TILL_READ_FAILED},
    {"refused the second time: the first may be there", 1, "-OOM command not allowed\r\n", TILL_WRITE_FAILED},
    {"forbidden the second time: the first may be there", 2, "-NOPERM this user has no permissions\r\n", TILL_WRITE_FAILED},
    {"never told", 1000, "", TILL_WRITE_FAILED},
    {"a reply that cannot be", 0, "?\r\n", TILL_WRITE_FAILED},
};
enum { ROWS = sizeof rows / sizeof rows[0] };

Test(till_lost, send_never_says_that_nothing_is_there_when_something_may_be) {
    for (size_t i = 0; i < ROWS; i++) {
        struct till_intent intent = fake_pay("alice", "k");
        struct till_result result;
        player.reply = rows[i].reply;
        atomic_store(&player.swallow, rows[i].swallow);
        struct till *till = open_player();
        till_send(till, &intent, 1, 400, &result);
        cr_assert_eq(result.code, rows[i].code, "%s: %d %s", rows[i].name, result.code, result.text);
        till_close(till);
    }
}

Test(till_lost, call_never_says_that_nothing_is_there_when_something_may_be) {
    for (size_t i = 2; i < ROWS; i++) {
        struct till_intent intent = fake_pay("alice", "k");
        struct till_answer answer;
        player.reply = rows[i].reply;
        atomic_store(&player.swallow, rows[i].swallow);
        struct till *till = open_player();
        int code = till_call(till, &intent, 400, &answer);
        cr_assert_eq(code, rows[i].code, "%s: %d %s", rows[i].name, code, answer.detail);
        cr_assert_eq(answer.entry[0], '\0', "%s", rows[i].name);
        till_close(till);
    }
}
