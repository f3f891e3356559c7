/* Searching bills. It costs a look at each, so it takes a few seconds at most and then says how far it came. */
#include "producer/gateway/find.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "producer/cli/json_out.h"
#include "producer/cli/pages.h"
#include "producer/client.h"
#include "schema/bill.h"

enum { FOUND_MAX = 20, DAYS = 181, TIME_MS = 3000, PAGE = 1000 };

struct find {
    struct connection *c;
    const char *what;
    size_t size;
    bool by_number;
    unsigned first, last; /* partitions */
    int64_t until_ms;
    json_t *found;
};

static bool is_number(const char *what) {
    size_t digits = strspn(what, "0123456789"), more = what[digits] == '-' ? strspn(what + digits + 1, "0123456789") : 0;
    return digits > 0 && more > 0 && !what[digits + 1 + more];
}

/* ACCOUNT/SOURCE/KEY ends with what is looked for, from a slash on. */
static bool fits(const struct find *f, struct reply identity, struct reply record, struct bill *bill) {
    size_t size, record_size;
    const char *text = reply_text(identity, &size), *bytes = reply_text(record, &record_size);
    bool ends = size > f->size && text[size - f->size - 1] == '/' && memcmp(text + size - f->size, f->what, f->size) == 0;
    if (!f->by_number && !ends) return false;
    return bill_parse(bytes, record_size, bill) == NULL && (!f->by_number || strcmp(bill->bill, f->what) == 0);
}

static void take(struct find *f, const char *identity, const struct bill *bill) {
    json_t *one = json_out_object();
    json_out_text(one, "identity", identity);
    json_out_text(one, "bill", bill->bill);
    json_out_text(one, "op", bill->op);
    json_out_text(one, "reason", till_code_word(bill->code));
    json_out_optional(one, "amount", bill->has_amount, bill->amount_minor);
    json_out_text(one, "currency", bill->currency);
    json_out_text(one, "to", bill->to);
    json_out_number(one, "at", (int64_t)bill->at_ms);
    json_out_append(f->found, one);
}

static bool is_over(const struct find *f) { return client_now_ms() >= f->until_ms || json_array_size(f->found) >= FOUND_MAX; }

static int search_day(struct find *f, unsigned partition, uint32_t day) {
    struct pages pages;
    struct reply items;
    struct bill bill;
    keys_buffer key;
    bool more = true;
    int code = CLI_OK;
    keys_bills(key, &f->c->book, partition, day);
    pages_hash(&pages, f->c, "searching bills", key, PAGE);
    while (!is_over(f) && !(code = pages_next(&pages, &items, &more)) && more)
        for (size_t n = 0; n + 1 < reply_count(items); n += 2)
            if (fits(f, reply_at(items, n), reply_at(items, n + 1), &bill) && json_array_size(f->found) < FOUND_MAX)
                take(f, reply_text(reply_at(items, n), NULL), &bill);
    pages_end(&pages);
    return code;
}

int find_bills(struct connection *c, const char *what, json_t *object) {
    struct find f = {.c = c, .what = what, .size = strlen(what), .by_number = is_number(what), .last = c->book.partitions - 1,
                     .until_ms = client_now_ms() + TIME_MS, .found = json_out_array()};
    uint32_t today = keys_day(client_wall_ms()), back = 0;
    int code = CLI_OK;
    if (f.by_number) {
        unsigned long partition = strtoul(what, NULL, 10);
        f.first = f.last = partition < c->book.partitions ? (unsigned)partition : f.last;
    }
    for (; !code && f.size > 0 && back < DAYS && !is_over(&f) && !(f.by_number && json_array_size(f.found)); back++)
        for (unsigned p = f.first; !code && p <= f.last && !is_over(&f); p++) code = search_day(&f, p, today - back);
    json_out_bool(object, "whole", client_now_ms() < f.until_ms);
    json_out_value(object, "found", f.found);
    return code;
}
