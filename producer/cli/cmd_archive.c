/* `till archive`: brings intents and ledger into segment files, or checks what is there. */
#include <poll.h>
#include <signal.h>
#include <stdalign.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/units.h"
#include "producer/archive.h"
#include "producer/archive_pack.h"
#include "producer/archive_tail.h"
#include "producer/cli/archive_out.h"
#include "producer/cli/args.h"
#include "producer/cli/commands.h"
#include "producer/cli/connect.h"
#include "producer/cli/progress.h"
#include "producer/client.h"

enum { OPTION_FOLLOW, OPTION_PARTITIONS, OPTION_SEGMENT_SIZE, OPTION_SEGMENT_AGE, OPTION_COMPRESS, OPTION_FSYNC };
enum { LOOK_MS = 100, RETRY_MS = 500, VERIFY_EVERY_MS = 1000, STREAMS = 2 };

/* One partition at work. */
struct lane {
    struct archive archive;
    struct archive_tail tail[STREAMS];
};

struct job {
    struct cli *cli;
    struct connection c;
    struct archive_options options;
    bool wanted[KEYS_PARTITIONS_MAX];
    struct lane *lanes;
    unsigned lane_count;
    int64_t verified_ms; /* that the server is the master still */
    bool gaps, lost;
};

static volatile sig_atomic_t stopped;

static void stop(int signal) {
    (void)signal;
    stopped = 1;
}

/* "0,3-5" into wanted. */
static bool read_partitions(struct job *j, const char *list) {
    unsigned partitions = j->c.book.partitions;
    for (unsigned p = 0; p < partitions; p++) j->wanted[p] = list == NULL;
    if (!list) return true;
    do {
        unsigned first, last;
        int size = 0;
        if (sscanf(list, "%u-%u%n", &first, &last, &size) != 2 && (size = 0, sscanf(list, "%u%n", &first, &size) == 1)) last = first;
        if (size == 0 || first > last || last >= partitions || (list[size] != ',' && list[size] != '\0')) return false;
        for (unsigned p = first; p <= last; p++) j->wanted[p] = true;
        list += size;
    } while (*list++ == ',');
    return true;
}

static bool read_fsync(const char *text, uint64_t *every_ms) {
    if (!text) return true;
    if (strcmp(text, "always") == 0) {
        *every_ms = 0;
        return true;
    }
    return strncmp(text, "every=", 6) == 0 && units_parse_duration(text + 6, every_ms) == UNITS_OK && *every_ms > 0 && *every_ms <= 3600000;
}

static int read_options(struct job *j) {
    struct cli *cli = j->cli;
    const char *size = cli->value[OPTION_SEGMENT_SIZE], *age = cli->value[OPTION_SEGMENT_AGE];
    j->options = (struct archive_options){.segment_size = 64 << 20, .segment_age_ms = 3600000, .fsync_every_ms = 1000};
    if (size && (units_parse_size(size, &j->options.segment_size) != UNITS_OK || j->options.segment_size < 4096))
        return cli_usage(cli, "--segment-size %s must be a size like 64MiB, at least 4KiB", size);
    if (age && (units_parse_duration(age, &j->options.segment_age_ms) != UNITS_OK || j->options.segment_age_ms < 1000))
        return cli_usage(cli, "--segment-age %s must be a length of time like 1h, at least 1s", age);
    j->options.pack = cli->value[OPTION_COMPRESS] != NULL;
    if (j->options.pack && !archive_can_pack()) return cli_usage(cli, "--compress: " ARCHIVE_PACK_NEEDS);
    if (!read_fsync(cli->value[OPTION_FSYNC], &j->options.fsync_every_ms))
        return cli_usage(cli, "--fsync %s must be always, or every=1s, up to every=1h", cli->value[OPTION_FSYNC]);
    return CLI_OK;
}

static int archive_failed(const struct cli *cli, const struct archive_fault *fault) {
    archive_out_fault(cli, fault);
    switch (fault->err) {
    case ARCHIVE_OK:
    case ARCHIVE_CORRUPT:
    case ARCHIVE_REWOUND: return CLI_FOUND;
    case ARCHIVE_TAKEN: return CLI_USAGE;
    case ARCHIVE_SYSTEM: break;
    }
    return CLI_FOUND;
}

static int open_lane(struct job *j, unsigned partition) {
    struct archive_fault fault;
    struct lane *l = &j->lanes[j->lane_count++];
    memset(l, 0, sizeof *l);
    struct archive_writer *writers[STREAMS] = {&l->archive.intents, &l->archive.ledger};
    enum archive_err err = archive_open(&l->archive, j->cli->operands[0], &j->options, &j->c.book, partition, &fault);
    if (err) return archive_failed(j->cli, &fault);
    for (unsigned n = 0; n < STREAMS; n++) {
        archive_tail_init(&l->tail[n], writers[n], &j->c.book);
        if (writers[n]->torn)
            cli_say(j->cli, "%s: a write was cut short: %llu bytes after offset %llu taken off", writers[n]->file,
                    (unsigned long long)writers[n]->torn, (unsigned long long)writers[n]->size);
    }
    return CLI_OK;
}

static int open_lanes(struct job *j) {
    int code = CLI_OK;
    j->lanes = aligned_alloc(alignof(struct lane), j->c.book.partitions * sizeof *j->lanes);
    if (!j->lanes) abort();
    for (unsigned p = 0; p < j->c.book.partitions && !code; p++)
        if (j->wanted[p]) code = open_lane(j, p);
    return code;
}

static struct archive_tail *tail_at(struct job *j, unsigned n) { return &j->lanes[n / STREAMS].tail[n % STREAMS]; }

/* A gap is said as soon as it is found. */
static void say_gap(struct job *j, const struct archive_tail *t, uint64_t before) {
    if (t->gap_count == before) return;
    j->gaps = true;
    archive_out_gap(j->cli, t->key, &t->gap);
}

/* The outcome of a reply: CLI_OK; -1: Redis went away or is busy, try again; else the exit code. */
static int redis_trouble(struct job *j, enum redis_err err, const char *doing) {
    bool waits = j->cli->value[OPTION_FOLLOW] && err != REDIS_REFUSED && err != REDIS_GARBLED;
    if (!waits) return connect_failed(&j->c, err, doing);
    if (!j->lost) cli_say(j->cli, "%s: Redis at %s: %s; waiting for it", doing, j->c.shown, redis_error(j->c.redis));
    j->lost = true;
    return -1;
}

static int ask_all(struct job *j) {
    struct archive_fault fault;
    for (unsigned n = 0; n < STREAMS * j->lane_count; n++) {
        archive_tail_ask(tail_at(j, n), &j->c.command);
        redis_append(j->c.redis, &j->c.command);
    }
    for (unsigned n = 0; n < STREAMS * j->lane_count; n++) {
        struct reply reply;
        struct archive_tail *t = tail_at(j, n);
        uint64_t gaps = t->gap_count;
        enum redis_err err = redis_next(j->c.redis, &reply);
        if (err && !archive_tail_is_answer(reply)) return redis_trouble(j, err, "looking at the streams");
        if (archive_tail_info(t, reply, &fault) != ARCHIVE_OK) return archive_failed(j->cli, &fault);
        say_gap(j, t, gaps);
    }
    return CLI_OK;
}

/* A page of each stream that has more. */
static int read_pages(struct job *j, bool *more) {
    struct archive_fault fault;
    bool sent[STREAMS * KEYS_PARTITIONS_MAX];
    *more = false;
    for (unsigned n = 0; n < STREAMS * j->lane_count; n++) {
        sent[n] = archive_tail_behind(tail_at(j, n));
        if (!sent[n]) continue;
        *more = true;
        archive_tail_want(tail_at(j, n), &j->c.command);
        redis_append(j->c.redis, &j->c.command);
    }
    for (unsigned n = 0; n < STREAMS * j->lane_count; n++) {
        struct reply reply;
        struct archive_tail *t = tail_at(j, n);
        uint64_t gaps = t->gap_count;
        if (!sent[n]) continue;
        enum redis_err err = redis_next(j->c.redis, &reply);
        if (err) return redis_trouble(j, err, "reading the streams");
        if (archive_tail_page(t, reply, &fault) != ARCHIVE_OK) return archive_failed(j->cli, &fault);
        say_gap(j, t, gaps);
    }
    return CLI_OK;
}

static int tick_all(struct job *j) {
    struct archive_fault fault;
    for (unsigned n = 0; n < j->lane_count; n++)
        if (archive_tick(&j->lanes[n].archive, &fault) != ARCHIVE_OK) return archive_failed(j->cli, &fault);
    return CLI_OK;
}

/* One round: what was there when it began is archived when it ends. *some: there was something. */
static int go_round(struct job *j, bool *some) {
    bool more = true;
    *some = false;
    int code = ask_all(j);
    while (!code && more) {
        code = read_pages(j, &more);
        *some |= more;
        int ticked = tick_all(j); /* also when Redis went away: what came is kept */
        if (ticked) return ticked;
    }
    return code;
}

static void reconnect(struct job *j) {
    poll(NULL, 0, RETRY_MS);
    if (redis_reopen(j->c.redis) != REDIS_OK) return;
    if (j->lost) cli_say(j->cli, "back again");
    j->lost = false;
}

/* What a server tells that is the master no more would be archived for nothing, and against what the new one will tell. */
static void verify(struct job *j) {
    int64_t now_ms = client_now_ms();
    if (now_ms - j->verified_ms < VERIFY_EVERY_MS || redis_is_lost(j->c.redis)) return;
    j->verified_ms = now_ms;
    enum redis_err err = redis_verify(j->c.redis);
    if (err) cli_say(j->cli, "%s", redis_error(j->c.redis));
}

static int follow(struct job *j) {
    bool some;
    int code = CLI_OK;
    while (!stopped && code <= CLI_OK) {
        verify(j);
        if (redis_is_lost(j->c.redis) || code == -1) reconnect(j);
        if (redis_is_lost(j->c.redis)) continue;
        code = go_round(j, &some);
        if (code == CLI_OK && !some) poll(NULL, 0, LOOK_MS);
    }
    return code > CLI_OK ? code : CLI_OK;
}

/* Whatever happened before: what is archived is settled, and told. */
static int close_lanes(struct job *j, int code) {
    struct archive_fault fault;
    for (unsigned n = 0; n < j->lane_count; n++) {
        struct lane *l = &j->lanes[n];
        bool open = l->archive.manifest.present && !l->archive.intents.broken.err && !l->archive.ledger.broken.err;
        if (open && archive_settle(&l->archive, &fault) != ARCHIVE_OK && code != CLI_FOUND) code = archive_failed(j->cli, &fault);
    }
    if (code == CLI_OK || code == CLI_FOUND) archive_out_begin(j->cli);
    for (unsigned n = 0; n < j->lane_count; n++) {
        struct lane *l = &j->lanes[n];
        for (unsigned s = 0; s < STREAMS && l->tail[s].writer; s++) archive_out_tail(j->cli, &l->tail[s]);
        archive_close(&l->archive);
    }
    archive_out_end(j->cli);
    return code;
}

static int run_tail(struct cli *cli) {
    struct job j = {.cli = cli};
    struct sigaction action = {.sa_handler = stop};
    bool some;
    int code = read_options(&j);
    if (code) return code;
    code = connect_book(cli, &j.c);
    if (!code && !read_partitions(&j, cli->value[OPTION_PARTITIONS]))
        code = cli_usage(cli, "--partitions %s must be numbers below %u, like 0,3-5", cli->value[OPTION_PARTITIONS], j.c.book.partitions);
    if (code) goto out;
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    code = open_lanes(&j);
    if (!code) code = cli->value[OPTION_FOLLOW] ? follow(&j) : go_round(&j, &some);
    code = close_lanes(&j, code);
    if (!code && j.gaps) code = CLI_FOUND;
out:
    free(j.lanes);
    connect_close(&j.c);
    return code;
}

static int run(struct cli *cli) {
    bool verify = strcmp(cli->operands[0], "verify") == 0;
    if (!verify && cli->operand_count == 2)
        return cli_usage(cli, "'%s' is one argument too many; or `till archive verify DIR`?", cli->operands[1]);
    if (!verify) return run_tail(cli);
    if (cli->operand_count < 2) return cli_usage(cli, "verify needs DIR");
    for (unsigned n = 0; n <= OPTION_FSYNC; n++)
        if (cli->value[n]) return cli_usage(cli, "--%s is not for verify", cli->command->options[n].name);
    return archive_out_verify(cli, cli->operands[1]);
}

static const struct cli_option options[] = {
    {"follow", 'f', NULL, "go on with what comes, until Ctrl-C"},
    {"partitions", 'p', "LIST", "only these, like 0,3-5"},
    {"segment-size", 0, "SIZE", "a file is finished when it is larger (64MiB)"},
    {"segment-age", 0, "TIME", "or older (1h)"},
    {"compress", 'z', NULL, "finished files become FILE.zst (zstd); without it they stay as they are"},
    {"fsync", 0, "WHEN", "always, after every batch; or every=1s (default), at most so much is lost with the machine"},
    {0},
};

const struct cli_command cmd_archive = {
    .name = "archive",
    .group = CLI_OPERATE,
    .summary = "brings intents and ledger into files that nobody can change unseen, and checks those",
    .operands = "DIR | verify DIR",
    .operands_min = 1,
    .operands_max = 2,
    .options = options,
    .about = "Archives what is in the streams of the book, partition by partition, and goes on where it ended, also\n"
             "after a crash: a write that was cut short is taken off and made again; anything else that is not as it\n"
             "was written stops it, with file and offset. Entries that were trimmed before they could be archived are\n"
             "counted, said, noted in the archive, and make the exit code 1. One process at a time may archive a\n"
             "partition in a DIR. verify needs no Redis: it checks every checksum, the chain of digests, the order\n"
             "and the counts, and what the manifests promise; exit code 1 when something is wrong or missing.\n"
             "The format of the files is in schema/README.md.",
    .examples = "  till archive books --partitions 0-3 --fsync always\n  till archive books --follow --compress\n"
                "  till archive verify books --json",
    .run = run,
};
