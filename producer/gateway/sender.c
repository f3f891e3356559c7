/* The threads that send. */
#include "producer/gateway/sender.h"

#include <stdlib.h>
#include <string.h>

#include "producer/gateway/sources.h"

enum { TRY_MS = 800, AGAIN_MS = 20 };

/* Not enqueued, or nobody knows. */
static void refuse(struct sender *s, struct outgoing *o, int code, const char *field, const char *text) {
    waiting_drop(s->waiting, &o->waiter);
    o->code = code;
    client_copy(o->field, sizeof o->field, field);
    client_copy(o->text, sizeof o->text, text);
    o->waiter.done(&o->waiter);
}

/* Puts what has come behind the `count` that are to be tried again; waits for something when there are none. 0: stop. */
static unsigned collect(struct sender *s, unsigned count) {
    pthread_mutex_lock(&s->lock);
    while (!s->first && !s->closed && count == 0) pthread_cond_wait(&s->more, &s->lock);
    for (; s->first && count < SENDER_BATCH && (count == 0 || !s->first->is_twin); count++) {
        s->batch[count] = s->first;
        s->first = s->first->next;
    }
    if (!s->first) s->last = &s->first;
    pthread_mutex_unlock(&s->lock);
    return count;
}

static void put(struct sender *s, struct outgoing *o) {
    o->next = NULL;
    pthread_mutex_lock(&s->lock);
    *s->last = o;
    s->last = &o->next;
    pthread_cond_signal(&s->more);
    pthread_mutex_unlock(&s->lock);
}

static atomic_bool *is_slow(struct sender *s, const struct outgoing *o) {
    return &s->is_slow[till_partition_of(s->till, o->intent.account)];
}

/* Those whose source can be read; their answers are then read from before they are sent. */
static unsigned prepare(struct sender *s, unsigned count) {
    unsigned ready = 0;
    char why[160];
    for (unsigned n = 0; n < count; n++) {
        struct outgoing *o = s->batch[n];
        if (client_now_ms() >= o->send_until_ms) {
            refuse(s, o, o->code ? o->code : TILL_BUSY, "", o->text[0] ? o->text : "it could not be sent in time");
        } else if (s->slow && atomic_load(is_slow(s, o))) {
            put(s->slow, o);
        } else if (!sources_read(s->sources, o->intent.source, why, sizeof why)) {
            refuse(s, o, TILL_READ_FAILED, "", why);
        } else {
            client_intent_borrow(&o->intent, &s->nested[ready], &s->out[ready]);
            s->out[ready].traceparent = o->trace;
            s->batch[ready++] = o;
        }
    }
    return ready;
}

/* Worth another try: Redis was away, full or slow. Sending the same again is safe, and its key and time stay. */
static bool may_try_again(const struct outgoing *o, int code) {
    return code < 0 && client_now_ms() + AGAIN_MS < o->send_until_ms;
}

static bool is_stopping(struct sender *s) {
    pthread_mutex_lock(&s->lock);
    bool stopping = s->stopping;
    pthread_mutex_unlock(&s->lock);
    return stopping;
}

/* Gives each its result; how many stay for another try. */
static unsigned sort_out(struct sender *s, unsigned count) {
    unsigned again = 0;
    for (unsigned n = 0; n < count; n++) {
        struct outgoing *o = s->batch[n];
        const struct till_result *r = &s->results[n];
        if (r->code == TILL_OK) {
            if (!s->slow) atomic_store(is_slow(s, o), false);
            o->code = TILL_OK;
            waiting_sent(s->waiting, &o->waiter, r->entry);
        } else if (may_try_again(o, r->code)) {
            o->code = o->code == TILL_WRITE_FAILED ? o->code : r->code; /* once nobody knows, a later no does not change that */
            client_copy(o->text, sizeof o->text, r->text);
            if (!s->slow || is_stopping(s)) {
                s->batch[again++] = o;
            } else {
                atomic_store(is_slow(s, o), true);
                put(s->slow, o);
            }
        } else {
            refuse(s, o, o->code == TILL_WRITE_FAILED ? o->code : r->code, r->field, r->text);
        }
    }
    return again;
}

static unsigned give_up(struct sender *s, unsigned count) {
    for (unsigned n = 0; n < count; n++) refuse(s, s->batch[n], s->batch[n]->code, "", s->batch[n]->text);
    return 0;
}

static void *run(void *context) {
    struct sender *s = context;
    unsigned count = 0;
    while ((count = collect(s, count)) > 0) {
        count = prepare(s, count);
        if (!count) continue;
        till_send(s->till, s->out, count, TRY_MS, s->results);
        count = sort_out(s, count);
        if (count && is_stopping(s)) count = give_up(s, count);
        if (count) client_pause(AGAIN_MS, client_now_ms() + AGAIN_MS);
    }
    return NULL;
}

static struct sender *start_lane(struct till *till, struct sender *slow, struct waiting *waiting, struct sources *sources) {
    struct sender *s = calloc(1, sizeof *s);
    if (!s) abort();
    s->till = till;
    s->slow = slow;
    s->is_slow = slow ? slow->is_slow : calloc(till_partitions(till), sizeof *s->is_slow);
    if (!s->is_slow) abort();
    s->waiting = waiting;
    s->sources = sources;
    s->last = &s->first;
    pthread_mutex_init(&s->lock, NULL);
    pthread_cond_init(&s->more, NULL);
    if (pthread_create(&s->thread, NULL, run, s) == 0) return s;
    till_close(till);
    if (!slow) free(s->is_slow);
    free(s);
    return NULL;
}

static void end_lane(struct sender *s) {
    pthread_mutex_lock(&s->lock);
    s->stopping = s->closed = true;
    pthread_cond_signal(&s->more);
    pthread_mutex_unlock(&s->lock);
    pthread_join(s->thread, NULL);
    pthread_mutex_destroy(&s->lock);
    pthread_cond_destroy(&s->more);
    till_close(s->till);
    if (!s->slow) free(s->is_slow);
    free(s);
}

struct sender *sender_start(struct till *till, struct till *slow, struct waiting *waiting, struct sources *sources) {
    struct sender *other = start_lane(slow, NULL, waiting, sources);
    struct sender *s = other ? start_lane(till, other, waiting, sources) : NULL;
    if (!other) till_close(till);
    if (other && !s) end_lane(other);
    return s;
}

void sender_take(struct sender *s, struct outgoing *o) {
    o->is_twin = waiting_add(s->waiting, &o->waiter, o->intent.account, o->intent.source, o->intent.key);
    o->code = TILL_OK;
    o->text[0] = o->field[0] = '\0';
    put(s, o);
}

void sender_stop(struct sender *s) {
    if (s->slow) sender_stop(s->slow);
    pthread_mutex_lock(&s->lock);
    s->stopping = true;
    pthread_mutex_unlock(&s->lock);
}

/* The slow one last: until then something may come over. */
void sender_join(struct sender *s) {
    if (!s) return;
    struct sender *slow = s->slow;
    end_lane(s);
    end_lane(slow);
}
