/* `till settle`: settles a month, and prints every merchant's statement. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "producer/cli/args.h"
#include "producer/cli/commands.h"
#include "producer/cli/settle.h"
#include "producer/cli/when.h"
#include "schema/entry.h"

enum { OPTION_MONTH, OPTION_MERCHANT, OPTION_DRY_RUN, OPTION_BILLS, OPTION_CSV, OPTION_TABLE, OPTION_TIMEOUT };

static int read_options(struct settle *s) {
    const struct cli *cli = s->cli;
    const char *month = cli->value[OPTION_MONTH], *merchant = cli->value[OPTION_MERCHANT], *why;
    uint64_t timeout_ms = 0;
    if (!month) return cli_usage(cli, "which --month? Like 2025-11");
    if (!month_parse(month, strlen(month), &s->month))
        return cli_usage(cli, "--month %s must be a month like 2025-11, from 1970-01 on", month);
    if (merchant && (why = intent_set_text(&s->scratch, FIELD_account, merchant, strlen(merchant))))
        return cli_usage(cli, "--merchant %s %s", merchant, why);
    if ((cli->json ? 1 : 0) + (cli->value[OPTION_CSV] != NULL) + (cli->value[OPTION_TABLE] != NULL) > 1)
        return cli_usage(cli, "--table, --csv or --json, one of them");
    if (!args_number(cli, OPTION_TIMEOUT, 1, 3600000, &timeout_ms)) return CLI_USAGE;
    month_text(s->month, s->month_text);
    s->timeout_ms = (int)timeout_ms;
    s->dry_run = cli->value[OPTION_DRY_RUN] != NULL;
    s->bills = cli->value[OPTION_BILLS] != NULL;
    s->style = cli->json ? SETTLE_JSON : cli->value[OPTION_CSV] ? SETTLE_CSV : SETTLE_TABLE;
    return CLI_OK;
}

static uint64_t month_ends(const struct settle *s) {
    uint64_t end_ms = 0;
    for (unsigned p = 0; p < s->c->book.partitions; p++)
        if (s->partitions[p].end_ms > end_ms) end_ms = s->partitions[p].end_ms;
    return end_ms;
}

/* Nothing is sent before the month is over: who asks too early has the refusal under the intent's key. */
static int look_at_clock(struct settle *s) {
    char when[WHEN_TEXT_SIZE], offset[8];
    uint64_t now_ms, end_ms = month_ends(s);
    int code = connect_server_ms(s->c, &now_ms);
    if (code || now_ms >= end_ms) return code;
    when_format(end_ms, when);
    month_offset_text(s->partitions[0].offset, offset);
    cli_say(s->cli, "%s is not over before %s UTC (settlement_offset %s)%s", s->month_text, when, offset,
            s->dry_run ? ": provisional" : "; --dry-run shows how it stands");
    return s->dry_run ? CLI_OK : CLI_FOUND;
}

/* Are there intents up to this one that no worker has applied yet? */
static int look_at_stream(struct settle *s, unsigned partition, const char *to, bool *behind) {
    struct command *c = &s->c->command;
    struct reply reply;
    struct entry_id applied = {0, 0};
    keys_buffer key;
    char from[ENTRY_TEXT_MAX + 1];
    size_t size;
    command_begin(c, "HGET");
    command_copy(c, key, keys_meta(key, &s->c->book, partition));
    command_word(c, "applied");
    int code = connect_call(s->c, "reading meta", &reply);
    if (code) return code;
    const char *text = reply_text(reply, &size);
    if (!entry_id_parse(text, size, &applied)) applied = (struct entry_id){0, 0};
    entry_id_format(entry_id_after(applied), from);
    command_begin(c, "XRANGE");
    command_copy(c, key, keys_intents(key, &s->c->book, partition));
    command_word(c, from);
    command_word(c, to);
    command_word(c, "COUNT");
    command_word(c, "1");
    code = connect_call(s->c, "looking for intents that wait", &reply);
    *behind = !code && reply_count(reply) > 0;
    return code;
}

static int look_at_streams(struct settle *s) {
    unsigned behind_count = 0, first = 0;
    for (unsigned p = 0; p < s->c->book.partitions; p++) {
        char to[ENTRY_TEXT_MAX + 1];
        bool behind = false;
        entry_id_format((struct entry_id){s->partitions[p].end_ms - 1, UINT64_MAX}, to);
        int code = look_at_stream(s, p, to, &behind);
        if (code) return code;
        if (behind && behind_count++ == 0) first = p;
    }
    if (behind_count)
        cli_say(s->cli, "intents of the month still wait in %u partitions, in %u for one: provisional", behind_count, first);
    return CLI_OK;
}

static void say_earlier(struct settle *s, const struct statement *t) {
    char month[8];
    month_text(t->earlier, month);
    settle_fault(s, "%s: %s is not settled: first `till settle --month %s --merchant %s`", t->name, month, month, t->name);
}

static void say_unknown(struct settle *s, const struct statement *t) { settle_fault(s, "there is no merchant '%s'", t->name); }

/* Are all months before settled? Then only is anything sent. */
static int look_before(struct settle *s) {
    int code = CLI_OK;
    progress_start(&s->progress, "merchants read", s->count);
    for (size_t n = 0; !code && n < s->count; n += s->batch_max) {
        size_t count = s->count - n < s->batch_max ? s->count - n : s->batch_max;
        code = settle_read(s, n, count);
        for (size_t i = 0; !code && i < count; i++) {
            const struct statement *t = &s->batch[i];
            if (t->earlier) say_earlier(s, t);
            if (!t->shards) say_unknown(s, t);
        }
        progress_add(&s->progress, count);
    }
    progress_end(&s->progress);
    if (!code && s->faults > SETTLE_SAID_MAX) cli_say(s->cli, "and %" PRIu64 " more", s->faults - SETTLE_SAID_MAX);
    if (!code && s->faults) cli_say(s->cli, "nothing was settled");
    return code ? code : s->faults ? CLI_FOUND : CLI_OK;
}

static int settle_batch(struct settle *s, size_t first, size_t count) {
    int code = settle_read(s, first, count);
    if (!code && !s->dry_run) code = settle_send(s, first, count);
    for (size_t n = 0; !code && n < count; n++) {
        const struct statement *t = &s->batch[n];
        if (s->bills) s->expected[first + n] = t->sums;
        if (t->shards) settle_out_statement(s, t);
        else say_unknown(s, t);
        s->stated++;
    }
    return code;
}

static int settle_all(struct settle *s) {
    int code = CLI_OK;
    settle_out_begin(s);
    progress_start(&s->progress, s->dry_run ? "merchants" : "settled", s->dry_run ? s->count : s->count * s->c->book.partitions);
    for (size_t n = 0; !code && n < s->count; n += s->batch_max) {
        size_t count = s->count - n < s->batch_max ? s->count - n : s->batch_max;
        code = settle_batch(s, n, count);
        if (s->dry_run) progress_add(&s->progress, count);
    }
    progress_end(&s->progress);
    if (!code && s->bills) code = settle_bills(s);
    if (!code || code == CLI_FOUND) settle_out_end(s);
    if (code) return code;
    return s->faults || (s->provisional && !s->dry_run) ? CLI_FOUND : CLI_OK;
}

static int settle(struct settle *s) {
    unsigned partitions = s->c->book.partitions;
    int code = settle_policies(s);
    if (!code) code = look_at_clock(s);
    if (!code && s->dry_run) code = look_at_streams(s);
    if (!code) code = settle_names(s, s->cli->value[OPTION_MERCHANT]);
    if (code) return code;
    s->batch_max = SETTLE_AT_ONCE / partitions;
    s->batch = calloc(s->batch_max, sizeof *s->batch);
    s->open = calloc(s->batch_max * partitions, sizeof *s->open);
    s->expected = calloc(s->bills ? s->count + 1 : 1, sizeof *s->expected);
    if (!s->batch || !s->open || !s->expected) abort();
    if (!s->dry_run) code = look_before(s);
    return code ? code : settle_all(s);
}

static int run(struct cli *cli) {
    struct settle *s = calloc(1, sizeof *s);
    struct connection c = {0};
    struct config config;
    if (!s) abort();
    s->cli = cli;
    s->c = &c;
    int code = read_options(s);
    if (!code) code = connect_book(cli, &c);
    if (!code) code = connect_till(cli, &config, &s->till);
    if (!code && !s->timeout_ms) s->timeout_ms = (int)config.producer_timeout_ms;
    if (!code) code = settle(s);
    till_close(s->till);
    connect_close(&c);
    free(s->partitions);
    free(s->batch);
    free(s->open);
    free(s->expected);
    free(s->names);
    free(s->text);
    free(s);
    return code;
}

static const struct cli_option options[] = {
    {"month", 'm', "YYYY-MM", "the month, by the book's settlement_offset; needed"},
    {"merchant", 0, "ID", "only this one"},
    {"dry-run", 'n', NULL, "settles nothing: what the statements would be by now"},
    {"bills", 'b', NULL, "the postings behind the statements too, which must sum up to them"},
    {"csv", 0, NULL, "as CSV; with --bills the postings alone, so that each is one table"},
    {"table", 0, NULL, "for people, as without it"},
    {"timeout", 0, "MS", "give up when no answer comes for so long; default producer.timeout"},
    {0},
};

const struct cli_command cmd_settle = {
    .name = "settle",
    .group = CLI_OPERATE,
    .summary = "settles a month: what merchants earned comes home, less the fee; prints their statements",
    .operands = "",
    .options = options,
    .about = "Sends one intent for each merchant and partition that is not settled, and waits until all of it has come to the\n"
             "merchants' home partitions. Again, from elsewhere at the same time, or after it was killed: the statements are\n"
             "the same, and money moves once. Nothing is sent before the month is over and those before it are settled.\n\n"
             "  gross    what the merchant was paid              net      gross - refunds - fee\n"
             "  refunds  what went back                          other    what the merchant did itself: payouts, top-ups, ...\n"
             "  fee      on gross, by the book's policy,         closing  opening + net + other, which is the next month's\n"
             "           rounded half to even                             opening, however late it is settled\n\n"
             "Exit code 1 when something could not be settled, or the postings (--bills) are not what the statements say.",
    .examples = "  till settle --month 2025-11 --dry-run\n  till settle --month 2025-11 --csv >statements.csv\n"
                "  till settle --month 2025-11 --merchant coffee --bills",
    .run = run,
};
