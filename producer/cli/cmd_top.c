/* `till top`: what the book does, live. */
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "producer/cli/commands.h"
#include "producer/cli/progress.h"
#include "producer/cli/top.h"
#include "producer/cli/when.h"

enum { OPTION_ONCE, OPTION_INTERVAL, OPTION_SORT };
enum { INTERVAL_MIN_MS = 100, INTERVAL_MAX_MS = 600000, STREAMS_EVERY_MS = 30000, FIRST_MS = 1000 };

/* Which sources there are changes rarely, and to look at the streams costs more than the rest. */
static int look_for_sources(struct top *t) {
    struct status_streams streams;
    if (t->streams.list && progress_now_ms() - t->streams_at_ms < STREAMS_EVERY_MS) return CLI_OK;
    int code = status_streams_read(&t->c, &streams);
    if (code) {
        status_streams_clear(&streams);
        return code;
    }
    status_streams_clear(&t->streams);
    t->streams = streams;
    t->streams_at_ms = progress_now_ms();
    return CLI_OK;
}

int top_look(struct top *t) {
    struct book_status now = {0};
    struct top_latency latency;
    if (redis_is_lost(t->c.redis)) {
        enum redis_err err = redis_reopen(t->c.redis);
        if (err) return connect_failed(&t->c, err, "connecting");
    }
    int code = status_read(&t->c, &now);
    if (!code) code = look_for_sources(t);
    if (!code) code = top_latency_read(&t->c, &t->streams, t->now.partitions ? t->now.now_ms : now.now_ms - FIRST_MS, &latency);
    if (code) {
        status_clear(&now);
        return code;
    }
    status_clear(&t->before);
    t->before = t->now;
    t->now = now;
    t->latency = latency;
    return CLI_OK;
}

void top_clear(struct top *t) {
    status_clear(&t->before);
    status_clear(&t->now);
    status_streams_clear(&t->streams);
    connect_close(&t->c);
}

static bool read_sort(const char *word, enum top_sort *sort) {
    for (*sort = TOP_BY_PARTITION; word && *sort < TOP_SORT_COUNT; (*sort)++)
        if (strcmp(top_sort_word(*sort), word) == 0) return true;
    return !word;
}

/* Two looks, for the rates between. */
static int run_once(struct top *t, uint64_t interval_ms) {
    int code = top_look(t);
    if (code) return code;
    nanosleep(&(struct timespec){(time_t)(interval_ms / 1000), (long)(interval_ms % 1000) * 1000000L}, NULL);
    code = top_look(t);
    if (code) return code;
    if (t->c.cli->json) top_frame_json(t);
    else top_frame_print(t, stdout);
    return CLI_OK;
}

static int run(struct cli *cli) {
    struct top t = {0};
    uint64_t interval_ms = FIRST_MS;
    const char *interval = cli->value[OPTION_INTERVAL];
    bool once = cli->value[OPTION_ONCE] || cli->json;
    if (!once && (!isatty(STDOUT_FILENO) || !isatty(STDIN_FILENO)))
        return cli_usage(cli, "this is no terminal; --once prints one view");
    if (interval && (!when_parse_length(interval, &interval_ms) || interval_ms < INTERVAL_MIN_MS || interval_ms > INTERVAL_MAX_MS))
        return cli_usage(cli, "--interval %s must be from 100ms to 10m: " WHEN_LENGTH_FORMS, interval);
    if (!read_sort(cli->value[OPTION_SORT], &t.sort))
        return cli_usage(cli, "--sort %s must be partition, waiting, oldest, rate or dead", cli->value[OPTION_SORT]);
    int code = connect_book_partly(cli, &t.c);
    if (!code && once) code = run_once(&t, interval_ms);
    else if (!code) code = top_screen(&t, interval_ms);
    top_clear(&t);
    return code;
}

static const struct cli_option options[] = {
    {"once", '1', NULL, "prints one view, and ends; so does --json, with the sums alone"},
    {"interval", 'i', "TIME", "how often it looks; default 1s"},
    {"sort", 's', "partition|waiting|oldest|rate|dead", "what the partitions are sorted by"},
    {0},
};

const struct cli_command cmd_top = {
    .name = "top",
    .group = CLI_LOOK,
    .summary = "shows live what waits, how fast it goes, who owns what",
    .operands = "",
    .options = options,
    .about = "Keys: q ends it, p lets the view stand still, s sorts by the next column, arrows and page keys scroll. Columns are\n"
             "those of `till status`; how long answers took is read off the last ones of each source and partition. Redis\n"
             "being away is said in the last line; what was seen before stays until it is back.",
    .examples = "  till top --once\n  till top --once --sort waiting --interval 5s\n  till top --json",
    .run = run,
};
