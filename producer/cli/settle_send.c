/* Settles: one intent for each shard that is not settled, all of a batch on their way at once.
 *
 *     settle to p --> answered when its `swept` lies in the home's stream
 *     then one `inquire` to each home --> answered behind all those
 *
 * An answer given to somebody else's copy is as good as ours: it is the same intent. A refusal leaves no bill, and may have been somebody
 * else's: what counts is whether the shard is settled in the end. */
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "producer/cli/settle.h"
#include "schema/code.h"

#define READING "reading the answers"
enum { QUEUED_AT_ONCE = 512, STEP_MS = 500, RETRY_MS = 100, RETRY_LAST_MS = 3200 };

/* The batch at work. */
struct errand {
    struct settle *s;
    struct till_reader *reader;
    size_t first, count;
    bool *asked; /* count x partitions */
    struct refusal {
        size_t shard;
        struct till_answer answer;
    } refusals[SETTLE_SAID_MAX];
    size_t refused;
    uint64_t waiting;
    uint64_t now_ms;                /* the server's clock */
    char inquiry[TILL_UUID_SIZE];   /* key of the inquiries under way */
    bool *asked_home;               /* by partition */
    size_t queued;
    struct till_intent queue[QUEUED_AT_ONCE];
    struct till_settle shard[QUEUED_AT_ONCE]; /* of the settles among them */
    char keys[QUEUED_AT_ONCE][32];
    struct till_result results[QUEUED_AT_ONCE];
};

static int flush(struct errand *e) {
    size_t count = e->queued;
    e->queued = 0;
    if (count == 0 || till_send(e->s->till, e->queue, count, e->s->timeout_ms, e->results) == count) return CLI_OK;
    for (size_t n = 0; n < count; n++) {
        const struct till_result *r = &e->results[n];
        if (r->code == TILL_OK) continue;
        cli_say(e->s->cli, "sending: %s", *r->text ? r->text : till_error(e->s->till));
        return r->code < 0 ? CLI_UNREACHABLE : CLI_FOUND;
    }
    return CLI_OK;
}

/* The next in the queue, which has room. */
static struct till_intent *queue(struct errand *e, const char *op, const char *account, const char *key) {
    struct till_intent *intent = &e->queue[e->queued++];
    *intent = (struct till_intent){.op = op, .source = SETTLE_SOURCE, .key = key, .account = account, .at_ms = e->now_ms};
    return intent;
}

static int send_settle(struct errand *e, size_t n, unsigned partition) {
    const struct statement *t = &e->s->batch[n];
    size_t place = e->queued;
    snprintf(e->keys[place], sizeof e->keys[place], "%s.%u", e->s->month_text, partition);
    e->shard[place] = (struct till_settle){.month = e->s->month_text, .partition = (int)partition};
    struct till_intent *intent = queue(e, "settle", t->name, e->keys[place]);
    intent->currency = t->currency;
    intent->settle = &e->shard[place];
    return e->queued == QUEUED_AT_ONCE ? flush(e) : CLI_OK;
}

static int send_all(struct errand *e) {
    unsigned partitions = e->s->c->book.partitions;
    int code = CLI_OK;
    for (size_t n = 0; n < e->count * partitions && !code; n++) {
        if (!e->s->open[n]) continue;
        e->asked[n] = true;
        e->waiting++;
        e->s->sent++;
        code = send_settle(e, n / partitions, (unsigned)(n % partitions));
    }
    return code ? code : flush(e);
}

static void say_refusal(struct settle *s, const struct till_answer *a) {
    const char *of = a->account;
    if (a->code != CODE_wrong_state)
        settle_fault(s, "%s: partition %u: %d %s%s%s", of, a->partition, a->code, a->reason, *a->detail ? ", " : "", a->detail);
    else if (strcmp(a->detail, "month") == 0)
        settle_fault(s, "%s: partition %u: %s is not over there", of, a->partition, s->month_text);
    else settle_fault(s, "%s: partition %u: %s is not settled; settle that one first", of, a->partition, a->detail);
}

/* Is it about our month: key YYYY-MM.p? */
static bool is_ours(const struct errand *e, const struct till_answer *a) {
    return strcmp(a->op, op_word(OP_settle)) == 0 && strncmp(a->key, e->s->month_text, 7) == 0 && a->key[7] == '.';
}

static void take_answer(struct errand *e, const struct till_answer *a) {
    size_t n = settle_find(e->s, a->account) - e->first;
    if (!is_ours(e, a) || n >= e->count || a->partition >= e->s->c->book.partitions) return;
    size_t shard = n * e->s->c->book.partitions + a->partition;
    bool done = a->code == CODE_ok || a->code == CODE_already_exists;
    if (!e->asked[shard]) return;
    e->asked[shard] = false;
    e->waiting--;
    progress_add(&e->s->progress, 1);
    if (!done && e->refused < SETTLE_SAID_MAX) e->refusals[e->refused++] = (struct refusal){shard, *a};
}

static void take_inquiry(struct errand *e, const struct till_answer *a) {
    if (!*e->inquiry || strcmp(a->key, e->inquiry) != 0 || !e->asked_home[a->partition]) return;
    e->asked_home[a->partition] = false;
    e->waiting--;
}

/* The partition of something that was not answered. */
static unsigned silent_partition(const struct errand *e) {
    unsigned partitions = e->s->c->book.partitions;
    for (unsigned p = 0; p < partitions; p++)
        if (e->asked_home[p]) return p;
    for (size_t n = 0; n < e->count * partitions; n++)
        if (e->asked[n]) return (unsigned)(n % partitions);
    return 0;
}

/* Until everything is answered, or nothing has come for the timeout. */
static int await(struct errand *e, void (*take)(struct errand *e, const struct till_answer *a)) {
    int64_t quiet_since_ms = progress_now_ms();
    struct till_answer answer;
    while (e->waiting > 0) {
        uint64_t before = e->waiting;
        int found = till_reader_next(e->reader, STEP_MS, &answer);
        if (found == TILL_OK) take(e, &answer);
        if (e->waiting < before) quiet_since_ms = progress_now_ms();
        bool fine = found == TILL_OK || found == TILL_NOT_FOUND;
        if (found == TILL_READ_FAILED) poll(NULL, 0, RETRY_MS); /* Redis may come back: the reader keeps its place */
        if (progress_now_ms() - quiet_since_ms < e->s->timeout_ms && (fine || found == TILL_READ_FAILED)) continue;
        if (!fine) return connect_till_failed(e->s->cli, e->s->till, found, READING);
        settle_fault(e->s, "no answer from partition %u for %d ms: does a worker serve it (till status)? To run it again is safe",
                     silent_partition(e), e->s->timeout_ms);
        return CLI_FOUND;
    }
    return CLI_OK;
}

/* One inquiry in the stream of each home of which something is known to be on its way: its answer comes behind that. */
static int ask_homes(struct errand *e, bool everybody) {
    const struct book *book = &e->s->c->book;
    int code = CLI_OK;
    till_key(e->inquiry);
    for (size_t n = 0; n < e->count && !code; n++) {
        const struct statement *t = &e->s->batch[n];
        unsigned home = keys_partition(book, t->name, strlen(t->name));
        if (e->asked_home[home] || (!everybody && !t->awaited)) continue;
        queue(e, "inquire", t->name, e->inquiry);
        e->asked_home[home] = true;
        e->waiting++;
        if (e->queued == QUEUED_AT_ONCE) code = flush(e);
    }
    if (!code) code = flush(e);
    return code ? code : await(e, take_inquiry);
}

static bool any_awaited(const struct errand *e) {
    for (size_t n = 0; n < e->count; n++)
        if (e->s->batch[n].awaited) return true;
    return false;
}

static void say_awaited(struct errand *e) {
    for (size_t n = 0; n < e->count; n++) {
        const struct statement *t = &e->s->batch[n];
        if (!t->awaited) continue;
        settle_fault(e->s, "%s: what %u of its partitions settled has not come home for %d ms; is it dead (till dead list)?", t->name,
                     t->awaited, e->s->timeout_ms);
    }
}

/* What was answered to somebody else may not be on its way yet: then the homes are asked again, ever more rarely. Who has still not all at
 * home then has a fault and a provisional statement, and keeps nobody else from theirs. */
static int await_homes(struct errand *e, bool sent) {
    int64_t started_ms = progress_now_ms();
    int code = CLI_OK, wait_ms = RETRY_MS;
    while (!code && (sent || any_awaited(e))) {
        code = ask_homes(e, sent);
        sent = false;
        if (!code) code = settle_read(e->s, e->first, e->count);
        if (code || !any_awaited(e)) continue;
        if (progress_now_ms() - started_ms > e->s->timeout_ms) {
            say_awaited(e);
            return CLI_OK;
        }
        poll(NULL, 0, wait_ms);
        if (wait_ms < RETRY_LAST_MS) wait_ms *= 2;
    }
    return code;
}

static int run(struct errand *e) {
    int code = connect_server_ms(e->s->c, &e->now_ms);
    if (code) return code;
    int opened = till_reader_open(e->s->till, SETTLE_SOURCE, "$", &e->reader);
    if (opened != TILL_OK) return connect_till_failed(e->s->cli, e->s->till, opened, READING);
    code = send_all(e);
    bool sent = e->waiting > 0;
    if (!code) code = await(e, take_answer);
    if (!code) code = await_homes(e, sent);
    for (size_t n = 0; !code && n < e->refused; n++)
        if (e->s->open[e->refusals[n].shard]) say_refusal(e->s, &e->refusals[n].answer);
    return code;
}

static bool any_open(const struct settle *s, size_t count) {
    for (size_t n = 0; n < count * s->c->book.partitions; n++)
        if (s->open[n]) return true;
    for (size_t n = 0; n < count; n++)
        if (s->batch[n].awaited) return true;
    return false;
}

int settle_send(struct settle *s, size_t first, size_t count) {
    if (!any_open(s, count)) return CLI_OK;
    struct errand *e = calloc(1, sizeof *e);
    if (!e) abort();
    e->s = s;
    e->first = first;
    e->count = count;
    e->asked = calloc(count * s->c->book.partitions, sizeof *e->asked);
    e->asked_home = calloc(s->c->book.partitions, sizeof *e->asked_home);
    if (!e->asked || !e->asked_home) abort();
    int code = run(e);
    till_reader_close(e->reader);
    free(e->asked);
    free(e->asked_home);
    free(e);
    return code;
}
