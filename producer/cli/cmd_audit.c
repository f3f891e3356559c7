/* `till audit`: is the book sound? */
#include <stdio.h>
#include <stdlib.h>

#include "producer/cli/audit.h"
#include "producer/cli/commands.h"
#include "producer/cli/json_out.h"
#include "producer/cli/table.h"
#include "producer/cli/when.h"

enum { OPTION_PARTITION };

static json_t *findings(const struct audit *a) {
    json_t *list = json_out_array();
    for (unsigned n = 0; n < a->found && n < AUDIT_SHOWN_MAX; n++) {
        json_t *finding = json_out_object();
        json_out_number(finding, "partition", a->finding[n].partition);
        json_out_text(finding, "text", a->finding[n].text);
        json_out_append(list, finding);
    }
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
    for (unsigned n = 0; n < a->found && n < AUDIT_SHOWN_MAX; n++) {
        printf("partition %u: ", a->finding[n].partition);
        table_print_safe(a->finding[n].text);
        putchar('\n');
    }
    if (a->found > AUDIT_SHOWN_MAX) printf("and %llu more\n", (unsigned long long)(a->found - AUDIT_SHOWN_MAX));
    if (a->found) printf("%sNOT SOUND%s: %llu found in", red, plain, (unsigned long long)a->found);
    else printf("%ssound%s:", green, plain);
    printf(" %llu ledger rows of %llu bills, %llu accounts, %llu bill records, %llu answers (%.1f s)\n", (unsigned long long)a->rows,
           (unsigned long long)a->bills, (unsigned long long)a->accounts, (unsigned long long)a->records, (unsigned long long)a->answers,
           (double)spent_ms / 1000);
    print_open(a);
    printf("waiting: %llu undelivered, %llu pending, %llu unanswered; dead: %llu, of them lost: %llu\n", (unsigned long long)a->undelivered,
           (unsigned long long)a->pending, (unsigned long long)a->unanswered, (unsigned long long)a->dead, (unsigned long long)a->lost);
}

static int run(struct cli *cli) {
    struct connection c;
    struct audit *audit = calloc(1, sizeof *audit);
    unsigned first = 0, last = 0;
    int64_t started_ms = progress_now_ms();
    if (!audit) abort();
    int code = connect_book(cli, &c);
    if (code) goto out;
    if (!connect_partitions(&c, OPTION_PARTITION, &first, &last)) {
        code = CLI_USAGE;
        goto out;
    }
    code = audit_run(audit, &c, first, last);
    if (!code) {
        (cli->json ? print_json : print_lines)(audit, progress_now_ms() - started_ms);
        code = audit->found ? CLI_FOUND : CLI_OK;
    }
    audit_close(audit);
out:
    connect_close(&c);
    free(audit);
    return code;
}

static const struct cli_option options[] = {{"partition", 'p', "N", "only this one"}, {0}};

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
             "of the transfers on their way (with --partition only their sender's end is looked at); what waits\n"
             "for a time is in the set of what falls due. What waits and what is dead is counted; a lost\n"
             "intent is a finding. Exit code 1 when something is not right.",
    .examples = "  till audit\n  till audit --partition 3 --json",
    .run = run,
};
