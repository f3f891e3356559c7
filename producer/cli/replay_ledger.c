/* The ledger that came of a replay: is it the one that was archived? Then the archived entries take the place of the new ones, so that they
 * have the IDs that everybody knows, and the archive can go on where it ended. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "producer/cli/replay_rows.h"

enum { SHOWN = 3, WINDOW = 200 };

static void differ(struct replay *r, unsigned p, const char *what, const struct ledger_row *row) {
    r->parts[p].ledger_differs = true;
    replay_find(r, p, "ledger: bill %s, account %s, seq %" PRIu64 ": %s", row->bill, row->account, row->seq, what);
}

/* One step by bill number, which ascends in both. Where only one of them has a bill, that is a difference between bills that both have, and
 * none before or behind those: ledgers are trimmed, and archives end. True when there is one. */
static bool step(struct replay *r, unsigned p, struct replay_rows *was, struct replay_rows *is, bool *overlap, int *code) {
    const char *wrong = NULL;
    const struct ledger_row row = was->bill < is->bill ? was->row : is->row;
    bool forward_was = was->bill <= is->bill, forward_is = was->bill >= is->bill;
    if (was->bill < is->bill) {
        wrong = *overlap ? "was archived, but did not come about again" : NULL;
    } else if (was->bill > is->bill) {
        wrong = *overlap && was->source.missing == 0 ? "is not in the archive, though the bills around it are" : NULL;
    } else {
        *overlap = true;
        wrong = replay_rows_same(&was->row, &is->row) ? NULL : "came out otherwise than it was archived";
        r->parts[p].rows += !wrong;
    }
    if (wrong) differ(r, p, wrong, &row);
    *code = forward_was ? replay_rows_next(was) : CLI_OK;
    if (!*code && forward_is) *code = replay_rows_next(is);
    return wrong != NULL;
}

static int compare(struct replay *r, unsigned p, struct replay_rows *was, struct replay_rows *is) {
    bool overlap = false;
    int code = CLI_OK;
    for (unsigned shown = 0; !code && was->more && is->more && shown < SHOWN;) shown += step(r, p, was, is, &overlap, &code);
    for (; !code && was->more && !is->more; code = replay_rows_next(was)) r->parts[p].beyond++;
    return code;
}

int replay_ledger_compare(struct replay *r, unsigned partition) {
    struct replay_rows was, is;
    int code = replay_rows_open(&was, r, partition, true);
    int other = replay_rows_open(&is, r, partition, false);
    if (!code) code = other;
    if (!code) code = compare(r, partition, &was, &is);
    replay_rows_close(&was);
    replay_rows_close(&is);
    return code;
}

/* A stream being written beside the ledger, over a connection of its own. */
struct copy {
    struct connection c;
    unsigned partition, flying;
    char key[256];
    uint64_t extra; /* entries that are not archived */
    struct entry_id last;
};

static int open_copy(struct copy *copy, struct replay *r, unsigned partition) {
    struct reply reply;
    *copy = (struct copy){.c = r->c, .partition = partition};
    command_init(&copy->c.command);
    snprintf(copy->key, sizeof copy->key, "{%s:%u}:ledger:rebuilt", r->c.book.name, partition);
    enum redis_err err = redis_open(&copy->c.redis, &copy->c.options);
    if (err) return connect_failed(&copy->c, err, "connecting");
    command_begin(&copy->c.command, "DEL");
    command_borrow(&copy->c.command, copy->key, strlen(copy->key));
    return connect_call(&copy->c, "putting back the ledger", &reply);
}

static int settle(struct copy *copy) {
    struct reply reply;
    int code = CLI_OK;
    for (; copy->flying > 0 && !code; copy->flying--) code = connect_next(&copy->c, "putting back the ledger", &reply);
    return code;
}

static struct command *begin(struct copy *copy, const char *name) {
    struct command *c = &copy->c.command;
    command_begin(c, name);
    command_borrow(c, copy->key, strlen(copy->key));
    return c;
}

static void add_id(struct command *c, struct entry_id id) {
    char text[ENTRY_TEXT_MAX + 1];
    command_copy(c, text, entry_id_format(id, text));
}

static int send(struct copy *copy) {
    redis_append(copy->c.redis, &copy->c.command);
    return ++copy->flying < WINDOW ? CLI_OK : settle(copy);
}

static int copy_archived(struct copy *copy, const struct segment_record *entry) {
    struct command *c = begin(copy, "XADD");
    const char *text;
    size_t at = 0, size;
    add_id(c, entry->id);
    while (segment_record_string(entry, &at, &text, &size)) command_borrow(c, text, size);
    copy->last = entry->id;
    return send(copy);
}

/* The rows from the one at hand on, which the archive does not have yet, under an ID that is free. */
static int copy_rest(struct copy *copy, const struct replay_rows *is) {
    size_t size;
    uint8_t *rows = replay_rows_rest(is, &size);
    struct command *c = begin(copy, "XADD");
    copy->last = entry_id_compare(is->id, copy->last) > 0 ? is->id : entry_id_after(copy->last);
    add_id(c, copy->last);
    command_word(c, "rows");
    command_copy(c, (const char *)rows, size);
    free(rows);
    copy->extra++;
    return send(copy);
}

/* To the first row of the next entry. */
static int next_entry(struct replay_rows *rows) {
    rows->next = rows->count;
    return replay_rows_next(rows);
}

/* All archived entries from the one on that begins with the first bill there is; `*last`: the last bill in them, 0: there is no such
 * entry. */
static int copy_was(struct copy *copy, struct replay_rows *was, uint64_t first, uint64_t *last) {
    struct ledger_row row;
    unsigned partition;
    unsigned long long number;
    int code = CLI_OK;
    *last = 0;
    while (!code && was->more && (*last || was->bill <= first)) {
        if (*last || was->bill == first) {
            bool known = !ledger_row_at(&was->list, was->count - 1, &row) && sscanf(row.bill, "%u-%llu", &partition, &number) == 2;
            *last = known ? number : was->bill;
            code = copy_archived(copy, &was->record);
        }
        if (!code) code = next_entry(was);
    }
    return code;
}

/* The rows behind those. */
static int copy_is(struct copy *copy, struct replay_rows *is, uint64_t last) {
    int code = CLI_OK;
    while (!code && is->more) {
        if (is->bill <= last) {
            code = replay_rows_next(is);
            continue;
        }
        code = copy_rest(copy, is);
        if (!code) code = next_entry(is);
    }
    return code;
}

static int swap(struct copy *copy, const struct replay_rows *was) {
    struct reply reply;
    keys_buffer key;
    struct command *c = begin(copy, "XSETID");
    add_id(c, copy->last);
    command_word(c, "ENTRIESADDED");
    command_uint(c, was->source.entries + was->source.missing + copy->extra);
    int code = connect_call(&copy->c, "putting back the ledger", &reply);
    if (code) return code;
    c = begin(copy, "RENAME");
    command_copy(c, key, keys_ledger(key, &copy->c.book, copy->partition));
    return connect_call(&copy->c, "putting back the ledger", &reply);
}

int replay_ledger_restore(struct replay *r, unsigned partition) {
    struct replay_rows was, is;
    struct copy copy;
    uint64_t last = 0;
    if (r->parts[partition].ledger_differs || r->parts[partition].beyond || !r->parts[partition].rows) return CLI_OK;
    int code = replay_rows_open(&was, r, partition, true);
    int other = replay_rows_open(&is, r, partition, false);
    int opened = open_copy(&copy, r, partition);
    if (!code) code = other ? other : opened;
    if (!code) code = copy_was(&copy, &was, is.bill, &last);
    if (!code && last) code = copy_is(&copy, &is, last);
    if (!code) code = settle(&copy);
    if (!code && last) code = swap(&copy, &was);
    r->parts[partition].restored = !code && last;
    replay_rows_close(&was);
    replay_rows_close(&is);
    connect_close(&copy.c);
    return code;
}
