/* How the flow tests send: intents made, put on the streams, accounts opened. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "schema/bulk.h"
#include "tests/flow/flow.h"
#include "tests/support/process.h"

enum { QUEUE_MOST = 200 };

uint64_t flow_now_ms(void) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

void flow_set_text(struct intent *intent, enum field field, const char *text) {
    const char *wrong = text ? intent_set_text(intent, field, text, strlen(text)) : NULL;
    if (wrong) process_die(NULL, "%s: %s", field_name(field), wrong);
}

void flow_set_number(struct intent *intent, enum field field, uint64_t number) {
    const char *wrong = intent_set_number(intent, field, number);
    if (wrong) process_die(NULL, "%s: %s", field_name(field), wrong);
}

struct intent flow_intent(enum op op, const char *account, const char *to, uint64_t amount_minor, const char *of) {
    struct intent intent = {0};
    flow_set_number(&intent, FIELD_v, 1);
    flow_set_text(&intent, FIELD_source, "shop");
    flow_set_text(&intent, FIELD_op, op_word(op));
    flow_set_text(&intent, FIELD_account, account);
    flow_set_text(&intent, FIELD_to, to);
    if (amount_minor) flow_set_number(&intent, FIELD_amount, amount_minor);
    flow_set_text(&intent, FIELD_of, of);
    if (op_fields_needed(op) & FIELD_BIT(FIELD_currency)) flow_set_text(&intent, FIELD_currency, "CNY");
    return intent;
}

static bool bulk_answers; /* of the entry that is sent next */

/* Sends one entry; when the connection is lost, once more: the first copy may lie there too then. */
static enum redis_err add(struct flow *flow, unsigned partition, const char *name, const void *bytes, size_t size) {
    struct command c;
    struct reply reply;
    keys_buffer key;
    char id[32] = "*";
    enum redis_err err = REDIS_LOST;
    if (flow->entry_ms) snprintf(id, sizeof id, "%llu-*", (unsigned long long)flow->entry_ms);
    command_init(&c);
    for (int tries = 0; tries < 3 && err == REDIS_LOST; tries++) {
        if (redis_is_lost(flow->redis) && (err = redis_reopen(flow->redis))) continue;
        command_begin(&c, "XADD");
        command_copy(&c, key, keys_intents(key, &flow->book, partition));
        command_word(&c, id);
        command_word(&c, name);
        command_borrow(&c, bytes, size);
        if (bulk_answers) {
            command_word(&c, "answers");
            command_word(&c, "bulk");
        }
        err = redis_call(flow->redis, &c, &reply);
        flow->unsure += err == REDIS_LOST;
    }
    command_clear(&c);
    if (!err) flow->acknowledged++;
    return err;
}

bool flow_try_bytes(struct flow *flow, unsigned partition, const char *name, const void *bytes, size_t size) {
    return add(flow, partition, name, bytes, size) == REDIS_OK;
}

void flow_send_bytes(struct flow *flow, unsigned partition, const char *name, const void *bytes, size_t size) {
    if (!flow_try_bytes(flow, partition, name, bytes, size)) process_die(NULL, "XADD: %s", redis_error(flow->redis));
}

/* Fills in `key` and `at`, encodes, and finds the partition. */
static size_t make(struct flow *flow, struct intent *intent, uint8_t bytes[INTENT_SIZE_MAX], unsigned *partition) {
    char key[32];
    size_t size;
    snprintf(key, sizeof key, "k%llu", (unsigned long long)flow->next_key++);
    if (!intent->key[0]) flow_set_text(intent, FIELD_key, key);
    if (!intent->at_ms) flow_set_number(intent, FIELD_at, flow->entry_ms ? flow->entry_ms : flow_now_ms());
    if (!intent_encode(intent, bytes, INTENT_SIZE_MAX, &size)) process_die(NULL, "an intent that does not fit");
    *partition = keys_partition(&flow->book, intent->account, strlen(intent->account));
    return size;
}

bool flow_try_send(struct flow *flow, struct intent *intent) {
    uint8_t bytes[INTENT_SIZE_MAX];
    unsigned partition;
    size_t size = make(flow, intent, bytes, &partition);
    return flow_try_bytes(flow, partition, "intent", bytes, size);
}

static struct bulk_writer *shared; /* by partition; NULL: each intent has an entry of its own */

void flow_share(struct flow *flow) {
    shared = calloc(flow->book.partitions, sizeof *shared);
    if (!shared) abort();
    for (unsigned p = 0; p < flow->book.partitions; p++) bulk_begin(&shared[p]);
}

static void end_shared(struct flow *flow, unsigned partition) {
    struct bulk_writer *w = &shared[partition];
    size_t size;
    const uint8_t *intents = bulk_intents(w, &size);
    bulk_answers = w->count > 1 && flow_random(flow, 2) == 0;
    if (w->count == 1) flow_send_bytes(flow, partition, "intent", intents + 1, size - 1);
    else if (w->count > 1) flow_send_bytes(flow, partition, "intents", intents, size);
    bulk_answers = false;
    if (w->count > 1) flow->acknowledged += w->count - 1; /* counted by intent */
    bulk_begin(w);
}

void flow_share_end(struct flow *flow) {
    for (unsigned p = 0; p < flow->book.partitions; p++) end_shared(flow, p);
    free(shared);
    shared = NULL;
}

/* Into an entry with others, ended now and then; what may not goes by itself, behind those. */
static void send_shared(struct flow *flow, struct intent *intent) {
    uint8_t bytes[INTENT_SIZE_MAX];
    unsigned p;
    size_t size = make(flow, intent, bytes, &p);
    if (bulk_takes(intent) && bulk_add(&shared[p], bytes, size, NULL)) {
        if (flow_random(flow, 6) == 0) end_shared(flow, p);
        return;
    }
    end_shared(flow, p);
    flow_send_bytes(flow, p, "intent", bytes, size);
}

void flow_send(struct flow *flow, struct intent *intent) {
    if (shared) {
        send_shared(flow, intent);
        return;
    }
    if (!flow_try_send(flow, intent)) process_die(NULL, "XADD: %s", redis_error(flow->redis));
}

void flow_send_to(struct flow *flow, unsigned partition, struct intent *intent) {
    uint8_t bytes[INTENT_SIZE_MAX];
    unsigned own;
    size_t size = make(flow, intent, bytes, &own);
    flow_send_bytes(flow, partition, "intent", bytes, size);
}

void flow_send_follow_up(struct flow *flow, unsigned partition, struct intent *follow_up) {
    flow_send_to(flow, partition, follow_up);
    flow->acknowledged--;
}

void flow_queue(struct flow *flow, struct intent *intent) {
    uint8_t bytes[INTENT_SIZE_MAX];
    struct command c;
    keys_buffer key;
    unsigned partition;
    size_t size = make(flow, intent, bytes, &partition);
    command_init(&c);
    command_begin(&c, "XADD");
    command_copy(&c, key, keys_intents(key, &flow->book, partition));
    command_word(&c, "*");
    command_word(&c, "intent");
    command_borrow(&c, (const char *)bytes, size);
    redis_append(flow->redis, &c);
    command_clear(&c);
    if (redis_unanswered(flow->redis) >= QUEUE_MOST) flow_queued(flow);
}

void flow_queued(struct flow *flow) {
    struct reply reply;
    while (redis_unanswered(flow->redis) > 0) {
        if (redis_next(flow->redis, &reply)) process_die(NULL, "XADD: %s", redis_error(flow->redis));
        flow->acknowledged++;
    }
}

void flow_open_account(struct flow *flow, const char *account, const char *kind) {
    struct intent open = flow_intent(OP_open, account, NULL, 0, NULL);
    flow_set_text(&open, FIELD_kind, kind);
    flow_send(flow, &open);
}

void flow_open(struct flow *flow) {
    char name[32];
    for (unsigned n = 0; n < FLOW_MERCHANTS; n++) {
        snprintf(name, sizeof name, "m%u", n);
        flow_open_account(flow, name, "merchant");
    }
    for (unsigned n = 0; n < FLOW_USERS; n++) {
        snprintf(name, sizeof name, "u%u", n);
        flow_open_account(flow, name, "user");
        struct intent topup = flow_intent(OP_topup, name, NULL, 100000, NULL);
        flow_send(flow, &topup);
    }
}
