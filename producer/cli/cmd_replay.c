/* `till replay`: rebuilds a book from its archive, and proves it. */
#include <inttypes.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "producer/cli/archive_out.h"
#include "producer/cli/args.h"
#include "producer/cli/commands.h"
#include "producer/cli/digest_answers.h"
#include "producer/cli/digest_read.h"
#include "producer/cli/json_out.h"
#include "producer/cli/replay.h"
#include "producer/cli/when.h"

enum { OPTION_FROM_ARCHIVE, OPTION_INTO, OPTION_UNTIL, OPTION_WORKERS, OPTION_DIGEST, OPTION_COMPARE, OPTION_SINCE, OPTION_SOURCE,
       OPTION_DEAD };
enum { TRIES = 20, RETRY_MS = 100, EMBEDDED_MS = 10000 };

void replay_find(struct replay *r, unsigned partition, const char *format, ...) {
    char text[400];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    r->findings++;
    cli_say(r->cli, "partition %u: %s", partition, text);
}

int replay_archive_failed(const struct replay *r, const struct archive_fault *fault) {
    archive_out_fault(r->cli, fault);
    return CLI_FOUND;
}

/* "MS-SEQ", or a time: everything before it. */
static bool read_until(const struct replay *r, struct entry_id *bound) {
    const char *text = r->cli->value[OPTION_UNTIL];
    uint64_t ms;
    *bound = (struct entry_id){UINT64_MAX, UINT64_MAX};
    if (!text) return true;
    if (when_parse(text, &ms) && ms > 0) {
        *bound = (struct entry_id){ms - 1, UINT64_MAX};
        return true;
    }
    return entry_id_parse_whole(text, strlen(text), bound);
}

static int read_secret(struct replay *r) {
    struct config_faults faults = {0};
    int code = CLI_OK;
    if (config_read_secret(&r->c.config, r->survey.secret, &r->survey.has_secret, &faults) != CONFIG_OK)
        code = cli_usage(r->cli, "the configuration is wrong:\n%s", faults.text ? faults.text : "");
    config_faults_clear(&faults);
    return code;
}

/* Nobody may write into an archive that is being read to its end. */
static int lock_archive(struct replay *r, unsigned p) {
    archive_path dir;
    char file[ARCHIVE_PATH_MAX + 8];
    r->parts[p].lock = -1;
    if (!archive_path_partition(dir, r->survey.dir, p)) return cli_usage(r->cli, "the archive's name is too long");
    snprintf(file, sizeof file, "%s/lock", dir);
    int lock = r->parts[p].lock = open(file, O_RDONLY | O_CLOEXEC); /* on a disk that is read-only there may be none */
    if (lock < 0 || flock(lock, LOCK_SH | LOCK_NB) == 0 || errno != EWOULDBLOCK) return CLI_OK;
    return cli_usage(r->cli, "%s: another process is archiving this partition here: end it first", file);
}

static int open_archive(struct replay *r) {
    struct archive_fault fault;
    struct book book;
    struct entry_id bound;
    const char *dir = r->cli->value[OPTION_FROM_ARCHIVE];
    int code = CLI_OK;
    if (!read_until(r, &bound))
        return cli_usage(r->cli, "--until %s must be " WHEN_FORMS ", or an entry's ID", r->cli->value[OPTION_UNTIL]);
    if (replay_survey_book(dir, &book, &fault) != ARCHIVE_OK) return replay_archive_failed(r, &fault);
    if (strcmp(book.name, r->c.book.name) != 0 || book.partitions != r->c.book.partitions)
        return cli_usage(r->cli, "%s is the archive of book '%s' with %u partitions, but book.name is '%s' and book.partitions %u", dir,
                         book.name, book.partitions, r->c.book.name, r->c.book.partitions);
    replay_survey_init(&r->survey, &book, dir, bound);
    r->parts = calloc(book.partitions, sizeof *r->parts);
    if (!r->parts) abort();
    for (unsigned p = 0; p < book.partitions; p++) r->parts[p].lock = -1;
    for (unsigned p = 0; p < book.partitions && !code; p++) code = lock_archive(r, p);
    return code ? code : read_secret(r);
}

/* Given, or lying in the archive. */
static int open_digest(struct replay *r) {
    static archive_path beside;
    const char *given = r->cli->value[OPTION_DIGEST];
    snprintf(beside, sizeof beside, "%.1000s/digest.json", r->survey.dir);
    r->expected_file = given ? given : beside;
    if (!given && access(beside, F_OK) != 0 && !r->cli->value[OPTION_COMPARE]) return CLI_OK;
    const char *wrong = digest_record_load(&r->expected, r->expected_file);
    if (!wrong && (strcmp(r->expected.book.name, r->c.book.name) != 0 || r->expected.book.partitions != r->c.book.partitions))
        wrong = "is the digest of another book";
    if (!wrong && r->cli->value[OPTION_COMPARE] && !r->expected.partitions) wrong = "--compare needs it";
    return wrong ? cli_usage(r->cli, "%s: %s", r->expected_file, wrong) : CLI_OK;
}

static int survey(struct replay *r) {
    struct archive_fault fault;
    unsigned partitions = r->c.book.partitions;
    uint64_t entries = 0;
    progress_start(&r->progress, "partitions looked through", partitions);
    for (unsigned p = 0; p < partitions; p++) {
        if (replay_survey_partition(&r->survey, p, &fault) != ARCHIVE_OK) return replay_archive_failed(r, &fault);
        progress_add(&r->progress, 1);
    }
    progress_end(&r->progress);
    if (replay_survey_finish(&r->survey, &fault) != ARCHIVE_OK) return replay_archive_failed(r, &fault);
    for (unsigned p = 0; p < partitions; p++) {
        const struct replay_stream *s = &r->survey.streams[p];
        entries += s->entries;
        r->left_out += s->left_out;
        if (s->left_out)
            replay_find(r, p, "%" PRIu64 " intents at the end of the archive are left out: the first of them came of one in another"
                        " partition that is not archived, and what follows may rest on it", s->left_out);
    }
    cli_say(r->cli, "%" PRIu64 " intents to be put into %u partitions", entries, partitions);
    return CLI_OK;
}

/* Workers that serve the book would send what they should not, until they hear of it. */
static int refuse_workers(struct replay *r) {
    bool begun = true, waited = false;
    keys_buffer key;
    struct reply reply;
    uint64_t now_ms, until_ms = 0;
    for (unsigned p = 0; p < r->c.book.partitions; p++) begun = begun && r->parts[p].replaying;
    if (begun || r->pool.count > 0) return CLI_OK;
    do {
        int code = connect_server_ms(&r->c, &now_ms);
        if (code) return code;
        if (!until_ms) until_ms = now_ms + r->c.config.worker_lease_ttl_ms + 500;
        command_begin(&r->c.command, "ZRANGEBYSCORE");
        command_copy(&r->c.command, key, keys_workers(key, &r->c.book));
        command_uint(&r->c.command, now_ms - r->c.config.worker_lease_ttl_ms);
        command_word(&r->c.command, "+inf");
        if ((code = connect_call(&r->c, "looking for workers", &reply))) return code;
        if (reply_count(reply) == 0) return CLI_OK;
        if (waited) poll(NULL, 0, RETRY_MS);
        waited = true;
    } while (now_ms < until_ms);
    return cli_usage(r->cli, "worker %s serves this book: end it first", reply_text(reply_at(reply, 0), NULL));
}

/* The partitions of which there is a digest that is still ahead, or just reached. */
static bool comparable(const struct replay *r, unsigned p) {
    const struct digest_partition *wanted = r->expected.partitions ? digest_record_of(&r->expected, p) : NULL;
    const struct replay_stream *s = &r->survey.streams[p];
    if (!wanted || wanted->moved || entry_id_compare(wanted->applied, s->there) < 0) return false;
    return entry_id_compare(wanted->applied, s->end) <= 0 || entry_id_compare(wanted->applied, s->there) == 0;
}

static void say_difference(void *context, unsigned partition, const char *text) { replay_find(context, partition, "%s", text); }

/* Each answer with the recorded one. */
static int compare_answers(struct replay *r, FILE *answers, const bool *wanted) {
    archive_path file;
    snprintf(file, sizeof file, "%.1000s/answers.jsonl", r->survey.dir);
    int64_t found = digest_answers_compare(file, answers, wanted, say_difference, r);
    fclose(answers);
    if (found < 0) return cli_usage(r->cli, "%s: cannot be read: till digest --save DIR --answers makes it", file);
    r->answers_differ = (uint64_t)found;
    return CLI_OK;
}

static int compare_digests(struct replay *r) {
    unsigned partitions = r->c.book.partitions;
    FILE *answers = r->cli->value[OPTION_COMPARE] ? tmpfile() : NULL;
    if (r->cli->value[OPTION_COMPARE] && !answers) return cli_usage(r->cli, "cannot write a temporary file: %s", strerror(errno));
    struct digest_partition *list = calloc(partitions, sizeof *list);
    bool wanted[KEYS_PARTITIONS_MAX] = {false}, any = false;
    int code = CLI_OK;
    if (!list) abort();
    for (unsigned p = 0; p < partitions; p++) any = (wanted[p] = comparable(r, p)) || any;
    if (any) code = digest_read(&r->c, wanted, TRIES, list, answers);
    for (unsigned p = 0; p < partitions && !code; p++) {
        if (!wanted[p]) continue;
        const struct digest_partition *w = digest_record_of(&r->expected, p);
        if (list[p].moved || entry_id_compare(list[p].applied, w->applied) != 0) replay_find(r, p, "something else went into it meanwhile");
        else digest_out_compare(w, &list[p], say_difference, r, &r->left_out_parts);
        r->compared++;
    }
    free(list);
    return code || !answers ? code : compare_answers(r, answers, wanted);
}

/* Up to where each partition is to stop now. */
static int feed(struct replay *r) {
    int64_t began_ms = progress_now_ms();
    int code = replay_feed(r);
    if (!code) code = replay_wait(r);
    r->rebuilding_ms += progress_now_ms() - began_ms;
    return code;
}

/* Twice, when there is a digest to stop at. */
static int feed_and_compare(struct replay *r) {
    int code = CLI_OK;
    bool halfway = false;
    for (unsigned p = 0; p < r->c.book.partitions; p++) {
        halfway = halfway || comparable(r, p);
        r->parts[p].stop = comparable(r, p) ? digest_record_of(&r->expected, p)->applied : r->survey.streams[p].end;
    }
    if (halfway) {
        code = feed(r);
        int64_t began_ms = progress_now_ms();
        if (!code) code = compare_digests(r);
        r->proving_ms += progress_now_ms() - began_ms;
    }
    for (unsigned p = 0; p < r->c.book.partitions; p++) r->parts[p].stop = r->survey.streams[p].end;
    return code ? code : feed(r);
}

/* The ledger as it was, and the book to whoever comes. */
static int hand_over(struct replay *r) {
    int64_t began_ms = progress_now_ms();
    int code = CLI_OK;
    for (unsigned p = 0; p < r->c.book.partitions && !code; p++) {
        code = replay_hold(r, p);
        if (!code) code = replay_ledger_compare(r, p);
        if (!code) code = replay_ledger_restore(r, p);
        if (!code && r->parts[p].beyond && !r->cli->value[OPTION_UNTIL])
            replay_find(r, p, "the archived ledger goes %" PRIu64 " rows beyond what could be rebuilt: the intents they came of are lost",
                        r->parts[p].beyond);
    }
    for (unsigned p = 0; p < r->c.book.partitions && !code; p++) code = replay_end(r, p);
    r->proving_ms += progress_now_ms() - began_ms;
    return code;
}

static uint64_t rate(const struct replay *r) { return r->rebuilding_ms > 0 ? r->fed * 1000 / (uint64_t)r->rebuilding_ms : 0; }

static void report_json(const struct replay *r, uint64_t rows, unsigned restored) {
    json_t *object = json_out_object();
    json_out_text(object, "book", r->c.book.name);
    json_out_number(object, "partitions", r->c.book.partitions);
    json_out_number(object, "intents", (int64_t)r->fed);
    json_out_number(object, "ms", r->rebuilding_ms);
    json_out_number(object, "per_s", (int64_t)rate(r));
    json_out_number(object, "proving_ms", r->proving_ms);
    json_out_number(object, "digests_compared", r->compared);
    json_out_number(object, "answers_differ", (int64_t)r->answers_differ);
    json_out_number(object, "rows_compared", (int64_t)rows);
    json_out_number(object, "ledgers_restored", restored);
    json_out_number(object, "pending_again", (int64_t)r->pending_again);
    json_out_number(object, "left_out", (int64_t)r->left_out);
    json_out_number(object, "found", (int64_t)r->findings);
    json_out(object);
}

static void report(const struct replay *r) {
    uint64_t rows = 0;
    unsigned restored = 0, ledgers = 0, partitions = r->c.book.partitions;
    for (unsigned p = 0; p < partitions; p++) {
        rows += r->parts[p].rows;
        restored += r->parts[p].restored;
        ledgers += r->parts[p].rows > 0;
    }
    if (r->cli->json) {
        report_json(r, rows, restored);
        return;
    }
    printf("%s: %" PRIu64 " intents in %.1f s (%" PRIu64 "/s), %u partitions of book %s; looked through in %.1f s\n",
           r->findings ? "REBUILT, BUT NOT ALL OF IT IS AS IT WAS" : "rebuilt", r->fed, (double)r->rebuilding_ms / 1000, rate(r),
           partitions, r->c.book.name, (double)r->proving_ms / 1000);
    if (r->compared) printf("digests compared with %s: %u partitions\n", r->expected_file, r->compared);
    else printf("digests: none to compare with (till digest --save DIR makes one)\n");
    for (unsigned n = 0; n < DIGEST_PART_COUNT; n++)
        if (r->left_out_parts & 1U << n) printf("  %s not compared where they were trimmed\n", digest_part_word(n));
    printf("ledger: %" PRIu64 " rows compared with the archived ones\n", rows);
    if (r->pending_again) printf("the first worker sends what follows from the last %" PRIu64 " intents\n", r->pending_again);
    if (restored < ledgers) printf("archive into another directory from now on: the ledger has other entries than the archived one\n");
}

/* A server of Till's own comes up with the first worker. */
static int connect_target(struct replay *r, unsigned workers) {
    struct config config;
    int code = connect_config(r->cli, &config);
    if (code) return code;
    struct redis_options options;
    const char *fault = redis_options_of_config(&config, &options);
    if (!fault && options.url.embedded_dir[0] && workers > 0) {
        if ((code = replay_pool_start(r, workers))) return code;
        int64_t until_ms = progress_now_ms() + EMBEDDED_MS;
        while (access(options.url.path, F_OK) != 0 && progress_now_ms() < until_ms) poll(NULL, 0, RETRY_MS);
        poll(NULL, 0, RETRY_MS);
    }
    return connect_redis(r->cli, &r->c);
}

static int rebuild(struct replay *r, unsigned workers) {
    int code = connect_target(r, workers);
    if (!code) code = open_archive(r);
    if (!code) code = open_digest(r);
    if (!code) code = replay_look(r);
    if (!code && workers > 0) code = refuse_workers(r);
    if (!code) code = survey(r);
    if (!code) code = replay_check(r);
    r->careful = workers == 0; /* nobody would say that one died */
    if (!code) code = replay_begin(r);
    r->begun = !code;
    if (!code && r->pool.count == 0) code = replay_pool_start(r, workers);
    if (!code) code = feed_and_compare(r);
    if (!(r->c.options.url.embedded_dir[0])) replay_pool_stop(&r->pool);
    if (!code) code = hand_over(r);
    if (!code) report(r);
    return code ? code : r->findings ? CLI_FOUND : CLI_OK;
}

/* The answers of a source, and nothing else. */
static int run_again(struct cli *cli) {
    const char *since = cli->value[OPTION_SINCE], *source = cli->value[OPTION_SOURCE];
    struct intent check;
    struct entry_id id = {0, 0};
    intent_clear(&check);
    for (unsigned n = 0; n < OPTION_SINCE; n++)
        if (cli->value[n]) return cli_usage(cli, "--%s does not go with --since", cli->command->options[n].name);
    if (!since || !source) return cli_usage(cli, "--since and --source go together");
    const char *wrong = intent_set_text(&check, FIELD_source, source, strlen(source));
    if (wrong) return cli_usage(cli, "--source %s %s", source, wrong);
    if (!when_parse(since, &id.ms) && !entry_id_parse_whole(since, strlen(since), &id))
        return cli_usage(cli, "--since %s must be " WHEN_FORMS ", or an entry's ID", since);
    return replay_again(cli, source, id);
}

/* The same as till dead requeue of these, or of all. */
static int run_dead(struct cli *cli) {
    static char action[] = "requeue";
    struct cli dead = {.command = &cmd_dead, .config_path = cli->config_path, .json = cli->json, .operand_count = cli->operand_count + 1};
    for (unsigned n = 0; n < OPTION_DEAD; n++)
        if (cli->value[n]) return cli_usage(cli, "--%s does not go with --dead", cli->command->options[n].name);
    for (unsigned n = 0; cmd_dead.options[n].name; n++)
        if (cli->operand_count == 0 && strcmp(cmd_dead.options[n].name, "all") == 0) dead.value[n] = "";
    dead.operands = calloc((size_t)dead.operand_count, sizeof *dead.operands);
    if (!dead.operands) abort();
    dead.operands[0] = action;
    for (int n = 0; n < cli->operand_count; n++) dead.operands[n + 1] = cli->operands[n];
    int code = cmd_dead.run(&dead);
    free(dead.operands);
    return code;
}

static int run(struct cli *cli) {
    static struct replay r;
    uint64_t workers = 1; /* has a thread for each partition; several would spend their first second on sharing those out */
    r.cli = cli;
    if (cli->value[OPTION_DEAD]) return run_dead(cli);
    if (cli->operand_count > 0) return cli_usage(cli, "'%s' is for --dead: the ID of a dead entry", cli->operands[0]);
    if (cli->value[OPTION_SINCE] || cli->value[OPTION_SOURCE]) return run_again(cli);
    if (!cli->value[OPTION_FROM_ARCHIVE]) return cli_usage(cli, "from what? --from-archive DIR, or --since TIME --source NAME, or --dead");
    if (!args_number(cli, OPTION_WORKERS, 0, REPLAY_WORKERS_MAX, &workers)) return CLI_USAGE;
    if (cli->value[OPTION_INTO]) setenv("TILL_REDIS_URL", cli->value[OPTION_INTO], 1);
    int code = rebuild(&r, (unsigned)workers);
    replay_pool_stop(&r.pool);
    for (unsigned p = 0; r.parts && p < r.survey.book.partitions; p++) {
        if (r.parts[p].lock >= 0) close(r.parts[p].lock);
        free(r.parts[p].marker);
    }
    free(r.parts);
    digest_record_clear(&r.expected);
    if (r.survey.streams) replay_survey_clear(&r.survey);
    connect_close(&r.c);
    return code;
}

static const struct cli_option options[] = {
    {"from-archive", 0, "DIR", "what `till archive DIR` wrote"},
    {"into", 0, "URL", "the Redis to rebuild it in, empty or with a restored snapshot (default: redis.url)"},
    {"until", 0, "TIME|ID", "only what was enqueued before this time, or up to this entry"},
    {"workers", 0, "N", "processes of till-worker started for it (1, with a thread for each partition; 0: those that run already do it)"},
    {"digest", 0, "FILE", "what must come out, from `till digest` (default: DIR/digest.json, if it is there)"},
    {"compare", 0, NULL, "tell every answer that differs from DIR/answers.jsonl, from `till digest --save DIR --answers`"},
    {"since", 0, "TIME|ID", "instead: send the answers again to intents that were enqueued from then on"},
    {"source", 's', "NAME", "whose"},
    {"dead", 0, NULL, "instead: put these dead entries back, or all, as till dead requeue does"},
    {0},
};

const struct cli_command cmd_replay = {
    .name = "replay",
    .group = CLI_OPERATE,
    .summary = "rebuilds a book from its archive, and proves that it is the same; sends answers again",
    .operands = "[ID...]",
    .operands_max = 100000,
    .options = options,
    .about = "Checks the archive, puts the archived intents back into their streams with the IDs they had, has them\n"
             "applied, and compares what came of it: with a digest that was taken of the book, and row by row with the\n"
             "archived ledger. In an empty Redis, or on top of a restored snapshot, where it goes on behind what is\n"
             "there. Broken off at any moment, the same command goes on. Nobody may enqueue and no other worker may\n"
             "serve the book until it is done; then start workers as always: they send what the archive was too short\n"
             "for, and checkouts send again what they have no answer to. Exit code 1 when anything came out otherwise\n"
             "than it was, or something is lost: what, is said. Needs all rights on the book's keys.\n"
             "\n"
             "With --since, a checkout that lost its answers gets them once more, marked as replayed: from the response\n"
             "streams, and where those were trimmed from the bills. No money is touched. Needs a worker's rights.",
    .examples = "  till replay --from-archive books --into unix:/run/spare/redis.sock\n"
                "  till replay --from-archive books --into unix:/run/spare/redis.sock --until 2025-11-30T14:05\n"
                "  till replay --from-archive books --into unix:/run/spare/redis.sock --digest friday.json\n"
                "  till replay --since 2h --source shop\n  till replay --dead",
    .run = run,
};
