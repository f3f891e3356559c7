/* Bulk answers: what is told to the intents of an entry that asks for it, byte for byte; whatever the batches, and whatever goes wrong. */
#include <criterion/criterion.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "schema/bulk.h"
#include "tests/support/wait.h"
#include "tests/worker/fold.h"
#include "tests/worker/table.h"

static struct fold fold;

static void start(void) {
    fold_start(&fold, 1, FOLD_BATCH);
    fold.shares = true;
}
static void stop(void) { fold_stop(&fold); }

TestSuite(bulk_answers, .init = start, .fini = stop, .timeout = 60);

/* a has 970 and paid k of 30, c has 50, m sells. */
#define BASE TABLE_BASE "open account=c kind=user; topup account=c amount=50; pay account=a to=m amount=30 key=k"
enum { BASE_COUNT = 6 };

/* A line for each entry of the stream that has `answers`, with '|' for the tabs in it and '/' for its line feeds: "SOURCE AT ENTRY DURABLE:
 * VALUES". Of the others "-". Valid until the next call. */
static const char *told(const char *source) {
    static char text[20000];
    char stream[64];
    struct reply range;
    size_t size = 0;
    snprintf(stream, sizeof stream, "responses:%s", source);
    command_begin(&fold.command, "XRANGE");
    command_word(&fold.command, fold_key(&fold, 0, stream));
    command_word(&fold.command, "-");
    command_word(&fold.command, "+");
    cr_assert_eq(redis_call(fold.redis, &fold.command, &range), REDIS_OK);
    text[0] = '\0';
    for (size_t n = 0; n < reply_count(range); n++) {
        struct reply fields = reply_at(reply_at(range, n), 1);
        size_t from = size;
        if (!reply_is(reply_at(fields, 8), "answers")) {
            size += (size_t)snprintf(text + size, sizeof text - size, "-\n");
            continue;
        }
        size += (size_t)snprintf(text + size, sizeof text - size, "%s %s %s %s: %s", reply_text(reply_at(fields, 1), NULL),
                                 reply_text(reply_at(fields, 3), NULL), reply_text(reply_at(fields, 5), NULL),
                                 reply_text(reply_at(fields, 7), NULL), reply_text(reply_at(fields, 9), NULL));
        for (; from < size; from++) text[from] = text[from] == '\t' ? '|' : text[from] == '\n' ? '/' : text[from];
        size += (size_t)snprintf(text + size, sizeof text - size, "\n");
    }
    return text;
}

/* "SOURCE AT ENTRY DURABLE: LINES" of the last entry added. */
static const char *wanted(const char *source, const char *durable, const char *lines) {
    static char text[4000];
    snprintf(text, sizeof text, "%s %.*s %s %s: %s\n", source, (int)strcspn(fold.entry, "-"), fold.entry, fold.entry, durable, lines);
    return text;
}

/* What was told behind the answers to BASE. */
static const char *told_behind(const char *source, unsigned others) {
    const char *text = told(source);
    while (others-- > 0) text += 2;
    return text;
}

#define MIXED \
    "pay account=a to=m amount=1 currency=CNY key=p1; pay account=c to=m amount=51 currency=CNY key=p2;" \
    "inquire account=c key=i source=app; pay account=a to=m amount=30 currency=CNY key=k; junk;" \
    "topup account=a amount=1 currency=CNY key=t tip=1; topup account=a amount=1 currency=CNY -key;" \
    "group account=a steps=[{op:pay,to:m,amount:5,currency:CNY},{op:refund,of:p1}] key=g; inquire account=nobody key=j source=app;" \
    "pay account=c to=m amount=2 currency=CNY key=p3"

/* Of MIXED; %s is the entry in which k was paid first, with its time. */
#define MIXED_SHOP \
    "p1|pay|0|ok|a|1|CNY|969|0|0-4|0/p2|pay|3|insufficient_funds|c|0|CNY|50|0||0/k|pay|0|ok|a|30|CNY|970|0|0-3|1||%.*s|%s/" \
    "t|topup|6|invalid|a||CNY||||0|tip/|topup|6|invalid|a||CNY||||0|key/g|group|0|ok|a|6|CNY|965|0|0-5|0|0-6/" \
    "p3|pay|0|ok|c|2|CNY|48|0|0-7|0"
#define MIXED_APP "i|inquire|0|ok|c||CNY|50|0||0/j|inquire|1|not_found|nobody||||||0|account"

static void expect_mixed(const char *name, const char *first, const char *durable) {
    char lines[2000];
    snprintf(lines, sizeof lines, MIXED_SHOP, (int)strcspn(first, "-"), first, first);
    const char *got = told_behind("shop", BASE_COUNT), *want = wanted("shop", durable, lines);
    cr_expect_str_eq(got, want, "%s: shop was told\n%s, not\n%s", name, got, want);
    got = told("app"), want = wanted("app", durable, MIXED_APP);
    cr_expect_str_eq(got, want, "%s: app was told\n%s, not\n%s", name, got, want);
}

static const char *add_base(void) {
    static char first[ENTRY_TEXT_MAX + 1];
    fold_add(&fold, BASE);
    snprintf(first, sizeof first, "%s", fold.entry);
    fold_run(&fold);
    fold_add(&fold, "+5ms");
    return first;
}

Test(bulk_answers, of_all_kinds) {
    for (unsigned batch = 1; batch <= FOLD_BATCH; batch += FOLD_BATCH - 1) {
        fold_reset(&fold);
        fold_set_batch(&fold, batch);
        const char *first = add_base();
        fold_add_bulk(&fold, 0, MIXED);
        fold_run(&fold);
        expect_mixed(batch == 1 ? "by itself" : "with others", first, "memory");
        cr_expect(!fold_unsound(&fold, 0));
    }
}

/* The same lines, in whatever batches, beside entries that are answered each by itself; half of them are repeated. */
Test(bulk_answers, of_many_entries) {
    char *first = NULL;
    for (unsigned batch = 1; batch <= FOLD_BATCH; batch = batch * 5 + 1) {
        fold_reset(&fold);
        fold_set_batch(&fold, batch);
        add_base();
        for (int n = 0; n < 12; n++) {
            char lines[300];
            fold.shares = n % 3 != 0;
            snprintf(lines, sizeof lines, "pay account=a to=m amount=1 currency=CNY key=x%d; pay account=c to=m amount=1 currency=CNY "
                     "key=y%d; inquire account=a source=app key=z%d", n / 2, n, n);
            fold_add_bulk(&fold, 0, lines);
            fold_add(&fold, "pay account=a to=m amount=1");
        }
        fold_run(&fold);
        char *text = strdup(told("shop"));
        if (first) cr_expect_str_eq(text, first, "batches of %u: %s", batch, fold_difference(text, first));
        else cr_expect(strstr(text, ": x1|pay|0|ok|a|1|CNY|") && strstr(text, "\n-\n"), "%s", text);
        if (first) free(text);
        else first = text;
    }
    free(first);
}

Test(bulk_answers, only_when_asked_for) {
    static const char *const values[] = {"Bulk", "bulk ", "", "1"};
    static struct bulk_writer writer;
    uint8_t bytes[2000];
    size_t size;
    bulk_begin(&writer);
    for (int n = 0; n < 2; n++) {
        size = fold_bytes(&fold, n ? "inquire account=a key=q1" : "inquire account=a key=q0", bytes, sizeof bytes);
        cr_assert(bulk_add(&writer, bytes, size, NULL));
    }
    const char *intents = bulk_intents(&writer, &size);
    for (size_t n = 0; n < sizeof values / sizeof *values; n++)
        fold_add_fields(&fold, 0, 4, (const char *const[]){"intents", intents, "answers", values[n]},
                        (const size_t[]){7, size, 7, strlen(values[n])});
    size = fold_bytes(&fold, "inquire account=a", bytes, sizeof bytes);
    fold_add_fields(&fold, 0, 4, (const char *const[]){"answers", "bulk", "intent", (const char *)bytes}, (const size_t[]){7, 4, 6, size});
    fold_run(&fold);
    cr_expect_str_eq(told("shop"), "-\n-\n-\n-\n-\n-\n-\n-\n-\n", "%s", told("shop"));
}

Test(bulk_answers, have_their_traces) {
    static const char trace[] = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    static struct bulk_writer writer;
    static const char *const intents[] = {"pay account=a to=m amount=1 currency=CNY key=p",
                                          "pay account=a to=m amount=2 currency=CNY key=q",
                                          "topup account=a amount=1 currency=CNY tip=1 key=r"};
    uint8_t bytes[2000];
    char lines[500];
    size_t size, traces_size;
    fold_add(&fold, TABLE_BASE);
    fold_run(&fold);
    bulk_begin(&writer);
    for (int n = 0; n < 3; n++) {
        cr_assert(bulk_add(&writer, bytes, fold_bytes(&fold, intents[n], bytes, sizeof bytes), NULL));
        if (n != 1) bulk_trace(&writer, trace);
    }
    const char *packed = bulk_intents(&writer, &size), *traces = bulk_traces(&writer, &traces_size);
    fold_add_fields(&fold, 0, 6, (const char *const[]){"intents", packed, "traceparents", traces, "answers", "bulk"},
                    (const size_t[]){7, size, 12, traces_size, 7, 4});
    fold_run(&fold);
    snprintf(lines, sizeof lines, "p|pay|0|ok|a|1|CNY|999|0|0-2|0||||%s/q|pay|0|ok|a|2|CNY|997|0|0-3|0/"
             "r|topup|6|invalid|a||CNY||||0|tip|||%s", trace, trace);
    cr_expect_str_eq(told_behind("shop", 3), wanted("shop", "memory", lines), "%s", told_behind("shop", 3));
}

/* What cannot be appended to the second stream is taken back from the first; nothing else is written. */
Test(bulk_answers, all_or_none) {
    static const char *const spoils[][3] = {
        {"SET", "x", NULL}, {"XADD", "18446744073709551615-18446744073709551615", "last"}, {"LPUSH", "x", NULL}};
    for (size_t n = 0; n < sizeof spoils / sizeof *spoils; n++) {
        fold_reset(&fold);
        fold_add(&fold, BASE);
        fold_run(&fold);
        server_text(&fold.server, spoils[n][0], fold_key(&fold, 0, "responses:app"), spoils[n][1], spoils[n][2], "", NULL);
        fold_add_bulk(&fold, 0, MIXED);
        char *before = fold_digests(&fold, 0, "meta");
        cr_expect_eq(fold_try(&fold, 0), REDIS_BROKEN, "%s", spoils[n][0]);
        char *after = fold_digests(&fold, 0, "meta");
        cr_expect_str_eq(after, before, "%s: half written: %s", spoils[n][0], fold_difference(after, before));
        fold_run(&fold);
        cr_expect_eq(server_integer(&fold.server, "XLEN", fold_key(&fold, 0, "dead"), NULL), 1, "%s: given up whole", spoils[n][0]);
        cr_expect_str_eq(fold_account(&fold, 0, "a", "balance"), "970", "%s", spoils[n][0]);
        free(before);
        free(after);
    }
}

/* What is acknowledged comes behind the answers: when that is refused, both are taken back. */
Test(bulk_answers, none_without_the_acknowledgement) {
    const char *first = add_base();
    fold_add_bulk(&fold, 0, MIXED);
    server_text(&fold.server, "ACL", "SETUSER", "default", "-xack", NULL);
    char *before = fold_digests(&fold, 0, "meta");
    cr_expect_eq(fold_try(&fold, 0), REDIS_REFUSED);
    char *after = fold_digests(&fold, 0, "meta");
    cr_expect_str_eq(after, before, "half written: %s", fold_difference(after, before));
    server_text(&fold.server, "ACL", "SETUSER", "default", "+xack", NULL);
    fold_run(&fold);
    expect_mixed("once it is allowed", first, "memory");
    free(before);
    free(after);
}

/* Given up whole: all who can be told are, together. */
Test(bulk_answers, of_one_that_fails_every_time) {
    fold_add(&fold, BASE);
    fold_run(&fold);
    server_text(&fold.server, "SET", fold_key(&fold, 0, "account:z"), "no hash", NULL);
    fold_add_bulk(&fold, 0, "topup account=a amount=1 currency=CNY key=t; topup account=z amount=1 currency=CNY key=u; junk");
    fold_run(&fold);
    const char *want = wanted("shop", "memory", "t|topup|19|dead|a||CNY||||0/u|topup|19|dead|z||CNY||||0");
    cr_expect_str_eq(told_behind("shop", BASE_COUNT), want, "%s", told("shop"));
}

static void *catch_up(void *result) {
    *(enum redis_err *)result = fold_try(&fold, 0);
    return NULL;
}

static int64_t kept(void) { return server_integer(&fold.server, "HLEN", fold_key(&fold, 0, "unanswered"), NULL); }

/* Under durability they are kept, and given once it is reached, here by asking for less: by the lane that waits, or by who comes after. */
Test(bulk_answers, that_wait_for_replicas) {
    for (int stops = 0; stops < 2; stops++) {
        enum redis_err err = REDIS_OK;
        pthread_t lane;
        fold_reset(&fold);
        const char *first = add_base();
        atomic_store(&fold.settings.durable_replicas, 1);
        fold_add_bulk(&fold, 0, MIXED);
        cr_assert_eq(pthread_create(&lane, NULL, catch_up, &err), 0);
        cr_expect(WAIT_UNTIL(kept() == 1, 20000), "they are kept");
        cr_expect_str_eq(told("app"), "", "before a replica has it");
        if (stops) atomic_store(&fold.lanes[0]->stop, true);
        else atomic_store(&fold.settings.durable_replicas, 0);
        pthread_join(lane, NULL);
        cr_expect_eq(err, stops ? REDIS_HELD : REDIS_OK, "%s", redis_err_word(err));
        cr_expect_eq(kept(), stops);
        atomic_store(&fold.settings.durable_replicas, 0);
        fold_take_over(&fold);
        fold_run(&fold);
        expect_mixed(stops ? "by who came after" : "by who waited", first, "memory");
        cr_expect_eq(kept(), 0);
    }
}
