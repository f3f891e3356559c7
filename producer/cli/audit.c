/* The audit's order of steps, and what is merely counted. */
#include "producer/cli/audit_follow.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "producer/cli/pages.h"

typedef size_t key_maker(keys_buffer out, const struct book *book, unsigned partition);

static void append_key(struct audit *a, const char *command, key_maker *make, unsigned partition) {
    keys_buffer key;
    command_begin(&a->c->command, command);
    command_copy(&a->c->command, key, make(key, &a->c->book, partition));
}

static void append_meta(struct audit *a, unsigned partition) {
    append_key(a, "HMGET", keys_meta, partition);
    command_word(&a->c->command, "bill");
    command_word(&a->c->command, "applied");
    command_word(&a->c->command, "halted");
    command_word(&a->c->command, "policy:bills_keep");
    command_word(&a->c->command, "paused");
    command_word(&a->c->command, "carried");
    redis_append(a->c->redis, &a->c->command);
}

/* Step 1. */
static int note_beginnings(struct audit *a) {
    struct reply meta;
    struct entry_id applied;
    uint64_t now_ms;
    int code = connect_server_ms(a->c, &now_ms);
    if (code) return code;
    entry_id_format((struct entry_id){now_ms - 1, UINT64_MAX}, a->bound);
    for (unsigned p = a->first; p <= a->last; p++) append_meta(a, p);
    for (unsigned p = a->first; p <= a->last; p++) {
        if ((code = connect_next(a->c, "reading meta", &meta))) return code;
        size_t size;
        const char *text = reply_text(reply_at(meta, 1), &size);
        a->begin[p].bill = (uint64_t)reply_integer(reply_at(meta, 0));
        a->begin[p].applied_day = entry_id_parse(text, size, &applied) ? keys_day(applied.ms) : 0;
        a->begin[p].keep_changed = reply_type(reply_at(meta, 3)) != REPLY_NIL;
        a->paused += reply_type(reply_at(meta, 4)) != REPLY_NIL;
        audit_carried_note(&a->begin[p], reply_text(reply_at(meta, 5), NULL));
    }
    return CLI_OK;
}

static void append_size(struct audit *a, const char *command, unsigned partition, const char *word, const char *name) {
    char key[256];
    command_begin(&a->c->command, command);
    command_copy(&a->c->command, key, (size_t)snprintf(key, sizeof key, "{%s:%u}:%s%s", a->c->book.name, partition, word, name));
    redis_append(a->c->redis, &a->c->command);
}

/* How much there is to read: ledger entries, bill records, answers. */
static int measure(struct audit *a) {
    struct reply reply;
    uint64_t total = 0;
    for (unsigned p = a->first; p <= a->last; p++) {
        append_size(a, "XLEN", p, "ledger", "");
        for (const char *at = NULL; (at = audit_name_next(&a->names[p], 'b', at));) append_size(a, "HLEN", p, "bills:", at);
        for (const char *at = NULL; (at = audit_name_next(&a->names[p], 'r', at));) append_size(a, "XLEN", p, "responses:", at);
        while (redis_unanswered(a->c->redis)) {
            int code = connect_next(a->c, "measuring the book", &reply);
            if (code) return code;
            total += (uint64_t)reply_integer(reply);
        }
    }
    progress_start(&a->progress, "entries", total);
    return CLI_OK;
}

/* The bill number that the ledger must have come to; and was the partition halted? */
static int read_bill(struct audit *a, bool say_halted, uint64_t *bill) {
    struct reply meta;
    append_meta(a, a->part.partition);
    int code = connect_next(a->c, "reading meta", &meta);
    if (!code) *bill = (uint64_t)reply_integer(reply_at(meta, 0));
    if (!code && say_halted && reply_type(reply_at(meta, 2)) != REPLY_NIL) audit_find(a, "halted: %s", reply_text(reply_at(meta, 2), NULL));
    return code;
}

/* Steps 6 to 8 for the numbers: what meta said before the tail was read is there, and nothing beyond what it says after. */
static int compare_numbers(struct audit *a) {
    uint64_t before, after;
    struct audit_part *p = &a->part;
    int code = read_bill(a, true, &before);
    if (!code) code = audit_account_compare(a);
    if (!code) code = audit_ledger(a);
    audit_ledger_finish(a);
    if (!code) code = read_bill(a, false, &after);
    if (!code && p->bill_last < before) code = audit_trim_look(a, before + 1);
    if (code) return code;
    if (p->bill_last < before)
        audit_find(a, "bill %u-%llu: is missing; the ledger ends before it", p->partition, (unsigned long long)before);
    if (p->bill_last > after)
        audit_find(a, "bill %u-%llu: is beyond the last bill number in meta, %llu", p->partition, (unsigned long long)p->bill_last,
                   (unsigned long long)after);
    return CLI_OK;
}

struct reply audit_group_field(struct reply group, const char *name) {
    for (size_t n = 0; n + 1 < reply_count(group); n += 2)
        if (reply_is(reply_at(group, n), name)) return reply_at(group, n + 1);
    return (struct reply){0};
}

int audit_group(struct audit *a, unsigned partition, struct reply *group) {
    struct reply reply;
    append_key(a, "EXISTS", keys_intents, partition);
    int code = connect_call(a->c, "looking for the intents", &reply);
    *group = (struct reply){0};
    if (code || reply_integer(reply) == 0) return code;
    command_begin(&a->c->command, "XINFO");
    command_word(&a->c->command, "GROUPS");
    keys_buffer key;
    command_copy(&a->c->command, key, keys_intents(key, &a->c->book, partition));
    code = connect_call(a->c, "counting what is pending", &reply);
    *group = reply; /* nobody has served it yet: an empty array */
    for (size_t n = 0; !code && n < reply_count(reply); n++)
        if (reply_is(audit_group_field(reply_at(reply, n), "name"), KEYS_GROUP)) *group = reply_at(reply, n);
    return code;
}

/* What is still under way: none of it is wrong. */
static int count_waiting(struct audit *a) {
    struct reply reply;
    append_key(a, "HLEN", keys_unanswered, a->part.partition);
    int code = connect_call(a->c, "counting what is unanswered", &reply);
    if (code) return code;
    a->unanswered += (uint64_t)reply_integer(reply);
    if ((code = audit_group(a, a->part.partition, &reply))) return code;
    a->pending += (uint64_t)reply_integer(audit_group_field(reply, "pending"));
    a->undelivered += (uint64_t)reply_integer(audit_group_field(reply, "lag"));
    return CLI_OK;
}

static int count_dead(struct audit *a) {
    struct pages pages;
    struct reply entries;
    keys_buffer key;
    bool more = true;
    int code;
    keys_dead(key, &a->c->book, a->part.partition);
    pages_stream(&pages, a->c, "reading the dead stream", key, (struct entry_id){0, 0}, "+", 100);
    while (!(code = pages_next(&pages, &entries, &more)) && more)
        for (size_t n = 0; n < reply_count(entries); n++) {
            struct reply entry = reply_at(entries, n), fields = reply_at(entry, 1);
            bool lost = strncmp(reply_text(audit_group_field(fields, "reason"), NULL), "lost", 4) == 0;
            a->dead++;
            a->lost += lost;
            if (lost) audit_find(a, "intent %s: lost, trimmed while it was pending", reply_text(audit_group_field(fields, "entry"), NULL));
        }
    pages_end(&pages);
    return code;
}

static void clear_partition(struct audit *a) {
    audit_account_clear(a);
    audit_bill_clear(a);
    audit_records_clear(a);
    audit_booking_clear(a);
    audit_hold_clear(a);
    audit_entry_clear(a);
    audit_due_clear(a);
}

/* Step 8. */
static int compare_rest(struct audit *a) {
    uint64_t unrecorded = 0;
    audit_account_finish(a);
    audit_bill_finish(a, &unrecorded);
    audit_booking_finish(a);
    int code = audit_hold_finish(a);
    if (!code) code = audit_entry_finish(a);
    if (!code && unrecorded) code = audit_responses(a, AUDIT_NAME);
    return code;
}

static int audit_partition(struct audit *a, unsigned partition) {
    struct audit_beginning *begin = &a->begin[partition];
    a->part = (struct audit_part){
        .partition = partition, .bill_before = begin->bill, .applied_day = begin->applied_day, .keep_changed = begin->keep_changed,
        .bill_last = begin->cut_bill, .bases = begin->cut_bill > 0};
    int code = audit_account_load(a);
    if (!code) code = audit_ledger(a);
    if (!code) code = audit_responses(a, AUDIT_TAKE);
    if (!code) code = audit_records(a);
    if (!code) code = audit_due_finish(a);
    if (!code) code = audit_merchants(a);
    if (!code) code = compare_numbers(a);
    if (!code) code = compare_rest(a);
    if (!code) code = count_waiting(a);
    if (!code) code = count_dead(a);
    begin->ledger_last = a->part.ledger_last;
    if (a->follow) audit_follow_start(a);
    clear_partition(a);
    return code;
}

void audit_init(struct audit *a, struct connection *c, unsigned first, unsigned last) {
    memset(a, 0, sizeof *a);
    a->c = c;
    a->first = first;
    a->last = last;
    randombytes_buf(a->hash_key, sizeof a->hash_key);
    a->names = calloc(c->book.partitions, sizeof *a->names);
    a->begin = calloc(c->book.partitions, sizeof *a->begin);
    if (!a->names || !a->begin) abort();
}

int audit_run(struct audit *a) {
    int code = connect_like(a->c, &a->side);
    if (!code) code = note_beginnings(a);
    if (!code) code = audit_trim_note(a);
    if (!code) code = audit_scan(a);
    if (!code) code = measure(a);
    for (unsigned p = a->first; !code && p <= a->last; p++) code = audit_partition(a, p);
    if (!code) code = audit_shard_finish(a);
    if (!code) code = audit_settle_finish(a);
    if (!code) code = audit_transfer_finish(a);
    progress_end(&a->progress);
    return code;
}

void audit_close(struct audit *a) {
    for (unsigned p = 0; a->names && p < a->c->book.partitions; p++) free(a->names[p].text);
    free(a->names);
    free(a->begin);
    audit_transfer_clear(a);
    audit_follow_clear(a);
    audit_order_clear(a);
    audit_settle_clear(a);
    audit_shard_clear(a);
    connect_close(&a->side);
}
