/* `till watch`: the answers of a source as they come. */
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "producer/cli/answer_out.h"
#include "producer/cli/args.h"
#include "producer/cli/commands.h"
#include "producer/cli/connect.h"
#include "producer/cli/progress.h"

enum { OPTION_SOURCE, OPTION_FROM, OPTION_LIMIT };
enum { LOOK_MS = 500, GONE_MS = 2000 /* a slow moment is not worth a word */, LEFT_OUT_SIZE = 200 };

/* Rows are shown one by one, so their columns start out as wide as they usually get. */
static const unsigned usual_width[TABLE_COLUMNS_MAX] = {23, 8, 36, 8, 4, 18, 12, 8, 3, 10, 8, 0};

static volatile sig_atomic_t stopped;

static void stop(int signal) {
    (void)signal;
    stopped = 1;
}

static void print_answer(const struct cli *cli, struct table *table, const struct till_answer *answer, const char *trace) {
    if (cli->json) {
        json_t *object = answer_json(answer);
        if (*trace) json_out_text(object, "traceparent", trace);
        json_out(object);
    } else {
        answer_row(table, answer);
        table_flush(table);
    }
    fflush(stdout);
}

/* Said once, when it is another than before. */
static void say_left_out(const struct cli *cli, const struct till_reader *reader, char said[LEFT_OUT_SIZE]) {
    const char *now = till_reader_left_out(reader);
    if (strcmp(now, said) == 0) return;
    snprintf(said, LEFT_OUT_SIZE, "%s", now);
    cli_say(cli, "left out: %s", now);
}

/* A Redis that went away is said once and waited for. */
static int follow(struct cli *cli, struct till *till, struct till_reader *reader, struct table *table, uint64_t left) {
    struct till_answer answer;
    int64_t heard_ms = progress_now_ms();
    bool lost = false;
    char left_out[LEFT_OUT_SIZE] = "";
    while (!stopped && left > 0) {
        int code = till_reader_next(reader, LOOK_MS, &answer);
        say_left_out(cli, reader, left_out);
        if (code == TILL_INVALID || code == TILL_NOT_PERMITTED) return connect_till_failed(cli, till, code, "reading answers");
        if (code == TILL_READ_FAILED) {
            if (!lost && progress_now_ms() - heard_ms > GONE_MS) {
                cli_say(cli, "%s; waiting for it", till_error(till));
                lost = true;
            }
            continue;
        }
        if (lost) cli_say(cli, "back again");
        lost = false;
        heard_ms = progress_now_ms();
        if (code != TILL_OK) continue;
        print_answer(cli, table, &answer, till_reader_traceparent(reader));
        left--;
    }
    if (!cli->json) cli_say(cli, "to go on here: --from %s", till_reader_position(reader));
    return CLI_OK;
}

static int run(struct cli *cli) {
    struct till *till = NULL;
    struct till_reader *reader = NULL;
    struct table table;
    const char *source = cli->value[OPTION_SOURCE], *from = cli->value[OPTION_FROM];
    uint64_t left = UINT64_MAX;
    if (!source) return cli_usage(cli, "which --source?");
    if (!args_number(cli, OPTION_LIMIT, 1, UINT64_MAX, &left)) return CLI_USAGE;
    table_init(&table, answer_columns);
    for (unsigned n = 0; n < table.column_count; n++)
        if (table.width[n] < usual_width[n]) table.width[n] = usual_width[n];
    int code = connect_till(cli, NULL, &till);
    if (code) goto out;
    int opened = till_reader_open(till, source, from ? from : "$", &reader);
    if (opened != TILL_OK) {
        code = connect_till_failed(cli, till, opened, "reading answers");
        goto out;
    }
    struct sigaction action = {.sa_handler = stop};
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    code = follow(cli, till, reader, &table, left);
out:
    till_reader_close(reader);
    till_close(till);
    table_clear(&table);
    return code;
}

static const struct cli_option options[] = {
    {"source", 's', "NAME", "whose answers; needed"},
    {"from", 0, "ID|0|$", "0: from the first one kept; $: only those that come (default); or after this ID, or a position"},
    {"limit", 'l', "N", "end after this many"},
    {0},
};

const struct cli_command cmd_watch = {
    .name = "watch",
    .group = CLI_LOOK,
    .summary = "shows the answers of a source as they come",
    .operands = "",
    .options = options,
    .about = "Ends with Ctrl-C, and says how to go on from there.",
    .examples = "  till watch --source shop\n  till watch --source shop --from 0 --limit 10 --json",
    .run = run,
};
