/* What the flow tests send. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "tests/flow/flow.h"
#include "tests/support/process.h"

uint64_t flow_random(struct flow *flow, uint64_t below) {
    uint64_t z = flow->random += 0x9e3779b97f4a7c15u; /* splitmix64 */
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return (z ^ (z >> 31)) % below;
}

static uint64_t now_ms(void) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static void set_text(struct intent *intent, enum field field, const char *text) {
    const char *wrong = text ? intent_set_text(intent, field, text, strlen(text)) : NULL;
    if (wrong) process_die(NULL, "%s: %s", field_name(field), wrong);
}

static void set_number(struct intent *intent, enum field field, uint64_t number) {
    const char *wrong = number ? intent_set_number(intent, field, number) : NULL;
    if (wrong) process_die(NULL, "%s: %s", field_name(field), wrong);
}

struct intent flow_intent(enum op op, const char *account, const char *to, uint64_t amount_minor, const char *of) {
    struct intent intent = {0};
    set_number(&intent, FIELD_v, 1);
    set_text(&intent, FIELD_source, "shop");
    set_text(&intent, FIELD_op, op_word(op));
    set_text(&intent, FIELD_account, account);
    set_text(&intent, FIELD_to, to);
    set_number(&intent, FIELD_amount, amount_minor);
    set_text(&intent, FIELD_of, of);
    if (op_fields_needed(op) & FIELD_BIT(FIELD_currency)) set_text(&intent, FIELD_currency, "CNY");
    return intent;
}

/* Sends one entry; when the connection is lost, once more: the first copy may lie there too then. */
static enum redis_err add(struct flow *flow, unsigned partition, const char *name, const void *bytes, size_t size) {
    struct command c;
    struct reply reply;
    keys_buffer key;
    enum redis_err err = REDIS_LOST;
    command_init(&c);
    for (int tries = 0; tries < 3 && err == REDIS_LOST; tries++) {
        if (redis_is_lost(flow->redis) && (err = redis_reopen(flow->redis))) continue;
        command_begin(&c, "XADD");
        command_copy(&c, key, keys_intents(key, &flow->book, partition));
        command_word(&c, "*");
        command_word(&c, name);
        command_borrow(&c, bytes, size);
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
    if (!intent->key[0]) set_text(intent, FIELD_key, key);
    if (!intent->at_ms) set_number(intent, FIELD_at, now_ms());
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

void flow_send(struct flow *flow, struct intent *intent) {
    if (!flow_try_send(flow, intent)) process_die(NULL, "XADD: %s", redis_error(flow->redis));
}

static void open_account(struct flow *flow, const char *account, const char *kind) {
    struct intent open = flow_intent(OP_open, account, NULL, 0, NULL);
    set_text(&open, FIELD_kind, kind);
    flow_send(flow, &open);
}

void flow_open(struct flow *flow) {
    char name[32];
    for (unsigned n = 0; n < FLOW_MERCHANTS; n++) {
        snprintf(name, sizeof name, "m%u", n);
        open_account(flow, name, "merchant");
    }
    for (unsigned n = 0; n < FLOW_USERS; n++) {
        snprintf(name, sizeof name, "u%u", n);
        open_account(flow, name, "user");
        struct intent topup = flow_intent(OP_topup, name, NULL, 100000, NULL);
        flow_send(flow, &topup);
    }
}

static void random_user(struct flow *flow, char name[32]) { snprintf(name, 32, "u%u", (unsigned)flow_random(flow, FLOW_USERS)); }
static void random_merchant(struct flow *flow, char name[32]) { snprintf(name, 32, "m%u", (unsigned)flow_random(flow, FLOW_MERCHANTS)); }

static void send_payment(struct flow *flow, struct intent *last) {
    char user[32], merchant[32];
    random_user(flow, user);
    random_merchant(flow, merchant);
    struct intent pay = flow_intent(OP_pay, user, merchant, 1 + flow_random(flow, 20000), NULL);
    if (flow_random(flow, 4) == 0) set_text(&pay, FIELD_source, "app");
    flow_send(flow, &pay);
    *last = pay;
}

void flow_pay(struct flow *flow, unsigned count) {
    struct intent ignored;
    for (unsigned n = 0; n < count; n++) send_payment(flow, &ignored);
}

/* Refunds part of the last payment; it may have been refused, or refunded before. */
static void send_refund(struct flow *flow, const struct intent *last) {
    struct intent refund = flow_intent(OP_refund, last->account, NULL, 1 + flow_random(flow, 500), last->key);
    set_text(&refund, FIELD_source, last->source);
    flow_send(flow, &refund);
}

/* Answered with code 6: no `to`. */
static void send_malformed(struct flow *flow) {
    char user[32];
    random_user(flow, user);
    struct intent pay = flow_intent(OP_pay, user, NULL, 5, NULL);
    flow_send(flow, &pay);
}

static void send_unreadable(struct flow *flow) {
    static const uint8_t bytes[] = {0x81, 0xa1, 'x', 0xc1};
    flow_send_bytes(flow, (unsigned)flow_random(flow, flow->book.partitions), "intent", bytes, sizeof bytes);
    flow->unreadable++;
}

/* A freeze and a thaw of a merchant of its own: both have follow-ups. */
static void send_freeze(struct flow *flow) {
    char name[32];
    random_merchant(flow, name);
    struct intent freeze = flow_intent(flow_random(flow, 2) ? OP_freeze : OP_thaw, name, NULL, 0, NULL);
    flow_send(flow, &freeze);
}

static void send_open(struct flow *flow) {
    char name[32];
    snprintf(name, sizeof name, "extra%u", (unsigned)flow_random(flow, 20));
    open_account(flow, name, "merchant");
}

void flow_load(struct flow *flow, unsigned count) {
    struct intent last = {0}, topup;
    char user[32];
    send_payment(flow, &last);
    for (unsigned n = 1; n < count; n++) {
        uint64_t dice = flow_random(flow, 100);
        if (dice < 55) send_payment(flow, &last);
        else if (dice < 65) send_refund(flow, &last);
        else if (dice < 72) flow_send(flow, &last); /* again: the same bytes */
        else if (dice < 80) {
            random_user(flow, user);
            topup = flow_intent(OP_topup, user, NULL, 1 + flow_random(flow, 5000), NULL);
            flow_send(flow, &topup);
        } else if (dice < 86) send_malformed(flow);
        else if (dice < 89) send_unreadable(flow);
        else if (dice < 94) send_open(flow);
        else if (dice < 97) send_freeze(flow);
        else {
            struct intent rollback = flow_intent(OP_rollback, last.account, NULL, 0, last.key);
            set_text(&rollback, FIELD_source, last.source);
            flow_send(flow, &rollback);
        }
    }
}
