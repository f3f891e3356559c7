/* What the flow tests read back: answers, accounts, rows of the ledgers. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "schema/code.h"
#include "schema/entry.h"
#include "schema/ledger.h"
#include "tests/flow/flow.h"
#include "tests/support/process.h"

const char *flow_field(struct reply fields, const char *name) {
    for (size_t n = 0; n + 1 < reply_count(fields); n += 2)
        if (reply_is(reply_at(fields, n), name)) return reply_text(reply_at(fields, n + 1), NULL);
    return "";
}

/* Every entry of a stream, a page at a time. */
static void each_entry(struct flow *flow, const char *key, flow_visitor *visit, void *context) {
    char from[ENTRY_TEXT_MAX + 2] = "-";
    struct reply page;
    do {
        if (flow_call(flow, &page, "XRANGE", key, from, "+", "COUNT", "500", NULL))
            process_die(NULL, "%s: %s", key, redis_error(flow->redis));
        for (size_t n = 0; n < reply_count(page); n++) {
            const char *id = reply_text(reply_at(reply_at(page, n), 0), NULL);
            snprintf(from, sizeof from, "(%s", id);
            visit(context, strtoull(id, NULL, 10), reply_at(reply_at(page, n), 1));
        }
    } while (reply_count(page) > 0);
}

struct visitor {
    flow_visitor *visit;
    void *context;
    uint64_t told_ms;
};

static void visit_answer(void *context, struct reply fields) {
    const struct visitor *v = context;
    v->visit(v->context, v->told_ms, fields);
}

static void visit_response(void *context, uint64_t told_ms, struct reply fields) {
    struct visitor *v = context;
    v->told_ms = told_ms;
    flow_each_in(fields, visit_answer, v);
}

static void each_answer_in(struct flow *flow, unsigned partition, const char *source, flow_visitor *visit, void *context) {
    keys_buffer key;
    struct visitor v = {visit, context, 0};
    keys_responses(key, &flow->book, partition, source);
    each_entry(flow, key, visit_response, &v);
}

void flow_each_answer(struct flow *flow, const char *source, flow_visitor *visit, void *context) {
    for (unsigned p = 0; p < flow->book.partitions; p++) each_answer_in(flow, p, source, visit, context);
}

struct wanted {
    const struct intent *intent;
    struct flow_answer answer;
};

static void note_answer(void *context, uint64_t told_ms, struct reply fields) {
    struct wanted *w = context;
    struct flow_answer *a = &w->answer;
    if (strcmp(flow_field(fields, "key"), w->intent->key) != 0 || strcmp(flow_field(fields, "account"), w->intent->account) != 0) return;
    int code = (int)strtol(flow_field(fields, "code"), NULL, 10);
    a->count++;
    if (strcmp(flow_field(fields, "replayed"), "1") == 0) {
        a->replays++;
    } else if (code == CODE_in_progress) {
        a->on_the_way++;
    } else {
        a->code = code;
        a->amount_minor = strtoll(flow_field(fields, "amount"), NULL, 10);
        a->balance_minor = strtoll(flow_field(fields, "balance"), NULL, 10);
        a->held_minor = strtoll(flow_field(fields, "held"), NULL, 10);
        a->entry_ms = strtoull(flow_field(fields, "entry"), NULL, 10);
        a->told_ms = told_ms;
        snprintf(a->bill, sizeof a->bill, "%s", flow_field(fields, "bill"));
        snprintf(a->detail, sizeof a->detail, "%s", flow_field(fields, "detail"));
    }
}

struct flow_answer flow_answer(struct flow *flow, const struct intent *intent) {
    struct wanted w = {.intent = intent, .answer.code = -1};
    flow_each_answer(flow, intent->source, note_answer, &w);
    return w.answer;
}

struct flow_answer flow_answer_in(struct flow *flow, unsigned partition, const struct intent *intent) {
    struct wanted w = {.intent = intent, .answer.code = -1};
    each_answer_in(flow, partition, intent->source, note_answer, &w);
    return w.answer;
}

int64_t flow_account(struct flow *flow, const char *account, const char *field) {
    keys_buffer key;
    keys_account(key, &flow->book, keys_partition(&flow->book, account, strlen(account)), account);
    return server_integer(&flow->server, "HGET", key, field, NULL);
}

int64_t flow_sum(struct flow *flow, const char *account, const char *field) {
    int64_t sum = 0;
    keys_buffer key;
    for (unsigned p = 0; p < flow->book.partitions; p++) {
        keys_account(key, &flow->book, p, account);
        sum += server_integer(&flow->server, "HGET", key, field, NULL);
    }
    return sum;
}

int64_t flow_users(struct flow *flow, const char *field) {
    char name[16];
    int64_t sum = 0;
    for (unsigned n = 0; n < FLOW_USERS; n++) {
        snprintf(name, sizeof name, "u%u", n);
        sum += flow_account(flow, name, field);
    }
    return sum;
}

struct rows_wanted {
    const char *op, *identity;
    unsigned count;
};

static void count_rows(void *context, uint64_t told_ms, struct reply fields) {
    struct rows_wanted *w = context;
    struct pack_tree *tree = pack_tree_new();
    struct pack_value rows;
    struct ledger_row row;
    uint32_t count;
    size_t size;
    (void)told_ms;
    const char *bytes = reply_text(reply_at(fields, 1), &size), *wrong = ledger_decode(tree, bytes, size, &rows, &count);
    if (wrong) process_die(NULL, "a ledger entry %s", wrong);
    for (uint32_t n = 0; n < count; n++) {
        wrong = ledger_row_at(&rows, n, &row);
        if (wrong) process_die(NULL, "row %u of a ledger entry: %s", n, wrong);
        w->count += strcmp(row.op, w->op) == 0 && (!w->identity || strcmp(row.identity, w->identity) == 0);
    }
    pack_tree_free(tree);
}

unsigned flow_rows(struct flow *flow, const char *op, const char *identity) {
    struct rows_wanted w = {op, identity, 0};
    for (unsigned p = 0; p < flow->book.partitions; p++) each_entry(flow, flow_key(flow, keys_ledger, p), count_rows, &w);
    return w.count;
}
