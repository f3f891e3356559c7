/* Sends intents, pipelined. What was under way when the connection broke is sent again: the identity makes that safe. */
#include <string.h>

#include "producer/client_durable.h"
#include "producer/client_guard.h"
#include "producer/client_intent.h"
#include "producer/client_source.h"
#include "producer/send_bulk.h"

enum { CHUNK = SEND_CHUNK, FLUSH_EVERY = 128 };

/* Where an intent is while its end is not known; kept in result->code, out of the range of codes. */
enum {
    SEND_WAITING = -100,      /* not sent */
    SEND_UNKNOWN = -101,      /* sent on a connection that was lost before it said what became of it */
    SEND_FLYING = -102,       /* sent for the first time on this connection */
    SEND_FLYING_AGAIN = -103, /* sent on an earlier one too */
};

struct chunk {
    struct till *till;
    const struct till_intent *intents;
    struct till_result *results;
    size_t count;
    int64_t deadline_ms;
    bool in_bulk; /* this try: several of a partition in one entry */
};

static bool is_open(int code) {
    return code <= SEND_WAITING;
}

static bool is_flying(int code) {
    return code == SEND_FLYING || code == SEND_FLYING_AGAIN;
}

static void end(struct till_result *result, int code, const char *text) {
    result->code = code;
    client_copy(result->text, sizeof result->text, text);
}

/* Queues one intent, unless it is refused here. */
static void send_one(struct chunk *c, size_t i) {
    struct till_result *result = &c->results[i];
    int before = result->code;
    if (!client_intent_take(c->till, &c->intents[i], result))
        return;
    unsigned partition = client_intent_partition(c->till, &c->intents[i]), copies = client_intent_copies(c->till, &c->intents[i]);
    char text[sizeof result->text];
    if (copies == 1 && before == SEND_WAITING &&
        client_guard_refuses(c->till, partition, c->till->intent.source, text, sizeof text) != NULL) {
        end(result, TILL_BUSY, text);
        return;
    }
    for (unsigned n = 0; n < copies; n++)
        client_intent_append(c->till, copies == 1 ? partition : n);
    result->code = before == SEND_WAITING ? SEND_FLYING : SEND_FLYING_AGAIN;
}

/* Alone there is nobody to share an entry with; what goes to every partition, or where it says, goes as it always did. */
static bool may_share(const struct chunk *c) {
    if (!c->till->bulk || c->count < BULK_INTENTS_MIN)
        return false;
    for (size_t i = 0; i < c->count; i++)
        if (c->intents[i].settle != NULL || c->intents[i].account == NULL || client_intent_copies(c->till, &c->intents[i]) != 1)
            return false;
    return true;
}

/* Does its source get an answer for this one? Bulk answers are one for all of a source in an entry, of which the first counts. Before `i`
 * there are those from `first` to `behind` in it. */
static bool counts(const struct chunk *c, const uint16_t *first, const uint16_t *behind, uint16_t i) {
    if (!c->till->bulk_answers)
        return true;
    while (behind > first) /* the last one is of the same source nearly always */
        if (strcmp(c->intents[*--behind].source, c->intents[i].source) == 0)
            return false;
    return true;
}

/* Takes one for the entry being filled, or begins another, unless it is refused here. Behind one that is refused nobody joins that entry,
 * so that those of a partition stay in order. */
static void share_one(struct chunk *c, unsigned partition, uint16_t i) {
    struct till_result *result = &c->results[i];
    int before = result->code;
    char text[sizeof result->text];
    if (!client_intent_take(c->till, &c->intents[i], result))
        return;
    const struct send_bulk *b = c->till->send_bulk;
    const uint16_t *behind = b->order + b->taken, *first = behind - b->writer.count;
    if (!send_bulk_join(c->till, i)) {
        if (before == SEND_WAITING && client_guard_refuses(c->till, partition, c->till->intent.source, text, sizeof text) != NULL) {
            send_bulk_end(c->till, partition);
            end(result, TILL_BUSY, text);
            return;
        }
        send_bulk_start(c->till, partition, i);
    } else if (before == SEND_WAITING && counts(c, first, behind, i)) {
        client_source_count(c->till, partition, c->till->intent.source, 1);
    }
    result->code = before == SEND_WAITING ? SEND_FLYING : SEND_FLYING_AGAIN;
}

/* Partition by partition, in order within each. */
static enum redis_err share_entries(struct chunk *c) {
    struct till *till = c->till;
    if (till->send_bulk == NULL)
        till->send_bulk = send_bulk_new(till->book.partitions);
    struct send_bulk *b = till->send_bulk;
    unsigned appended = 0;
    send_bulk_begin(b);
    for (size_t i = 0; i < c->count; i++)
        if (is_open(c->results[i].code))
            send_bulk_list_add(b, till_partition_of(till, c->intents[i].account), (uint16_t)i);
    for (unsigned n = 0; n < b->used_count; n++) {
        for (uint16_t i = b->lists[b->used[n]].first; i != SEND_CHUNK; i = b->next[i], appended++)
            share_one(c, b->used[n], i);
        send_bulk_end(till, b->used[n]);
        enum redis_err err = appended >= FLUSH_EVERY ? client_flush(till, c->deadline_ms) : REDIS_OK;
        if (err != REDIS_OK)
            return err;
        appended = appended >= FLUSH_EVERY ? 0 : appended;
    }
    return REDIS_OK;
}

static enum redis_err chunk_append(struct chunk *c) {
    unsigned appended = 0;
    if ((c->in_bulk = may_share(c)))
        return share_entries(c);
    for (size_t i = 0; i < c->count; i++) {
        if (!is_open(c->results[i].code))
            continue;
        send_one(c, i);
        if (++appended % FLUSH_EVERY == 0) { /* Redis works on these while the next ones are made */
            enum redis_err err = client_flush(c->till, c->deadline_ms);
            if (err != REDIS_OK)
                return err;
        }
    }
    return REDIS_OK;
}

/* It was counted as sent, and is not in the stream. */
static void uncount(struct chunk *c, size_t i) {
    const struct till_intent *in = &c->intents[i];
    client_source_count(c->till, client_guard_partition(c->till, in), in->source, -1);
}

/* An error reply: this copy was not enqueued, and others may have been. */
static void refused(struct chunk *c, enum redis_err err, bool others, size_t i) {
    int code = client_is_busy(err) ? TILL_BUSY : TILL_READ_FAILED;
    end(&c->results[i], others ? TILL_WRITE_FAILED : code, c->till->error);
}

static void enqueued(struct reply reply, struct till_result *result) {
    size_t size;
    const char *entry = reply_text(reply, &size);
    if (size == 0 || size >= sizeof result->entry) {
        end(result, TILL_WRITE_FAILED, "Redis gave no entry ID");
        return;
    }
    memcpy(result->entry, entry, size + 1);
    result->code = TILL_OK;
}

/* The replies to one intent: one, or as many as there are partitions, of which the first that went wrong counts. What did not go where it
 * belongs, since that node of a cluster is away, stays open: REDIS_AWAY. */
static enum redis_err collect_one(struct chunk *c, size_t i) {
    struct till_result *result = &c->results[i];
    unsigned copies = client_intent_copies(c->till, &c->intents[i]);
    bool others = result->code == SEND_FLYING_AGAIN || copies > 1, wrong = false, away = false, ended = false;
    for (unsigned n = 0; n < copies; n++) {
        struct reply reply;
        enum redis_err err = client_next(c->till, c->deadline_ms, &reply);
        if (err == REDIS_LOST || err == REDIS_GARBLED) {
            result->code = SEND_FLYING_AGAIN;
            return err;
        }
        away = away || err == REDIS_AWAY;
        if (err != REDIS_OK && err != REDIS_AWAY && !ended) {
            if (!others)
                uncount(c, i);
            refused(c, err, others, i);
        }
        ended = ended || (err != REDIS_OK && err != REDIS_AWAY);
        wrong = wrong || err != REDIS_OK;
        if (!wrong)
            enqueued(reply, result);
    }
    if (!away || ended)
        return REDIS_OK;
    if (!others)
        uncount(c, i);
    result->code = others ? SEND_UNKNOWN : SEND_WAITING;
    return REDIS_AWAY;
}

/* One reply for all that share an entry. */
static enum redis_err collect_shared(struct chunk *c) {
    const struct send_bulk *b = c->till->send_bulk;
    const uint16_t *i = b->order;
    for (size_t n = 0; n < b->entries; n++) {
        struct reply reply;
        enum redis_err err = client_next(c->till, c->deadline_ms, &reply);
        if (err == REDIS_LOST || err == REDIS_GARBLED)
            return err;
        for (const uint16_t *first = i, *last = i + b->sizes[n]; i < last; i++) {
            struct till_result *result = &c->results[*i];
            bool again = result->code == SEND_FLYING_AGAIN;
            if (err != REDIS_OK && !again && counts(c, first, i, *i))
                uncount(c, *i);
            if (err != REDIS_OK)
                refused(c, err, again, *i);
            else
                enqueued(reply, result);
        }
    }
    return REDIS_OK;
}

static enum redis_err chunk_collect(struct chunk *c) {
    if (c->in_bulk)
        return collect_shared(c);
    enum redis_err away = REDIS_OK;
    for (size_t i = 0; i < c->count; i++) {
        enum redis_err err = is_flying(c->results[i].code) ? collect_one(c, i) : REDIS_OK;
        if (err == REDIS_AWAY)
            away = err;
        else if (err != REDIS_OK)
            return err;
    }
    return away;
}

/* None of those enqueued is known to be as durable as it must be: `code` from now on. */
static void chunk_doubt(struct chunk *c, int code) {
    for (size_t i = 0; i < c->count; i++)
        if (c->results[i].code == TILL_OK)
            end(&c->results[i], code, c->till->error);
}

static enum redis_err chunk_wait(struct chunk *c) {
    bool reached;
    enum redis_err err = client_durable_next(c->till, c->deadline_ms, &reached);
    if (err == REDIS_OK && !reached)
        chunk_doubt(c, TILL_WRITE_FAILED);
    return err;
}

/* One try on one connection. Under durability all that it enqueued is told by one question behind it. */
static enum redis_err chunk_try(struct chunk *c) {
    enum redis_err err = client_guard_ask(c->till, c->intents, c->count, c->deadline_ms);
    if (err != REDIS_OK)
        return err;
    err = chunk_append(c);
    if (err == REDIS_OK)
        client_guard_ask_ahead(c->till, c->intents, c->count);
    bool waits = err == REDIS_OK && client_durable_wanted(c->till);
    if (waits)
        client_durable_append(c->till, c->deadline_ms);
    if (err == REDIS_OK)
        err = chunk_collect(c);
    bool told = waits && (err == REDIS_OK || err == REDIS_AWAY); /* what is away was not sent, the rest was */
    enum redis_err err_wait = told ? chunk_wait(c) : err;
    if (err_wait != REDIS_OK && client_durable_wanted(c->till))
        chunk_doubt(c, SEND_UNKNOWN);
    return err_wait != REDIS_OK ? err_wait : err;
}

/* What is still open can no longer be helped: `code` for what was never sent and is not wrong in itself. */
static void chunk_give_up(struct chunk *c, int code) {
    for (size_t i = 0; i < c->count; i++) {
        struct till_result *result = &c->results[i];
        if (result->code == SEND_WAITING && client_intent_take(c->till, &c->intents[i], result))
            end(result, code, c->till->error);
        else if (is_open(result->code))
            end(result, TILL_WRITE_FAILED, c->till->error);
    }
}

static bool chunk_is_open(const struct chunk *c) {
    for (size_t i = 0; i < c->count; i++)
        if (is_open(c->results[i].code))
            return true;
    return false;
}

static void chunk_send(struct chunk *c) {
    while (chunk_is_open(c)) {
        int code = client_reconnect(c->till, c->deadline_ms);
        if (code != TILL_OK) {
            chunk_give_up(c, TILL_READ_FAILED);
            return;
        }
        enum redis_err err = chunk_try(c);
        for (size_t i = 0; i < c->count; i++)
            if (is_flying(c->results[i].code))
                c->results[i].code = SEND_UNKNOWN;
        if (err == REDIS_OK) {
            c->till->failures = 0;
        } else if ((err != REDIS_LOST && err != REDIS_AWAY) || !client_back_off(c->till, err, c->deadline_ms)) {
            chunk_give_up(c, client_is_busy(err) ? TILL_BUSY : TILL_READ_FAILED);
            return;
        }
    }
}

/* Fixes key and time for all tries. */
static void chunk_begin(struct chunk *c, uint64_t now_ms) {
    for (size_t i = 0; i < c->count; i++) {
        client_intent_begin(&c->intents[i], now_ms, &c->results[i]);
        c->results[i].code = SEND_WAITING;
    }
}

size_t till_send(struct till *till, const struct till_intent *intents, size_t count, int timeout_ms, struct till_result *results) {
    int64_t deadline_ms = client_now_ms() + timeout_ms;
    uint64_t now_ms = client_wall_ms();
    size_t sent = 0;
    for (size_t from = 0; from < count; from += CHUNK) {
        size_t size = count - from < CHUNK ? count - from : CHUNK;
        struct chunk c = {till, intents + from, results + from, size, deadline_ms, false};
        chunk_begin(&c, now_ms);
        chunk_send(&c);
        for (size_t i = 0; i < size; i++)
            sent += results[from + i].code == TILL_OK;
    }
    client_intent_wipe(till);
    return sent;
}
