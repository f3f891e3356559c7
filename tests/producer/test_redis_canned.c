/* Replies a real server will not give on demand: cut at every byte, dribbled, garbage. A thread speaks the canned bytes on a socket. */
#include "producer/redis.h"
#include "tests/support/process.h"
#include "tests/support/wait.h"

#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

enum { TIMEOUT_MS = 3000 };

/* Answers CLIENT ID with 7, and the PING after it with the bytes; then ends the connection, or holds it until the client does. */
struct canned {
    const char *bytes;
    size_t size, step; /* step: bytes a send */
    bool hold, tcp;
    struct redis_options options;
    char dir[64];
    int listener;
    pthread_t thread;
};

static bool canned_send(int fd, const char *bytes, size_t size, size_t step) {
    for (size_t sent = 0; sent < size; sent += step)
        if (send(fd, bytes + sent, size - sent < step ? size - sent : step, MSG_NOSIGNAL) < 0) return false;
    return true;
}

static bool canned_wait_for(int fd, const char *word) {
    char text[4096];
    size_t size = 0;
    ssize_t got;
    while (size < sizeof text - 1 && (got = recv(fd, text + size, sizeof text - 1 - size, 0)) > 0) {
        size += (size_t)got;
        text[size] = '\0';
        if (strstr(text, word)) return true;
    }
    return false;
}

static void canned_serve(const struct canned *canned, int fd) {
    char rest[256];
    const char *greeting = canned->tcp ? "$4\r\nid=7\r\n:7\r\n" : ":7\r\n"; /* to CLIENT INFO, and to CLIENT ID */
    bool asked = canned_wait_for(fd, "ID\r\n") && canned_send(fd, greeting, strlen(greeting), 64) && canned_wait_for(fd, "PING\r\n");
    if (asked && canned_send(fd, canned->bytes, canned->size, canned->step) && canned->hold)
        while (recv(fd, rest, sizeof rest, 0) > 0) continue;
}

static void *canned_run(void *context) {
    struct canned *canned = context;
    int fd;
    while ((fd = accept(canned->listener, NULL, NULL)) >= 0) {
        canned_serve(canned, fd);
        close(fd);
    }
    return NULL;
}

static void canned_bind(struct canned *canned, const void *address, socklen_t size, int family) {
    canned->listener = socket(family, SOCK_STREAM, 0);
    cr_assert_eq(bind(canned->listener, address, size), 0);
    cr_assert_eq(listen(canned->listener, 8), 0);
    cr_assert_eq(pthread_create(&canned->thread, NULL, canned_run, canned), 0);
}

static void canned_open(struct canned *canned, const char *bytes, size_t size) {
    *canned = (struct canned){.bytes = bytes, .size = size, .step = size ? size : 1};
    canned->options = (struct redis_options){.connect_timeout_ms = TIMEOUT_MS, .timeout_ms = TIMEOUT_MS};
    process_make_dir("canned", canned->dir, sizeof canned->dir);
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    snprintf(address.sun_path, sizeof address.sun_path, "%s/s", canned->dir);
    canned->options.url = (struct redis_url){.kind = REDIS_URL_UNIX};
    memcpy(canned->options.url.path, address.sun_path, sizeof canned->options.url.path);
    canned_bind(canned, &address, sizeof address, AF_UNIX);
}

static void canned_open_tcp(struct canned *canned, const char *bytes, size_t size) {
    *canned = (struct canned){.bytes = bytes, .size = size, .step = size ? size : 1, .hold = true, .tcp = true};
    canned->options = (struct redis_options){.connect_timeout_ms = TIMEOUT_MS, .timeout_ms = TIMEOUT_MS};
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t address_size = sizeof address;
    canned_bind(canned, &address, sizeof address, AF_INET);
    getsockname(canned->listener, (struct sockaddr *)&address, &address_size);
    canned->options.url = (struct redis_url){.kind = REDIS_URL_TCP, .host = "127.0.0.1", .port = ntohs(address.sin_port)};
}

static void canned_close(struct canned *canned) {
    shutdown(canned->listener, SHUT_RDWR);
    pthread_join(canned->thread, NULL);
    close(canned->listener);
    if (*canned->dir) process_remove_tree(canned->dir);
}

static struct redis *connect_to(struct canned *canned) {
    struct redis *redis;
    enum redis_err err = redis_open(&redis, &canned->options);
    cr_assert_eq(err, REDIS_OK, "%s", redis_error(redis));
    cr_assert_eq(redis_client_id(redis), 7);
    return redis;
}

static enum redis_err ping(struct redis *redis, struct reply *reply) {
    struct command c;
    command_init(&c);
    command_begin(&c, "PING");
    enum redis_err err = redis_call(redis, &c, reply);
    command_clear(&c);
    return err;
}

static const char SHAPES[] = "*6\r\n$5\r\nhello\r\n:-42\r\n$-1\r\n*-1\r\n*2\r\n+OK\r\n-ERR inner\r\n$4\r\n1\0\r\n\r\n";

static void expect_shapes(struct reply reply) {
    size_t size;
    cr_expect_eq(reply_type(reply), REPLY_ARRAY);
    cr_expect_eq(reply_count(reply), 6);
    cr_expect_str_eq(reply_text(reply_at(reply, 0), NULL), "hello");
    cr_expect(reply_is(reply_at(reply, 0), "hello") && !reply_is(reply_at(reply, 0), "hell"));
    cr_expect_eq(reply_integer(reply_at(reply, 1)), -42);
    cr_expect_eq(reply_type(reply_at(reply, 2)), REPLY_NIL);
    cr_expect_eq(reply_type(reply_at(reply, 3)), REPLY_NIL);
    cr_expect(reply_is(reply_at(reply_at(reply, 4), 0), "OK"));
    cr_expect_eq(reply_type(reply_at(reply_at(reply, 4), 1)), REPLY_ERROR);
    cr_expect_str_eq(reply_text(reply_at(reply_at(reply, 4), 1), NULL), "ERR inner");
    cr_expect(memcmp(reply_text(reply_at(reply, 5), &size), "1\0\r\n", 4) == 0 && size == 4);
}

Test(redis_canned, whole_and_dribbled) {
    for (size_t step = 1; step <= sizeof SHAPES; step += sizeof SHAPES - 1) {
        struct canned canned;
        struct reply reply;
        canned_open(&canned, SHAPES, sizeof SHAPES - 1);
        canned.step = step;
        struct redis *redis = connect_to(&canned);
        enum redis_err err = ping(redis, &reply);
        cr_expect_eq(err, REDIS_OK, "in steps of %zu: %s", step, redis_error(redis));
        if (!err) expect_shapes(reply);
        redis_close(redis);
        canned_close(&canned);
    }
}

/* Asking a reply for what it is not. */
Test(redis_canned, wrong_questions_get_nothing) {
    struct canned canned;
    struct reply reply, nothing;
    size_t size = 1;
    canned_open(&canned, SHAPES, sizeof SHAPES - 1);
    struct redis *redis = connect_to(&canned);
    cr_assert_eq(ping(redis, &reply), REDIS_OK);
    cr_expect_str_eq(reply_text(reply, &size), "");
    cr_expect_eq(size, 0);
    cr_expect_eq(reply_integer(reply), 0);
    cr_expect(!reply_is(reply, ""));
    nothing = reply_at(reply, 6);
    cr_expect_eq(reply_type(nothing), REPLY_NIL);
    cr_expect_eq(reply_type(reply_at(reply_at(nothing, 0), SIZE_MAX)), REPLY_NIL);
    cr_expect_eq(reply_count(nothing) + reply_count(reply_at(reply, 0)), 0);
    cr_expect_eq(reply_integer(reply_at(reply, 0)), 0, "no number: 0");
    cr_expect_eq(reply_integer(reply_at(reply, 5)), 0, "a number with more behind its NUL: 0");
    cr_expect_str_eq(reply_text(reply_at(reply, 1), NULL), "");
    redis_close(redis);
    canned_close(&canned);
}

Test(redis_canned, numbers_in_text) {
    static const struct {
        const char *bytes;
        int64_t n;
    } rows[] = {
        {":9223372036854775807\r\n", INT64_MAX}, {"$20\r\n-9223372036854775808\r\n", INT64_MIN}, {"$19\r\n9223372036854775808\r\n", 0},
        {"+12\r\n", 12}, {"$2\r\n 1\r\n", 0}, {"$2\r\n+1\r\n", 0}, {"$3\r\n1.5\r\n", 0},
        {"$0\r\n\r\n", 0}, {"$1\r\n-\r\n", 0}, {"$-1\r\n", 0},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct canned canned;
        struct reply reply;
        canned_open(&canned, rows[i].bytes, strlen(rows[i].bytes));
        struct redis *redis = connect_to(&canned);
        cr_expect_eq(ping(redis, &reply), REDIS_OK, "row %zu: %s", i, redis_error(redis));
        cr_expect_eq(reply_integer(reply), rows[i].n, "row %zu gives %lld", i, (long long)reply_integer(reply));
        redis_close(redis);
        canned_close(&canned);
    }
}

/* After any cut: lost, it stays lost without waiting, and redis_reopen heals. */
Test(redis_canned, cut_at_every_byte) {
    for (size_t size = 0; size < sizeof SHAPES - 1; size++) {
        struct canned canned;
        struct reply reply;
        canned_open(&canned, SHAPES, size);
        struct redis *redis = connect_to(&canned);
        cr_expect_eq(ping(redis, &reply), REDIS_LOST, "cut at %zu", size);
        cr_expect(redis_is_lost(redis) && *redis_error(redis), "cut at %zu", size);
        cr_expect_eq(reply_type(reply), REPLY_NIL);
        cr_expect_eq(redis_unanswered(redis), 0);
        cr_expect_eq(ping(redis, &reply), REDIS_LOST, "cut at %zu, once more", size);
        canned.size = sizeof SHAPES - 1;
        cr_expect_eq(redis_reopen(redis), REDIS_OK, "cut at %zu: %s", size, redis_error(redis));
        cr_expect_eq(ping(redis, &reply), REDIS_OK, "cut at %zu, reopened: %s", size, redis_error(redis));
        redis_close(redis);
        canned_close(&canned);
    }
}

/* REDIS_OK: GARBLED or LOST, hiredis 1.x has no limit of depth and waits for more. What counts is that nothing is taken for a reply. */
static const struct {
    const char *name, *bytes;
    enum redis_err err;
} garbage[] = {
    {"HTTP", "HTTP/1.1 400 Bad Request\r\n\r\n", REDIS_GARBLED},
    {"a space", " +OK\r\n", REDIS_GARBLED},
    {"no number", ":12x\r\n", REDIS_GARBLED},
    {"a number beyond 64 bits", ":99999999999999999999\r\n", REDIS_GARBLED},
    {"a count beyond 64 bits", "*99999999999999999999\r\n", REDIS_GARBLED},
    {"a count beyond all memory", "*9223372036854775807\r\n", REDIS_GARBLED},
    {"a negative count", "*-2\r\n", REDIS_GARBLED},
    {"a negative size", "$-5\r\n", REDIS_GARBLED},
    {"a size beyond 64 bits", "$99999999999999999999\r\n", REDIS_GARBLED},
    {"a size that never comes", "$536870912\r\nabc\r\n", REDIS_LOST},
    {"arrays in arrays without end",
     "*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n", REDIS_OK},
    {"a map of RESP3", "%1\r\n+a\r\n+b\r\n", REDIS_GARBLED},
    {"nothing", "", REDIS_LOST},
    {"line ends only", "\r\n\r\n", REDIS_GARBLED},
    {"garbage inside an array", "*2\r\n+OK\r\n?\r\n", REDIS_GARBLED},
};

Test(redis_canned, garbage_is_no_reply) {
    for (size_t i = 0; i < sizeof garbage / sizeof *garbage; i++) {
        struct canned canned;
        struct reply reply;
        canned_open(&canned, garbage[i].bytes, strlen(garbage[i].bytes));
        struct redis *redis = connect_to(&canned);
        enum redis_err err = ping(redis, &reply);
        bool as_told = garbage[i].err ? err == garbage[i].err : err == REDIS_GARBLED || err == REDIS_LOST;
        cr_expect(as_told, "%s: %s (%s)", garbage[i].name, redis_err_word(err), redis_error(redis));
        cr_expect(redis_is_lost(redis) && *redis_error(redis), "%s", garbage[i].name);
        cr_expect_eq(ping(redis, &reply), REDIS_LOST, "%s, once more", garbage[i].name);
        redis_close(redis);
        canned_close(&canned);
    }
}

/* Random bytes after a good start: any end but a crash or a hang. */
Test(redis_canned, random_bytes_end) {
    unsigned seed = (unsigned)getpid();
    fprintf(stderr, "redis_canned random_bytes_end: seed %u\n", seed);
    for (int round = 0; round < 200; round++) {
        char bytes[64];
        struct canned canned;
        struct reply reply;
        for (size_t i = 0; i < sizeof bytes; i++) bytes[i] = "*$:+-123\r\nab"[(unsigned)rand_r(&seed) % 12];
        canned_open(&canned, bytes, sizeof bytes);
        struct redis *redis = connect_to(&canned);
        enum redis_err err = ping(redis, &reply);
        cr_expect(redis_is_lost(redis) == (err == REDIS_LOST || err == REDIS_GARBLED), "round %d: %s", round, redis_err_word(err));
        redis_close(redis);
        canned_close(&canned);
    }
}

Test(redis_canned, error_replies_do_no_harm) {
    struct canned canned;
    struct reply reply;
    canned_open(&canned, "-OOM full\r\n", 11);
    canned.hold = true;
    struct redis *redis = connect_to(&canned);
    cr_expect_eq(ping(redis, &reply), REDIS_HELD);
    cr_expect_str_eq(redis_error(redis), "OOM full");
    cr_expect_eq(reply_type(reply), REPLY_ERROR);
    cr_expect(!redis_is_lost(redis));
    redis_close(redis);
    canned_close(&canned);
}

/* Half a reply and then silence. */
Test(redis_canned, silence_times_out) {
    struct canned canned;
    struct reply reply;
    canned_open(&canned, SHAPES, 20);
    canned.hold = true;
    struct redis *redis = connect_to(&canned);
    redis_set_timeout(redis, 150);
    int64_t start_ms = wait_now_ms();
    cr_expect_eq(ping(redis, &reply), REDIS_LOST);
    int64_t took_ms = wait_now_ms() - start_ms;
    cr_expect(took_ms >= 140 && took_ms < 1500, "took %lld ms", (long long)took_ms);
    cr_expect_str_eq(redis_error(redis), "timed out after 150 ms");
    redis_close(redis);
    canned_close(&canned);
}

static int option_of(int fd, int level, int option) {
    int value = 0;
    socklen_t size = sizeof value;
    return getsockopt(fd, level, option, &value, &size) == 0 ? value : -1;
}

/* The client's end among our descriptors: connected to the canned port. */
static int find_client_fd(int port) {
    for (int fd = 3; fd < 256; fd++) {
        struct sockaddr_in peer;
        socklen_t size = sizeof peer;
        if (getpeername(fd, (struct sockaddr *)&peer, &size) == 0 && peer.sin_family == AF_INET && ntohs(peer.sin_port) == port) return fd;
    }
    return -1;
}

Test(redis_canned, tcp_notices_a_dead_peer) {
    struct canned canned;
    struct reply reply;
    canned_open_tcp(&canned, "+PONG\r\n", 7);
    struct redis *redis = connect_to(&canned);
    int fd = find_client_fd(canned.options.url.port);
    cr_assert(fd >= 0);
    cr_expect_eq(option_of(fd, SOL_SOCKET, SO_KEEPALIVE), 1);
    cr_expect_eq(option_of(fd, IPPROTO_TCP, TCP_KEEPIDLE), 3);
    cr_expect_eq(option_of(fd, IPPROTO_TCP, TCP_KEEPINTVL), 2);
    cr_expect_eq(option_of(fd, IPPROTO_TCP, TCP_KEEPCNT), 3);
    cr_expect_eq(option_of(fd, IPPROTO_TCP, TCP_USER_TIMEOUT), 8000);
    cr_expect_eq(option_of(fd, IPPROTO_TCP, TCP_NODELAY), 1);
    cr_expect_eq(ping(redis, &reply), REDIS_OK);
    cr_expect(reply_is(reply, "PONG"));
    redis_close(redis);
    canned_close(&canned);
}

/* A listener whose queue is full answers no SYN: a host that swallows everything. */
struct black_hole {
    int listener, fillers[8];
    struct redis_options options;
};

static void black_hole_open(struct black_hole *hole) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    hole->listener = socket(AF_INET, SOCK_STREAM, 0);
    cr_assert(bind(hole->listener, (struct sockaddr *)&address, size) == 0 && listen(hole->listener, 0) == 0);
    getsockname(hole->listener, (struct sockaddr *)&address, &size);
    for (size_t i = 0; i < sizeof hole->fillers / sizeof *hole->fillers; i++) {
        hole->fillers[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
        int ignored = connect(hole->fillers[i], (struct sockaddr *)&address, size);
        (void)ignored;
    }
    hole->options = (struct redis_options){.timeout_ms = TIMEOUT_MS, .connect_timeout_ms = 300};
    hole->options.url = (struct redis_url){.kind = REDIS_URL_TCP, .host = "127.0.0.1", .port = ntohs(address.sin_port)};
}

static void black_hole_close(struct black_hole *hole) {
    for (size_t i = 0; i < sizeof hole->fillers / sizeof *hole->fillers; i++) close(hole->fillers[i]);
    close(hole->listener);
}

static void ignore_signal(int signal) { (void)signal; }

/* Also under a timer that fires all the time. */
Test(redis_canned, connecting_keeps_its_timeout) {
    struct sigaction action = {.sa_handler = ignore_signal}; /* no SA_RESTART */
    struct itimerval often = {.it_interval.tv_usec = 5000, .it_value.tv_usec = 5000};
    struct black_hole hole;
    struct redis *redis;
    black_hole_open(&hole);
    sigaction(SIGALRM, &action, NULL);
    setitimer(ITIMER_REAL, &often, NULL);
    int64_t start_ms = wait_now_ms();
    enum redis_err err = redis_open(&redis, &hole.options);
    int64_t took_ms = wait_now_ms() - start_ms;
    setitimer(ITIMER_REAL, &(struct itimerval){0}, NULL);
    cr_expect_eq(err, REDIS_LOST);
    cr_expect(took_ms >= 290 && took_ms < 1500, "took %lld ms", (long long)took_ms);
    cr_expect_str_eq(redis_error(redis), "no connection within 300 ms");
    redis_close(redis);
    black_hole_close(&hole);
}

static void *interrupt_soon(void *context) {
    usleep(50 * 1000); /* there is nothing to see from outside; an interrupt that comes early must end the call as well */
    redis_interrupt(context);
    return NULL;
}

Test(redis_canned, interrupt_ends_connecting) {
    struct black_hole hole;
    struct redis *redis;
    pthread_t thread;
    black_hole_open(&hole);
    hole.options.connect_timeout_ms = 1000;
    cr_expect_eq(redis_open(&redis, &hole.options), REDIS_LOST);
    pthread_create(&thread, NULL, interrupt_soon, redis);
    int64_t start_ms = wait_now_ms();
    cr_expect_eq(redis_reopen(redis), REDIS_LOST);
    int64_t took_ms = wait_now_ms() - start_ms;
    pthread_join(thread, NULL);
    cr_expect(took_ms < 500, "took %lld ms", (long long)took_ms);
    cr_expect_str_eq(redis_error(redis), "interrupted");
    redis_close(redis);
    black_hole_close(&hole);
}
