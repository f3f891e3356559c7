/* Trace context on its way through the worker: from the entry to the answer, to follow-ups, to the dead. It never refuses anything. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "schema/bulk.h"
#include "schema/trace.h"
#include "tests/worker/fold.h"
#include "tests/worker/table.h"

#define ID "4bf92f3577b34da6a3ce929d0e0e4736"
#define TRACE "00-" ID "-00f067aa0ba902b7-01"
#define OTHER "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00"

static struct fold fold;

static void start(void) { fold_start(&fold, 2, FOLD_BATCH); }
static void stop(void) { fold_stop(&fold); }

TestSuite(trace, .init = start, .fini = stop, .timeout = 60);

static void add_traced(unsigned partition, const char *intent, const char *trace) {
    uint8_t bytes[2000];
    size_t size = fold_bytes(&fold, intent, bytes, sizeof bytes);
    fold_add_fields(&fold, partition, 4, (const char *const[]){"intent", (const char *)bytes, "traceparent", trace},
                    (const size_t[]){6, size, 11, strlen(trace)});
}

/* The traceparent of the last entry of a stream, "" when it has none; it stands last. */
static const char *last_trace(unsigned partition, const char *stream) {
    static char text[200];
    struct reply reply;
    command_begin(&fold.command, "XREVRANGE");
    command_word(&fold.command, fold_key(&fold, partition, stream));
    command_word(&fold.command, "+");
    command_word(&fold.command, "-");
    command_word(&fold.command, "COUNT");
    command_word(&fold.command, "1");
    cr_assert_eq(redis_call(fold.redis, &fold.command, &reply), REDIS_OK);
    struct reply fields = reply_at(reply_at(reply, 0), 1);
    size_t count = reply_count(fields);
    bool has = count >= 2 && reply_is(reply_at(fields, count - 2), "traceparent");
    snprintf(text, sizeof text, "%s", has ? reply_text(reply_at(fields, count - 1), NULL) : "");
    return text;
}

static const char *told(unsigned partition) { return last_trace(partition, "responses:shop"); }

/* A user of each partition. */
static const char *account_of(unsigned partition) {
    static char names[2][8];
    for (unsigned n = 0; n < 100; n++) {
        snprintf(names[partition], sizeof names[0], "a%u", n);
        if (fold_partition_of(&fold, names[partition]) == partition) return names[partition];
    }
    abort();
}

static void begin(void) {
    char lines[300];
    snprintf(lines, sizeof lines, "open account=m kind=merchant; open account=%s kind=user; open account=%s kind=user", account_of(1),
             account_of(0));
    fold_add(&fold, lines);
    snprintf(lines, sizeof lines, "topup account=%s amount=1000", account_of(0));
    fold_add(&fold, lines);
    fold_run(&fold);
}

static void add(unsigned partition, const char *op, const char *rest, const char *trace) {
    char line[300];
    snprintf(line, sizeof line, "%s account=%s %s", op, account_of(partition), rest);
    add_traced(partition, line, trace);
}

Test(trace, goes_on_to_the_answer) {
    static const struct { const char *name, *op, *rest, *trace, *told; } rows[] = {
        {"a payment", "pay", "to=m amount=1 currency=CNY key=p", TRACE, TRACE},
        {"the same again is part of another trace", "pay", "to=m amount=1 currency=CNY key=p", OTHER, OTHER},
        {"refused", "pay", "to=m amount=100000 currency=CNY", TRACE, TRACE},
        {"refused at the door", "pay", "to=m amount=1 currency=CNY tip=1", TRACE, TRACE},
        {"what is none refuses nothing", "pay", "to=m amount=1 currency=CNY", "00-x", ""},
        {"nor does what is long", "pay", "to=m amount=1 currency=CNY", TRACE "-and-more", ""},
        {"nor does nothing", "pay", "to=m amount=1 currency=CNY", "", ""},
        {"a group, whose steps have none", "group", "steps=[{op:pay,to:m,amount:1,currency:CNY},{op:pay,to:m,amount:2,currency:CNY}]",
         TRACE, TRACE},
    };
    begin();
    for (size_t n = 0; n < sizeof rows / sizeof *rows; n++) {
        add(0, rows[n].op, rows[n].rest, rows[n].trace);
        fold_run(&fold);
        cr_expect_str_eq(told(0), rows[n].told, "%s", rows[n].name);
        cr_expect(!fold_unsound(&fold, 0), "%s", rows[n].name);
    }
    fold_add(&fold, "inquire account=m");
    fold_run(&fold);
    cr_expect_str_eq(told(fold.partition), "", "an answer without has no such field");
}

/* In a batch each has its own. */
Test(trace, beside_others) {
    begin();
    add(0, "pay", "to=m amount=1 currency=CNY key=one", TRACE);
    add(0, "pay", "to=m amount=1 currency=CNY key=two", "");
    add(0, "pay", "to=m amount=1 currency=CNY key=three", OTHER);
    fold_run(&fold);
    const char *all = server_text(&fold.server, "XRANGE", fold_key(&fold, 0, "responses:shop"), "-", "+", NULL);
    const char *one = strstr(all, "\none\n"), *two = strstr(all, "\ntwo\n"), *three = strstr(all, "\nthree\n");
    cr_assert(one && two && three);
    cr_expect(strstr(one, TRACE) && strstr(one, TRACE) < two, "the first has its own");
    cr_expect(strstr(two, "traceparent") > three, "the second has none");
    cr_expect(strstr(three, OTHER), "the third has its own");
}

/* Kept until its consequences are on their way; these are part of the trace too. */
Test(trace, of_an_answer_that_waits) {
    char child[TRACE_SIZE + 1];
    begin();
    add_traced(fold_partition_of(&fold, "n"), "open account=n kind=merchant currency=CNY", TRACE);
    unsigned home = fold.partition;
    trace_child(TRACE, home, fold.entry, 0, child);
    fold_run(&fold);
    cr_expect_str_eq(told(home), TRACE);
    cr_expect_str_eq(last_trace(1 - home, "intents"), child, "the follow-up");
}

/* There and back: the answer comes with what came back, a grandchild. */
Test(trace, of_a_transfer) {
    char child[TRACE_SIZE + 1], rest[60];
    begin();
    snprintf(rest, sizeof rest, "to=%s amount=5 currency=CNY", account_of(1));
    add(0, "transfer", rest, TRACE);
    trace_child(TRACE, 0, fold.entry, 0, child);
    fold_run(&fold);
    cr_expect_str_eq(last_trace(1, "intents"), child, "the arrive");
    cr_expect(strncmp(told(0), TRACE, 36) == 0, "the same trace: %s", told(0));
    cr_expect_str_neq(told(0), TRACE);
    cr_expect_str_neq(told(0), child);
    cr_expect_str_eq(fold_account(&fold, 1, account_of(1), "balance"), "5");
}

Test(trace, of_a_bulk_entry) {
    static struct bulk_writer writer;
    uint8_t bytes[2000];
    char line[200];
    size_t size, traces_size;
    begin();
    bulk_begin(&writer);
    for (int n = 0; n < 3; n++) {
        const char *what = n == 2 ? "settled source=till origin=0:1-1 entry=1-1" : "inquire";
        snprintf(line, sizeof line, "%s account=%s key=k%d", what, account_of(0), n);
        cr_assert(bulk_add(&writer, bytes, fold_bytes(&fold, line, bytes, sizeof bytes), NULL));
        if (n > 0) bulk_trace(&writer, n == 1 ? TRACE : OTHER);
    }
    const char *intents = bulk_intents(&writer, &size), *traces = bulk_traces(&writer, &traces_size);
    for (int n = 0; n < 2; n++) { /* and once with traceparents that are no array */
        fold_add_fields(&fold, 0, 4, (const char *const[]){"intents", intents, "traceparents", traces},
                        (const size_t[]){7, size, 12, n == 0 ? traces_size : traces_size - 1});
        fold_run(&fold);
        cr_expect_str_eq(told(0), n == 0 ? TRACE : "", "of the second");
        cr_expect_str_eq(last_trace(0, "dead"), n == 0 ? OTHER : "", "what goes to the dead stream by itself takes its own along");
    }
}

Test(trace, of_the_dead) {
    fold_add_fields(&fold, 0, 4, (const char *const[]){"intent", "junk", "traceparent", TRACE}, NULL);
    fold_run(&fold);
    cr_expect_str_eq(last_trace(0, "dead"), TRACE);
}
