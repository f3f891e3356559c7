/* Turns the library's intents into checked ones and into bytes on their way. */
#include "producer/client_intent.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

void client_intent_begin(const struct till_intent *in, uint64_t now_ms, struct till_result *result) {
    result->code = TILL_OK;
    result->entry[0] = result->field[0] = result->text[0] = '\0';
    result->at_ms = in->at_ms != 0 ? in->at_ms : now_ms;
    size_t size = in->key != NULL ? strnlen(in->key, sizeof result->key) : 0;
    if (size == 0)
        till_key(result->key);
    else if (size < sizeof result->key)
        memcpy(result->key, in->key, size + 1);
    else
        result->key[0] = '\0'; /* as a key it is refused; no use for a retry */
}

static bool refuse(struct till_result *result, const char *field, const char *why) {
    result->code = TILL_INVALID;
    client_copy(result->field, sizeof result->field, field);
    snprintf(result->text, sizeof result->text, "%s %s", field, why);
    return false;
}

static bool take_text(struct intent *intent, enum field field, const char *text, struct till_result *result) {
    if (text == NULL || text[0] == '\0')
        return true;
    const char *why = intent_set_text(intent, field, text, strlen(text));
    return why == NULL || refuse(result, field_name(field), why);
}

static bool take_number(struct intent *intent, enum field field, uint64_t number, struct till_result *result) {
    if (number == 0)
        return true;
    const char *why = intent_set_number(intent, field, number);
    return why == NULL || refuse(result, field_name(field), why);
}

/* An amount left out by mistake must not come to mean "all". */
static bool take_amount(struct intent *intent, int64_t amount_minor, struct till_result *result) {
    uint32_t amount = FIELD_BIT(FIELD_amount);
    bool may_be_left_out = (op_fields_allowed(intent->op) & ~op_fields_needed(intent->op) & amount) != 0;
    if (amount_minor == 0 && may_be_left_out)
        return refuse(result, "amount", "is 0; to leave it out, which means all that is left, say so (TILL_AMOUNT_ALL)");
    if (amount_minor == TILL_AMOUNT_ALL && may_be_left_out)
        return true;
    if (amount_minor < 0)
        return refuse(result, "amount", "must not be negative");
    return take_number(intent, FIELD_amount, (uint64_t)amount_minor, result);
}

static bool take_source(struct intent *intent, const char *source, struct till_result *result) {
    if (source != NULL && strcmp(source, INTENT_SOURCE_TILL) == 0)
        return refuse(result, "source", "must not be till, which is for workers");
    return take_text(intent, FIELD_source, source, result);
}

static bool take_fields(struct intent *intent, const struct till_intent *in, struct till_result *result) {
    if (in->key != NULL && in->key[0] != '\0' && result->key[0] == '\0')
        return refuse(result, "key", "is too long");
    for (size_t i = 0; i < sizeof in->reserved / sizeof in->reserved[0]; i++)
        if (in->reserved[i] != NULL)
            return refuse(result, "reserved", "must be zero");
    return take_source(intent, in->source, result) && take_text(intent, FIELD_op, in->op, result) &&
           take_text(intent, FIELD_key, result->key, result) && take_number(intent, FIELD_at, result->at_ms, result) &&
           take_text(intent, FIELD_account, in->account, result) && take_text(intent, FIELD_to, in->to, result) &&
           take_amount(intent, in->amount_minor, result) && take_text(intent, FIELD_currency, in->currency, result) &&
           take_text(intent, FIELD_of, in->of, result) && take_number(intent, FIELD_of_at, in->of_at_ms, result) &&
           take_text(intent, FIELD_kind, in->kind, result) && take_number(intent, FIELD_allow_duplicate, in->allow_duplicate, result) &&
           take_text(intent, FIELD_note, in->note, result);
}

bool client_intent_take(struct till *till, const struct till_intent *in, struct till_result *result) {
    struct intent *intent = &till->intent;
    memset(intent, 0, sizeof *intent);
    bool ok = take_number(intent, FIELD_v, 1, result) && take_fields(intent, in, result);
    if (!ok)
        return false;
    struct intent_fault fault;
    const char *why = intent_check_rules(intent, &fault); /* the fields themselves were checked as they were set */
    if (why == NULL)
        return true;
    result->code = TILL_INVALID;
    client_copy(result->field, sizeof result->field, fault.field);
    client_copy(result->text, sizeof result->text, why);
    return false;
}

unsigned client_intent_partition(const struct till *till) {
    return keys_partition(&till->book, till->intent.account, strlen(till->intent.account));
}

void client_intent_append(struct till *till, unsigned partition) {
    keys_buffer key;
    size_t size;
    bool fits = intent_encode(&till->intent, till->bytes, sizeof till->bytes, &size);
    assert(fits);
    command_begin(&till->command, "XADD");
    command_borrow(&till->command, key, keys_intents(key, &till->book, partition));
    command_word(&till->command, "*");
    command_word(&till->command, "intent");
    command_borrow(&till->command, (const char *)till->bytes, size);
    redis_append(till->redis, &till->command);
}

void client_intent_borrow(const struct intent *in, struct till_intent *out) {
    bool left_out = !(in->present & FIELD_BIT(FIELD_amount)) &&
                    (op_fields_allowed(in->op) & ~op_fields_needed(in->op) & FIELD_BIT(FIELD_amount));
    *out = (struct till_intent){
        .op = in->op != OP_NONE ? op_word(in->op) : NULL,
        .source = in->source,
        .key = in->key,
        .at_ms = in->at_ms,
        .account = in->account,
        .to = in->to,
        .amount_minor = left_out ? TILL_AMOUNT_ALL : (int64_t)in->amount_minor,
        .currency = in->currency,
        .of = in->of,
        .of_at_ms = in->of_at_ms,
        .kind = in->kind != KIND_NONE ? kind_word(in->kind) : NULL,
        .allow_duplicate = in->allow_duplicate,
        .note = in->note,
    };
}
