/* Tells once more what was lost on its way. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "producer/cli/repair.h"
#include "schema/code.h"
#include "schema/followup.h"
#include "schema/sign.h"

static void make_intent(const struct repair_item *item, uint64_t now_ms, struct intent *out) {
    bool comes = item->kind == REPAIR_LOST_THERE || item->kind == REPAIR_ORDER;
    struct followup_lost lost = {.identity = item->identity, .entry = item->entry, .to = item->to, .order = item->order,
                                 .currency = item->currency, .amount_minor = (uint64_t)item->amount_minor,
                                 .code = item->fate == REPAIR_NOTED ? CODE_dead : comes ? CODE_ok : CODE_already_exists};
    struct followup_month month = {item->to, item->currency, item->month, (uint64_t)item->amount_minor, (uint64_t)item->refunds_minor};
    bool made = true;
    if (item->kind == REPAIR_SHARD || item->kind == REPAIR_STATUS)
        followup_shard(item->to, item->currency, item->status, item->sender, now_ms, out);
    else if (item->kind == REPAIR_MONTH) followup_month(&month, item->sender, now_ms, out);
    else made = followup_recover(&lost, now_ms, out);
    assert(made && "a bill's own identity");
    (void)made;
}

static int send_one(struct repair *r, const struct repair_item *item, uint64_t now_ms, const uint8_t *secret) {
    uint8_t bytes[INTENT_FOLLOW_UP_SIZE_MAX], sig[SIGN_SIZE];
    struct intent intent;
    struct reply reply;
    keys_buffer key;
    size_t size;
    make_intent(item, now_ms, &intent);
    bool encoded = intent_encode(&intent, bytes, sizeof bytes, &size);
    assert(encoded);
    (void)encoded;
    command_begin(&r->c->command, "XADD");
    command_copy(&r->c->command, key, keys_intents(key, &r->c->book, item->receiver));
    command_word(&r->c->command, "*");
    command_word(&r->c->command, "intent");
    command_copy(&r->c->command, (const char *)bytes, size);
    if (secret) {
        sign_make(secret, bytes, size, sig);
        command_word(&r->c->command, "sig");
        command_copy(&r->c->command, (const char *)sig, sizeof sig);
    }
    return connect_call(r->c, "telling what was lost", &reply);
}

/* What became of it. */
static int look_again(struct repair *r, struct repair_item *item) {
    bool still = false;
    int code = CLI_OK; /* of a month: its home has passed it */
    if (item->fate == REPAIR_TAKEN_BACK) code = repair_look_for_note(r, item, &still);
    else if (!repair_is_merchants(item)) code = repair_look(r, item, &still);
    else if (item->kind != REPAIR_MONTH) code = repair_look_at_shard(r, item, &still);
    if (still) item->fate = item->fate == REPAIR_TAKEN_BACK ? REPAIR_KEPT : REPAIR_STANDS_STILL;
    return code;
}

static bool is_sent(const struct repair_item *item) { return item->fate == REPAIR_SENT || item->fate == REPAIR_TAKEN_BACK; }

/* Those of the partitions that were told something. */
static int wait_for(struct repair *r, bool receivers) {
    bool *partitions = calloc(r->c->book.partitions, sizeof *partitions);
    if (!partitions) abort();
    for (size_t n = 0; n < r->count; n++)
        if (is_sent(&r->items[n])) partitions[receivers ? r->items[n].receiver : r->items[n].sender] = true;
    int code = repair_pass(r, partitions);
    for (size_t n = 0; !code && n < r->count; n++)
        if (is_sent(&r->items[n]) && receivers && partitions[r->items[n].receiver]) r->items[n].fate = REPAIR_STANDS_STILL;
    free(partitions);
    return code;
}

int repair_send(struct repair *r, const uint8_t *secret, bool take_back) {
    uint64_t now_ms;
    int code = connect_server_ms(r->c, &now_ms);
    for (size_t n = 0; !code && n < r->count; n++) {
        struct repair_item *i = &r->items[n];
        bool back = take_back && i->fate == REPAIR_NOTED;
        if (i->fate != REPAIR_FOUND && !back) continue;
        code = send_one(r, i, now_ms, secret);
        i->fate = back ? REPAIR_TAKEN_BACK : REPAIR_SENT;
    }
    if (!code) code = wait_for(r, true);
    if (!code) code = wait_for(r, false);
    for (size_t n = 0; !code && n < r->count; n++)
        if (is_sent(&r->items[n])) code = look_again(r, &r->items[n]);
    return code;
}
