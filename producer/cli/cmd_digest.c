/* `till digest`: one number for all that a book is. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "producer/archive_file.h"
#include "producer/cli/args.h"
#include "producer/cli/commands.h"
#include "producer/cli/connect.h"
#include "producer/cli/digest_out.h"
#include "producer/cli/digest_read.h"
#include "schema/script.h"

enum { OPTION_PARTITION, OPTION_TRIES, OPTION_PAUSE, OPTION_SAVE, OPTION_ANSWERS, OPTION_COMPARE };
enum { HOLD_MS = 20000 };

static void say_difference(void *context, unsigned partition, const char *text) {
    cli_say(context, "partition %u: %s", partition, text);
}

static const char *fault_of(const struct digest_record *wanted, const struct digest_record *got) {
    if (strcmp(wanted->book.name, got->book.name) != 0) return "is the digest of another book";
    return wanted->book.partitions != got->book.partitions ? "is the digest of a book with another number of partitions" : NULL;
}

/* Against a digest taken before, or elsewhere. */
static int compare(struct cli *cli, const struct digest_record *got) {
    const char *file = cli->value[OPTION_COMPARE];
    struct digest_record wanted;
    unsigned left_out = 0, compared = 0;
    bool same = true;
    const char *wrong = digest_record_load(&wanted, file);
    if (!wrong) wrong = fault_of(&wanted, got);
    for (unsigned n = 0; !wrong && n < got->count; n++) {
        const struct digest_partition *g = &got->partitions[n], *w = digest_record_of(&wanted, g->partition);
        if (!w || w->moved || g->moved) {
            cli_say(cli, "partition %u: not compared: it %s", g->partition, w ? "moved while it was read" : "is not in that file");
            same = false;
            continue;
        }
        same = digest_out_compare(w, g, say_difference, cli, &left_out) && same;
        compared++;
    }
    for (unsigned n = 0; !wrong && n < DIGEST_PART_COUNT; n++)
        if (left_out & 1U << n) cli_say(cli, "%s not compared where they were trimmed", digest_part_word(n));
    if (!wrong && same) cli_say(cli, "the same as %s, in %u partitions", file, compared);
    digest_record_clear(&wanted);
    if (wrong) return cli_usage(cli, "%s: %s", file, wrong);
    return same ? CLI_OK : CLI_FOUND;
}

static int finish(struct cli *cli, const struct digest_record *r) {
    archive_path file;
    const char *dir = cli->value[OPTION_SAVE];
    int code = digest_record_moved(r) ? CLI_FOUND : CLI_OK;
    if (code) cli_say(cli, "some partitions moved while they were read: try when it is quieter, or with more --tries");
    digest_out(cli, r);
    if (dir && snprintf(file, sizeof file, "%s/digest.json", dir) >= (int)sizeof file)
        return cli_usage(cli, "--save: the name is too long");
    if (dir && !digest_record_save(cli, r, dir, file)) return CLI_FOUND;
    int compared = cli->value[OPTION_COMPARE] ? compare(cli, r) : CLI_OK;
    return compared ? compared : code;
}

static int call_lease(struct connection *c, const struct script *script, int64_t *number) {
    struct reply reply;
    enum redis_err err = redis_script_call(c->redis, script, &c->command, &reply);
    *number = err ? 0 : reply_integer(reply);
    return err ? connect_failed(c, err, "pausing a partition") : CLI_OK;
}

/* Takes the partition from whoever serves it. Should this program end, others take it when the lease lapses. */
static int hold(struct connection *c, unsigned partition, int64_t *epoch) {
    keys_buffer key;
    redis_script_begin(&c->command, &script_rebuild, 4);
    command_copy(&c->command, key, keys_meta(key, &c->book, partition));
    command_copy(&c->command, key, keys_lease(key, &c->book, partition));
    command_copy(&c->command, key, keys_intents(key, &c->book, partition));
    command_copy(&c->command, key, keys_unanswered(key, &c->book, partition));
    command_word(&c->command, "hold");
    command_uint(&c->command, HOLD_MS);
    return call_lease(c, &script_rebuild, epoch);
}

static int let_go(struct connection *c, unsigned partition, int64_t epoch) {
    keys_buffer key;
    int64_t held;
    redis_script_begin(&c->command, &script_lease, 2);
    command_copy(&c->command, key, keys_lease(key, &c->book, partition));
    command_copy(&c->command, key, keys_meta(key, &c->book, partition));
    command_word(&c->command, "release");
    command_word(&c->command, "rebuild");
    command_word(&c->command, "0");
    command_uint(&c->command, (uint64_t)epoch);
    return call_lease(c, &script_lease, &held);
}

static int read_paused(struct connection *c, unsigned partition, struct digest_partition *list, FILE *answers) {
    bool wanted[KEYS_PARTITIONS_MAX] = {false};
    int64_t epoch;
    wanted[partition] = true;
    int code = hold(c, partition, &epoch);
    if (code) return code;
    code = digest_read(c, wanted, 1, list, answers);
    int released = let_go(c, partition, epoch);
    return code ? code : released;
}

static int open_answers(struct cli *cli, FILE **answers) {
    archive_path file;
    const char *dir = cli->value[OPTION_SAVE];
    if (!cli->value[OPTION_ANSWERS]) return CLI_OK;
    if (!dir) return cli_usage(cli, "--answers goes with --save");
    snprintf(file, sizeof file, "%.1000s/answers.jsonl", dir);
    *answers = fopen(file, "w");
    return *answers ? CLI_OK : cli_usage(cli, "%s: %s", file, strerror(errno));
}

static int run(struct cli *cli) {
    struct connection c;
    struct digest_partition *list = NULL;
    struct digest_record record = {0};
    FILE *answers = NULL;
    bool wanted[KEYS_PARTITIONS_MAX] = {false};
    uint64_t tries = 5;
    unsigned first, last;
    int code = connect_book(cli, &c);
    if (code) goto out;
    code = CLI_USAGE;
    if (!connect_partitions(&c, OPTION_PARTITION, &first, &last) || !args_number(cli, OPTION_TRIES, 1, 1000000, &tries)) goto out;
    for (unsigned p = first; p <= last; p++) wanted[p] = true;
    list = calloc(c.book.partitions, sizeof *list);
    if (!list) abort();
    if ((code = open_answers(cli, &answers))) goto out;
    code = digest_read(&c, wanted, (unsigned)tries, list, answers);
    for (unsigned p = first; p <= last && !code && cli->value[OPTION_PAUSE]; p++)
        if (list[p].moved) code = read_paused(&c, p, list, answers);
    if (answers && fclose(answers) != 0 && !code) code = cli_usage(cli, "cannot write the answers: %s", strerror(errno));
    if (code) goto out;
    digest_record_make(&record, &c.book, wanted, list);
    code = finish(cli, &record);
out:
    digest_record_clear(&record);
    free(list);
    connect_close(&c);
    return code;
}

static const struct cli_option options[] = {
    {"partition", 'p', "N", "only this one"},
    {"tries", 0, "N", "read a partition that moves meanwhile so often (5)"},
    {"pause", 0, NULL, "keep workers off one that never stands still while it is read; intents wait there so long"},
    {"save", 0, "DIR", "also into DIR/digest.json, where till replay looks for it"},
    {"answers", 0, NULL, "and every answer into DIR/answers.jsonl, for till replay --compare"},
    {"compare", 0, "FILE", "with such a file: what differs is said, and the exit code is 1"},
    {0},
};

const struct cli_command cmd_digest = {
    .name = "digest",
    .group = CLI_LOOK,
    .summary = "one number for all that a book is: the same for the same streams, however they were worked on",
    .operands = "",
    .options = options,
    .about = "Of every partition and of the whole book: accounts, bills, orders, stock, what is due, ledger rows and\n"
             "answers, but not who served it when, in what batches, after what crashes. Two books with one digest are\n"
             "the same; schema/README.md says what goes into it. Reads only, while workers may go on; a partition that\n"
             "is being paid in has no digest, so one that moved while it was read is read again, and said if it never\n"
             "stood still (exit code 1), but with --pause, which needs a worker's rights. What was trimmed off ledger\n"
             "and answers is not in it: that is said too.",
    .examples = "  till digest\n  till digest --save books --answers\n  till digest --compare books/digest.json",
    .run = run,
};
