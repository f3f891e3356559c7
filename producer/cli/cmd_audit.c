/* `till audit`: is the book sound? */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/units.h"
#include "producer/cli/audit_follow.h"
#include "producer/cli/commands.h"
#include "producer/cli/json_out.h"
#include "producer/cli/table.h"
#include "producer/cli/when.h"

enum { OPTION_PARTITION, OPTION_FOLLOW, OPTION_INTERVAL, OPTION_KEEP_GOING };
enum { INTERVAL_MS = 10000 };

static volatile sig_atomic_t stopped;

static void stop(int signal) {
    (void)signal;
    stopped = 1;
}

static json_t *finding_json(const struct audit_finding *f) {
    json_t *finding = json_out_object();
    json_out_number(finding, "partition", f->partition);
    json_out_text(finding, "text", f->text);
    return finding;
}

static void print_finding(const struct audit_finding *f) {
    printf("partition %u: ", f->partition);
    table_print_safe(f->text);
    putchar('\n');
}

static json_t *findings(const struct audit *a) {
    json_t *list = json_out_array();
    for (unsigned n = 0; n < a->found && n < AUDIT_SHOWN_MAX; n++) json_out_append(list, finding_json(&a->finding[n]));
    return list;
}

/* Sums of a whole book could pass what JSON readers take for an integer; then they are off the end anyway. */
static json_t *amounts(const struct audit *a, const __int128 sums[AUDIT_CURRENCIES_MAX]) {
    json_t *object = json_out_object();
    for (unsigned n = 0; n < a->currency_count; n++)
        if (sums[n] != 0) json_out_number(object, a->currency[n], sums[n] > INT64_MAX ? INT64_MAX : (int64_t)sums[n]);
    return object;
}

static void print_json(const struct audit *a, int64_t spent_ms) {
    json_t *object = json_out_object();
    json_out_bool(object, "sound", a->found == 0);
    json_out_text(object, "book", a->c->book.name);
    json_out_number(object, "partitions", a->last - a->first + 1);
    const struct {
        const char *name;
        uint64_t number;
    } numbers[] = {{"rows", a->rows},           {"bills", a->bills},           {"accounts", a->accounts},
                   {"records", a->records},     {"answers", a->answers},       {"undelivered", a->undelivered},
                   {"pending", a->pending},     {"unanswered", a->unanswered}, {"dead", a->dead},
                   {"lost", a->lost},           {"holds", a->holds},           {"scheduled", a->scheduled},
                   {"in_flight", a->in_flight}, {"settling", a->settling},     {"orders", a->orders},
                   {"paying", a->paying},       {"sweeping", a->sweeping},     {"ms", (uint64_t)spent_ms},
                   {"trimmed", a->trimmed_bills}, {"paused", a->paused},
                   {"found", a->found}};
    for (size_t n = 0; n < sizeof numbers / sizeof numbers[0]; n++) json_out_number(object, numbers[n].name, (int64_t)numbers[n].number);
    json_out_value(object, "held", amounts(a, a->held));
    json_out_value(object, "in_transit", amounts(a, a->flying));
    json_out_optional(object, "in_flight_since", a->in_flight_since_ms != 0, (int64_t)a->in_flight_since_ms);
    json_out_value(object, "findings", findings(a));
    json_out(object);
}

/* "1500 CNY, 20 EUR"; "nothing". */
static void print_amounts(const struct audit *a, const __int128 sums[AUDIT_CURRENCIES_MAX]) {
    const char *between = "";
    for (unsigned n = 0; n < a->currency_count; n++) {
        if (sums[n] == 0) continue;
        printf("%s%.0Lf %s", between, (long double)sums[n], a->currency[n]);
        between = ", ";
    }
    if (!*between) printf("nothing");
}

/* What is reserved, between partitions, or still to come. Books that have none of it are told nothing of it. */
static void print_open(const struct audit *a) {
    char when[WHEN_TEXT_SIZE];
    if (a->orders || a->paying || a->sweeping)
        printf("orders: %llu open, %llu being paid from elsewhere; months on their way home: %llu\n", (unsigned long long)a->orders,
               (unsigned long long)a->paying, (unsigned long long)a->sweeping);
    if (a->trimmed_bills)
        printf("trimmed off the ledgers: %llu bills; what the accounts held then is believed\n", (unsigned long long)a->trimmed_bills);
    if (!(a->holds || a->in_flight || a->settling || a->scheduled)) return;
    printf("held: ");
    print_amounts(a, a->held);
    printf(" by %llu open holds; in flight: ", (unsigned long long)a->holds);
    print_amounts(a, a->flying);
    printf(" in %llu transfers", (unsigned long long)a->in_flight);
    if (a->in_flight_since_ms) {
        when_format(a->in_flight_since_ms, when);
        printf(" since %s", when);
    }
    printf(", %llu more arrived and settling; scheduled: %llu\n", (unsigned long long)a->settling, (unsigned long long)a->scheduled);
}

static void print_lines(const struct audit *a, int64_t spent_ms) {
    const char *green = table_colour() ? "\x1b[32m" : "", *red = *green ? "\x1b[31m" : "", *plain = *green ? "\x1b[0m" : "";
    for (unsigned n = 0; n < a->found && n < AUDIT_SHOWN_MAX; n++) print_finding(&a->finding[n]);
    if (a->found > AUDIT_SHOWN_MAX) printf("and %llu more\n", (unsigned long long)(a->found - AUDIT_SHOWN_MAX));
    if (a->found) printf("%sNOT SOUND%s: %llu found in", red, plain, (unsigned long long)a->found);
    else printf("%ssound%s:", green, plain);
    printf(" %llu ledger rows of %llu bills, %llu accounts, %llu bill records, %llu answers (%.1f s)\n", (unsigned long long)a->rows,
           (unsigned long long)a->bills, (unsigned long long)a->accounts, (unsigned long long)a->records, (unsigned long long)a->answers,
           (double)spent_ms / 1000);
    print_open(a);
    printf("waiting: %llu undelivered, %llu pending, %llu unanswered; dead: %llu, of them lost: %llu\n", (unsigned long long)a->undelivered,
           (unsigned long long)a->pending, (unsigned long long)a->unanswered, (unsigned long long)a->dead, (unsigned long long)a->lost);
    if (a->paused) printf("paused: %llu partitions apply nothing of it until `till resume`\n", (unsigned long long)a->paused);
}

/* --- following --- */

static void tell(const struct audit *a, const struct audit_finding *f) {
    if (a->c->cli->json) {
        json_t *object = json_out_object();
        json_out_value(object, "finding", finding_json(f));
        json_out(object);
    } else print_finding(f);
    fflush(stdout);
}

static uint64_t dead(const struct audit *a) {
    uint64_t count = 0;
    for (unsigned p = a->first; p <= a->last; p++) count += a->follow->parts[p].dead;
    return count;
}

static void print_counts(const struct audit *a, const char *what, uint64_t rows, uint64_t bills, uint64_t compared, uint64_t found) {
    char when[WHEN_TEXT_SIZE], behind[WHEN_AGE_SIZE];
    when_format(when_now_ms(), when);
    when_age((uint64_t)a->follow->behind_ms, behind);
    if (a->c->cli->json) {
        json_t *object = json_out_object(), *counts = json_out_object();
        json_out_number(counts, "at", (int64_t)when_now_ms());
        json_out_bool(counts, "sound", a->found == 0);
        json_out_number(counts, "rows", (int64_t)rows);
        json_out_number(counts, "bills", (int64_t)bills);
        json_out_number(counts, "compared", (int64_t)compared);
        json_out_number(counts, "behind", a->follow->behind_ms);
        json_out_number(counts, "dead", (int64_t)dead(a));
        json_out_number(counts, "found", (int64_t)found);
        json_out_value(object, what, counts);
        json_out(object);
    } else {
        printf("%s  %s: %llu rows of %llu bills, %llu accounts compared, %s behind, %llu dead", when, a->found ? "NOT SOUND" : "sound",
               (unsigned long long)rows, (unsigned long long)bills, (unsigned long long)compared, behind, (unsigned long long)dead(a));
        if (found) printf(", %llu found", (unsigned long long)found);
        puts(strcmp(what, "followed") == 0 ? " in all" : "");
    }
    fflush(stdout);
}

static void print_interval(const struct audit *a) {
    const struct audit_follow *f = a->follow;
    print_counts(a, "interval", f->rows - f->in_line.rows, f->bills - f->in_line.bills, f->compared - f->in_line.compared,
                 a->found - f->in_line.found);
}

static int follow(struct audit *a, int64_t interval_ms) {
    struct sigaction action = {.sa_handler = stop};
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    fflush(stdout);
    a->tell = tell;
    a->follow->stopped = &stopped;
    a->follow->in_line.found = a->found;
    int code = audit_follow(a, interval_ms, print_interval);
    if (!code) print_counts(a, "followed", a->follow->rows, a->follow->bills, a->follow->compared, a->found);
    return code;
}

static int run_audit(struct audit *a, int64_t interval_ms) {
    const struct cli *cli = a->c->cli;
    int64_t started_ms = progress_now_ms();
    int code = audit_run(a);
    if (code) return code;
    (cli->json ? print_json : print_lines)(a, progress_now_ms() - started_ms);
    if (a->follow && (!a->found || a->follow->keep_going)) code = follow(a, interval_ms);
    return code ? code : a->found ? CLI_FOUND : CLI_OK;
}

static int read_interval(const struct cli *cli, uint64_t *interval_ms) {
    const char *text = cli->value[OPTION_INTERVAL];
    *interval_ms = INTERVAL_MS;
    if ((text || cli->value[OPTION_KEEP_GOING]) && !cli->value[OPTION_FOLLOW])
        return cli_usage(cli, "--%s is for --follow", text ? "interval" : "keep-going");
    if (text && (units_parse_duration(text, interval_ms) != UNITS_OK || *interval_ms < 100 || *interval_ms > 86400000))
        return cli_usage(cli, "--interval %s must be a length of time like 10s, from 100ms to 24h", text);
    return CLI_OK;
}

static int run(struct cli *cli) {
    struct connection c = {0};
    struct audit *audit = calloc(1, sizeof *audit);
    unsigned first = 0, last = 0;
    uint64_t interval_ms;
    if (!audit) abort();
    int code = read_interval(cli, &interval_ms);
    if (!code) code = connect_book(cli, &c);
    if (!code && !connect_partitions(&c, OPTION_PARTITION, &first, &last)) code = CLI_USAGE;
    if (code) goto out;
    audit_init(audit, &c, first, last);
    if (cli->value[OPTION_FOLLOW]) audit_follow_init(audit);
    if (audit->follow) audit->follow->keep_going = cli->value[OPTION_KEEP_GOING] != NULL;
    code = run_audit(audit, (int64_t)interval_ms);
    audit_close(audit);
out:
    connect_close(&c);
    free(audit);
    return code;
}

static const struct cli_option options[] = {
    {"partition", 'p', "N", "only this one"},
    {"follow", 'f', NULL, "then goes on with what comes, until Ctrl-C or the first thing found"},
    {"interval", 0, "TIME", "of --follow: a line of counts so often; default 10s"},
    {"keep-going", 0, NULL, "of --follow: goes on when something was found, and ends with exit code 1 then"},
    {0},
};

const struct cli_command cmd_audit = {
    .name = "audit",
    .group = CLI_LOOK,
    .summary = "checks the whole book: nothing lost, nothing charged twice, all sums right",
    .operands = "",
    .options = options,
    .about = "Reads ledger, accounts, bills, answers and what is due of every partition, while workers may go on:\n"
             "rows of a bill sum to zero, and so do all accounts, in each currency; every account's rows\n"
             "form an unbroken chain that ends in what the account holds; bill numbers have no gaps; nobody\n"
             "was charged twice; every bill has its rows, every decided answer its bill, every entry its one\n"
             "answer; what is held is what open holds reserve; what lies in transit between partitions is the sum\n"
             "of the transfers and settled months on their way (with --partition only their sender's end is looked\n"
             "at); what waits for a time is in the set of what falls due; orders have their bill and fall due, a\n"
             "paid one has its payer, no stock is below zero; the set of merchants is that of their accounts, and\n"
             "each has a shard of its own status everywhere; what a\n"
             "merchant's months say is what the ledger does, and fees are right to the last unit. What waits and\n"
             "what is dead is counted; a lost intent is a finding. Exit code 1 when something is not right.\n\n"
             "Of a ledger that was trimmed (retention.ledger) it knows how far the bills went that are gone: what is\n"
             "left must go on from there. What each account held before its first row is believed, and so are the\n"
             "records of those bills, holds and transfers made with them, and the months of merchants whose rows they\n"
             "were; what has no row left at all is what its account says. Sums and all that came later are checked.\n\n"
             "--follow goes on with what is added to the ledgers: numbers without gaps, sums, shapes, the chain of\n"
             "each account, and, some thousand a second, the accounts that were touched. Its memory is bounded: it\n"
             "knows the chains of 262,144 accounts, and begins anew with one it has not seen for longer. It does not\n"
             "see what leaves no ledger row: bill records, answers, what is due, orders and stock, months and fees,\n"
             "what became of transfers; nor what is changed behind it. For those run it again without --follow.",
    .examples = "  till audit\n  till audit --partition 3 --json\n  till audit --interval 1m --follow",
    .run = run,
};
