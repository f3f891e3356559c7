/* `till repartition`: carries a book over into another number of partitions. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "producer/cli/args.h"
#include "producer/cli/commands.h"
#include "producer/cli/json_out.h"
#include "producer/cli/repartition.h"

enum { OPTION_TO, OPTION_INTO, OPTION_BOOK, OPTION_UNDO };

static struct reply unused;

/* --- where to --- */

/* A book in place of the old one is built under its name and a sign that no book has in its name. */
static int open_beside(struct repartition *r) {
    char cluster[64];
    int code = repartition_info(&r->side, "cluster_enabled:", cluster);
    if (!code && strcmp(cluster, "1") == 0)
        return cli_usage(r->cli, "in a Redis Cluster a book cannot be replaced in place: name another Redis with --into URL");
    if (!code) code = connect_like(&r->from, &r->to);
    size_t size = strlen(r->to.book.name);
    memcpy(r->to.book.name + size, "~", 2);
    r->to.book.partitions = r->partitions;
    return code;
}

/* Of a book that has moved: is it what came of this one? By what its partitions say they were carried over with. */
static int look_for_moved(struct repartition *r) {
    struct reply reply;
    char id[ENTRY_TEXT_MAX + 1];
    entry_id_format(r->carried, id);
    command_begin(&r->to.command, "HGET");
    repartition_key(&r->to, 0, "meta", "");
    command_word(&r->to.command, "carried");
    int code = connect_call(&r->to, "reading the book", &reply);
    const char *space = strchr(reply_text(reply, NULL), ' ');
    if (code || (space && strcmp(space + 1, id) == 0)) return code;
    return cli_usage(r->cli, "book '%s' has moved, but it is not what is '%s' in Redis at %s; till repartition --undo takes it back",
                     r->from.book.name, r->to.book.name, r->to.shown);
}

/* Elsewhere nothing may be there but what an earlier try left. */
static int look_there(struct repartition *r) {
    struct reply reply;
    keys_buffer key;
    if (r->state == REPARTITION_MOVED) return look_for_moved(r);
    command_begin(&r->to.command, "HMGET");
    command_copy(&r->to.command, key, keys_book(key, &r->to.book));
    command_word(&r->to.command, "version");
    command_word(&r->to.command, "repartition");
    int code = connect_call(&r->to, "reading the book", &reply);
    bool there = reply_type(reply_at(reply, 0)) != REPLY_NIL, ours = reply_is(reply_at(reply, 1), "building");
    if (code || !there || ours) return code;
    return cli_usage(r->cli, "there is a book '%s' in Redis at %s already: name another with --book, or another Redis", r->to.book.name,
                     r->to.shown);
}

static bool is_book_name(const char *name) {
    size_t size = strlen(name);
    return size > 0 && size <= KEYS_BOOK_NAME_MAX && strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789._-") == size;
}

static int open_elsewhere(struct repartition *r) {
    const char *url = r->cli->value[OPTION_INTO], *name = r->cli->value[OPTION_BOOK];
    char here[64], there[64];
    if (url) setenv("TILL_REDIS_URL", url, 1);
    int code = connect_redis(r->cli, &r->to);
    if (code) return code;
    if (name && !is_book_name(name)) return cli_usage(r->cli, "--book %s must be 1 to 32 of a-z 0-9 . _ -", name);
    if (name) snprintf(r->to.book.name, sizeof r->to.book.name, "%s", name);
    r->to.book.partitions = r->partitions;
    code = repartition_info(&r->side, "run_id:", here);
    if (!code) code = repartition_info(&r->to, "run_id:", there);
    bool same = strcmp(here, there) == 0 && r->from.options.url.db == r->to.options.url.db;
    if (!code && same && strcmp(r->to.book.name, r->from.book.name) == 0)
        return cli_usage(r->cli, "that is where the book is: leave --into out, or give it another name with --book");
    return code ? code : look_there(r);
}

/* What stands in the new book's place says that it is none yet. */
static int mark_there(struct repartition *r) {
    struct reply reply;
    keys_buffer key;
    if (r->in_place) return CLI_OK;
    command_begin(&r->to.command, "HSET");
    command_copy(&r->to.command, key, keys_book(key, &r->to.book));
    command_word(&r->to.command, "version");
    command_word(&r->to.command, "0");
    command_word(&r->to.command, "repartition");
    command_word(&r->to.command, "building");
    return connect_call(&r->to, "marking the new book", &reply);
}

static int unmark_there(struct repartition *r) {
    keys_buffer key;
    if (r->in_place) return CLI_OK;
    command_begin(&r->to.command, "DEL");
    command_copy(&r->to.command, key, keys_book(key, &r->to.book));
    return connect_call(&r->to, "clearing the new book", &unused);
}

/* --- the steps --- */

static int stand_still(struct repartition *r) {
    unsigned partitions = r->from.book.partitions;
    r->applied_bill = calloc(partitions, sizeof *r->applied_bill);
    r->applied = calloc(partitions, sizeof *r->applied);
    if (!r->applied_bill || !r->applied) abort();
    int code = repartition_workers(r);
    if (!code && r->state == REPARTITION_NONE) code = repartition_mark(r, REPARTITION_BUILDING);
    if (!code) code = repartition_look(r);
    if (!code) code = repartition_close(r);
    if (!code) code = repartition_bound(r);
    return code ? code : repartition_mark(r, REPARTITION_BUILDING);
}

static int build(struct repartition *r) {
    int code = mark_there(r);
    if (!code) code = repartition_clear_new(r);
    if (!code) code = repartition_list(r);
    if (code) return code;
    repartition_rows_begin(r);
    progress_start(&r->progress, "things carried over", 0);
    code = repartition_accounts(r);
    if (!code) code = repartition_bills(r);
    if (!code) code = repartition_due(r);
    if (!code) code = repartition_shop(r);
    if (!code) code = repartition_streams(r);
    if (!code) code = repartition_meta(r);
    progress_end(&r->progress);
    return code ? code : repartition_prove(r);
}

/* Nothing was taken away yet: everything as it was. */
static int undo(struct repartition *r) {
    r->code = CLI_OK;
    int code = repartition_hold(r);
    if (!code && r->to.redis) code = repartition_drain(r);
    if (!code && r->to.redis) code = repartition_clear_new(r);
    if (!code && r->to.redis) code = unmark_there(r);
    if (!code) code = repartition_reopen(r);
    return code ? code : repartition_unmark(r);
}

static int give_up(struct repartition *r, int code) {
    if (r->lost) return code;
    if (code != CLI_UNREACHABLE && undo(r) == CLI_OK) cli_say(r->cli, "book '%s' is as it was", r->from.book.name);
    else cli_say(r->cli, "book '%s' stays closed: type it again to go on, or till repartition --undo", r->from.book.name);
    return code;
}

/* --- what came of it --- */

static void report_json(const struct repartition *r, int64_t spent_ms) {
    json_t *object = json_out_object();
    const struct repartition_tally *t = &r->after;
    json_out_text(object, "book", r->in_place ? r->side.book.name : r->to.book.name);
    json_out_number(object, "from", r->from.book.partitions);
    json_out_number(object, "to", r->partitions);
    json_out_number(object, "accounts", (int64_t)t->count[COUNT_accounts]);
    json_out_number(object, "merchants", (int64_t)t->count[COUNT_merchants]);
    json_out_number(object, "bills", (int64_t)t->count[COUNT_bills]);
    json_out_number(object, "orders", (int64_t)t->count[COUNT_orders]);
    json_out_number(object, "articles", (int64_t)t->count[COUNT_articles]);
    json_out_number(object, "due", (int64_t)t->count[COUNT_due]);
    json_out_number(object, "scheduled", (int64_t)t->count[COUNT_scheduled]);
    json_out_number(object, "answers", (int64_t)r->answers);
    json_out_number(object, "dead", (int64_t)t->count[COUNT_dead]);
    json_out_number(object, "ms", spent_ms);
    json_out(object);
}

static void report(const struct repartition *r, bool built, int64_t spent_ms) {
    const struct repartition_tally *t = &r->after;
    if (r->cli->json) {
        report_json(r, spent_ms);
        return;
    }
    printf("book %s has %u partitions now, it had %u (%.1f s)\n", r->in_place ? r->side.book.name : r->to.book.name, r->partitions,
           r->from.book.partitions, (double)spent_ms / 1000);
    if (built)
        printf("proven: %" PRIu64 " accounts and %" PRIu64 " merchants with the same sums, %" PRIu64 " bill records, %" PRIu64
               " orders, %" PRIu64 " articles, %" PRIu64 " things that fall due, %" PRIu64 " answers; the audit finds it sound\n",
               t->count[COUNT_accounts], t->count[COUNT_merchants], t->count[COUNT_bills], t->count[COUNT_orders],
               t->count[COUNT_articles], t->count[COUNT_due], r->answers);
    if (!r->in_place) printf("it is in Redis at %s; the old one, at %s, stays as it was, and closed\n", r->to.shown, r->from.shown);
    printf("now: set book.partitions to %u%s, for workers and checkouts; take a snapshot of that Redis, which is where a new archive"
           " begins,\nand archive into another directory; then start workers\n", r->partitions, r->in_place ? "" : ", and redis.url");
}

/* --- */

static int run_undo(struct repartition *r) {
    if (r->state == REPARTITION_NONE) {
        puts("there is nothing to undo");
        return CLI_OK;
    }
    if (r->state == REPARTITION_CLEARING || r->state == REPARTITION_RENAMING)
        return cli_usage(r->cli, "the new book is proven, and some of the old one gone: till repartition --to %u goes on", r->partitions);
    bool moved = r->state == REPARTITION_MOVED;
    r->in_place = !r->cli->value[OPTION_INTO] && !r->cli->value[OPTION_BOOK];
    int code = moved ? CLI_OK : r->in_place ? open_beside(r) : open_elsewhere(r);
    if (!code) code = undo(r);
    if (!code) printf("book %s is as it was, with %u partitions\n", r->from.book.name, r->from.book.partitions);
    if (!code && moved) puts("it had moved: see that nobody uses the other one");
    return code;
}

static int go_on(struct repartition *r, int64_t began_ms) {
    bool build_it = r->state == REPARTITION_NONE || r->state == REPARTITION_BUILDING;
    int code = r->in_place ? open_beside(r) : open_elsewhere(r);
    if (!code && build_it) {
        code = stand_still(r);
        if (!code) code = build(r);
        if (code) return give_up(r, code);
    }
    if (!code) code = repartition_swap(r);
    if (!code) report(r, build_it, progress_now_ms() - began_ms);
    return code;
}

static int read_arguments(struct repartition *r) {
    struct cli *cli = r->cli;
    uint64_t to = 0;
    if (!args_number(cli, OPTION_TO, 1, KEYS_PARTITIONS_MAX, &to)) return CLI_USAGE;
    if (cli->value[OPTION_UNDO] && to) return cli_usage(cli, "--to does not go with --undo");
    if (!cli->value[OPTION_UNDO] && !to) return cli_usage(cli, "into how many? --to N");
    r->partitions = (unsigned)to;
    r->in_place = !cli->value[OPTION_INTO] && !cli->value[OPTION_BOOK];
    return CLI_OK;
}

static int repartition(struct repartition *r) {
    int64_t began_ms = progress_now_ms();
    int code = read_arguments(r);
    if (!code) code = connect_redis(r->cli, &r->from);
    if (!code) code = connect_like(&r->from, &r->side);
    if (!code) code = connect_like(&r->from, &r->mine);
    if (!code) code = repartition_lock(r);
    if (!code) code = repartition_read(r);
    if (code) return code;
    if (r->cli->value[OPTION_UNDO]) return run_undo(r);
    if (r->state == REPARTITION_MOVED && r->in_place)
        return cli_usage(r->cli, "book '%s' has moved and stays closed: --into URL, where it went, makes sure of it; --undo takes it back",
                         r->from.book.name);
    if (r->state == REPARTITION_NONE && r->in_place && r->partitions == r->from.book.partitions) {
        printf("book %s has %u partitions\n", r->from.book.name, r->partitions);
        return CLI_OK;
    }
    return go_on(r, began_ms);
}

static int run(struct cli *cli) {
    struct repartition *r = calloc(1, sizeof *r);
    if (!r) abort();
    r->cli = cli;
    r->names.fd = -1;
    int code = repartition(r);
    repartition_unlock(r);
    repartition_rows_clear(r);
    merged_clear(&r->merged);
    digest_names_clear(&r->names);
    connect_close(&r->from);
    connect_close(&r->side);
    connect_close(&r->to);
    connect_close(&r->mine);
    free(r->applied);
    free(r->applied_bill);
    free(r);
    return code;
}

static const struct cli_option options[] = {
    {"to", 0, "N", "how many partitions the book shall have"},
    {"into", 0, "URL", "build it in another Redis, and leave this one closed"},
    {"book", 0, "NAME", "build it under another name; not when accounts have credentials, which depend on it"},
    {"undo", 0, NULL, "open a book again that is closed because this was broken off"},
    {0},
};

const struct cli_command cmd_repartition = {
    .name = "repartition",
    .group = CLI_OPERATE,
    .summary = "gives a book another number of partitions",
    .operands = "",
    .options = options,
    .about = "Offline: no worker may run, and everything enqueued must be applied and answered. What hinders is said, with\n"
             "what to type. The book is audited and closed (whoever enqueues is refused), the new one is built beside it:\n"
             "accounts with their holds, locks, limits and credentials, merchants' shards put together with their months,\n"
             "bills, orders, articles, what falls due, answers and dead entries. It is counted and audited, and only then\n"
             "takes the old one's place. The same keys get the same answers, refunds and captures find their bills.\n"
             "\n"
             "Killed at any moment, the same command goes on, one at a time; --undo opens the old book again, as long as the\n"
             "new one has not begun to take its place. Ledger and intents begin anew: archive first what is to be kept, take a\n"
             "snapshot afterwards. Afterwards set book.partitions to N for workers and checkouts, and let whoever reads\n"
             "answers begin with the lowest position that it had. In place it needs the memory of two books, and all\n"
             "rights on the book's keys; in a Redis Cluster it works with --into only.",
    .examples = "  till repartition --to 64\n  till repartition --to 64 --into unix:/run/spare/redis.sock\n  till repartition --undo",
    .run = run,
};
