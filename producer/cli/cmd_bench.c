/* `till bench`: how fast is Till on this Redis, and what does a payment cost there? */
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>

#include "producer/cli/args.h"
#include "producer/cli/audit.h"
#include "producer/cli/bench.h"
#include "producer/cli/commands.h"

enum {
    OPTION_COUNT,
    OPTION_RATE,
    OPTION_SECONDS,
    OPTION_WORKERS,
    OPTION_PARTITIONS,
    OPTION_ACCOUNTS,
    OPTION_WINDOW,
    OPTION_BOOK,
    OPTION_LOG,
    OPTION_KEEP
};
enum { START_MS = 20000, STEP_MS = 20, MERCHANTS = 10, IN_A_THOUSAND = 10, COUNT_MOST = 10000000 };

static struct play *playing; /* for the signal */

static void stop(int signal) {
    (void)signal;
    if (playing) atomic_store(&playing->failed, true);
}

static void heed_signals(struct play *play) {
    struct sigaction action = {.sa_handler = stop};
    playing = play;
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
}

static bool stopped(const struct bench *b) { return atomic_load(&b->play.failed) && !*b->play.error; }

/* One that has ended cannot be measured. */
static int check_workers(struct bench *b) {
    int status;
    for (unsigned n = 0; n < b->worker_count; n++) {
        if (waitpid(b->workers[n], &status, WNOHANG) != b->workers[n]) continue;
        b->workers[n] = 0;
        int code = own_book_cannot_run(b->cli, status);
        return code ? code : cli_usage(b->cli, "a worker ended with status %d; --log says why", status);
    }
    return CLI_OK;
}

static int start_workers(struct bench *b) {
    int64_t until_ms = progress_now_ms() + START_MS;
    bool served = false;
    int code = CLI_OK;
    for (unsigned n = 0; n < b->worker_count && !code; n++) {
        code = own_book_start(&b->c, n, NULL, b->log, &b->workers[n]);
        b->play.workers.pids[b->play.workers.count++] = b->workers[n];
    }
    while (!code && !served && !stopped(b)) {
        code = check_workers(b);
        if (!code) code = own_book_is_served(&b->c, &served);
        if (code || served) break;
        if (progress_now_ms() > until_ms) return cli_usage(b->cli, "the workers do not serve the book; --log says why");
        poll(NULL, 0, STEP_MS);
    }
    return code;
}

static int play(struct bench *b) {
    struct play *p = &b->play;
    int code = connect_till(b->cli, NULL, &p->till);
    if (!code) code = connect_till(b->cli, NULL, &p->reads);
    if (code || stopped(b)) {
        till_close(p->reads);
        return code;
    }
    if (play_all(p)) return b->code;
    code = check_workers(b);
    if (code || stopped(b)) return code;
    cli_say(b->cli, "%s; --log says what the workers do", p->error);
    return CLI_UNREACHABLE;
}

static int judge(struct bench *b) {
    struct audit audit;
    verdict_make(&b->report, &b->play);
    audit_init(&audit, &b->c, 0, b->c.book.partitions - 1);
    int code = audit_run(&audit);
    b->found = audit.found;
    audit_close(&audit);
    b->sound = !code && b->report.sound && !b->found;
    return code;
}

static int run_bench(struct bench *b) {
    int code = bench_look(b);
    if (!code) code = start_workers(b);
    if (!code && !stopped(b)) code = play(b);
    if (!code && stopped(b)) return cli_usage(b->cli, "ended early, so there are no figures");
    if (!code) code = bench_weigh(b);
    if (!code) code = judge(b);
    if (code) return code;
    if (b->cli->json) bench_print_json(b);
    else bench_print(b);
    return b->sound ? CLI_OK : CLI_FOUND;
}

/* What was asked for; also how much of it there is. */
static bool read_options(struct cli *cli, struct bench *b, uint64_t *partitions) {
    uint64_t count = 200000, rate = 1000, seconds = 10, workers = 2, accounts = 1000, window = 100000;
    *partitions = 16;
    if (!args_number(cli, OPTION_COUNT, 1, COUNT_MOST, &count) || !args_number(cli, OPTION_RATE, 1, 200000, &rate) ||
        !args_number(cli, OPTION_SECONDS, 1, 86400, &seconds) || !args_number(cli, OPTION_WORKERS, 1, OWN_BOOK_WORKERS_MAX, &workers) ||
        !args_number(cli, OPTION_PARTITIONS, 1, RECOVERY_PARTITIONS_MAX, partitions) ||
        !args_number(cli, OPTION_ACCOUNTS, 1, COUNT_MOST, &accounts) || !args_number(cli, OPTION_WINDOW, 1024, COUNT_MOST, &window))
        return false;
    if (rate * seconds > COUNT_MOST) {
        cli_usage(cli, "--rate and --seconds: at most %d payments in all", COUNT_MOST);
        return false;
    }
    b->worker_count = (unsigned)workers;
    b->play = (struct play){.rush = (uint32_t)count, .ways = 1, .turns = 1, .steady = (uint32_t)(rate * seconds), .rate = (unsigned)rate,
                            .window = (unsigned)window, .redis_cpu_us = bench_read, .context = b, .plan = &b->plan};
    plan_init(&b->plan, (uint32_t)accounts, MERCHANTS, b->play.rush + b->play.steady,
              (struct mix){.retries = IN_A_THOUSAND, .poor = IN_A_THOUSAND}, (uint64_t)time(NULL));
    return true;
}

static int run(struct cli *cli) {
    static struct bench b; /* its report is too large for a stack */
    uint64_t partitions;
    int deleted;
    b.cli = cli;
    b.log = cli->value[OPTION_LOG];
    if (!read_options(cli, &b, &partitions)) return CLI_USAGE;
    heed_signals(&b.play);
    bench_machine(b.machine);
    int code = own_book_choose(cli, cli->value[OPTION_BOOK], (uint64_t)time(NULL), (unsigned)partitions);
    if (!code) code = connect_redis(cli, &b.c);
    if (!code) code = own_book_refuse(&b.c);
    if (!code) {
        fprintf(stderr, "till bench: book %s at %s, %u payments at full speed, then %u\n", b.c.book.name, b.c.shown, b.play.rush,
                b.play.steady);
        code = run_bench(&b);
        own_book_stop(b.workers, b.worker_count);
        till_close(b.play.till); /* before: it tells how much it sent */
        b.play.till = NULL;
        if (!cli->value[OPTION_KEEP] && (deleted = own_book_delete(&b.c)) && !code) code = deleted;
    }
    till_close(b.play.till);
    connect_close(&b.c);
    plan_clear(&b.plan);
    return code;
}

static const struct cli_option options[] = {
    {"count", 0, "N", "payments at full speed (200000)"},
    {"rate", 0, "N", "then, payments a second, whatever happens (1000)"},
    {"seconds", 0, "N", "for so long (10)"},
    {"workers", 0, "N", "processes of till-worker, here (2)"},
    {"partitions", 0, "N", "of the book (16)"},
    {"accounts", 0, "N", "that pay (1000)"},
    {"window", 0, "N", "most unanswered payments at full speed (100000)"},
    {"book", 0, "NAME", "the book's name, which must not be there (one of its own)"},
    {"log", 0, "FILE", "what the workers say"},
    {"keep", 0, NULL, "leave the book behind, to look at it with till audit"},
    {0},
};

const struct cli_command cmd_bench = {
    .name = "bench",
    .group = CLI_OPERATE,
    .summary = "how fast Till is on this Redis, and what a payment costs there",
    .operands = "",
    .options = options,
    .about = "Makes a book of its own on the Redis of the configuration, starts workers for it on this machine, sends\n"
             "payments as fast as they are answered, then at a kept rate, and prints a page of Markdown for an issue or\n"
             "a note: payments/s, the CPU each took of Redis, workers and producer, how long answers took, bytes in\n"
             "Redis. Every answer and balance is compared with a model, and the book audited; then it is deleted. No\n"
             "other book is touched; but they share Redis' time with it, and it with them. A time counts from when a\n"
             "payment was due. Ctrl-C ends it and deletes the book. Exit code 1: something is wrong with the answers.",
    .examples = "  till bench\n  till bench --rate 20000 --seconds 30 --workers 4 --partitions 64\n  till bench --json > bench.json",
    .run = run,
};
