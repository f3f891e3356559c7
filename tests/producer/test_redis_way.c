/* The way to Redis over TCP: one that goes silent, a connection that the server still holds, a server that is no master any more. */
#include "tests/producer/redis_fixture.h"

#include <arpa/inet.h>
#include <linux/filter.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/support/node.h"
#include "tests/support/wait.h"

enum { PATIENCE_MS = 60000, NOTICED_MS = 10000 };

static char port_text[8];

static void open_tcp(void) {
    unsigned port = node_free_port();
    snprintf(port_text, sizeof port_text, "%u", port);
    server_start(&server, &(struct server_options){.extra = {"--port", port_text}});
    options = (struct redis_options){.client_name = "way-test", .connect_timeout_ms = 2000, .timeout_ms = PATIENCE_MS};
    options.url = (struct redis_url){.kind = REDIS_URL_TCP, .host = "127.0.0.1", .port = (int)port};
    cr_assert_eq(redis_open(&redis, &options), REDIS_OK, "%s", redis_error(redis));
}

TestSuite(redis_way, .init = open_tcp, .fini = redis_fixture_close, .timeout = 60);

/* Our end of the connection. */
static int own_fd(void) {
    for (int fd = 3; fd < 256; fd++) {
        struct sockaddr_in peer;
        socklen_t size = sizeof peer;
        if (getpeername(fd, (struct sockaddr *)&peer, &size) == 0 && peer.sin_family == AF_INET && ntohs(peer.sin_port) == options.url.port)
            return fd;
    }
    cr_assert_fail("no connection");
    return -1;
}

/* From now on nothing that the other side sends arrives, acknowledgements included: a cable that was cut. */
static void cut_cable(void) {
    struct sock_filter nothing = BPF_STMT(BPF_RET | BPF_K, 0);
    struct sock_fprog program = {1, &nothing};
    cr_assert_eq(setsockopt(own_fd(), SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof program), 0);
}

static void expect_noticed(const char *when) {
    int64_t since_ms = wait_now_ms();
    EXPECT_ERR(next(), REDIS_LOST);
    int64_t took_ms = wait_now_ms() - since_ms;
    cr_expect(took_ms < NOTICED_MS, "%s: noticed after %lld ms", when, (long long)took_ms);
    cr_expect(took_ms > 1000, "%s: after %lld ms already", when, (long long)took_ms);
}

Test(redis_way, half_open_is_noticed_while_waiting) {
    append("XREAD", "BLOCK", "0", "STREAMS", "s", "$", NULL);
    cr_assert_eq(redis_flush(redis), REDIS_OK);
    cr_assert(WAIT_UNTIL(strstr(server_text(&server, "INFO", "clients", NULL), "blocked_clients:1"), 5000));
    cut_cable();
    expect_noticed("waiting");
}

Test(redis_way, half_open_is_noticed_while_sending) {
    cut_cable();
    append("PING", NULL);
    expect_noticed("sending");
}

static bool has_client(int64_t id) {
    char line[32];
    snprintf(line, sizeof line, "id=%lld ", (long long)id);
    return strstr(server_text(&server, "CLIENT", "LIST", NULL), line) != NULL;
}

/* The descriptor stays open elsewhere, so the server is told nothing when the connection is given up: as if the cable were cut. */
static int64_t leave_blocked_reader(void) {
    int64_t id = redis_client_id(redis);
    server_text(&server, "XGROUP", "CREATE", "s", "g", "0", "MKSTREAM", NULL);
    append("XREADGROUP", "GROUP", "g", "c", "BLOCK", "0", "STREAMS", "s", ">", NULL);
    cr_assert_eq(redis_flush(redis), REDIS_OK);
    cr_assert(WAIT_UNTIL(strstr(server_text(&server, "INFO", "clients", NULL), "blocked_clients:1"), 5000));
    cr_assert(dup(own_fd()) >= 0);
    return id;
}

Test(redis_way, reopening_ends_what_the_server_still_holds) {
    for (int n = 0; n < 3; n++) {
        int64_t id = leave_blocked_reader();
        cr_assert_eq(redis_reopen(redis), REDIS_OK, "%s", redis_error(redis));
        cr_expect(!has_client(id), "the old connection is there still");
        server_text(&server, "XADD", "s", "*", "f", "v", NULL);
        cr_expect_eq(server_integer(&server, "XPENDING", "s", "g", NULL), 0, "the dead connection took an entry");
        server_text(&server, "DEL", "s", NULL);
    }
}

Test(redis_way, without_the_right_to_kill_it_opens_all_the_same) {
    server_text(&server, "ACL", "SETUSER", "default", "-client|kill", NULL);
    int64_t id = leave_blocked_reader();
    cr_assert_eq(redis_reopen(redis), REDIS_OK, "%s", redis_error(redis));
    cr_expect(has_client(id));
    server_text(&server, "ACL", "SETUSER", "default", "-client|info", NULL);
    cr_assert_eq(redis_reopen(redis), REDIS_OK, "%s", redis_error(redis));
    cr_expect(redis_client_id(redis) > id);
}

/* Another server may know the number of the old connection as that of somebody else. */
Test(redis_way, kills_nobody_else) {
    int64_t id = redis_client_id(redis);
    struct redis *other;
    server_kill(&server);
    server_restart(&server);
    do {
        cr_assert_eq(redis_open(&other, &options), REDIS_OK);
    } while (redis_client_id(other) < id && (redis_close(other), true));
    cr_assert_eq(redis_client_id(other), id, "the test needs the same number");
    append("PING", NULL);
    EXPECT_ERR(next(), REDIS_LOST);
    cr_assert_eq(redis_reopen(redis), REDIS_OK, "%s", redis_error(redis));
    cr_expect(has_client(id), "an innocent was killed");
    redis_close(other);
}

Test(redis_way, a_server_that_was_demoted_is_left) {
    server_text(&server, "SET", "k", "v", NULL);
    server_text(&server, "REPLICAOF", "127.0.0.1", "1", NULL);
    append("SET", "k", "1", NULL);
    append("GET", "k", NULL);
    append("SET", "k", "2", NULL);
    EXPECT_ERR(next(), REDIS_DEMOTED);
    cr_expect(!redis_is_lost(redis), "what is under way is not read");
    EXPECT_ERR(next(), REDIS_OK);
    EXPECT_ERR(next(), REDIS_DEMOTED);
    cr_expect(redis_is_lost(redis));
    cr_expect_not_null(strstr(redis_error(redis), "READONLY"));
    cr_assert_eq(redis_reopen(redis), REDIS_OK, "%s", redis_error(redis)); /* a plain url names one server, whatever it is */
    append("GET", "k", NULL);
    EXPECT_ERR(next(), REDIS_OK);
}

Test(redis_way, a_blocked_reader_of_a_demoted_server_is_woken) {
    append("XREAD", "BLOCK", "0", "STREAMS", "s", "$", NULL);
    server_text(&server, "XGROUP", "CREATE", "s", "g", "0", "MKSTREAM", NULL);
    append("XREADGROUP", "GROUP", "g", "c", "BLOCK", "0", "STREAMS", "s", ">", NULL);
    server_text(&server, "XADD", "s", "*", "f", "v", NULL);
    cr_assert_eq(redis_flush(redis), REDIS_OK);
    cr_assert(WAIT_UNTIL(strstr(server_text(&server, "INFO", "clients", NULL), "blocked_clients:1"), 5000));
    server_text(&server, "REPLICAOF", "127.0.0.1", "1", NULL);
    EXPECT_ERR(next(), REDIS_DEMOTED);
}
