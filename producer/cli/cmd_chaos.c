/* `till chaos`: does Till keep its promises on this Redis, when things break? */
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "producer/cli/args.h"
#include "producer/cli/audit.h"
#include "producer/cli/chaos.h"
#include "producer/cli/commands.h"
#include "producer/cli/json_out.h"
#include "producer/cli/table.h"

enum { OPTION_SECONDS, OPTION_RATE, OPTION_WORKERS, OPTION_SEED, OPTION_BOOK, OPTION_NO_FLUSH, OPTION_LOG, OPTION_KEEP };
enum { START_MS = 20000, REST_MS = 60000, STEP_MS = 20, BETWEEN_MOST_MS = 1200, SCAN_COUNT = 1000 };

static volatile sig_atomic_t stopped;

static void stop(int signal) {
    (void)signal;
    stopped = 1;
}

/* The book's name and size go to our own configuration and the workers' by the environment, which wins over the file. */
static int choose_book(const struct cli *cli, uint64_t seed) {
    char name[33], partitions[8];
    const char *own = cli->value[OPTION_BOOK];
    if (own && strlen(own) > 32) return cli_usage(cli, "--book: at most 32 characters");
    snprintf(name, sizeof name, "%s", own ? own : "");
    if (!own) snprintf(name, sizeof name, "chaos-%llx", (unsigned long long)(seed ^ ((uint64_t)getpid() << 20)) & 0xffffffffu);
    snprintf(partitions, sizeof partitions, "%d", CHAOS_PARTITIONS);
    setenv("TILL_BOOK_NAME", name, 1);
    setenv("TILL_BOOK_PARTITIONS", partitions, 1);
    return CLI_OK;
}

static int refuse_embedded(const struct cli *cli) {
    static const char embedded[] = "embedded:";
    struct config config;
    int code = connect_config(cli, &config);
    if (code || strncmp(config.redis_url, embedded, strlen(embedded)) != 0) return code;
    return cli_usage(cli, "an embedded Redis dies with its worker: name another with redis.url or TILL_REDIS_URL");
}

/* EXISTS of a key of the book's. */
static int exists(struct chaos *x, const char *key, bool *there) {
    struct reply reply;
    command_begin(&x->c.command, "EXISTS");
    command_word(&x->c.command, key);
    int code = connect_call(&x->c, "looking for the book", &reply);
    *there = *there || (!code && reply_integer(reply) > 0);
    return code;
}

static int refuse_existing(struct chaos *x) {
    keys_buffer key;
    bool there = false;
    keys_book(key, &x->c.book);
    int code = exists(x, key, &there);
    for (unsigned p = 0; p < x->c.book.partitions && !code && !there; p++) {
        keys_intents(key, &x->c.book, p);
        code = exists(x, key, &there);
        keys_meta(key, &x->c.book, p);
        if (!code) code = exists(x, key, &there);
    }
    if (code || !there) return code;
    return cli_usage(x->cli, "there is a book '%s' already: chaos wants one of its own, and deletes it afterwards", x->c.book.name);
}

static int wait_until_served(struct chaos *x) {
    int64_t until_ms = progress_now_ms() + START_MS;
    keys_buffer key;
    int code = CLI_OK;
    for (unsigned p = 0; p < x->c.book.partitions && !code && !stopped;) {
        bool there = false;
        keys_lease(key, &x->c.book, p);
        if ((code = exists(x, key, &there)) || (code = chaos_workers_turn(x, progress_now_ms()))) return code;
        p += there;
        if (!there && progress_now_ms() > until_ms) return cli_usage(x->cli, "the workers do not serve the book; --log says why");
        if (!there) poll(NULL, 0, STEP_MS);
    }
    return code;
}

/* Until every intent has its answer; those without one after REST_MS are stuck. */
static int come_to_rest(struct chaos *x, int64_t *took_ms) {
    int64_t began_ms = progress_now_ms();
    int code = CLI_OK;
    while (!code && x->open > 0 && !stopped && progress_now_ms() - began_ms < REST_MS) {
        code = chaos_workers_turn(x, progress_now_ms());
        if (!code) code = chaos_read(x, 100);
    }
    *took_ms = progress_now_ms() - began_ms;
    return code;
}

static int play(struct chaos *x, int64_t for_ms, uint64_t rate) {
    int64_t began_ms = progress_now_ms(), now_ms = began_ms, break_ms = began_ms;
    uint64_t due_thousandths = 0;
    int code = CLI_OK;
    while (!code && !stopped && now_ms - began_ms < for_ms) {
        poll(NULL, 0, STEP_MS);
        int64_t passed_ms = progress_now_ms() - now_ms;
        now_ms += passed_ms;
        if (now_ms >= x->pause_until_ms) due_thousandths += (uint64_t)passed_ms * rate;
        code = chaos_workers_turn(x, now_ms);
        if (!code) code = chaos_send(x, (unsigned)(due_thousandths / 1000));
        due_thousandths %= 1000;
        if (!code) code = chaos_read(x, 0);
        if (code || now_ms < break_ms) continue;
        code = chaos_break(x, now_ms);
        break_ms = now_ms + (int64_t)chaos_random(x, BETWEEN_MOST_MS);
    }
    return code;
}

/* Deletes what begins with {BOOK} or {BOOK:, and nothing else. */
static int delete_book(struct chaos *x) {
    char pattern[64], cursor[24] = "0", prefix[40];
    struct reply page, reply;
    struct command unlink;
    int code = CLI_OK;
    int size = snprintf(prefix, sizeof prefix, "{%s", x->c.book.name);
    snprintf(pattern, sizeof pattern, "{%s[:}]*", x->c.book.name);
    command_init(&unlink);
    do {
        command_begin(&x->c.command, "SCAN");
        command_word(&x->c.command, cursor);
        command_word(&x->c.command, "MATCH");
        command_word(&x->c.command, pattern);
        command_word(&x->c.command, "COUNT");
        command_uint(&x->c.command, SCAN_COUNT);
        if ((code = connect_call(&x->c, "looking for the book's keys", &page))) break;
        snprintf(cursor, sizeof cursor, "%s", reply_text(reply_at(page, 0), NULL));
        struct reply keys = reply_at(page, 1);
        unsigned found = 0;
        for (size_t n = 0; n < reply_count(keys); n++) {
            size_t length;
            const char *key = reply_text(reply_at(keys, n), &length);
            if (length <= (size_t)size || memcmp(key, prefix, (size_t)size) != 0 || !strchr(":}", key[size])) continue;
            command_begin(&unlink, "UNLINK");
            command_copy(&unlink, key, length);
            redis_append(x->c.redis, &unlink);
            found++;
        }
        while (found-- > 0 && !code) code = connect_next(&x->c, "deleting the book", &reply);
    } while (!code && strcmp(cursor, "0") != 0);
    command_clear(&unlink);
    return code;
}

struct verdict {
    uint64_t intents, repeated, faults, unanswered, doubled, findings;
    int64_t slowest_ms, rest_ms;
    bool good;
};

static void print_lines(const struct chaos *x, const struct verdict *v, const struct audit *a) {
    static const char *const texts[] = {
#define TEXT(name, text) text,
        CHAOS_FAULTS(TEXT)};
    for (unsigned n = 0; n < CHAOS_FAULT_COUNT; n++) printf("%6llu %s\n", (unsigned long long)x->faults[n], texts[n]);
    printf("%llu intents, %llu of them sent again: %llu unanswered, %llu decided twice\n", (unsigned long long)v->intents,
           (unsigned long long)v->repeated, (unsigned long long)v->unanswered, (unsigned long long)v->doubled);
    printf("longest wait for an answer %.1f s, at rest after %.1f s\n", (double)v->slowest_ms / 1000, (double)v->rest_ms / 1000);
    printf("audit: %llu ledger rows, %llu bills, %llu found\n", (unsigned long long)a->rows, (unsigned long long)a->bills,
           (unsigned long long)a->found);
    for (unsigned n = 0; n < a->found && n < AUDIT_SHOWN_MAX; n++) {
        printf("  partition %u: ", a->finding[n].partition);
        table_print_safe(a->finding[n].text);
        putchar('\n');
    }
    if (x->unexpected) printf("%llu workers ended by themselves\n", (unsigned long long)x->unexpected);
    puts(v->good ? "Everything adds up: one effect, one answer each, the books balance." : "IT DOES NOT ADD UP.");
}

static void print_json(const struct chaos *x, const struct verdict *v) {
    json_t *object = json_out_object();
    json_out_bool(object, "sound", v->good);
    json_out_text(object, "book", x->c.book.name);
    const struct {
        const char *name;
        uint64_t number;
    } numbers[] = {{"intents", v->intents}, {"repeated", v->repeated}, {"faults", v->faults}, {"unanswered", v->unanswered},
                   {"doubled", v->doubled}, {"found", v->findings}, {"unexpected_ends", x->unexpected},
                   {"slowest_ms", (uint64_t)v->slowest_ms}, {"rest_ms", (uint64_t)v->rest_ms}};
    for (size_t n = 0; n < sizeof numbers / sizeof *numbers; n++) json_out_number(object, numbers[n].name, (int64_t)numbers[n].number);
    json_out(object);
}

static int judge(struct chaos *x, struct verdict *v) {
    struct audit audit;
    if (redis_is_lost(x->c.redis) && redis_reopen(x->c.redis)) return connect_failed(&x->c, REDIS_LOST, "judging");
    audit_init(&audit, &x->c, 0, x->c.book.partitions - 1);
    int code = audit_run(&audit);
    v->intents = x->count ? x->count - 1 : 0;
    v->repeated = x->repeated;
    v->unanswered = x->open;
    v->doubled = chaos_doubled(x);
    v->slowest_ms = x->slowest_ms;
    v->findings = audit.found;
    for (unsigned n = 0; n < CHAOS_FAULT_COUNT; n++) v->faults += x->faults[n];
    v->good = !code && !v->unanswered && !v->doubled && !v->findings && !x->unexpected;
    if (!code && x->cli->json) print_json(x, v);
    else if (!code) print_lines(x, v, &audit);
    audit_close(&audit);
    if (code) return code;
    return v->good ? CLI_OK : CLI_FOUND;
}

/* Workers and accounts are there; the book is ours from here on. */
static int begin(struct chaos *x) {
    int code = CLI_OK;
    int64_t ignored_ms;
    worker_program_find(x->program);
    for (unsigned n = 0; n < x->worker_count && !code; n++) code = chaos_worker_start(x, n);
    if (!code) code = wait_until_served(x);
    if (!code) code = connect_till(x->cli, NULL, &x->till);
    if (!code) code = chaos_open_accounts(x);
    if (!code) code = come_to_rest(x, &ignored_ms);
    if (!code && !stopped && x->open) code = cli_usage(x->cli, "the workers answer nothing; --log says why");
    return code;
}

static int run_chaos(struct chaos *x, int64_t for_ms, uint64_t rate) {
    struct verdict verdict = {0};
    int code = begin(x);
    if (!code) code = play(x, for_ms, rate);
    if (!code) code = chaos_workers_mend(x);
    stopped = 0; /* Ctrl-C ends the faults; a second one the waiting */
    if (!code) code = come_to_rest(x, &verdict.rest_ms);
    return code ? code : judge(x, &verdict);
}

static int run(struct cli *cli) {
    struct chaos x = {.cli = cli, .log = cli->value[OPTION_LOG], .may_flush = !cli->value[OPTION_NO_FLUSH]};
    uint64_t seconds = 60, rate = 200, workers = 3, seed = (uint64_t)time(NULL);
    if (!args_number(cli, OPTION_SECONDS, 1, 86400, &seconds) || !args_number(cli, OPTION_RATE, 1, 10000, &rate) ||
        !args_number(cli, OPTION_WORKERS, 1, CHAOS_WORKERS_MAX, &workers) || !args_number(cli, OPTION_SEED, 0, UINT64_MAX, &seed))
        return CLI_USAGE;
    struct sigaction action = {.sa_handler = stop};
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    x.random = seed;
    x.worker_count = (unsigned)workers;
    int code = choose_book(cli, seed), deleted;
    if (!code) code = refuse_embedded(cli);
    if (!code) code = connect_redis(cli, &x.c);
    if (!code) code = refuse_existing(&x);
    if (!code) {
        fprintf(stderr, "till chaos: book %s at %s, %u workers, %llu s, seed %llu\n", x.c.book.name, x.c.shown, x.worker_count,
                (unsigned long long)seconds, (unsigned long long)seed);
        code = run_chaos(&x, (int64_t)seconds * 1000, rate);
        chaos_workers_stop(&x);
        if (!cli->value[OPTION_KEEP] && (deleted = delete_book(&x)) && !code) code = deleted;
    }
    till_reader_close(x.reader);
    till_close(x.till);
    connect_close(&x.c);
    free(x.sent);
    return code;
}

static const struct cli_option options[] = {
    {"seconds", 0, "N", "how long things break (60)"},
    {"rate", 0, "N", "intents a second (200)"},
    {"workers", 0, "N", "processes of till-worker (3)"},
    {"seed", 0, "N", "of traffic and faults (the time)"},
    {"book", 0, "NAME", "the book's name, which must not be there (one of its own)"},
    {"no-flush", 0, NULL, "leave the script cache alone: SCRIPT FLUSH makes everybody on that Redis load theirs again"},
    {"log", 0, "FILE", "what the workers say"},
    {"keep", 0, NULL, "leave the book behind, to look at it with till audit"},
    {0},
};

const struct cli_command cmd_chaos = {
    .name = "chaos",
    .group = CLI_OPERATE,
    .summary = "breaks things on purpose, beside your book, and judges what Till makes of it",
    .operands = "",
    .options = options,
    .about = "Makes a book of its own on the Redis of the configuration, starts workers for it, sends payments, holds,\n"
             "transfers and refunds, and meanwhile kills, freezes and ends workers, kills their connections, flushes\n"
             "scripts and sends intents again. In the end each intent must have been decided and answered once, and\n"
             "the audit find nothing; then the book is deleted. Touches no other book's keys and nobody else's\n"
             "connections. What only the server's keeper can do, a failover, a kill -9, do meanwhile yourself. Needs\n"
             "all rights on the book's keys. Exit code 1: it does not add up. Ctrl-C ends it early, with a verdict.",
    .examples = "  till chaos\n  till chaos --seconds 300 --rate 1000 --workers 4 --seed 4711 --keep --log chaos.log",
    .run = run,
};
