/* The postings behind the statements, from the ledgers: each partition once for all merchants, from the month's first ms to its last. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "producer/cli/pages.h"
#include "producer/cli/settle.h"
#include "producer/cli/when.h"
#include "schema/ledger.h"

enum { PAGE = 100 };
/* A ledger entry is written after the intents in it were enqueued; so much may a server's clock have been set back meanwhile. */
#define SLACK_MS UINT64_C(86400000)

struct reading {
    struct settle *s;
    struct earning_sums *seen; /* of each merchant */
    struct pack_tree *tree;
    unsigned partition;
    bool behind;    /* rows are behind the month's end */
    bool shortened; /* of some partition, the ledger begins later than the month */
};

static struct reply rows_field(struct reply entry) {
    struct reply fields = reply_at(entry, 1);
    for (size_t n = 0; n + 1 < reply_count(fields); n += 2)
        if (reply_is(reply_at(fields, n), "rows")) return reply_at(fields, n + 1);
    return (struct reply){0};
}

/* What a posting to a merchant's shard counts as: what the merchant does itself is other, but settlement, which counts nowhere. */
static const char *counts_as(const struct ledger_row *row, struct earning_sums *sums) {
    size_t size = strlen(row->account);
    bool own = strncmp(row->identity, row->account, size) == 0 && row->identity[size] == '/';
    if (row->amount_minor == 0 || (own && (strcmp(row->op, "settle") == 0 || strcmp(row->op, "swept") == 0))) return NULL;
    if (own) sums->other += row->amount_minor;
    else if (row->amount_minor > 0) sums->gross += row->amount_minor;
    else sums->refunds -= row->amount_minor;
    return own ? "other" : row->amount_minor > 0 ? "gross" : "refunds";
}

static void take_row(struct reading *r, const struct ledger_row *row) {
    const struct settle_partition *month = &r->s->partitions[r->partition];
    r->behind = r->behind || row->at_ms >= month->end_ms;
    if (row->at_ms < month->begin_ms || row->at_ms >= month->end_ms || row->account[0] == '@') return;
    size_t n = settle_find(r->s, row->account);
    const char *counts = n < r->s->count ? counts_as(row, &r->seen[n]) : NULL;
    if (counts) settle_out_posting(r->s, r->partition, row, counts);
}

static void take_entry(struct reading *r, struct reply entry) {
    struct pack_value rows;
    struct ledger_row row;
    uint32_t count = 0;
    size_t size;
    const char *bytes = reply_text(rows_field(entry), &size);
    const char *wrong = ledger_decode(r->tree, bytes, size, &rows, &count);
    for (uint32_t n = 0; !wrong && n < count; n++)
        if (!(wrong = ledger_row_at(&rows, n, &row))) take_row(r, &row);
    if (wrong)
        settle_fault(r->s, "partition %u: ledger entry %s: %s", r->partition, reply_text(reply_at(entry, 0), NULL), wrong);
}

static int read_partition(struct reading *r) {
    struct settle *s = r->s;
    const struct settle_partition *month = &s->partitions[r->partition];
    struct entry_id from = {month->begin_ms > SLACK_MS ? month->begin_ms - SLACK_MS : 0, 0};
    struct pages pages;
    struct reply entries;
    keys_buffer key;
    bool more = true;
    int code;
    r->behind = false;
    keys_ledger(key, &s->c->book, r->partition);
    pages_stream(&pages, s->c, "reading the ledger", key, from, "+", PAGE);
    while (!r->behind && !(code = pages_next(&pages, &entries, &more)) && more) {
        for (size_t n = 0; n < reply_count(entries); n++) take_entry(r, reply_at(entries, n));
        progress_add(&s->progress, reply_count(entries));
    }
    pages_end(&pages);
    return r->behind ? CLI_OK : code;
}

/* Does the partition's ledger begin with its first bill, or at least before the month? */
static int look_at_beginning(struct reading *r) {
    struct settle *s = r->s;
    struct pack_value rows;
    struct ledger_row row;
    struct reply first;
    keys_buffer key;
    uint32_t count = 0;
    size_t size;
    command_begin(&s->c->command, "XRANGE");
    command_copy(&s->c->command, key, keys_ledger(key, &s->c->book, r->partition));
    command_word(&s->c->command, "-");
    command_word(&s->c->command, "+");
    command_word(&s->c->command, "COUNT");
    command_word(&s->c->command, "1");
    int code = connect_call(s->c, "reading the ledger", &first);
    if (code || reply_count(first) == 0) return code;
    const char *bytes = reply_text(rows_field(reply_at(first, 0)), &size);
    if (ledger_decode(r->tree, bytes, size, &rows, &count) || count == 0 || ledger_row_at(&rows, 0, &row)) return CLI_OK;
    const char *number = strchr(row.bill, '-');
    if ((number && strcmp(number, "-1") == 0) || row.at_ms < s->partitions[r->partition].begin_ms) return CLI_OK;
    char when[WHEN_TEXT_SIZE];
    when_format(row.at_ms, when);
    cli_say(s->cli, "the ledger of partition %u begins with bill %s of %s: what it said of the month before that was trimmed",
            r->partition, row.bill, when);
    r->shortened = true;
    return CLI_OK;
}

static void compare(struct reading *r) {
    struct settle *s = r->s;
    if (s->provisional || r->shortened) {
        cli_say(s->cli, "the postings were not held against the statements: %s",
                r->shortened ? "they are not all there any more" : "these are provisional");
        return;
    }
    for (size_t n = 0; n < s->count; n++) {
        const struct earning_sums *want = &s->expected[n], *seen = &r->seen[n];
        if (want->gross == seen->gross && want->refunds == seen->refunds && want->other == seen->other) continue;
        settle_fault(s, "%s: its postings sum to gross %" PRId64 ", refunds %" PRId64 ", other %" PRId64 ", but its statement says %" PRId64
                        ", %" PRId64 ", %" PRId64 "; was settlement_offset changed then?",
                     s->names[n], seen->gross, seen->refunds, seen->other, want->gross, want->refunds, want->other);
    }
}

int settle_bills(struct settle *s) {
    struct reading r = {.s = s, .seen = calloc(s->count + 1, sizeof *r.seen), .tree = pack_tree_new()};
    int code = CLI_OK;
    if (!r.seen || !r.tree) abort();
    settle_out_postings_begin(s);
    progress_start(&s->progress, "ledger entries", 0);
    for (unsigned p = 0; !code && p < s->c->book.partitions; p++) {
        r.partition = p;
        code = look_at_beginning(&r);
        if (!code) code = read_partition(&r);
    }
    progress_end(&s->progress);
    settle_out_postings_end(s);
    if (!code) compare(&r);
    free(r.seen);
    pack_tree_free(r.tree);
    return code;
}
