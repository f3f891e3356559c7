/* The seam against a real server: pipelines, timeouts, interrupts, lost and found connections, rights. */
#include "tests/producer/redis_fixture.h"
#include "tests/support/wait.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/time.h>

TestSuite(redis_server, .init = redis_fixture_open, .fini = redis_fixture_close, .timeout = 60);

Test(redis_server, greets_with_name_and_id) {
    cr_expect_eq(redis_client_id(redis), server_integer(&server, "CLIENT", "ID", NULL) - 1);
    cr_expect_not_null(strstr(server_text(&server, "CLIENT", "LIST", NULL), "name=seam-test"));
    cr_expect_str_eq(redis_error(redis), "");
}

Test(redis_server, pipeline_answers_in_order) {
    enum { COUNT = 20000 };
    struct command c;
    struct reply reply;
    command_init(&c);
    for (int i = 0; i < COUNT; i++) {
        command_begin(&c, "INCRBY");
        command_word(&c, "sum");
        command_uint(&c, (uint64_t)i);
        redis_append(redis, &c);
    }
    command_clear(&c);
    cr_expect_eq(redis_unanswered(redis), COUNT);
    int64_t sum = 0;
    for (int i = 0; i < COUNT; i++) {
        sum += i;
        cr_assert_eq(redis_next(redis, &reply), REDIS_OK);
        cr_assert_eq(reply_integer(reply), sum, "reply %d", i);
    }
    cr_expect_eq(redis_unanswered(redis), 0);
}

/* An error in the middle belongs to its own command only. */
Test(redis_server, pipeline_with_an_error_inside) {
    append("SET", "text", "x", NULL);
    append("INCR", "text", NULL);
    append("GET", "text", NULL);
    EXPECT_ERR(next(), REDIS_OK);
    EXPECT_ERR(next(), REDIS_REFUSED);
    EXPECT_ERROR_STARTS("ERR value is not an integer");
    struct reply reply;
    EXPECT_ERR(redis_next(redis, &reply), REDIS_OK);
    cr_expect(reply_is(reply, "x"));
    cr_expect_str_eq(redis_error(redis), "");
}

Test(redis_server, binary_values_come_back) {
    static char value[1 << 20];
    struct command c;
    struct reply reply;
    size_t size;
    for (size_t i = 0; i < sizeof value; i++) value[i] = (char)(i * 31 >> 3);
    command_init(&c);
    command_begin(&c, "SET");
    command_word(&c, "k");
    command_borrow(&c, value, sizeof value);
    EXPECT_ERR(redis_call(redis, &c, &reply), REDIS_OK);
    command_clear(&c);
    append("GET", "k", NULL);
    EXPECT_ERR(redis_next(redis, &reply), REDIS_OK);
    const char *text = reply_text(reply, &size);
    cr_expect(size == sizeof value && memcmp(text, value, size) == 0);
}

Test(redis_server, flush_sends_before_anybody_reads) {
    append("SET", "flushed", "1", NULL);
    EXPECT_ERR(redis_flush(redis), REDIS_OK);
    cr_expect(WAIT_UNTIL(server_integer(&server, "EXISTS", "flushed", NULL) == 1, 5000));
    cr_expect_eq(redis_unanswered(redis), 1);
    EXPECT_ERR(next(), REDIS_OK);
}

Test(redis_server, detached_reply_outlives_the_next) {
    append("ECHO", "first", NULL);
    append("ECHO", "second", NULL);
    EXPECT_ERR(next(), REDIS_OK);
    struct reply kept = redis_detach(redis);
    cr_expect_eq(reply_type(redis_detach(redis)), REPLY_NIL, "it can be had once");
    EXPECT_ERR(next(), REDIS_OK);
    EXPECT_ERR(redis_reopen(redis), REDIS_OK);
    cr_expect(reply_is(kept, "first"));
    reply_release(kept);
    reply_release((struct reply){NULL});
}

Test(redis_server, silence_is_lost_and_stays_lost) {
    redis_set_timeout(redis, 200);
    append("DEBUG", "SLEEP", "1", NULL);
    int64_t start_ms = wait_now_ms();
    EXPECT_ERR(next(), REDIS_LOST);
    int64_t took_ms = wait_now_ms() - start_ms;
    cr_expect(took_ms >= 190 && took_ms < 800, "took %lld ms", (long long)took_ms);
    cr_expect_str_eq(redis_error(redis), "timed out after 200 ms");
    cr_expect(redis_is_lost(redis));
    append("PING", NULL);
    cr_expect_eq(redis_unanswered(redis), 0, "nothing is queued on a lost connection");
    EXPECT_ERR(next(), REDIS_LOST);
    EXPECT_ERR(redis_flush(redis), REDIS_LOST);
    cr_expect_str_eq(redis_error(redis), "timed out after 200 ms", "the first error stays");
    redis_set_timeout(redis, 5000);
    EXPECT_ERR(redis_reopen(redis), REDIS_OK);
    struct reply reply;
    append("ECHO", "not the late reply", NULL);
    EXPECT_ERR(redis_next(redis, &reply), REDIS_OK);
    cr_expect(reply_is(reply, "not the late reply"));
}

static void ignore_signal(int signal) { (void)signal; }

/* A timer that fires all the time neither ends nor fails a wait. */
Test(redis_server, signals_do_not_end_a_wait) {
    struct sigaction action = {.sa_handler = ignore_signal}; /* no SA_RESTART */
    struct itimerval often = {.it_interval.tv_usec = 2000, .it_value.tv_usec = 2000};
    sigaction(SIGALRM, &action, NULL);
    setitimer(ITIMER_REAL, &often, NULL);
    append("DEBUG", "SLEEP", "0.3", NULL);
    EXPECT_ERR(next(), REDIS_OK);
    for (int i = 0; i < 50; i++) EXPECT_ERR(redis_reopen(redis), REDIS_OK);
    setitimer(ITIMER_REAL, &(struct itimerval){0}, NULL);
}

static int64_t interrupted_at_ms;
static atomic_bool is_blocked_seen;

static bool wait_for_a_blocked_client(void) {
    return WAIT_UNTIL(strstr(server_text(&server, "INFO", "clients", NULL), "blocked_clients:1") != NULL, 10000);
}

static void *interrupt_when_blocked(void *context) {
    (void)context;
    atomic_store(&is_blocked_seen, wait_for_a_blocked_client());
    interrupted_at_ms = wait_now_ms();
    redis_interrupt(redis);
    return NULL;
}

Test(redis_server, interrupt_ends_a_blocked_call) {
    pthread_t thread;
    append("BLPOP", "nothing", "8", NULL);
    pthread_create(&thread, NULL, interrupt_when_blocked, NULL);
    EXPECT_ERR(next(), REDIS_LOST);
    int64_t returned_at_ms = wait_now_ms();
    pthread_join(thread, NULL);
    cr_expect(atomic_load(&is_blocked_seen));
    cr_expect(returned_at_ms - interrupted_at_ms < 100, "took %lld ms", (long long)(returned_at_ms - interrupted_at_ms));
    cr_expect_str_eq(redis_error(redis), "interrupted");
    append("PING", NULL);
    EXPECT_ERR(next(), REDIS_LOST);
    EXPECT_ERR(redis_reopen(redis), REDIS_OK);
    append("PING", NULL);
    EXPECT_ERR(next(), REDIS_OK);
}

/* It is not forgotten when no call is under way: the next one gets it, whichever it is. */
Test(redis_server, interrupt_between_calls_ends_the_next) {
    redis_interrupt(redis);
    append("SET", "k", "v", NULL);
    EXPECT_ERR(next(), REDIS_LOST);
    cr_expect_str_eq(redis_error(redis), "interrupted");
    cr_expect_eq(server_integer(&server, "EXISTS", "k", NULL), 0);
    redis_interrupt(redis);
    EXPECT_ERR(redis_reopen(redis), REDIS_LOST);
    cr_expect_str_eq(redis_error(redis), "interrupted");
    EXPECT_ERR(redis_reopen(redis), REDIS_OK);
}

/* Not even replies that are here already are given out after it. */
Test(redis_server, interrupt_holds_back_replies_already_read) {
    append("ECHO", "one", NULL);
    append("ECHO", "two", NULL);
    EXPECT_ERR(next(), REDIS_OK);
    redis_interrupt(redis);
    EXPECT_ERR(next(), REDIS_LOST);
    cr_expect_eq(redis_unanswered(redis), 0);
}

static void *interrupt_often(void *context) {
    atomic_bool *stop = context;
    while (!atomic_load(stop)) redis_interrupt(redis);
    return NULL;
}

/* Interrupts against reopens, as fast as they go: every descriptor that is shut down is ours (the test's own connection lives on). */
Test(redis_server, interrupts_race_with_reopens) {
    atomic_bool stop = false;
    pthread_t thread;
    pthread_create(&thread, NULL, interrupt_often, &stop);
    int lost = 0;
    for (int i = 0; i < 2000; i++) {
        if (redis_reopen(redis)) lost++;
        append("PING", NULL);
        if (next()) lost++;
        cr_assert_str_eq(server_text(&server, "PING", NULL), "PONG", "round %d", i);
    }
    atomic_store(&stop, true);
    pthread_join(thread, NULL);
    cr_expect(lost > 0);
    enum redis_err err = redis_reopen(redis);
    if (err) err = redis_reopen(redis);
    EXPECT_ERR(err, REDIS_OK);
}

/* With SIGPIPE at its deadly default, as in a program that embeds the library. */
Test(redis_server, dead_server_raises_no_signal) {
    sigset_t mask, pending;
    signal(SIGPIPE, SIG_DFL);
    server_kill(&server);
    for (int i = 0; i < 3; i++) {
        append("PING", NULL);
        enum redis_err ignored = redis_flush(redis);
        (void)ignored;
    }
    append("PING", NULL);
    EXPECT_ERR(next(), REDIS_LOST);
    pthread_sigmask(SIG_SETMASK, NULL, &mask);
    sigpending(&pending);
    cr_expect(!sigismember(&mask, SIGPIPE) && !sigismember(&pending, SIGPIPE), "the mask is as it was, nothing is pending");
    EXPECT_ERR(redis_reopen(redis), REDIS_LOST);
    cr_expect(*redis_error(redis));
    server_restart(&server);
    EXPECT_ERR(redis_reopen(redis), REDIS_OK);
    append("PING", NULL);
    EXPECT_ERR(next(), REDIS_OK);
}

Test(redis_server, killed_connection_is_lost_in_the_middle_of_a_pipeline) {
    char id[24];
    snprintf(id, sizeof id, "%lld", (long long)redis_client_id(redis));
    append("SET", "a", "1", NULL);
    append("CLIENT", "KILL", "ID", id, "SKIPME", "no", NULL);
    append("SET", "b", "1", NULL);
    EXPECT_ERR(next(), REDIS_OK);
    EXPECT_ERR(next(), REDIS_OK);
    EXPECT_ERR(next(), REDIS_LOST);
    cr_expect_eq(redis_unanswered(redis), 0);
    cr_expect_eq(server_integer(&server, "EXISTS", "b", NULL), 0);
}

static void *delete_when_blocked(void *context) {
    if (wait_for_a_blocked_client()) server_text(&server, "DEL", context, NULL);
    return NULL;
}

Test(redis_server, stream_deleted_under_a_blocked_read) {
    pthread_t thread;
    cr_assert_str_eq(server_text(&server, "XGROUP", "CREATE", "s", "g", "$", "MKSTREAM", NULL), "OK");
    append("XREADGROUP", "GROUP", "g", "c", "BLOCK", "8000", "STREAMS", "s", ">", NULL);
    pthread_create(&thread, NULL, delete_when_blocked, (void *)(uintptr_t) "s");
    EXPECT_ERR(next(), REDIS_NOGROUP);
    pthread_join(thread, NULL);
    cr_expect(!redis_is_lost(redis));
}

static void reopen_as(const char *user, const char *password, int db) {
    redis_close(redis);
    struct redis_options as = options;
    snprintf(as.url.user, sizeof as.url.user, "%s", user);
    snprintf(as.url.password, sizeof as.url.password, "%s", password);
    as.url.db = db;
    enum redis_err ignored = redis_open(&redis, &as);
    (void)ignored;
}

Test(redis_server, passwords) {
    static const struct {
        const char *user, *password, *starts;
    } rows[] = {
        {"", "", "NOAUTH "},         {"", "wrong", "WRONGPASS "},        {"", "right", NULL},
        {"default", "right", NULL}, {"nobody", "right", "WRONGPASS "},
    };
    cr_assert_str_eq(server_text(&server, "CONFIG", "SET", "requirepass", "right", NULL), "OK");
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        reopen_as(rows[i].user, rows[i].password, 0);
        cr_expect_eq(redis_is_lost(redis), rows[i].starts != NULL, "row %zu: %s", i, redis_error(redis));
        if (rows[i].starts) {
            EXPECT_ERR(redis_reopen(redis), REDIS_REFUSED);
            EXPECT_ERROR_STARTS(rows[i].starts);
        } else {
            EXPECT_ERR(redis_reopen(redis), REDIS_OK);
        }
    }
}

/* NOAUTH on a connection that was good: it is given up, and the next one logs in. */
Test(redis_server, who_is_forgotten_logs_in_again) {
    cr_assert_str_eq(server_text(&server, "CONFIG", "SET", "requirepass", "right", NULL), "OK");
    reopen_as("", "right", 0);
    append("RESET", NULL);
    EXPECT_ERR(next(), REDIS_OK);
    append("GET", "a", NULL), append("GET", "b", NULL);
    EXPECT_ERR(next(), REDIS_REFUSED);
    EXPECT_ERROR_STARTS("NOAUTH ");
    cr_expect(!redis_is_lost(redis), "a reply is still to come");
    EXPECT_ERR(next(), REDIS_REFUSED);
    cr_expect(redis_is_lost(redis));
    EXPECT_ERR(redis_reopen(redis), REDIS_OK);
    append("GET", "a", NULL);
    EXPECT_ERR(next(), REDIS_OK);
}

/* Who may not use CLIENT is known by no name, and works. */
Test(redis_server, user_without_rights_to_client) {
    cr_assert_str_eq(server_text(&server, "ACL", "SETUSER", "till", "on", ">pw", "~*", "+@all", "-client", NULL), "OK");
    reopen_as("till", "pw", 0);
    cr_assert(!redis_is_lost(redis), "%s", redis_error(redis));
    cr_expect_eq(redis_client_id(redis), 0);
    append("SET", "k", "v", NULL);
    append("CLIENT", "ID", NULL);
    EXPECT_ERR(next(), REDIS_OK);
    EXPECT_ERR(next(), REDIS_REFUSED);
    EXPECT_ERROR_STARTS("NOPERM ");
}

Test(redis_server, database_is_chosen_again_after_reopen) {
    reopen_as("", "", 9);
    for (int i = 0; i < 2; i++) {
        append("INCR", "n", NULL);
        EXPECT_ERR(next(), REDIS_OK);
        EXPECT_ERR(redis_reopen(redis), REDIS_OK);
    }
    cr_expect_not_null(strstr(server_text(&server, "INFO", "keyspace", NULL), "db9:keys=1"));
    reopen_as("", "", 999);
    EXPECT_ERR(redis_reopen(redis), REDIS_REFUSED);
    EXPECT_ERROR_STARTS("ERR DB index");
}

Test(redis_server, too_many_clients_is_busy_or_lost) {
    cr_assert_str_eq(server_text(&server, "CONFIG", "SET", "maxclients", "2", NULL), "OK");
    struct redis *more;
    enum redis_err err = redis_open(&more, &options);
    cr_expect(err == REDIS_BUSY || err == REDIS_LOST, "%s (%s)", redis_err_word(err), redis_error(more));
    cr_expect(redis_is_lost(more));
    redis_close(more);
}

/* A stopped server answers nobody: the greeting times out. */
Test(redis_server, open_is_bounded) {
    server_pause(&server);
    struct redis_options brief = options;
    brief.timeout_ms = 200;
    struct redis *other;
    int64_t start_ms = wait_now_ms();
    EXPECT_ERR(redis_open(&other, &brief), REDIS_LOST);
    cr_expect_str_eq(redis_error(other), "timed out after 200 ms");
    cr_expect(wait_now_ms() - start_ms < 2000);
    redis_close(other);
    redis_close(NULL);
    server_resume(&server);
}
