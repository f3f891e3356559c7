/* `till chaos`: does Till keep its promises on this Redis, when things break? */
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "producer/cli/args.h"
#include "producer/cli/audit.h"
#include "producer/cli/chaos.h"
#include "producer/cli/commands.h"
#include "producer/cli/json_out.h"
#include "producer/cli/table.h"

enum { OPTION_SECONDS, OPTION_RATE, OPTION_WORKERS, OPTION_SEED, OPTION_BOOK, OPTION_NO_FLUSH, OPTION_LOG, OPTION_KEEP };
enum { START_MS = 20000, REST_MS = 60000, STEP_MS = 20, BETWEEN_MOST_MS = 1200 };

static volatile sig_atomic_t stopped;

static void stop(int signal) {
    (void)signal;
    stopped = 1;
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

static int wait_until_served(struct chaos *x) {
    int64_t until_ms = progress_now_ms() + START_MS;
    bool served = false;
    for (;;) {
        int code = own_book_is_served(&x->c, &served);
        if (!code) code = chaos_workers_turn(x, progress_now_ms());
        if (code || served || stopped) return code;
        if (progress_now_ms() > until_ms) return cli_usage(x->cli, "the workers do not serve the book; --log says why");
        poll(NULL, 0, STEP_MS);
    }
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
    int code = own_book_choose(cli, cli->value[OPTION_BOOK], seed, CHAOS_PARTITIONS), deleted;
    if (!code) code = connect_redis(cli, &x.c);
    if (!code) code = own_book_refuse(&x.c);
    if (!code) {
        fprintf(stderr, "till chaos: book %s at %s, %u workers, %llu s, seed %llu\n", x.c.book.name, x.c.shown, x.worker_count,
                (unsigned long long)seconds, (unsigned long long)seed);
        code = run_chaos(&x, (int64_t)seconds * 1000, rate);
        chaos_workers_stop(&x);
        till_close(x.till); /* before: it tells how much it sent */
        x.till = NULL;
        if (!cli->value[OPTION_KEEP] && (deleted = own_book_delete(&x.c)) && !code) code = deleted;
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
