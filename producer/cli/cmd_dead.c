/* `till dead`: the entries that were given up: look at them, put them back, put them aside. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "producer/cli/args.h"
#include "producer/cli/commands.h"
#include "producer/cli/dead.h"
#include "producer/cli/json_intent.h"
#include "producer/cli/json_out.h"
#include "producer/cli/pages.h"
#include "producer/cli/table.h"
#include "schema/code.h"

enum { OPTION_PARTITION, OPTION_LIMIT, OPTION_ALL, OPTION_REASON };

/* What is done with each dead entry. */
struct work {
    struct connection c;
    unsigned first, last;
    uint64_t left, count;
    struct table table;
    unsigned missing;
};

static void list_row(struct work *w, const struct dead *d) {
    table_addf(&w->table, "%u:%s", d->partition, d->id);
    table_add(&w->table, d->entry);
    table_add(&w->table, d->attempts);
    if (d->part_count) table_addf(&w->table, "%u intents", d->part_count);
    else table_add(&w->table, d->readable ? op_word(d->intent.op) : "");
    table_add(&w->table, d->readable ? d->intent.source : "");
    table_add(&w->table, d->readable ? d->intent.key : "");
    table_add(&w->table, d->readable ? d->intent.account : "");
    table_add(&w->table, d->reason);
}

static int each_of_partition(struct work *w, unsigned partition, int (*take)(struct work *w, const struct dead *d)) {
    struct pages pages;
    struct reply entries;
    struct dead dead;
    keys_buffer key;
    bool more = true;
    int code = CLI_OK;
    keys_dead(key, &w->c.book, partition);
    pages_stream(&pages, &w->c, "reading the dead stream", key, (struct entry_id){0, 0}, "+", 100);
    while (!code && w->left > 0 && !(code = pages_next(&pages, &entries, &more)) && more)
        for (size_t n = 0; !code && w->left > 0 && n < reply_count(entries); n++) {
            dead_read(reply_at(entries, n), partition, &dead);
            w->left--;
            w->count++;
            code = take(w, &dead);
        }
    pages_end(&pages);
    return code;
}

static int take_list(struct work *w, const struct dead *d) {
    if (w->c.cli->json) json_out(dead_json(d));
    else list_row(w, d);
    return CLI_OK;
}

static int run_list(struct work *w) {
    static const struct table_column columns[] = {{"ID", false},  {"ENTRY", false},   {"ATTEMPTS", true}, {"OP", false}, {"SOURCE", false},
                                                  {"KEY", false}, {"ACCOUNT", false}, {"REASON", false},  {NULL, false}};
    int code = CLI_OK;
    if (w->c.cli->operand_count > 1) return cli_usage(w->c.cli, "list takes no IDs; `till dead show ID` shows one");
    table_init(&w->table, columns);
    for (unsigned p = w->first; !code && p <= w->last; p++) code = each_of_partition(w, p, take_list);
    if (!code && !w->c.cli->json) {
        if (w->count) table_flush(&w->table);
        else puts("no dead entries");
    }
    table_clear(&w->table);
    return code;
}

/* "P:MS-SEQ", or "MS-SEQ" with --partition. */
static bool parse_id(const struct work *w, const char *text, unsigned *partition, const char **id) {
    struct entry_id parsed;
    *partition = w->first;
    *id = text;
    if (strchr(text, ':')) return dead_parse_id(&w->c.book, text, partition, id);
    return w->first == w->last && entry_id_parse_whole(*id, strlen(*id), &parsed);
}

/* The dead entry of this ID; *found is false, and it is said, when it is not there. The reply lives until the next command. */
static int fetch(struct work *w, unsigned partition, const char *id, struct dead *d, bool *found) {
    int code = dead_fetch(&w->c, partition, id, d, found);
    if (!code && !*found) {
        cli_say(w->c.cli, "%u:%s is not in the dead stream: was it requeued or discarded before?", partition, id);
        w->missing++;
    }
    return code;
}

static void print_intent(json_t *intent) {
    char *text = intent ? json_dumps(intent, JSON_COMPACT | JSON_ENSURE_ASCII | JSON_ENCODE_ANY) : NULL;
    if (text) printf("intent    %s\n", text);
    free(text);
    json_decref(intent);
}

static void print_show(const struct dead *d) {
    printf("id        %u:%s\nentry     %s\nattempts  %s\nreason    ", d->partition, d->id, d->entry, d->attempts);
    table_print_safe(d->reason);
    putchar('\n');
    print_intent(d->readable ? json_intent_show(&d->intent) : NULL);
    for (unsigned n = 0; n < d->part_count; n++) print_intent(dead_part_json(&d->parts[n]));
    if (d->fault.text[0]) printf("fault     %s\n", d->fault.text);
    for (size_t n = 6; n + 1 < reply_count(d->fields); n += 2) {
        json_t *raw = dead_raw_json(reply_at(d->fields, n + 1));
        printf("field     ");
        table_print_safe(reply_text(reply_at(d->fields, n), NULL));
        printf(" %s\n", json_string_value(raw));
        json_decref(raw);
    }
}

static int show_one(struct work *w, unsigned partition, const char *id) {
    struct dead dead;
    bool found;
    int code = fetch(w, partition, id, &dead, &found);
    if (!found) return code;
    if (w->c.cli->json) json_out(dead_json(&dead));
    else print_show(&dead);
    return code;
}

/* What became of one entry. `entry`: its new entry ID, or NULL. */
static void print_done(const struct work *w, unsigned partition, const char *id, const char *done, const char *entry) {
    char text[80];
    snprintf(text, sizeof text, "%u:%s", partition, id);
    if (!w->c.cli->json) {
        printf("%s %s%s%s\n", text, done, entry ? " as " : "", entry ? entry : "");
        return;
    }
    json_t *object = json_out_object();
    json_out_text(object, "id", text);
    json_out_text(object, "done", done);
    if (entry) json_out_text(object, "entry", entry);
    json_out(object);
}

static int requeue_one(struct work *w, unsigned partition, const char *id) {
    struct dead dead;
    const char *entry;
    bool found;
    uint64_t now_ms, at_ms;
    int code = fetch(w, partition, id, &dead, &found);
    if (!found) return code;
    at_ms = dead.readable && dead.intent.present & FIELD_BIT(FIELD_at) ? dead.intent.at_ms : 0;
    enum redis_err err = dead_requeue(&w->c, &dead, id, &entry);
    if (err) return connect_failed(&w->c, err, "requeueing");
    if (!*entry) {
        cli_say(w->c.cli, "%u:%s cannot be put back: its bytes were lost, or it has gone meanwhile", partition, id);
        w->missing++;
        return CLI_OK;
    }
    w->count++;
    print_done(w, partition, id, "requeued", entry);
    code = connect_server_ms(&w->c, &now_ms);
    if (!code && at_ms && at_ms + INTENT_STALE_MS < now_ms)
        cli_say(w->c.cli, "%u:%s was created more than 23 h ago: it will be answered %d %s", partition, id, CODE_stale,
                code_word(CODE_stale));
    return code;
}

static int discard_one(struct work *w, unsigned partition, const char *id) {
    bool found;
    enum redis_err err = dead_discard(&w->c, partition, id, w->c.cli->value[OPTION_REASON], &found);
    if (err) return connect_failed(&w->c, err, "discarding");
    if (!found) {
        cli_say(w->c.cli, "%u:%s is not in the dead stream: was it requeued or discarded before?", partition, id);
        w->missing++;
        return CLI_OK;
    }
    w->count++;
    print_done(w, partition, id, "discarded", NULL);
    return CLI_OK;
}

/* IDs that were in the dead streams at the start; work on them changes those streams. */
static int collect_id(struct work *w, const struct dead *d) {
    table_addf(&w->table, "%u:%s", d->partition, d->id);
    return CLI_OK;
}

typedef int one(struct work *w, unsigned partition, const char *id);

static int run_all(struct work *w, one *take) {
    static const struct table_column columns[] = {{"ID", false}, {NULL, false}};
    unsigned partition;
    const char *id;
    int code = CLI_OK;
    table_init(&w->table, columns);
    for (unsigned p = w->first; !code && p <= w->last; p++) code = each_of_partition(w, p, collect_id);
    w->count = 0;
    for (size_t n = 0; !code && n < w->table.cell_count; n++)
        if (parse_id(w, w->table.cells[n], &partition, &id)) code = take(w, partition, id);
    if (!code && w->table.cell_count == 0 && !w->c.cli->json) puts("no dead entries");
    table_clear(&w->table);
    return code;
}

static int run_each(struct work *w, one *take) {
    const struct cli *cli = w->c.cli;
    unsigned partition;
    const char *id;
    int code = CLI_OK;
    if (cli->value[OPTION_ALL] && take != show_one) return run_all(w, take);
    if (cli->operand_count < 2) return cli_usage(cli, "which? IDs are those of `till dead list`%s", take == show_one ? "" : ", or --all");
    for (int n = 1; n < cli->operand_count; n++)
        if (!parse_id(w, cli->operands[n], &partition, &id))
            return cli_usage(cli, "'%s' is not an ID of `till dead list`, as 3:1763712000000-0", cli->operands[n]);
    for (int n = 1; !code && n < cli->operand_count; n++)
        if (parse_id(w, cli->operands[n], &partition, &id)) code = take(w, partition, id);
    return code;
}

static int run_action(struct work *w) {
    const struct cli *cli = w->c.cli;
    const char *action = cli->operands[0], *reason = cli->value[OPTION_REASON];
    if (strcmp(action, "list") == 0) return run_list(w);
    if (strcmp(action, "show") == 0) return run_each(w, show_one);
    if (strcmp(action, "requeue") == 0) return run_each(w, requeue_one);
    if (strcmp(action, "discard") != 0) return cli_usage(cli, "'%s'? list, show, requeue or discard", action);
    if (!reason || !*reason) return cli_usage(cli, "discard needs a --reason, which is kept");
    return run_each(w, discard_one);
}

static int run(struct cli *cli) {
    struct work w = {.left = UINT64_MAX};
    if (!args_number(cli, OPTION_LIMIT, 1, UINT64_MAX, &w.left)) return CLI_USAGE;
    int code = connect_book(cli, &w.c);
    if (!code && !connect_partitions(&w.c, OPTION_PARTITION, &w.first, &w.last)) code = CLI_USAGE;
    if (!code) code = run_action(&w);
    connect_close(&w.c);
    return code ? code : w.missing ? CLI_FOUND : CLI_OK;
}

static const struct cli_option options[] = {
    {"partition", 'p', "N", "only this one"},
    {"limit", 'l', "N", "no more than this"},
    {"all", 0, NULL, "requeue, discard: all there are (of --partition, up to --limit)"},
    {"reason", 0, "TEXT", "discard: why; kept with the entry"},
    {0},
};

const struct cli_command cmd_dead = {
    .name = "dead",
    .group = CLI_OPERATE,
    .summary = "entries that were given up: list, show, requeue, discard",
    .operands = "list|show|requeue|discard [ID...]",
    .operands_min = 1,
    .operands_max = 100000,
    .options = options,
    .about = "An ID is that of the list: PARTITION:MS-SEQ. A requeue keeps key and bytes; what was booked already is not booked\n"
             "again. Of a bulk entry each intent goes back by itself, so that a bad one keeps no other. A discarded\n"
             "entry stays readable in the partition's `discarded` stream.\n"
             "Exit code 1 when an entry is not there.",
    .examples = "  till dead list\n  till dead show 3:1763712000000-0\n  till dead requeue 3:1763712000000-0\n  till dead requeue --all\n"
                "  till dead discard 3:1763712000000-0 --reason 'test traffic'",
    .run = run,
};
