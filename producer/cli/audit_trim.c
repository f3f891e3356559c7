/* What was trimmed off the ledgers before the audit, or while it reads. */
#include "producer/cli/audit.h"

static void append_bill(struct connection *c, unsigned partition) {
    keys_buffer key;
    command_begin(&c->command, "HGET");
    command_copy(&c->command, key, keys_trimmed(key, &c->book, partition));
    command_word(&c->command, "bill");
    redis_append(c->redis, &c->command);
}

int audit_trim_note(struct audit *a) {
    struct reply reply;
    for (unsigned p = a->first; p <= a->last; p++) append_bill(a->c, p);
    for (unsigned p = a->first; p <= a->last; p++) {
        int code = connect_next(a->c, "asking what was trimmed", &reply);
        if (code) return code;
        a->begin[p].cut_bill = (uint64_t)reply_integer(reply);
        bool trimmed = a->begin[p].cut_bill > a->begin[p].carried_bill;
        a->trimmed_bills += trimmed ? a->begin[p].cut_bill - a->begin[p].carried_bill : 0;
    }
    return CLI_OK;
}

int audit_trim_look(struct audit *a, uint64_t bill) {
    struct audit_beginning *begin = &a->begin[a->part.partition];
    struct reply reply;
    append_bill(&a->side, a->part.partition);
    int code = connect_next(&a->side, "asking what was trimmed", &reply);
    if (code || (uint64_t)reply_integer(reply) < bill - 1) return code;
    a->trimmed_bills += bill - 1 - begin->cut_bill;
    begin->cut_bill = a->part.bill_last = bill - 1;
    a->part.bases++;
    return CLI_OK;
}

bool audit_is_trimmed(const struct audit *a, unsigned partition) { return a->begin[partition].cut_bill > 0; }

bool audit_was_trimmed(const struct audit *a, uint64_t bill) { return bill <= a->begin[a->part.partition].cut_bill; }
