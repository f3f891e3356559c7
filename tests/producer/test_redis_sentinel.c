/* What sentinels may say, and how little of it is believed: canned ones, each a thread, beside a real server. */
#include "tests/producer/redis_fixture.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/support/node.h"
#include "tests/support/wait.h"

enum { SENTINELS = 3, TIMEOUT_MS = 1500 };

/* Answers every question for a master with `says`; "": never. */
static struct sentinel {
    int listener, port;
    pthread_t thread;
    char bytes[2][128];
    _Atomic(const char *) says;
    atomic_uint asked;
} sentinels[SENTINELS];

static int server_port, other_port;
static struct server other; /* a replica */

static int listen_somewhere(int *fd) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    *fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    cr_assert(*fd >= 0 && !bind(*fd, (struct sockaddr *)&address, size) && !getsockname(*fd, (struct sockaddr *)&address, &size));
    return ntohs(address.sin_port);
}

static bool tell(int fd, const char *text) { return send(fd, text, strlen(text), MSG_NOSIGNAL) >= 0; }

static void serve(struct sentinel *s, int fd) {
    char text[1024];
    ssize_t got;
    while ((got = recv(fd, text, sizeof text - 1, 0)) > 0) {
        text[got] = '\0';
        if (strstr(text, "SENTINEL")) {
            atomic_fetch_add(&s->asked, 1);
            if (!tell(fd, atomic_load(&s->says))) return;
        } else if (!tell(fd, "$4\r\nid=7\r\n:7\r\n")) { /* CLIENT INFO and CLIENT ID */
            return;
        }
    }
}

static void *run(void *context) {
    struct sentinel *s = context;
    int fd;
    while ((fd = accept(s->listener, NULL, NULL)) >= 0) {
        serve(s, fd);
        close(fd);
    }
    return NULL;
}

static void start_sentinel(struct sentinel *s) {
    s->port = listen_somewhere(&s->listener);
    atomic_store(&s->says, "");
    cr_assert(listen(s->listener, 8) == 0 && pthread_create(&s->thread, NULL, run, s) == 0);
}

static void kill_sentinel(struct sentinel *s) {
    shutdown(s->listener, SHUT_RDWR);
    pthread_join(s->thread, NULL);
    close(s->listener);
}

/* Which of two buffers is written alternates, so that the thread never reads a text that changes. */
static void name_port(struct sentinel *s, int port) {
    char *bytes = s->bytes[atomic_load(&s->says) == s->bytes[0]];
    char digits[8];
    snprintf(digits, sizeof digits, "%d", port);
    snprintf(bytes, sizeof s->bytes[0], "*2\r\n$9\r\n127.0.0.1\r\n$%zu\r\n%s\r\n", strlen(digits), digits);
    atomic_store(&s->says, bytes);
}

static void start(void) {
    static char ports[2][8];
    server_port = (int)node_free_port();
    snprintf(ports[0], sizeof ports[0], "%d", server_port);
    server_start(&server, &(struct server_options){.extra = {"--port", ports[0]}});
    other_port = (int)node_free_port();
    snprintf(ports[1], sizeof ports[1], "%d", other_port);
    server_start(&other, &(struct server_options){.extra = {"--port", ports[1], "--replicaof", "127.0.0.1", ports[0]}});
    for (int n = 0; n < SENTINELS; n++) start_sentinel(&sentinels[n]);
    options = (struct redis_options){.client_name = "s", .connect_timeout_ms = TIMEOUT_MS, .timeout_ms = TIMEOUT_MS};
    options.url = (struct redis_url){.kind = REDIS_URL_SENTINEL, .name = "till"};
    snprintf(options.url.seeds, sizeof options.url.seeds, "127.0.0.1:%d,127.0.0.1:%d,127.0.0.1:%d", sentinels[0].port, sentinels[1].port,
             sentinels[2].port);
}

static void stop(void) {
    redis_close(redis);
    server_stop(&server);
    server_stop(&other);
}

TestSuite(redis_sentinel, .init = start, .fini = stop, .timeout = 60);

static void expect_master(void) {
    char where[32];
    snprintf(where, sizeof where, "127.0.0.1:%d", server_port);
    cr_expect_str_eq(redis_where(redis), where);
    append("SET", "k", "v", NULL);
    EXPECT_ERR(next(), REDIS_OK);
}

Test(redis_sentinel, names_the_master) {
    name_port(&sentinels[0], server_port);
    cr_assert_eq(redis_open(&redis, &options), REDIS_OK, "%s", redis_error(redis));
    expect_master();
    cr_expect(sentinels[0].asked == 1 && sentinels[1].asked == 0 && sentinels[2].asked == 0);
}

Test(redis_sentinel, silent_and_dead_ones_are_passed_over) {
    kill_sentinel(&sentinels[1]);
    name_port(&sentinels[2], server_port);
    int64_t since_ms = wait_now_ms();
    cr_assert_eq(redis_open(&redis, &options), REDIS_OK, "%s", redis_error(redis));
    cr_expect(wait_now_ms() - since_ms < TIMEOUT_MS, "took %lld ms", (long long)(wait_now_ms() - since_ms));
    expect_master();
    cr_assert_eq(redis_reopen(redis), REDIS_OK, "%s", redis_error(redis));
    cr_expect(sentinels[0].asked == 1 && sentinels[2].asked == 2, "the one that helped is not asked first");
    expect_master();
}

Test(redis_sentinel, a_replica_is_not_used) {
    for (int n = 0; n < SENTINELS; n++) name_port(&sentinels[n], other_port);
    cr_expect_eq(redis_open(&redis, &options), REDIS_DEMOTED);
    cr_expect_not_null(strstr(redis_error(redis), "is no master but a slave"), "%s", redis_error(redis));
    cr_expect(redis_is_lost(redis));
    name_port(&sentinels[1], server_port); /* one of them has heard of the failover */
    cr_assert_eq(redis_reopen(redis), REDIS_OK, "%s", redis_error(redis));
    expect_master();
}

static const struct { const char *name, *says, *error; enum redis_err err; } answers[] = {
    {"unknown name", "*-1\r\n", "knows no master named till", REDIS_REFUSED},
    {"an error", "-NOAUTH Authentication required.\r\n", "NOAUTH", REDIS_REFUSED},
    {"no array", ":7\r\n", "knows no master", REDIS_REFUSED},
    {"half of it", "*1\r\n$9\r\n127.0.0.1\r\n", "knows no master", REDIS_REFUSED},
    {"an empty host", "*2\r\n$0\r\n\r\n$4\r\n6379\r\n", "knows no master", REDIS_REFUSED},
    {"port 0", "*2\r\n$9\r\n127.0.0.1\r\n$1\r\n0\r\n", "knows no master", REDIS_REFUSED},
    {"port 65536", "*2\r\n$9\r\n127.0.0.1\r\n$5\r\n65536\r\n", "knows no master", REDIS_REFUSED},
    {"port x", "*2\r\n$9\r\n127.0.0.1\r\n$1\r\nx\r\n", "knows no master", REDIS_REFUSED},
    {"a port that nobody listens on", "*2\r\n$9\r\n127.0.0.1\r\n$1\r\n1\r\n", "Connection refused", REDIS_LOST},
    {"garbage", "hello\r\n", "Protocol error", REDIS_GARBLED},
};

Test(redis_sentinel, what_cannot_be_is_no_master) {
    for (size_t i = 0; i < sizeof answers / sizeof *answers; i++) {
        for (int n = 0; n < SENTINELS; n++) atomic_store(&sentinels[n].says, answers[i].says);
        enum redis_err err = redis_open(&redis, &options);
        cr_expect_eq(err, answers[i].err, "%s: %s (%s)", answers[i].name, redis_err_word(err), redis_error(redis));
        cr_expect_not_null(strstr(redis_error(redis), answers[i].error), "%s: %s", answers[i].name, redis_error(redis));
        redis_close(redis);
        redis = NULL;
    }
}

Test(redis_sentinel, all_silent_takes_no_longer_than_the_timeout) {
    int64_t since_ms = wait_now_ms();
    cr_expect_eq(redis_open(&redis, &options), REDIS_LOST);
    int64_t took_ms = wait_now_ms() - since_ms;
    cr_expect(took_ms < 2 * TIMEOUT_MS, "took %lld ms", (long long)took_ms);
    cr_expect_not_null(strstr(redis_error(redis), "sentinel 127.0.0.1:"), "%s", redis_error(redis));
}

static void *interrupt_soon(void *context) {
    usleep(100 * 1000); /* it must be asking by then; an interrupt that comes early must end the call as well */
    redis_interrupt(context);
    return NULL;
}

Test(redis_sentinel, interrupt_ends_asking) {
    pthread_t thread;
    name_port(&sentinels[0], server_port);
    cr_assert_eq(redis_open(&redis, &options), REDIS_OK);
    atomic_store(&sentinels[0].says, "");
    cr_assert_eq(pthread_create(&thread, NULL, interrupt_soon, redis), 0);
    int64_t since_ms = wait_now_ms();
    cr_expect_eq(redis_reopen(redis), REDIS_LOST);
    cr_expect(wait_now_ms() - since_ms < 300, "took %lld ms", (long long)(wait_now_ms() - since_ms));
    cr_expect_str_eq(redis_error(redis), "interrupted");
    pthread_join(thread, NULL);
}

Test(redis_sentinel, verifying) {
    name_port(&sentinels[0], server_port);
    name_port(&sentinels[1], server_port);
    cr_assert_eq(redis_open(&redis, &options), REDIS_OK);
    cr_expect_eq(redis_verify(redis), REDIS_OK);
    expect_master();
    atomic_store(&sentinels[0].says, ""); /* silence says nothing; the next time another is asked */
    cr_expect_eq(redis_verify(redis), REDIS_OK);
    cr_expect_eq(redis_verify(redis), REDIS_OK);
    cr_expect_eq(sentinels[1].asked, 1);
    expect_master();
    name_port(&sentinels[1], other_port);
    cr_expect_eq(redis_verify(redis), REDIS_DEMOTED);
    cr_expect(redis_is_lost(redis));
    cr_expect_not_null(strstr(redis_error(redis), "is not the master any more"), "%s", redis_error(redis));
    cr_expect_eq(redis_verify(redis), REDIS_LOST);
}
