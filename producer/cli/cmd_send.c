/* `till send`: intents from JSON lines, many and fast. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "producer/cli/args.h"
#include "producer/cli/commands.h"
#include "producer/cli/connect.h"
#include "producer/cli/intent_fields.h"
#include "producer/cli/json_intent.h"
#include "producer/cli/json_out.h"
#include "producer/cli/lines.h"
#include "producer/cli/password.h"
#include "producer/cli/progress.h"
#include "producer/cli/send_batch.h"

enum { OPTION_SOURCE, OPTION_WAIT, OPTION_RATE, OPTION_TIMEOUT, OPTION_TRACE, OPTION_CHECK };
enum { IDLE_MS = 50, BAD_SAID_MAX = 20, WAIT_STEP_MS = 200, TICK_MS = 5 };

struct sending {
    struct cli *cli;
    struct till *till;
    struct lines lines;
    struct send_wait wait;
    struct send_batch *batch;
    struct progress progress;
    const char *source;
    char trace[TRACE_SIZE + 1]; /* of lines without one of their own */
    uint64_t rate, bad, read; /* intents a second, bad lines, good lines */
    int timeout_ms;
    int64_t started_ms;
    bool waits, only_check;
};

static volatile sig_atomic_t stopped;

static void stop(int signal) {
    (void)signal;
    stopped = 1;
}

static void say_bad(struct sending *s, const struct intent_fault *fault) {
    unsigned long long line = s->lines.number;
    if (s->progress.on) fputs("\r\x1b[K", stderr);
    if (s->bad < BAD_SAID_MAX) cli_say(s->cli, "line %llu: %s", line, fault->text);
    else if (s->bad == BAD_SAID_MAX) cli_say(s->cli, "more bad lines; they are counted");
    s->bad++;
}

static bool is_blank(const char *line, size_t size) {
    while (size > 0 && (*line == ' ' || *line == '\t' || *line == '\r')) line++, size--;
    return size == 0;
}

/* How many may be sent by now; all of them without --rate. */
static uint64_t allowed(const struct sending *s) {
    if (!s->rate) return UINT64_MAX;
    uint64_t spent_ms = (uint64_t)(progress_now_ms() - s->started_ms);
    return (uint64_t)((unsigned __int128)spent_ms * s->rate / 1000) + 1;
}

static void show_progress(struct sending *s, uint64_t count) {
    if (s->lines.size && s->lines.bytes) s->progress.total = s->lines.number * s->lines.size / s->lines.bytes;
    progress_add(&s->progress, count);
}

static bool flush(struct sending *s) {
    uint64_t count = s->batch->count;
    if (s->only_check) s->batch->count = 0;
    bool ok = send_batch_flush(s->batch);
    show_progress(s, count);
    return ok;
}

/* The offered rate is kept whatever Redis does: what is late goes out at once. */
static void keep_rate(const struct sending *s) {
    while (!stopped && s->read >= allowed(s)) nanosleep(&(struct timespec){0, TICK_MS * 1000000L}, NULL);
}

/* Takes one good or bad line into the batch. False: stop. */
static bool take_line(struct sending *s, const char *line, size_t size) {
    struct intent_fault fault;
    struct intent *intent = send_batch_next(s->batch);
    char trace[TRACE_SIZE + 1];
    if (is_blank(line, size)) return true;
    if (!json_intent_parse(line, size, s->source, intent, trace, &fault)) {
        say_bad(s, &fault);
        return true;
    }
    if (s->waits && !send_wait_source(&s->wait, intent->source)) {
        cli_say(s->cli, "line %llu: cannot wait for the answers of %s: %s", (unsigned long long)s->lines.number, intent->source,
                s->wait.source_count == SEND_SOURCES_MAX ? "too many sources" : till_error(s->till));
        return false;
    }
    if (s->read >= allowed(s)) {
        unsigned kept = s->batch->count;
        struct intent held = *intent;
        if (kept && !flush(s)) return false;
        keep_rate(s);
        *send_batch_next(s->batch) = held;
    }
    send_batch_add(s->batch, s->lines.number, trace[0] ? trace : s->trace);
    s->read++;
    return s->batch->count < SEND_BATCH_MAX || flush(s);
}

/* Reads and sends until the end, or until it is no use. */
static bool send_lines(struct sending *s) {
    const char *line;
    size_t size;
    while (!stopped) {
        switch (lines_next(&s->lines, IDLE_MS, &line, &size)) {
        case LINES_LINE:
            if (!take_line(s, line, size)) return false;
            break;
        case LINES_TOO_LONG:
            say_bad(s, &(struct intent_fault){.text = "the line is longer than 64 KiB"});
            break;
        case LINES_WAIT:
            if (s->batch->count && !flush(s)) return false;
            if (s->waits) send_wait_read(&s->wait, 0);
            break;
        case LINES_FAILED:
            cli_say(s->cli, "reading line %llu: %s", (unsigned long long)s->lines.number + 1, strerror(errno));
            flush(s);
            return false;
        case LINES_END:
            return flush(s);
        }
    }
    return flush(s);
}

/* Collects answers as long as some come within the timeout. */
static void collect(struct sending *s) {
    int64_t quiet_since_ms = progress_now_ms();
    progress_start(&s->progress, "answers", s->wait.answered + s->wait.open_count);
    s->progress.done = s->wait.answered;
    while (s->wait.open_count > 0 && !stopped && progress_now_ms() - quiet_since_ms < s->timeout_ms) {
        uint64_t before = s->wait.answered;
        int code = send_wait_read(&s->wait, WAIT_STEP_MS);
        if (s->wait.answered > before) quiet_since_ms = progress_now_ms();
        progress_add(&s->progress, s->wait.answered - before);
        if (code == TILL_INVALID || code == TILL_NOT_PERMITTED) break;
    }
    progress_end(&s->progress);
}

static uint64_t bad_count(const struct sending *s) { return s->bad + s->batch->bad; }

static void print_json(const struct sending *s, int64_t spent_ms) {
    json_t *object = json_out_object(), *summary = json_out_object(), *codes = json_out_object();
    json_out_number(summary, s->only_check ? "good" : "sent", (int64_t)(s->only_check ? s->read : s->batch->sent));
    json_out_number(summary, "bad", (int64_t)bad_count(s));
    json_out_number(summary, "not_sent", (int64_t)s->batch->failed);
    json_out_number(summary, "ms", spent_ms);
    if (s->batch->scheduled) json_out_number(summary, "scheduled", (int64_t)s->batch->scheduled);
    if (s->waits) {
        json_out_number(summary, "answered", (int64_t)s->wait.answered);
        json_out_number(summary, "unanswered", (int64_t)s->wait.open_count);
        json_out_number(summary, "replayed", (int64_t)s->wait.replayed);
        for (int code = SEND_CODE_LEAST; code <= SEND_CODE_MOST; code++)
            if (s->wait.by_code[code - SEND_CODE_LEAST])
                json_out_number(codes, till_code_word(code), (int64_t)s->wait.by_code[code - SEND_CODE_LEAST]);
        json_out_value(summary, "by_code", json_incref(codes));
    }
    json_decref(codes);
    json_out_value(object, "summary", summary);
    json_out(object);
}

static void print_lines(const struct sending *s, int64_t spent_ms) {
    uint64_t sent = s->only_check ? s->read : s->batch->sent;
    printf("%llu %s in %.1f s (%llu/s), %llu bad lines", (unsigned long long)sent, s->only_check ? "good" : "sent", (double)spent_ms / 1000,
           (unsigned long long)(spent_ms > 0 ? sent * 1000 / (uint64_t)spent_ms : sent), (unsigned long long)bad_count(s));
    if (s->batch->failed) printf(", %llu not sent", (unsigned long long)s->batch->failed);
    putchar('\n');
    if (s->batch->scheduled) printf("%10llu  of them for later\n", (unsigned long long)s->batch->scheduled);
    if (!s->waits) return;
    for (int code = SEND_CODE_LEAST; code <= SEND_CODE_MOST; code++)
        if (s->wait.by_code[code - SEND_CODE_LEAST])
            printf("%10llu  %s\n", (unsigned long long)s->wait.by_code[code - SEND_CODE_LEAST], till_code_word(code));
    if (s->wait.replayed) printf("%10llu  of them given before\n", (unsigned long long)s->wait.replayed);
    if (s->wait.open_count) printf("%10llu  not answered yet\n", (unsigned long long)s->wait.open_count);
}

static int run_sending(struct sending *s) {
    progress_start(&s->progress, "intents", 0);
    s->started_ms = progress_now_ms();
    bool ok = send_lines(s);
    progress_end(&s->progress);
    if (s->waits) collect(s);
    (s->cli->json ? print_json : print_lines)(s, progress_now_ms() - s->started_ms);
    int error = s->batch->last_error;
    if (error)
        cli_say(s->cli, "stopped behind line %llu. Lines that name their key and at can be sent again safely",
                (unsigned long long)s->lines.number);
    if (error == TILL_READ_FAILED || error == TILL_WRITE_FAILED) return CLI_UNREACHABLE;
    return ok && !bad_count(s) && !s->batch->failed && !s->wait.refused && !s->wait.open_count ? CLI_OK : CLI_FOUND;
}

static int open_input(struct sending *s) {
    const char *path = s->cli->operand_count ? s->cli->operands[0] : "-";
    int fd = strcmp(path, "-") == 0 ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) return cli_usage(s->cli, "%s: %s", path, strerror(errno));
    lines_init(&s->lines, fd);
    return CLI_OK;
}

static int read_options(struct sending *s) {
    struct intent scratch = {0};
    struct cli *cli = s->cli;
    uint64_t timeout_ms = 0;
    s->source = cli->value[OPTION_SOURCE] ? cli->value[OPTION_SOURCE] : INTENT_SOURCE_CLI;
    const char *wrong = intent_fields_set_text(&scratch, FIELD_source, s->source, strlen(s->source));
    if (wrong) return cli_usage(cli, "--source %s %s", s->source, wrong);
    if (!args_number(cli, OPTION_RATE, 1, 10000000, &s->rate) || !args_number(cli, OPTION_TIMEOUT, 1, 3600000, &timeout_ms))
        return CLI_USAGE;
    const char *trace = cli->value[OPTION_TRACE];
    if (trace && !trace_read(trace, strlen(trace), s->trace))
        return cli_usage(cli, "--traceparent %s is none: 00-TRACE-PARENT-FLAGS, in lower-case hex", trace);
    s->timeout_ms = (int)timeout_ms;
    s->only_check = cli->value[OPTION_CHECK] != NULL;
    s->waits = cli->value[OPTION_WAIT] != NULL && !s->only_check;
    return open_input(s);
}

static int run(struct cli *cli) {
    struct sending *s = calloc(1, sizeof *s);
    struct config config;
    if (!s || !(s->batch = calloc(1, sizeof *s->batch))) abort();
    s->cli = cli;
    uint8_t *secret = NULL;
    int code = read_options(s);
    if (!code && !s->only_check) code = connect_till(cli, &config, &s->till);
    if (!code && !s->only_check) code = password_of_book(cli, &config, &secret);
    if (!code) {
        if (!s->timeout_ms) s->timeout_ms = s->only_check ? 0 : (int)config.producer_timeout_ms;
        s->batch->cli = cli; /* one by one: a copy of all of it is too large for the stack of a program that is not optimised */
        s->batch->till = s->till;
        s->batch->wait = s->waits ? &s->wait : NULL;
        s->batch->secret = secret;
        s->batch->timeout_ms = s->timeout_ms;
        send_wait_init(&s->wait, s->till, cli->json);
        struct sigaction action = {.sa_handler = stop};
        sigaction(SIGINT, &action, NULL);
        sigaction(SIGTERM, &action, NULL);
        code = run_sending(s);
        send_wait_clear(&s->wait);
    }
    password_free(secret);
    till_close(s->till);
    lines_clear(&s->lines);
    free(s->batch);
    free(s);
    return code;
}

static const struct cli_option options[] = {
    {"source", 's', "NAME", "of lines that do not name theirs; default " INTENT_SOURCE_CLI},
    {"wait", 'w', NULL, "collect the answers; with --json each is a line"},
    {"rate", 'r', "N", "so many a second, however long the answers take"},
    {"timeout", 0, "MS", "how long to try while busy, and to wait while no answer comes; default producer.timeout"},
    {"traceparent", 0, "TEXT", "W3C trace context of lines that do not have their own"},
    {"check", 0, NULL, "only check the lines; needs no Redis"},
    {0},
};

const struct cli_command cmd_send = {
    .name = "send",
    .group = CLI_MONEY,
    .summary = "sends intents from JSON lines",
    .operands = "[FILE|-]",
    .operands_max = 1,
    .options = options,
    .about = "A line is an intent: an object with the wire's field names. v, at, key and source are filled in where they are missing.\n"
             "Times and lengths are ms; guard and settings are objects of numbers, steps an array of objects, a credential is\n"
             "64 hex digits. Answers to what is for later (not_before) are not awaited. A policy goes to every partition, signed if\n"
             "the book has a secret.\n"
             "Bad lines are reported by number and field, the others are sent. Exit code 1 when a line was bad or an answer a refusal.",
    .examples = "  echo '{\"op\":\"topup\",\"account\":\"alice\",\"amount\":500,\"currency\":\"CNY\"}' | till send --source shop --wait\n"
                "  till send --check day.jsonl\n  till send day.jsonl --rate 1000 --wait",
    .run = run,
};
