/* The upstream's list: its header, its rows, and what is wrong with them. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <zlib.h>

#include "config/suggest.h"
#include "producer/cli/args.h"
#include "producer/cli/reconcile.h"
#include "schema/code.h"

enum { BAD_SAID_MAX = 20, PROGRESS_EVERY = 1 << 16 };

static const char *const names[COLUMN_COUNT] = {"key", "account", "amount", "code"};

/* A wrong line. Text from the file is shown shortened, without what could drive a terminal. */
static void bad(struct reconcile *r, uint64_t line, uint64_t column, const char *name, const char *shown, const char *text) {
    char safe[44];
    if (r->bad++ >= BAD_SAID_MAX) return;
    size_t size = 0;
    for (; shown && shown[size] && size < 40; size++) safe[size] = shown[size] < 0x20 || shown[size] == 0x7F ? '?' : shown[size];
    safe[size] = '\0';
    cli_say(r->cli, "%s:%llu:%llu: %s%s%s%s%s%s", r->path, (unsigned long long)line, (unsigned long long)column, name ? name : "",
            name ? " '" : "", safe, name && shown && shown[size] ? "..." : "", name ? "' " : "", text);
}

static int unreadable(struct reconcile *r) { return cli_usage(r->cli, "%s: %s", r->path, strerror(errno)); }

/* Another separator is the likeliest reason for a header of one field. */
static const char *separator_hint(const struct csv *c) {
    if (c->count != 1) return "";
    if (strchr(c->field[0].text, ';')) return "; the separator must be a comma, not a semicolon";
    if (strchr(c->field[0].text, '\t')) return "; the separator must be a comma, not a tab";
    return "";
}

static int no_column(struct reconcile *r, unsigned column) {
    const struct csv *c = &r->csv;
    struct suggest suggest;
    suggest_init(&suggest, names[column]);
    for (unsigned n = 0; n < c->count; n++) suggest_offer(&suggest, c->field[n].text);
    const char *near = suggest_best(&suggest);
    return cli_usage(r->cli, "%s:%llu:1: no column '%s' in the header; needed are key, account, amount, code%s%s%s%s", r->path,
                     (unsigned long long)c->field[0].line, names[column], near ? "; is it '" : "", near ? near : "",
                     near ? "'? Rename it" : "", separator_hint(c));
}

int reconcile_header(struct reconcile *r) {
    struct csv *c = &r->csv;
    enum csv_got got = csv_next(c);
    if (got == CSV_FAILED) return unreadable(r);
    if (got == CSV_END) return cli_usage(r->cli, "%s:1:1: is empty; the first line must be a header like key,account,amount,code", r->path);
    if (got == CSV_FAULT)
        return cli_usage(r->cli, "%s:%llu:%llu: %s", r->path, (unsigned long long)c->fault_line, (unsigned long long)c->fault_column,
                         c->fault);
    r->header_count = c->count;
    for (unsigned column = 0; column < COLUMN_COUNT; column++) {
        unsigned count = 0;
        for (unsigned n = 0; n < c->count; n++) {
            if (strcasecmp(c->field[n].text, names[column]) != 0) continue;
            if (count++ > 0)
                return cli_usage(r->cli, "%s:%llu:%llu: column '%s' is there twice; rename the one that is not meant", r->path,
                                 (unsigned long long)c->field[n].line, (unsigned long long)c->field[n].column, names[column]);
            r->column[column] = n;
        }
        if (count == 0) return no_column(r, column);
    }
    return CLI_OK;
}

/* "0", "3", "ok", "insufficient_funds". */
static const char *parse_code(const struct csv_field *f, int16_t *out) {
    uint64_t number;
    int code = 0;
    bool negative = f->text[0] == '-';
    if (args_parse_number(f->text + negative, &number) && number <= 99) code = negative ? -(int)number : (int)number;
    else if (!code_of_word(f->text, f->size, &code)) return "must be an answer's code: 0 for what was done, else 1..20 or -1..-3";
    if (strcmp(code_word(code), "unknown") == 0) return "is no code: 0 for what was done, else 1..20 or -1..-3";
    *out = (int16_t)code;
    return NULL;
}

/* What was refused may be without an amount. */
static const char *parse_amount(const struct csv_field *f, int code, int64_t *out) {
    uint64_t number;
    *out = -1;
    if (f->size == 0) return code == 0 ? "is missing: minor units, 1999 for 19.99" : NULL;
    if (!args_parse_number(f->text, &number)) return "must be a whole number of minor units: 1999 for 19.99";
    if (number > INTENT_AMOUNT_MAX) return "must be at most 9007199254740991 minor units";
    *out = (int64_t)number;
    return NULL;
}

/* The column at fault, or COLUMN_COUNT. */
static unsigned check_row(struct reconcile *r, struct spool_row *row, const char **why) {
    const struct csv_field *f[COLUMN_COUNT];
    for (unsigned n = 0; n < COLUMN_COUNT; n++) f[n] = &r->csv.field[r->column[n]];
    if ((*why = intent_set_text(&r->scratch, FIELD_key, f[COLUMN_KEY]->text, f[COLUMN_KEY]->size))) return COLUMN_KEY;
    if ((*why = intent_set_text(&r->scratch, FIELD_account, f[COLUMN_ACCOUNT]->text, f[COLUMN_ACCOUNT]->size))) return COLUMN_ACCOUNT;
    if ((*why = parse_code(f[COLUMN_CODE], &row->code))) return COLUMN_CODE;
    if ((*why = parse_amount(f[COLUMN_AMOUNT], row->code, &row->amount_minor))) return COLUMN_AMOUNT;
    row->account_size = (uint8_t)f[COLUMN_ACCOUNT]->size;
    row->key_size = (uint8_t)f[COLUMN_KEY]->size;
    memcpy(row->text, f[COLUMN_ACCOUNT]->text, row->account_size);
    memcpy(row->text + row->account_size, f[COLUMN_KEY]->text, row->key_size);
    return COLUMN_COUNT;
}

static int take_row(struct reconcile *r) {
    const struct csv *c = &r->csv;
    struct spool_row row = {.place = c->field[0].line};
    const char *why;
    r->read++;
    if (c->count != r->header_count) {
        char counts[80];
        snprintf(counts, sizeof counts, "has %u fields, but the header has %u", c->count, r->header_count);
        bad(r, c->field[0].line, 1, NULL, NULL, counts);
        return CLI_OK;
    }
    unsigned column = check_row(r, &row, &why);
    if (column != COLUMN_COUNT) {
        const struct csv_field *f = &c->field[r->column[column]];
        bad(r, f->line, f->column, names[column], f->text, why);
        return CLI_OK;
    }
    uint32_t hash = (uint32_t)crc32(0, (const Bytef *)row.text, (uInt)row.account_size + row.key_size);
    return spool_put(&r->rows, hash, &row) ? CLI_OK : cli_usage(r->cli, "%s", r->rows.error);
}

int reconcile_file(struct reconcile *r) {
    struct csv *c = &r->csv;
    enum csv_got got = CSV_RECORD;
    uint64_t shown = 0;
    int code = CLI_OK;
    progress_start(&r->progress, c->size ? "bytes of the list" : "bytes", c->size);
    while (!code && (got = csv_next(c)) != CSV_END && got != CSV_FAILED) {
        if (got == CSV_RECORD) {
            code = take_row(r);
        } else {
            r->read++;
            bad(r, c->fault_line, c->fault_column, NULL, NULL, c->fault);
        }
        if (c->bytes - shown < PROGRESS_EVERY) continue;
        progress_add(&r->progress, c->bytes - shown);
        shown = c->bytes;
    }
    progress_end(&r->progress);
    if (!code && got == CSV_FAILED) code = unreadable(r);
    if (r->bad > BAD_SAID_MAX)
        cli_say(r->cli, "%s: and %llu more wrong lines", r->path, (unsigned long long)(r->bad - BAD_SAID_MAX));
    return code;
}
