/* Reads the bill records of a partition, and hands each to those who check it. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "producer/cli/args.h"
#include "producer/cli/audit.h"
#include "producer/cli/pages.h"

enum { PAGE = 1000 };

bool audit_parse_day(const char *text, uint32_t *day) {
    char again[9];
    uint64_t number;
    if (strlen(text) != 8 || !args_parse_number(text, &number)) return false;
    uint64_t year = number / 10000, month = number / 100 % 100, mday = number % 100;
    if (year < 1970 || month < 1 || month > 12 || mday < 1) return false;
    /* days from the civil calendar: years begin in March, so that the leap day is the last */
    uint64_t y = month <= 2 ? year - 1 : year, m = month <= 2 ? month + 9 : month - 3;
    *day = (uint32_t)(365 * y + y / 4 - y / 100 + y / 400 + (153 * m + 2) / 5 + mday - 1 - 719468);
    keys_day_text(*day, again);
    return strcmp(again, text) == 0;
}

static int take_record(struct audit *a, struct reply name, struct reply text, uint32_t day) {
    struct bill bill;
    uint64_t number;
    size_t size, identity_size;
    const char *record = reply_text(text, &size), *identity = reply_text(name, &identity_size);
    const char *wrong = bill_parse(record, size, &bill);
    if (wrong) {
        audit_find(a, "bill record %s: %s", identity, wrong);
        return CLI_OK;
    }
    if (!audit_bill_record(a, identity, identity_size, &bill, day, &number)) return CLI_OK;
    audit_booking_record(a, identity, &bill, number);
    audit_hold_record(a, identity, &bill, number);
    audit_transfer_record(a, identity, &bill, number);
    audit_entry_record(a, identity, &bill);
    return audit_due_record(a, identity, &bill);
}

static int read_day(struct audit *a, const char *text, uint32_t day, uint64_t *count) {
    struct pages pages;
    struct reply items;
    char key[256];
    bool more = true;
    int code;
    *count = 0;
    snprintf(key, sizeof key, "{%s:%u}:bills:%s", a->c->book.name, a->part.partition, text);
    pages_hash(&pages, a->c, "reading the bills", key, PAGE);
    while (!(code = pages_next(&pages, &items, &more)) && more) {
        for (size_t n = 0; !code && n + 1 < reply_count(items); n += 2)
            code = take_record(a, reply_at(items, n), reply_at(items, n + 1), day);
        if (code) break;
        *count += reply_count(items) / 2;
        progress_add(&a->progress, reply_count(items) / 2);
    }
    pages_end(&pages);
    return code;
}

static void note_day(struct audit_part *p, uint32_t day) {
    p->days = audit_grow(p->days, p->day_count, &p->day_capacity, sizeof *p->days);
    p->days[p->day_count++] = day;
}

int audit_records(struct audit *a) {
    uint64_t count;
    uint32_t day;
    int code = CLI_OK;
    for (const char *at = NULL; !code && (at = audit_name_next(&a->names[a->part.partition], 'b', at));) {
        if (audit_parse_day(at, &day)) {
            code = read_day(a, at, day, &count);
            if (!code && count > 0) note_day(&a->part, day); /* else it was dropped since its name was listed */
        } else audit_find(a, "bills of '%.40s': there is no such day", at);
    }
    a->part.in_tail = true;
    return code;
}

void audit_records_clear(struct audit *a) {
    free(a->part.days);
    a->part.days = NULL;
}
