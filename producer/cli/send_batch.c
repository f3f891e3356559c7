/* Sends batches. */
#include "producer/cli/send_batch.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "producer/cli/progress.h"
#include "producer/cli/when.h"

enum { FIRST_PAUSE_MS = 20, LONGEST_PAUSE_MS = 1000, LEAST_TRY_MS = 500, SAID_MAX = 20 };

struct intent *send_batch_next(struct send_batch *b) {
    return &b->intents[b->count];
}

/* A policy is signed with the book's secret. */
static void borrow(struct send_batch *b, unsigned n) {
    client_intent_borrow(&b->intents[n], &b->nested[n], &b->out[n]);
    if (b->intents[n].op == OP_policy) b->out[n].sign_with = b->secret;
    b->out[n].traceparent = b->traces[n];
}

void send_batch_add(struct send_batch *b, uint64_t line, const char *trace) {
    snprintf(b->traces[b->count], sizeof b->traces[0], "%s", trace);
    borrow(b, b->count);
    b->lines[b->count++] = line;
}

static void say_failure(struct send_batch *b, unsigned n) {
    const struct till_result *r = &b->results[n];
    uint64_t said = b->bad + b->failed;
    if (r->code == TILL_INVALID) b->bad++;
    else b->failed++;
    if (said < SAID_MAX) cli_say(b->cli, "line %llu: %s: %s", (unsigned long long)b->lines[n], till_code_word(r->code), r->text);
    else if (said == SAID_MAX) cli_say(b->cli, "more lines failed; they are counted");
    if (r->code != TILL_INVALID) b->last_error = r->code;
}

/* Keeps those that were refused as busy, in their order, for another try; the others are done with. */
static void sort_out(struct send_batch *b, bool last_try) {
    unsigned kept = 0;
    for (unsigned n = 0; n < b->count; n++) {
        const struct till_result *r = &b->results[n];
        if (r->code == TILL_OK) {
            b->sent++;
            bool later = b->intents[n].not_before_ms > when_now_ms();
            b->scheduled += later;
            if (b->wait && !later) send_wait_expect(b->wait, &b->out[n], r);
        } else if (r->code != TILL_BUSY || last_try) {
            say_failure(b, n);
        } else {
            b->intents[kept] = b->intents[n];
            b->lines[kept] = b->lines[n];
            if (kept < n) memcpy(b->traces[kept], b->traces[n], sizeof b->traces[n]);
            borrow(b, kept);
            kept++;
        }
    }
    b->count = kept;
}

bool send_batch_flush(struct send_batch *b) {
    int64_t deadline_ms = progress_now_ms() + b->timeout_ms, left_ms;
    long pause_ms = FIRST_PAUSE_MS;
    while (b->count > 0) {
        left_ms = deadline_ms - progress_now_ms();
        till_send(b->till, b->out, b->count, left_ms > LEAST_TRY_MS ? (int)left_ms : LEAST_TRY_MS, b->results); /* busy, not silent */
        left_ms = deadline_ms - progress_now_ms();
        sort_out(b, left_ms <= pause_ms);
        if (b->last_error == TILL_READ_FAILED || b->last_error == TILL_WRITE_FAILED) return false;
        if (b->count == 0) break;
        b->busy_pauses++;
        if (b->wait) send_wait_read(b->wait, 0);
        nanosleep(&(struct timespec){pause_ms / 1000, pause_ms % 1000 * 1000000L}, NULL);
        pause_ms = pause_ms * 2 < LONGEST_PAUSE_MS ? pause_ms * 2 : LONGEST_PAUSE_MS;
    }
    return b->last_error == 0;
}
