/* What the nodes of a Redis Cluster may say, and what becomes of the commands: canned nodes, each a thread. */
#include "producer/redis.h"
#include "producer/redis_slot.h"
#include "tests/support/wait.h"

#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { NODES = 3, SAYS_MAX = 12, TIMEOUT_MS = 1500 };

/* Answers CLUSTER SLOTS with `topology`, everything but the greeting with what is next in `says`, and writes down what it was asked. */
static struct node {
    int listener, port;
    pthread_t thread;
    const char *says[SAYS_MAX];
    char heard[512]; /* "GET {a}x; ASKING; ..." */
    unsigned said, asked;
} nodes[NODES];
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static char topology[1024];
static struct redis *redis;
static struct redis_options options;

/* One command of the bytes: its words with a space between. How many bytes it took; 0: it is not all there. */
static size_t take_command(const char *bytes, size_t size, char *words, size_t capacity) {
    char *end;
    const char *stop = bytes + size, *at = bytes;
    words[0] = '\0';
    if (size < 4 || !memchr(at, '\n', size)) return 0;
    long count = strtol(at + 1, &end, 10);
    at = end + 2;
    for (long n = 0; n < count; n++) {
        if (at >= stop || !memchr(at, '\n', (size_t)(stop - at))) return 0;
        long length = strtol(at + 1, &end, 10);
        at = end + 2;
        if (at + length + 2 > stop) return 0;
        size_t used = strlen(words);
        snprintf(words + used, capacity - used, "%s%.*s", n ? " " : "", (int)length, at);
        at += length + 2;
    }
    return (size_t)(at - bytes);
}

static void answer(struct node *node, int fd, const char *words) {
    const char *text = "-ERR nothing more to say\r\n";
    pthread_mutex_lock(&mutex);
    if (strncmp(words, "CLIENT I", 8) == 0) text = strcmp(words, "CLIENT ID") == 0 ? ":7\r\n" : "$4\r\nid=7\r\n";
    else if (strcmp(words, "CLUSTER SLOTS") == 0) text = (node->asked++, topology);
    else {
        size_t used = strlen(node->heard);
        snprintf(node->heard + used, sizeof node->heard - used, "%s%s", used ? "; " : "", words);
        if (strcmp(words, "ASKING") == 0) text = "+OK\r\n";
        else if (node->said < SAYS_MAX && node->says[node->said]) text = node->says[node->said++];
    }
    ssize_t ignored = send(fd, text, strlen(text), MSG_NOSIGNAL);
    (void)ignored;
    pthread_mutex_unlock(&mutex);
}

struct conversation { struct node *node; int fd; };
static void *talk(void *context) {
    struct conversation *c = context;
    char bytes[4096], words[256];
    size_t size = 0;
    ssize_t got;
    while ((got = recv(c->fd, bytes + size, sizeof bytes - size, 0)) > 0) {
        size += (size_t)got;
        for (size_t used; (used = take_command(bytes, size, words, sizeof words)) > 0; size -= used) {
            answer(c->node, c->fd, words);
            memmove(bytes, bytes + used, size - used);
        }
    }
    close(c->fd), free(c);
    return NULL;
}

static void *serve(void *context) {
    struct node *node = context;
    pthread_t thread;
    int fd;
    while ((fd = accept(node->listener, NULL, NULL)) >= 0) {
        struct conversation *c = malloc(sizeof *c);
        *c = (struct conversation){node, fd};
        cr_assert_eq(pthread_create(&thread, NULL, talk, c), 0);
        pthread_detach(thread);
    }
    return NULL;
}

static void start_node(struct node *node) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    node->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    cr_assert(!bind(node->listener, (struct sockaddr *)&address, size) && !getsockname(node->listener, (struct sockaddr *)&address, &size));
    node->port = ntohs(address.sin_port);
    cr_assert(!listen(node->listener, 64) && !pthread_create(&node->thread, NULL, serve, node));
}

static void kill_node(struct node *node) {
    shutdown(node->listener, SHUT_RDWR);
    pthread_join(node->thread, NULL), close(node->listener);
}

/* {b} has slot 3300, {c} 7365, {a} 15495. */
static void lay_out(int b, int c, int a) {
    pthread_mutex_lock(&mutex);
    snprintf(topology, sizeof topology,
             "*3\r\n*3\r\n:0\r\n:5460\r\n*2\r\n$9\r\n127.0.0.1\r\n:%d\r\n*3\r\n:5461\r\n:10922\r\n*2\r\n$9\r\n127.0.0.1\r\n:%d\r\n"
             "*3\r\n:10923\r\n:16383\r\n*3\r\n$0\r\n\r\n:%d\r\n$2\r\nid\r\n", b, c, a);
    pthread_mutex_unlock(&mutex);
}

static void start(void) {
    for (int n = 0; n < NODES; n++) start_node(&nodes[n]);
    lay_out(nodes[0].port, nodes[1].port, nodes[2].port);
    options = (struct redis_options){.connect_timeout_ms = TIMEOUT_MS, .timeout_ms = TIMEOUT_MS, .url.kind = REDIS_URL_CLUSTER};
    snprintf(options.url.seeds, sizeof options.url.seeds, "127.0.0.1:%d", nodes[0].port);
}

static void stop(void) { redis_close(redis); }

TestSuite(redis_cluster, .init = start, .fini = stop, .timeout = 60);

static void open_redis(void) {
    enum redis_err err = redis_open(&redis, &options);
    cr_assert_eq(err, REDIS_OK, "%s", redis_error(redis));
}

static void append(const char *first, ...) {
    struct command c;
    va_list arguments;
    command_init(&c);
    command_begin(&c, first);
    va_start(arguments, first);
    for (const char *text; (text = va_arg(arguments, const char *));) command_word(&c, text);
    va_end(arguments);
    redis_append(redis, &c);
    command_clear(&c);
}

static void expect_text(const char *text) {
    struct reply reply;
    enum redis_err err = redis_next(redis, &reply);
    cr_expect(!err && reply_is(reply, text), "%s: %s %s %s", text, redis_err_word(err), redis_error(redis), reply_text(reply, NULL));
}

static void expect_err(enum redis_err expected, const char *text) {
    struct reply reply;
    enum redis_err err = redis_next(redis, &reply);
    cr_expect_eq(err, expected, "%s: %s (%s)", text, redis_err_word(err), redis_error(redis));
    cr_expect_not_null(strstr(redis_error(redis), text), "%s", redis_error(redis));
}

static void expect_heard(int node, const char *words) {
    pthread_mutex_lock(&mutex);
    cr_expect_str_eq(nodes[node].heard, words, "node %d", node);
    pthread_mutex_unlock(&mutex);
}

static const char *led_to(const char *how, int slot, int port) {
    static char texts[8][64];
    static unsigned next;
    char *text = texts[next++ % 8];
    snprintf(text, sizeof *texts, "-%s %d 127.0.0.1:%d\r\n", how, slot, port);
    return text;
}

/* --- where things go --- */

Test(redis_cluster, slots) {
    static const struct { const char *key; unsigned slot; } rows[] = {
        {"123456789", 12739}, {"a", 15495}, {"b", 3300}, {"x{a}y", 15495}, {"{b}", 3300}, {"{b}{a}", 3300}, {"foo{}{bar}", 8363},
        {"{till:0}:meta", 0}, {"foo{{bar}}zap", 4015}, {"", 0},
    };
    for (size_t n = 0; n < sizeof rows / sizeof *rows; n++) {
        if (strncmp(rows[n].key, "{till", 5) == 0) cr_expect_eq(redis_slot(rows[n].key, 13), redis_slot("till:0", 6));
        else cr_expect_eq(redis_slot(rows[n].key, strlen(rows[n].key)), rows[n].slot, "%s", rows[n].key);
    }
}

Test(redis_cluster, keys_of_commands) {
    static const struct { const char *words[12]; bool keyed; } rows[] = {
        {{"GET", "{a}"}, true}, {{"EVALSHA", "sha", "1", "{a}", "{b}"}, true}, {{"EVALSHA", "sha", "0", "{b}"}, false}, {{"TIME"}, false},
        {{"XINFO", "STREAM", "{a}"}, true}, {{"XGROUP", "CREATE", "{a}", "g", "0"}, true}, {{"INFO", "memory"}, false},
        {{"XREADGROUP", "GROUP", "g", "STREAMS", "COUNT", "1", "STREAMS", "{a}", ">"}, true}, {{"xread", "streams", "{a}", "0"}, true},
        {{"SCRIPT", "LOAD", "{b}"}, false}, {{"WAIT", "1", "0"}, false}, {{"GET"}, false},
    };
    for (size_t n = 0; n < sizeof rows / sizeof *rows; n++) {
        struct command c;
        command_init(&c);
        command_begin(&c, rows[n].words[0]);
        for (int w = 1; rows[n].words[w]; w++) command_word(&c, rows[n].words[w]);
        cr_expect_eq(redis_slot_of(&c), rows[n].keyed ? 15495u : (unsigned)REDIS_SLOT_NONE, "row %zu", n);
        command_clear(&c);
    }
}

Test(redis_cluster, each_goes_to_its_node_and_answers_come_in_order) {
    nodes[0].says[0] = "+b1\r\n", nodes[0].says[1] = "+b2\r\n", nodes[2].says[0] = "+a1\r\n", nodes[2].says[1] = "+a2\r\n";
    open_redis();
    append("GET", "{b}1", NULL), append("GET", "{a}1", NULL), append("GET", "{a}2", NULL), append("GET", "{b}2", NULL);
    cr_expect_eq(redis_unanswered(redis), 4);
    expect_text("b1"), expect_text("a1"), expect_text("a2"), expect_text("b2");
    expect_heard(0, "GET {b}1; GET {b}2"), expect_heard(2, "GET {a}1; GET {a}2");
    expect_heard(1, "");
}

/* --- being led elsewhere --- */

Test(redis_cluster, moved_is_followed_and_remembered) {
    nodes[2].says[0] = led_to("MOVED", 15495, nodes[1].port);
    nodes[1].says[0] = "+OK\r\n", nodes[1].says[1] = "+again\r\n";
    open_redis();
    lay_out(nodes[0].port, nodes[1].port, nodes[1].port);
    append("SET", "{a}", "v", NULL);
    expect_text("OK");
    append("GET", "{a}", NULL);
    expect_text("again");
    expect_heard(2, "SET {a} v"), expect_heard(1, "SET {a} v; GET {a}");
}

/* Two were under way when the first was led elsewhere, and a third came behind: it must not overtake the second. */
Test(redis_cluster, moved_keeps_the_order) {
    nodes[2].says[0] = nodes[2].says[1] = nodes[2].says[2] = led_to("MOVED", 15495, nodes[1].port);
    nodes[1].says[0] = "+1\r\n", nodes[1].says[1] = "+2\r\n", nodes[1].says[2] = "+3\r\n", nodes[1].says[3] = "+4\r\n";
    open_redis();
    append("XADD", "{a}", "1", NULL), append("XADD", "{a}", "2", NULL);
    expect_text("1");
    append("XADD", "{a}", "3", NULL);
    expect_text("2"), expect_text("3");
    append("XADD", "{a}", "4", NULL);
    expect_text("4");
    expect_heard(1, "XADD {a} 1; XADD {a} 2; XADD {a} 3; XADD {a} 4");
}

/* What else is under way at the node it was led to answers before it. */
Test(redis_cluster, moved_to_a_busy_node) {
    nodes[2].says[0] = led_to("MOVED", 15495, nodes[0].port);
    nodes[0].says[0] = "+b1\r\n", nodes[0].says[1] = "+b2\r\n", nodes[0].says[2] = "+a\r\n";
    open_redis();
    append("GET", "{a}", NULL), append("GET", "{b}1", NULL), append("GET", "{b}2", NULL);
    expect_text("a"), expect_text("b1"), expect_text("b2");
}

Test(redis_cluster, moved_in_a_circle_is_busy) {
    for (int n = 0; n < SAYS_MAX; n++) nodes[2].says[n] = led_to("MOVED", 15495, nodes[2].port);
    options.connect_timeout_ms = 100;
    open_redis();
    append("GET", "{a}", NULL);
    int64_t since_ms = wait_now_ms();
    expect_err(REDIS_BUSY, "MOVED 15495");
    cr_expect(wait_now_ms() - since_ms < TIMEOUT_MS, "took %lld ms", (long long)(wait_now_ms() - since_ms));
    cr_expect(!redis_is_lost(redis));
}

Test(redis_cluster, ask_is_followed_once) {
    nodes[2].says[0] = nodes[2].says[1] = led_to("ASK", 15495, nodes[1].port), nodes[2].says[2] = "+here\r\n";
    nodes[1].says[0] = "+1\r\n", nodes[1].says[1] = "+2\r\n";
    open_redis();
    append("GET", "{a}1", NULL), append("GET", "{a}2", NULL);
    expect_text("1"), expect_text("2");
    append("GET", "{a}3", NULL);
    expect_text("here");
    expect_heard(1, "ASKING; GET {a}1; ASKING; GET {a}2"), expect_heard(2, "GET {a}1; GET {a}2; GET {a}3");
    cr_expect_eq(nodes[0].asked + nodes[1].asked + nodes[2].asked, 1, "the topology is asked for again");
}

Test(redis_cluster, what_says_wait_is_not_sent_again) {
    nodes[2].says[0] = "-TRYAGAIN Multiple keys request during rehashing of slot\r\n";
    nodes[2].says[1] = "-CLUSTERDOWN The cluster is down\r\n";
    nodes[2].says[2] = "+OK\r\n";
    open_redis();
    append("EVALSHA", "sha", "2", "{a}1", "{a}2", NULL), append("GET", "{a}", NULL), append("GET", "{a}", NULL);
    expect_err(REDIS_BUSY, "TRYAGAIN"), expect_err(REDIS_BUSY, "CLUSTERDOWN");
    expect_text("OK");
    expect_heard(2, "EVALSHA sha 2 {a}1 {a}2; GET {a}; GET {a}");
}

static const struct { const char *name, *text; } strange[] = {
    {"no address", "-MOVED 15495\r\n"},
    {"no port", "-MOVED 15495 127.0.0.1\r\n"},
    {"port 0", "-MOVED 15495 127.0.0.1:0\r\n"},
    {"slot 16384", "-MOVED 16384 127.0.0.1:7000\r\n"},
    {"slot x", "-ASK x 127.0.0.1:7000\r\n"},
};

Test(redis_cluster, what_cannot_be_followed_is_told) {
    for (size_t n = 0; n < sizeof strange / sizeof *strange; n++) nodes[2].says[n] = strange[n].text;
    open_redis();
    for (size_t n = 0; n < sizeof strange / sizeof *strange; n++) {
        append("GET", "{a}", NULL);
        struct reply reply;
        cr_expect_eq(redis_next(redis, &reply), REDIS_MOVED, "%s", strange[n].name);
    }
}

Test(redis_cluster, a_home_that_moves_is_left) {
    nodes[2].says[0] = led_to("MOVED", 15495, nodes[1].port), nodes[2].says[1] = led_to("MOVED", 15495, nodes[1].port);
    nodes[1].says[0] = "+OK\r\n", nodes[1].says[1] = "+home\r\n";
    open_redis();
    cr_assert_eq(redis_home(redis, "{a}", 3), REDIS_OK);
    cr_expect_eq(redis_client_id(redis), 7);
    append("XADD", "{a}", NULL), append("XADD", "{a}", NULL);
    expect_err(REDIS_DEMOTED, "MOVED"), expect_err(REDIS_DEMOTED, "MOVED");
    cr_expect(redis_is_lost(redis));
    lay_out(nodes[0].port, nodes[1].port, nodes[1].port);
    cr_assert_eq(redis_reopen(redis), REDIS_OK, "%s", redis_error(redis));
    append("XADD", "{a}", NULL), append("WAIT", "1", "0", NULL);
    expect_text("OK"), expect_text("home");
    expect_heard(1, "XADD {a}; WAIT 1 0"); /* what names no key goes home */
}

Test(redis_cluster, one_node_away_is_away_for_its_keys_only) {
    kill_node(&nodes[2]);
    nodes[0].says[0] = "+b\r\n", nodes[1].says[0] = "+c\r\n";
    open_redis();
    append("GET", "{b}", NULL), append("GET", "{a}", NULL), append("GET", "{c}", NULL);
    expect_text("b");
    expect_err(REDIS_AWAY, "Connection refused");
    expect_text("c");
    cr_expect(!redis_is_lost(redis));
    cr_expect_eq(redis_home(redis, "{a}", 3), REDIS_AWAY);
    cr_expect(redis_is_lost(redis), "the home is not there");
}

Test(redis_cluster, another_master_is_found_when_one_is_away) {
    kill_node(&nodes[2]);
    nodes[1].says[0] = "+taken over\r\n";
    open_redis();
    usleep(250 * 1000); /* the topology is not asked for more often than that */
    lay_out(nodes[0].port, nodes[1].port, nodes[1].port);
    append("GET", "{a}", NULL);
    expect_text("taken over");
}

Test(redis_cluster, one_live_seed_is_enough) {
    kill_node(&nodes[0]);
    lay_out(nodes[1].port, nodes[1].port, nodes[2].port);
    snprintf(options.url.seeds, sizeof options.url.seeds, "127.0.0.1:%d,127.0.0.1:1,127.0.0.1:%d", nodes[0].port, nodes[1].port);
    nodes[1].says[0] = "+b\r\n";
    open_redis();
    append("GET", "{b}", NULL);
    expect_text("b");
}

static const struct { const char *name, *text, *error; enum redis_err err; } layouts[] = {
    {"no slots", "*0\r\n", "no node has any slot", REDIS_BUSY},
    {"no cluster", "-ERR This instance has cluster support disabled\r\n", "cluster support disabled", REDIS_REFUSED},
    {"a password is wanted", "-NOAUTH Authentication required.\r\n", "NOAUTH", REDIS_REFUSED},
    {"no array", ":7\r\n", "CLUSTER SLOTS", REDIS_GARBLED},
    {"no nodes", "*1\r\n*2\r\n:0\r\n:5\r\n", "CLUSTER SLOTS", REDIS_GARBLED},
    {"slots beyond", "*1\r\n*3\r\n:0\r\n:16384\r\n*2\r\n$9\r\n127.0.0.1\r\n:7000\r\n", "CLUSTER SLOTS", REDIS_GARBLED},
    {"slots backwards", "*1\r\n*3\r\n:9\r\n:3\r\n*2\r\n$9\r\n127.0.0.1\r\n:7000\r\n", "CLUSTER SLOTS", REDIS_GARBLED},
    {"garbage", "hello\r\n", "Protocol error", REDIS_GARBLED},
};

Test(redis_cluster, layouts_that_cannot_be) {
    for (size_t n = 0; n < sizeof layouts / sizeof *layouts; n++) {
        snprintf(topology, sizeof topology, "%s", layouts[n].text);
        enum redis_err err = redis_open(&redis, &options);
        cr_expect_eq(err, layouts[n].err, "%s: %s (%s)", layouts[n].name, redis_err_word(err), redis_error(redis));
        cr_expect_not_null(strstr(redis_error(redis), layouts[n].error), "%s: %s", layouts[n].name, redis_error(redis));
        cr_expect(redis_is_lost(redis));
        redis_close(redis);
        redis = NULL;
    }
}

Test(redis_cluster, slots_that_nobody_has) {
    snprintf(topology, sizeof topology, "*1\r\n*3\r\n:0\r\n:5460\r\n*2\r\n$9\r\n127.0.0.1\r\n:%d\r\n", nodes[0].port);
    nodes[0].says[0] = "+b\r\n";
    open_redis();
    append("GET", "{a}", NULL), append("GET", "{b}", NULL);
    expect_err(REDIS_BUSY, "no node has slot 15495");
    expect_text("b");
}

static void *interrupt_soon(void *context) {
    usleep(100 * 1000);
    redis_interrupt(context);
    return NULL;
}

Test(redis_cluster, interrupt_is_told_once) {
    pthread_t thread;
    nodes[2].says[0] = "", nodes[0].says[0] = "+b\r\n"; /* silence */
    open_redis();
    append("GET", "{a}", NULL);
    cr_assert_eq(pthread_create(&thread, NULL, interrupt_soon, redis), 0);
    expect_err(REDIS_LOST, "interrupted");
    pthread_join(thread, NULL);
    cr_expect(redis_is_lost(redis));
    cr_assert_eq(redis_reopen(redis), REDIS_OK, "%s", redis_error(redis));
    append("GET", "{b}", NULL);
    expect_text("b");
}

Test(redis_cluster, a_lost_node_loses_all) {
    nodes[2].says[0] = "$5\r\nhel"; /* and no more */
    nodes[0].says[0] = "+b\r\n";
    options.timeout_ms = 200;
    open_redis();
    append("GET", "{a}", NULL), append("GET", "{b}", NULL);
    expect_err(REDIS_LOST, "timed out");
    cr_expect(redis_is_lost(redis) && redis_unanswered(redis) == 0);
}

Test(redis_cluster, every_node_can_be_asked) {
    unsigned count = 0;
    for (int n = 0; n < NODES; n++) nodes[n].says[0] = n == 1 ? led_to("MOVED", 15495, nodes[0].port) : "+fine\r\n";
    open_redis();
    for (unsigned node = 0; redis_node_next(redis, &node); node++, count++) {
        struct command c;
        command_init(&c);
        command_begin(&c, "INFO");
        redis_append_to(redis, &c, node);
        command_clear(&c);
    }
    cr_assert_eq(count, NODES);
    expect_text("fine");
    expect_err(REDIS_MOVED, "MOVED"); /* who asks one node means that one */
    expect_text("fine");
}

/* What was written where, and only there; the smallest reply counts. Not to be believed when it was led elsewhere meanwhile. */
Test(redis_cluster, wait_is_asked_of_every_node_written_to) {
    struct reply reply;
    nodes[0].says[0] = "+1-0\r\n", nodes[0].says[1] = ":2\r\n", nodes[1].says[0] = "+v\r\n";
    nodes[2].says[0] = "+1-0\r\n", nodes[2].says[1] = ":1\r\n", nodes[2].says[2] = "+2-0\r\n", nodes[2].says[3] = ":3\r\n";
    nodes[2].says[4] = led_to("MOVED", 15495, nodes[1].port), nodes[2].says[5] = ":3\r\n", nodes[1].says[1] = "+3-0\r\n";
    open_redis();
    append("XADD", "{b}", NULL), append("XADD", "{a}", NULL), append("GET", "{c}", NULL), append("WAIT", "1", "9", NULL);
    expect_text("1-0"), expect_text("1-0"), expect_text("v");
    cr_expect(redis_next(redis, &reply) == REDIS_OK && reply_integer(reply) == 1, "%lld", (long long)reply_integer(reply));
    append("XADD", "{a}", NULL), append("WAIT", "1", "9", NULL);
    expect_text("2-0");
    cr_expect(redis_next(redis, &reply) == REDIS_OK && reply_integer(reply) == 3);
    append("XADD", "{a}", NULL), append("WAIT", "1", "9", NULL);
    expect_text("3-0"), expect_err(REDIS_BUSY, "what was written went to another node");
    expect_heard(0, "XADD {b}; WAIT 1 9"), expect_heard(1, "GET {c}; XADD {a}");
    expect_heard(2, "XADD {a}; WAIT 1 9; XADD {a}; WAIT 1 9; XADD {a}; WAIT 1 9");
}
