/* `till ledger`: the postings, of all accounts or one. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "producer/cli/args.h"
#include "producer/cli/commands.h"
#include "producer/cli/json_out.h"
#include "producer/cli/pages.h"
#include "producer/cli/table.h"
#include "producer/cli/when.h"
#include "schema/ledger.h"

enum { OPTION_ACCOUNT, OPTION_PARTITION, OPTION_FROM, OPTION_TO, OPTION_LIMIT };
enum { PAGE = 100, TABLE_PAGE = 500 };

/* What is asked for, and how much of it has been given. */
struct search {
    const struct cli *cli;
    struct connection c;
    const char *account;         /* NULL: all */
    struct entry_id after;       /* ledger entries to read: those after it */
    char to[ENTRY_TEXT_MAX + 1]; /* up to this, or "+" */
    uint64_t from_ms, to_ms;     /* rows of intents of this time */
    uint64_t left;               /* of --limit */
    struct table table;
    struct pack_tree *tree;
};

static const struct table_column columns[] = {{"TIME", false},  {"BILL", false},   {"OP", false},     {"ACCOUNT", false},
                                              {"AMOUNT", true}, {"HOLD", true},    {"BALANCE", true}, {"HELD", true},
                                              {"SEQ", true},    {"INTENT", false}, {"NOTE", false},   {NULL, false}};

static void print_row(struct search *s, const struct ledger_row *row, const char *entry) {
    char time[WHEN_TEXT_SIZE];
    if (s->cli->json) {
        json_t *object = json_out_object();
        json_out_text(object, "ledger", entry);
        json_out_text(object, "bill", row->bill);
        json_out_text(object, "identity", row->identity);
        json_out_text(object, "op", row->op);
        json_out_text(object, "account", row->account);
        json_out_number(object, "amount", row->amount_minor);
        json_out_number(object, "hold", row->hold_minor);
        json_out_number(object, "balance", row->balance_minor);
        json_out_number(object, "held", row->held_minor);
        json_out_number(object, "seq", (int64_t)row->seq);
        json_out_number(object, "at", (int64_t)row->at_ms);
        json_out_text(object, "note", row->note);
        json_out(object);
        return;
    }
    when_format(row->at_ms, time);
    const char *texts[] = {time, row->bill, row->op, row->account};
    const int64_t numbers[] = {row->amount_minor, row->hold_minor, row->balance_minor, row->held_minor, (int64_t)row->seq};
    for (size_t n = 0; n < 4; n++) table_add(&s->table, texts[n]);
    for (size_t n = 0; n < 5; n++) table_add_number(&s->table, true, numbers[n]);
    table_add(&s->table, row->identity);
    table_add(&s->table, row->note);
    if (table_rows(&s->table) >= TABLE_PAGE) table_flush(&s->table);
}

static bool wanted(const struct search *s, const struct ledger_row *row) {
    if (row->at_ms < s->from_ms || row->at_ms > s->to_ms) return false;
    return !s->account || strcmp(row->account, s->account) == 0;
}

static void take_entry(struct search *s, struct reply entry) {
    struct pack_value rows;
    struct ledger_row row;
    uint32_t count = 0;
    size_t size;
    const char *bytes = reply_text(reply_at(reply_at(entry, 1), 1), &size), *id = reply_text(reply_at(entry, 0), NULL);
    const char *wrong = ledger_decode(s->tree, bytes, size, &rows, &count);
    if (wrong) cli_say(s->cli, "ledger entry %s: %s", id, wrong);
    for (uint32_t n = 0; !wrong && n < count && s->left > 0; n++) {
        wrong = ledger_row_at(&rows, n, &row);
        if (wrong) {
            cli_say(s->cli, "ledger entry %s, row %u: %s", id, n, wrong);
        } else if (wanted(s, &row)) {
            print_row(s, &row, id);
            s->left--;
        }
    }
}

static int read_partition(struct search *s, unsigned partition) {
    struct pages pages;
    struct reply entries;
    keys_buffer key;
    bool more = true;
    int code = CLI_OK;
    keys_ledger(key, &s->c.book, partition);
    pages_stream(&pages, &s->c, "reading the ledger", key, s->after, s->to, PAGE);
    while (s->left > 0 && !(code = pages_next(&pages, &entries, &more)) && more)
        for (size_t n = 0; n < reply_count(entries); n++) take_entry(s, reply_at(entries, n));
    pages_end(&pages);
    return code;
}

/* A TIME is that of the intents; their rows lie in ledger entries written then or later. An ID is that of ledger entries. */
static bool read_range(struct search *s) {
    const char *from = s->cli->value[OPTION_FROM], *to = s->cli->value[OPTION_TO];
    struct entry_id id;
    s->to_ms = UINT64_MAX;
    memcpy(s->to, "+", 2);
    if (from && entry_id_parse_whole(from, strlen(from), &id)) {
        s->after = id.seq ? (struct entry_id){id.ms, id.seq - 1} : (struct entry_id){id.ms ? id.ms - 1 : 0, id.ms ? UINT64_MAX : 0};
    } else if (from) {
        if (!when_parse(from, &s->from_ms)) return false;
        if (s->from_ms) s->after = (struct entry_id){s->from_ms - 1, UINT64_MAX};
    }
    if (to && entry_id_parse_whole(to, strlen(to), &id)) entry_id_format(id, s->to);
    else if (to && !when_parse(to, &s->to_ms)) return false;
    return true;
}

/* A user's rows all lie in one partition; a merchant's and a system account's in any. */
static int narrow(struct search *s, unsigned *first, unsigned *last) {
    struct reply kind;
    keys_buffer key;
    if (!s->account || s->account[0] == '@' || s->cli->value[OPTION_PARTITION]) return CLI_OK;
    unsigned home = keys_partition(&s->c.book, s->account, strlen(s->account));
    command_begin(&s->c.command, "HGET");
    command_copy(&s->c.command, key, keys_account(key, &s->c.book, home, s->account));
    command_word(&s->c.command, "kind");
    int code = connect_call(&s->c, "reading the account", &kind);
    if (code) return code;
    if (reply_type(kind) == REPLY_NIL) return cli_usage(s->cli, "there is no account '%s'", s->account);
    if (!reply_is(kind, "merchant")) *first = *last = home;
    return CLI_OK;
}

static int check_account(struct search *s) {
    struct intent scratch = {0};
    s->account = s->cli->value[OPTION_ACCOUNT];
    if (!s->account || s->account[0] == '@') return CLI_OK;
    const char *wrong = intent_set_text(&scratch, FIELD_account, s->account, strlen(s->account));
    return wrong ? cli_usage(s->cli, "--account %s %s", s->account, wrong) : CLI_OK;
}

static int run(struct cli *cli) {
    struct search s = {.cli = cli, .left = UINT64_MAX};
    unsigned first = 0, last = 0;
    if (!args_number(cli, OPTION_LIMIT, 1, UINT64_MAX, &s.left)) return CLI_USAGE;
    if (!read_range(&s)) return cli_usage(cli, "--from and --to take a ledger entry's ID (MS-SEQ) or a time: " WHEN_FORMS);
    int code = check_account(&s);
    if (code) return code;
    s.tree = pack_tree_new();
    if (!s.tree) abort();
    table_init(&s.table, columns);
    code = connect_book(cli, &s.c);
    if (!code && !connect_partitions(&s.c, OPTION_PARTITION, &first, &last)) code = CLI_USAGE;
    if (!code) code = narrow(&s, &first, &last);
    for (unsigned p = first; !code && p <= last && s.left > 0; p++) code = read_partition(&s, p);
    if (!cli->json && !code) table_flush(&s.table);
    table_clear(&s.table);
    pack_tree_free(s.tree);
    connect_close(&s.c);
    return code;
}

static const struct cli_option options[] = {
    {"account", 'a', "ID", "only rows of this account; @world:CUR too"},
    {"partition", 'p', "N", "only this one"},
    {"from", 0, "TIME|ID", "intents from this time on, or ledger entries from this ID on"},
    {"to", 0, "TIME|ID", "up to this, which is included"},
    {"limit", 'l', "N", "no more rows than this"},
    {0},
};

const struct cli_command cmd_ledger = {
    .name = "ledger",
    .group = CLI_LOOK,
    .summary = "shows the postings, of all accounts or one",
    .operands = "",
    .options = options,
    .about = "Row by row, partition after partition, each in the order in which it was applied. Times are the\n"
             "intents': " WHEN_FORMS ".",
    .examples = "  till ledger --account alice\n  till ledger --from 1h --limit 20\n  till ledger --partition 3 --json",
    .run = run,
};
