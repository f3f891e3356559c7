/* Statements and postings as a table, JSON lines or CSV; faults on stderr. */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "producer/cli/json_out.h"
#include "producer/cli/settle.h"
#include "producer/cli/when.h"
#include "schema/ledger.h"

enum { TABLE_PAGE = 500 };

#define STATEMENT_CSV "month,merchant,currency,opening,gross,refunds,fee,net,other,closing,settled,partitions"
#define POSTING_CSV "month,merchant,at,bill,op,counts,amount,account,source,key,note"

static const struct table_column statement_columns[] = {
    {"MONTH", false}, {"MERCHANT", false}, {"OPENING", true}, {"GROSS", true},     {"REFUNDS", true},  {"FEE", true},
    {"NET", true},    {"OTHER", true},     {"CLOSING", true}, {"CURRENCY", false}, {"SETTLED", false}, {NULL, false}};
static const struct table_column posting_columns[] = {{"MERCHANT", false}, {"TIME", false},   {"BILL", false}, {"OP", false},
                                                      {"COUNTS", false},   {"AMOUNT", true}, {"INTENT", false}, {"NOTE", false},
                                                      {NULL, false}};

void settle_fault(struct settle *s, const char *format, ...) {
    char text[400];
    va_list arguments;
    if (s->faults++ >= SETTLE_SAID_MAX) return;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    if (s->progress.on) fputs("\r\x1b[K", stderr);
    cli_say(s->cli, "%s", text);
}

/* A field of RFC 4180, quoted when it must be. */
static void print_field(const char *text, size_t size, const char *end) {
    bool plain = true;
    for (size_t n = 0; n < size; n++) plain = plain && !strchr(",\"\r\n", text[n]);
    if (!plain) putchar('"');
    for (size_t n = 0; n < size; n++) {
        if (text[n] == '"') putchar('"');
        putchar(text[n]);
    }
    printf("%s%s", plain ? "" : "\"", end);
}

static void print_text(const char *text, const char *end) { print_field(text, strlen(text), end); }

void settle_out_begin(struct settle *s) {
    table_init(&s->table, statement_columns);
    if (s->style == SETTLE_CSV && !s->bills) puts(STATEMENT_CSV);
}

static void statement_json(const struct settle *s, const struct statement *t) {
    const struct {
        const char *name;
        int64_t number;
    } numbers[] = {{"opening", t->opening},       {"gross", t->sums.gross}, {"refunds", t->sums.refunds}, {"fee", t->fee}, {"net", t->net},
                   {"other", t->sums.other}, {"closing", t->closing},  {"settled", t->settled},       {"partitions", t->shards}};
    json_t *object = json_out_object();
    json_out_text(object, "month", s->month_text);
    json_out_text(object, "merchant", t->name);
    json_out_text(object, "currency", t->currency);
    for (size_t n = 0; n < sizeof numbers / sizeof numbers[0]; n++) json_out_number(object, numbers[n].name, numbers[n].number);
    json_out_bool(object, "provisional", t->settled < t->shards || t->awaited);
    json_out(object);
}

static void statement_csv(const struct settle *s, const struct statement *t) {
    const int64_t numbers[] = {t->opening, t->sums.gross, t->sums.refunds, t->fee, t->net, t->sums.other, t->closing, t->settled};
    printf("%s,%s,%s,", s->month_text, t->name, t->currency);
    for (size_t n = 0; n < sizeof numbers / sizeof numbers[0]; n++) printf("%" PRId64 ",", numbers[n]);
    printf("%u\n", t->shards);
}

static void statement_row(struct settle *s, const struct statement *t) {
    const int64_t numbers[] = {t->opening, t->sums.gross, t->sums.refunds, t->fee, t->net, t->sums.other, t->closing};
    table_add(&s->table, s->month_text);
    table_add(&s->table, t->name);
    for (size_t n = 0; n < sizeof numbers / sizeof numbers[0]; n++) table_add_number(&s->table, true, numbers[n]);
    table_add(&s->table, t->currency);
    table_addf(&s->table, "%u of %u", t->settled, t->shards);
    if (table_rows(&s->table) >= TABLE_PAGE) table_flush(&s->table);
}

void settle_out_statement(struct settle *s, const struct statement *t) {
    s->settled += t->settled;
    s->shards += t->shards;
    s->provisional += t->settled < t->shards || t->awaited;
    if (s->progress.on) fputs("\r\x1b[K", stderr);
    if (s->style == SETTLE_JSON) statement_json(s, t);
    else if (s->style == SETTLE_TABLE) statement_row(s, t);
    else if (!s->bills) statement_csv(s, t);
}

void settle_out_postings_begin(struct settle *s) {
    if (s->style == SETTLE_CSV) puts(POSTING_CSV);
    if (s->style != SETTLE_TABLE) return;
    table_flush(&s->table);
    table_clear(&s->table);
    putchar('\n');
    table_init(&s->table, posting_columns);
}

/* ACCOUNT/SOURCE/KEY in its three parts; a key may have slashes. */
static void split_identity(const char *identity, const char *part[3], size_t size[3]) {
    for (int n = 0; n < 3; n++) {
        part[n] = identity;
        size[n] = n < 2 ? strcspn(identity, "/") : strlen(identity);
        identity += size[n] + (identity[size[n]] == '/');
    }
}

static void posting_json(const struct settle *s, unsigned partition, const struct ledger_row *row, const char *counts) {
    json_t *object = json_out_object();
    json_out_text(object, "month", s->month_text);
    json_out_text(object, "merchant", row->account);
    json_out_number(object, "at", (int64_t)row->at_ms);
    json_out_number(object, "partition", partition);
    json_out_text(object, "bill", row->bill);
    json_out_text(object, "op", row->op);
    json_out_text(object, "counts", counts);
    json_out_number(object, "amount", row->amount_minor);
    json_out_text(object, "identity", row->identity);
    json_out_text(object, "note", row->note);
    json_out(object);
}

static void posting_csv(const struct settle *s, const struct ledger_row *row, const char *counts) {
    const char *part[3];
    size_t size[3];
    split_identity(row->identity, part, size);
    printf("%s,%s,%" PRIu64 ",%s,%s,%s,%" PRId64 ",", s->month_text, row->account, row->at_ms, row->bill, row->op, counts,
           row->amount_minor);
    for (int n = 0; n < 3; n++) print_field(part[n], size[n], ",");
    print_text(row->note, "\n");
}

void settle_out_posting(struct settle *s, unsigned partition, const struct ledger_row *row, const char *counts) {
    char time[WHEN_TEXT_SIZE];
    if (s->progress.on) fputs("\r\x1b[K", stderr);
    if (s->style == SETTLE_JSON) posting_json(s, partition, row, counts);
    if (s->style == SETTLE_CSV) posting_csv(s, row, counts);
    if (s->style != SETTLE_TABLE) return;
    when_format(row->at_ms, time);
    const char *texts[] = {row->account, time, row->bill, row->op, counts};
    for (size_t n = 0; n < sizeof texts / sizeof texts[0]; n++) table_add(&s->table, texts[n]);
    table_add_number(&s->table, true, row->amount_minor);
    table_add(&s->table, row->identity);
    table_add(&s->table, row->note);
    if (table_rows(&s->table) >= TABLE_PAGE) table_flush(&s->table);
}

void settle_out_postings_end(struct settle *s) {
    if (s->style != SETTLE_TABLE) return;
    table_flush(&s->table);
}

static void summary_json(const struct settle *s) {
    json_t *object = json_out_object(), *summary = json_out_object();
    json_out_text(summary, "month", s->month_text);
    json_out_number(summary, "merchants", (int64_t)s->count);
    json_out_number(summary, "unknown", (int64_t)(s->count - s->stated));
    json_out_number(summary, "settled", (int64_t)s->settled);
    json_out_number(summary, "shards", (int64_t)s->shards);
    json_out_number(summary, "sent", (int64_t)s->sent);
    json_out_number(summary, "provisional", (int64_t)s->provisional);
    json_out_number(summary, "faults", (int64_t)s->faults);
    json_out_value(object, "summary", summary);
    json_out(object);
}

void settle_out_end(struct settle *s) {
    char offset[8];
    if (s->style == SETTLE_TABLE) table_flush(&s->table);
    table_clear(&s->table);
    if (s->faults > SETTLE_SAID_MAX) cli_say(s->cli, "and %llu more", (unsigned long long)(s->faults - SETTLE_SAID_MAX));
    if (s->style == SETTLE_JSON) {
        summary_json(s);
        return;
    }
    month_offset_text(s->partitions[0].offset, offset);
    if (s->stated < s->count) {
        fprintf(s->style == SETTLE_CSV ? stderr : stdout,
                "%s (UTC%s): NOT KNOWN how %zu of %zu merchants stand, since answers stayed away; to run it again is safe\n", s->month_text,
                offset, s->count - s->stated, s->count);
        return;
    }
    fprintf(s->style == SETTLE_CSV ? stderr : stdout, "%s (UTC%s): %zu merchants, %" PRIu64 " of %" PRIu64 " shards settled%s\n",
            s->month_text, offset, s->count, s->settled, s->shards, s->provisional ? "; PROVISIONAL" : "");
}
