/* `till drain`: waits until nothing waits. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "producer/cli/args.h"
#include "producer/cli/commands.h"
#include "producer/cli/json_out.h"
#include "producer/cli/progress.h"
#include "producer/cli/status_read.h"
#include "producer/cli/when.h"

enum { OPTION_TIMEOUT, TIMEOUT_MS = 60000, LOOK_MS = 200, TELL_MS = 5000 };

struct left {
    uint64_t undelivered, pending, unanswered, added;
    unsigned paused, halted, unserved; /* partitions that have some of it and will not get any further by themselves */
};

static bool is_empty(const struct left *l) { return !l->undelivered && !l->pending && !l->unanswered; }

static void sum_up(const struct book_status *s, struct left *left) {
    *left = (struct left){0};
    for (unsigned n = 0; n < s->partition_count; n++) {
        const struct status_partition *p = &s->partitions[n];
        bool knows_none = p->knows_undelivered && p->undelivered == 0;
        left->undelivered += knows_none ? 0 : p->undelivered ? p->undelivered : 1; /* where Redis cannot count them there is one at least */
        left->pending += p->pending;
        left->unanswered += p->unanswered;
        left->added += p->added;
        if (knows_none && !p->pending && !p->unanswered) continue;
        left->paused += p->paused_ms != 0;
        left->halted += p->halted[0] != '\0';
        left->unserved += p->owner[0] == '\0';
    }
}

static int look(struct connection *c, struct left *left) {
    struct book_status status = {0};
    int code = status_read(c, &status);
    if (!code) sum_up(&status, left);
    status_clear(&status);
    return code;
}

static void print_left(FILE *out, const struct left *l) {
    fprintf(out, "%" PRIu64 " undelivered, %" PRIu64 " pending, %" PRIu64 " unanswered", l->undelivered, l->pending, l->unanswered);
    if (l->paused) fprintf(out, "; %u partitions with some of it are paused", l->paused);
    if (l->halted) fprintf(out, "; %u are halted", l->halted);
    if (l->unserved) fprintf(out, "; %u have no worker", l->unserved);
    fputc('\n', out);
}

static void print(const struct cli *cli, const struct left *l, bool drained, int64_t spent_ms) {
    if (cli->json) {
        json_t *object = json_out_object();
        json_out_bool(object, "drained", drained);
        json_out_number(object, "undelivered", (int64_t)l->undelivered);
        json_out_number(object, "pending", (int64_t)l->pending);
        json_out_number(object, "unanswered", (int64_t)l->unanswered);
        json_out_number(object, "paused", l->paused);
        json_out_number(object, "halted", l->halted);
        json_out_number(object, "unserved", l->unserved);
        json_out_number(object, "ms", spent_ms);
        json_out(object);
    } else if (drained) {
        printf("drained after %.1f s\n", (double)spent_ms / 1000);
    } else {
        printf("not drained after %.1f s: ", (double)spent_ms / 1000);
        print_left(stdout, l);
    }
}

/* One look is no proof: while one partition was read, another may have sent it something. Two in a row that found nothing, with nothing
 * added between them, are. */
static int wait_until_empty(struct connection *c, int64_t timeout_ms, struct left *left, bool *drained) {
    int64_t started_ms = progress_now_ms(), told_ms = started_ms;
    struct left before = {.pending = 1};
    int code = look(c, left);
    while (!code && !(is_empty(left) && is_empty(&before) && left->added == before.added)) {
        int64_t now_ms = progress_now_ms();
        if (now_ms - started_ms >= timeout_ms && !is_empty(left)) return CLI_OK;
        if (now_ms - told_ms >= TELL_MS && !c->cli->json) {
            fprintf(stderr, "waiting: ");
            print_left(stderr, left);
            told_ms = now_ms;
        }
        if (!is_empty(left)) nanosleep(&(struct timespec){0, LOOK_MS * 1000000L}, NULL);
        before = *left;
        code = look(c, left);
    }
    *drained = !code;
    return code;
}

static int run(struct cli *cli) {
    struct connection c = {0};
    struct left left;
    int64_t timeout_ms = TIMEOUT_MS;
    bool drained = false;
    if (!args_timeout(cli, OPTION_TIMEOUT, &timeout_ms)) return CLI_USAGE;
    int64_t started_ms = progress_now_ms();
    int code = connect_book(cli, &c);
    if (!code) code = wait_until_empty(&c, timeout_ms, &left, &drained);
    if (!code) print(cli, &left, drained, progress_now_ms() - started_ms);
    connect_close(&c);
    return code ? code : drained ? CLI_OK : CLI_FOUND;
}

static const struct cli_option options[] = {{"timeout", 't', "TIME", "how long to wait; default 60s"}, {0}};

const struct cli_command cmd_drain = {
    .name = "drain",
    .group = CLI_OPERATE,
    .summary = "waits until every intent is applied and answered",
    .operands = "",
    .options = options,
    .about = "For before a maintenance: stop what sends, then drain, then pause, and the book stands still. It keeps nobody\n"
             "from sending. Empty means: no entry that no worker was given, none pending, none applied and not answered, in\n"
             "any partition, and so no transfer or order's payment on its way either. What waits for a time (open holds,\n"
             "intents that were put off) may go on waiting. Exit code 1, and what is left, when the time is over first.",
    .examples = "  till drain\n  till drain --timeout 10m && till pause --reason maintenance",
    .run = run,
};
