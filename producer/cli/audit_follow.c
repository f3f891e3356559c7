/* Follows the ledgers: round after round, each partition's new rows, some of the accounts they touched, and the numbers of some
 * partitions. */
#include "producer/cli/audit_follow.h"

#include <poll.h>
#include <string.h>

#include "producer/cli/when.h"
#include "schema/ledger.h"

enum { PAUSE_MS = 200, RETRY_MS = 500, PARTS_AT_ONCE = 16, STOP = -1 };

static bool is_over(const struct audit *a) { return *a->follow->stopped || (a->found && !a->follow->keep_going); }

static void close_bill(struct audit *a) {
    if (a->part.rows.open) audit_rows_close(a);
}

static int take_row(struct audit *a, const struct ledger_row *row) {
    struct audit_follow *f = a->follow;
    uint64_t bill, now_ms = when_now_ms();
    unsigned currency = 0;
    f->rows++;
    if (now_ms > row->at_ms && (int64_t)(now_ms - row->at_ms) > f->behind_ms) f->behind_ms = (int64_t)(now_ms - row->at_ms);
    if (!audit_bill_number(a, row->bill, &bill)) return CLI_OK;
    if (bill != a->part.bill_last || !a->part.rows.open) {
        close_bill(a);
        if (is_over(a)) return STOP;
        if (f->parts[a->part.partition].anew) a->part.bill_last = bill - 1;
        f->parts[a->part.partition].anew = false;
        audit_ledger_number(a, bill);
        a->part.rows.open = true;
        f->bills++;
    }
    int code = audit_follow_row(a, row, &currency);
    if (!code) audit_rows_add(a, row, currency);
    else f->torn = true;
    return code;
}

/* What a partition's ledger has more; whole bills, since a ledger entry has no others. */
static int read_part(struct audit *a, unsigned partition) {
    struct audit_follow *f = a->follow;
    struct follow_part *part = &f->parts[partition];
    a->part.partition = partition;
    a->part.bill_last = part->bill_last;
    int code = audit_ledger_rows(a, partition, &part->last, take_row);
    if (code <= CLI_OK) close_bill(a);
    a->part.rows.open = false;
    a->part.rows.count = a->part.rows.currency_count = 0;
    part->bill_last = a->part.bill_last;
    if (f->torn) {
        cli_say(a->c->cli, "partition %u: is followed anew from where it will be found", partition);
        audit_follow_forget(a, partition);
        part->anew = true;
        f->torn = false;
    }
    return code;
}

/* --- numbers --- */

static void append_numbers(struct audit *a, unsigned partition) {
    struct command *c = &a->c->command;
    keys_buffer key;
    command_begin(c, "HMGET");
    command_copy(c, key, keys_meta(key, &a->c->book, partition));
    command_word(c, "bill");
    command_word(c, "halted");
    redis_append(a->c->redis, c);
    audit_follow_append_last(a, partition);
    command_begin(c, "XLEN");
    command_copy(c, key, keys_dead(key, &a->c->book, partition));
    redis_append(a->c->redis, c);
}

/* The ledger has been read up to where it ended after a number was: has it come to that? */
static void check_numbers(struct audit *a, unsigned partition) {
    struct follow_part *part = &a->follow->parts[partition];
    if (!part->bounded || entry_id_compare(part->last, part->bound) < 0) return;
    part->bounded = false;
    a->part.partition = partition;
    if (part->bill_last < part->bound_bill)
        audit_find(a, "bill %u-%llu: is missing; the ledger ends before it", partition, (unsigned long long)part->bound_bill);
}

static void take_numbers(struct audit *a, unsigned partition, struct reply meta) {
    struct follow_part *part = &a->follow->parts[partition];
    uint64_t bill = (uint64_t)reply_integer(reply_at(meta, 0));
    bool halted = reply_type(reply_at(meta, 1)) != REPLY_NIL;
    a->part.partition = partition;
    if (halted && !part->halted) audit_find(a, "halted: %s", reply_text(reply_at(meta, 1), NULL));
    part->halted = halted;
    if (bill < part->bill_last) {
        audit_find(a, "bill %u-%llu: is beyond the last bill number in meta, %llu", partition, (unsigned long long)part->bill_last,
                   (unsigned long long)bill);
        part->bill_last = bill; /* said once; what comes is numbered from there */
    }
    if (!part->bounded) part->bound_bill = bill;
}

static int read_numbers(struct audit *a) {
    struct audit_follow *f = a->follow;
    unsigned count = a->last - a->first + 1, first = f->next_part;
    unsigned now = count < PARTS_AT_ONCE ? count : PARTS_AT_ONCE;
    for (unsigned n = 0; n < now; n++) append_numbers(a, a->first + (first + n) % count);
    for (unsigned n = 0; n < now; n++) {
        struct follow_part *part = &f->parts[a->first + (first + n) % count];
        struct reply reply;
        int code = connect_next(a->c, "reading meta", &reply);
        if (code) return code;
        take_numbers(a, a->first + (first + n) % count, reply);
        if ((code = connect_next(a->c, "reading the ledger's end", &reply))) return code;
        if (!part->bounded) part->bound = audit_follow_last(reply);
        part->bounded = true;
        if ((code = connect_next(a->c, "counting the dead", &reply))) return code;
        part->dead = (uint64_t)reply_integer(reply);
    }
    f->next_part = (first + now) % count;
    return CLI_OK;
}

/* --- the loop --- */

static int go_round(struct audit *a) {
    int code = CLI_OK;
    a->follow->stamp++;
    for (unsigned p = a->first; !code && p <= a->last; p++) {
        if (is_over(a)) return CLI_OK;
        code = read_part(a, p);
        if (!code) check_numbers(a, p);
    }
    if (!code) code = audit_follow_compare(a);
    if (!code) code = read_numbers(a);
    return code == STOP ? CLI_OK : code;
}

/* A Redis that went away was said by whoever missed it, and is waited for. */
static void wait_for_redis(struct audit *a) {
    cli_say(a->c->cli, "waiting for it");
    while (!*a->follow->stopped && (redis_is_lost(a->c->redis) || redis_is_lost(a->side.redis))) {
        poll(NULL, 0, RETRY_MS);
        if (redis_is_lost(a->c->redis) && redis_reopen(a->c->redis) != REDIS_OK) continue;
        if (redis_is_lost(a->side.redis) && redis_reopen(a->side.redis) != REDIS_OK) continue;
        cli_say(a->c->cli, "back again");
    }
}

static void print_line(struct audit *a, void (*line)(const struct audit *a)) {
    struct audit_follow *f = a->follow;
    line(a);
    f->in_line.rows = f->rows;
    f->in_line.bills = f->bills;
    f->in_line.compared = f->compared;
    f->in_line.found = a->found;
    f->behind_ms = 0;
}

void audit_follow_start(struct audit *a) {
    a->follow->parts[a->part.partition] = (struct follow_part){.last = a->part.ledger_last, .bill_last = a->part.bill_last};
}

int audit_follow(struct audit *a, int64_t interval_ms, void (*line)(const struct audit *a)) {
    int64_t next_ms = progress_now_ms() + interval_ms;
    int code = CLI_OK;
    memset(&a->part, 0, sizeof a->part);
    while (!code && !is_over(a)) {
        code = go_round(a);
        if (code == CLI_UNREACHABLE && (redis_is_lost(a->c->redis) || redis_is_lost(a->side.redis))) {
            wait_for_redis(a);
            code = CLI_OK;
        }
        if (progress_now_ms() >= next_ms) {
            print_line(a, line);
            next_ms = progress_now_ms() + interval_ms;
        }
        if (!code && !is_over(a)) poll(NULL, 0, PAUSE_MS);
    }
    return code;
}
