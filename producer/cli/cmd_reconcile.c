/* `till reconcile`: does an upstream's list of a day say what the bills of that day say? */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "producer/cli/commands.h"
#include "producer/cli/reconcile.h"
#include "producer/cli/when.h"

enum { OPTION_SOURCE, OPTION_DAY, OPTION_UTC_OFFSET, OPTION_CSV };
enum { DAY_MS = 86400000, OFFSET_MINUTES_MAX = 14 * 60 };

#define CSV_HEADER "found,key,line,list_account,list_amount,list_code,bill,op,till_account,till_amount,till_code"

static bool is_digit(char c) { return c >= '0' && c <= '9'; }
static int two_digits(const char *at) { return (at[0] - '0') * 10 + (at[1] - '0'); }

/* "+08:00", "-03:30", "Z": minutes east of UTC. */
static bool parse_offset(const char *text, int *minutes) {
    *minutes = 0;
    if (!text || strcmp(text, "Z") == 0) return true;
    if (strlen(text) != 6 || (text[0] != '+' && text[0] != '-') || text[3] != ':') return false;
    if (!is_digit(text[1]) || !is_digit(text[2]) || !is_digit(text[4]) || !is_digit(text[5]) || text[4] > '5') return false;
    int length = two_digits(text + 1) * 60 + two_digits(text + 4);
    *minutes = text[0] == '-' ? -length : length;
    return length <= OFFSET_MINUTES_MAX;
}

static bool parse_day(const char *text, uint64_t *ms) {
    return strlen(text) == 10 && text[4] == '-' && text[7] == '-' && when_parse(text, ms);
}

static int read_options(struct reconcile *r, const struct cli *cli) {
    int minutes;
    uint64_t day_ms;
    const char *day = cli->value[OPTION_DAY], *source = cli->value[OPTION_SOURCE], *why;
    if (!source) return cli_usage(cli, "which --source? The upstream's name, as its intents have it");
    if ((why = intent_set_text(&r->scratch, FIELD_source, source, strlen(source)))) return cli_usage(cli, "--source %s %s", source, why);
    if (!day) return cli_usage(cli, "which --day? Like 2025-11-30, in UTC or with --utc-offset");
    if (!parse_day(day, &day_ms)) return cli_usage(cli, "--day %s must be a day like 2025-11-30", day);
    if (!parse_offset(cli->value[OPTION_UTC_OFFSET], &minutes))
        return cli_usage(cli, "--utc-offset %s must be +HH:MM or -HH:MM, at most 14:00, like +08:00", cli->value[OPTION_UTC_OFFSET]);
    if (cli->json && cli->value[OPTION_CSV]) return cli_usage(cli, "--json or --csv, not both");
    int64_t from_ms = (int64_t)day_ms - (int64_t)minutes * 60000;
    if (from_ms < 0) return cli_usage(cli, "--day %s is before there were any", day);
    r->cli = cli;
    r->path = cli->operands[0];
    r->source = source;
    r->day = day;
    r->from_ms = (uint64_t)from_ms;
    r->to_ms = r->from_ms + DAY_MS;
    r->style = cli->json ? RECONCILE_JSON : cli->value[OPTION_CSV] ? RECONCILE_CSV : RECONCILE_TABLE;
    return CLI_OK;
}

static int open_list(struct reconcile *r, int *fd) {
    *fd = strcmp(r->path, "-") == 0 ? STDIN_FILENO : open(r->path, O_RDONLY | O_CLOEXEC);
    if (*fd < 0) return cli_usage(r->cli, "%s: %s", r->path, strerror(errno));
    if (*fd == STDIN_FILENO) r->path = "stdin";
    csv_init(&r->csv, *fd);
    return reconcile_header(r);
}

static int warn_of_today(struct reconcile *r) {
    uint64_t now_ms = 0;
    int code = connect_server_ms(r->c, &now_ms);
    if (!code && now_ms < r->to_ms) cli_say(r->cli, "%s is not over: what is decided later is not among the bills yet", r->day);
    return code;
}

static int compare(struct reconcile *r) {
    int code = warn_of_today(r);
    if (!code) code = reconcile_file(r);
    if (!code) code = reconcile_bills(r);
    if (code) return code;
    if (r->style == RECONCILE_CSV) puts(CSV_HEADER);
    code = reconcile_join(r);
    if (code) return code;
    reconcile_finish(r);
    if (r->bad) {
        cli_say(r->cli, "%llu of %llu lines are wrong and were left out: what is missing there may be on them", (unsigned long long)r->bad,
                (unsigned long long)r->read);
        return CLI_USAGE;
    }
    if (r->unreadable) cli_say(r->cli, "%llu bill records could not be read; `till audit` says more", (unsigned long long)r->unreadable);
    bool found = r->unreadable;
    for (int n = 0; n < FOUND_COUNT; n++) found = found || r->found[n];
    return found ? CLI_FOUND : CLI_OK;
}

static int run(struct cli *cli) {
    struct connection c = {0};
    struct reconcile *r = calloc(1, sizeof *r);
    int fd = -1;
    if (!r) abort();
    r->c = &c;
    reconcile_init(r);
    int code = read_options(r, cli);
    if (!code) code = open_list(r, &fd);
    if (!code) code = connect_book(cli, &c);
    if (!code) code = compare(r);
    connect_close(&c);
    csv_clear(&r->csv);
    if (fd > STDIN_FILENO) close(fd);
    reconcile_clear(r);
    free(r);
    return code;
}

static const struct cli_option options[] = {
    {"source", 0, "NAME", "the upstream"},
    {"day", 0, "YYYY-MM-DD", "of the entries' time, which the answers tell as `at`"},
    {"utc-offset", 0, "+HH:MM", "where the day begins and ends; default UTC"},
    {"csv", 0, NULL, "what is found as CSV; the summary goes to stderr"},
    {0},
};

const struct cli_command cmd_reconcile = {
    .name = "reconcile",
    .group = CLI_LOOK,
    .summary = "compares an upstream's list of a day with the bills of that day",
    .operands = "FILE.csv",
    .operands_min = 1,
    .operands_max = 1,
    .options = options,
    .about = "FILE.csv (-: standard input) has a header with the columns key, account, amount and code, in any order; others are\n"
             "ignored. Amounts are minor units. Codes are numbers or words; only 0 counts, on both sides. What is found:\n\n"
             "  missing here   listed with code 0, and there is no bill\n"
             "  missing there  a bill of code 0 that is not listed\n"
             "  differs        amount, account or code is another; both are shown\n\n"
             "Bills of pay refund topup withdraw rollback capture transfer group count. A group counts by its own key and sum; its\n"
             "steps may be listed too. Holds and releases move nothing and may be listed or not. Of several rows of one key and\n"
             "account, those of code 0 count. Lines that are wrong are told and left out, and the exit code is 100; else it is 1\n"
             "when anything was found. Any length of list fits: what does not fit into memory goes to TMPDIR.",
    .examples = "  printf 'key,account,amount,code\\nk1,alice,1999,0\\n' | till reconcile - --source shop --day 2025-11-30\n"
                "  echo key,account,amount,code | till reconcile - --source shop --day $(date -u +%F) --utc-offset +08:00 --json",
    .run = run,
};
