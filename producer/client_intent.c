/* Turns the library's intents into checked ones and into bytes on their way. */
#include "producer/client_intent.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "producer/client_nested.h"

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

bool client_intent_refuse(struct till_result *result, const char *field, const char *text) {
    result->code = TILL_INVALID;
    client_copy(result->field, sizeof result->field, field);
    client_copy(result->text, sizeof result->text, text);
    return false;
}

static bool refuse(struct till_result *result, const char *field, const char *why) {
    char text[sizeof result->text];
    snprintf(text, sizeof text, "%s %s", field, why);
    return client_intent_refuse(result, field, text);
}

bool client_intent_text(struct intent *intent, enum field field, const char *text, struct till_result *result) {
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
    bool may_be_all = client_amount_may_be_all(intent->op);
    if (amount_minor == 0 && may_be_all)
        return refuse(result, "amount", "is 0; to leave it out, which means all that is left, say so (TILL_AMOUNT_ALL)");
    if (amount_minor == TILL_AMOUNT_ALL && may_be_all)
        return true;
    if (amount_minor < 0)
        return refuse(result, "amount", "must not be negative");
    return take_number(intent, FIELD_amount, (uint64_t)amount_minor, result);
}

static bool take_source(struct intent *intent, const char *source, struct till_result *result) {
    if (source != NULL && strcmp(source, INTENT_SOURCE_TILL) == 0)
        return refuse(result, "source", "must not be till, which is for workers");
    return client_intent_text(intent, FIELD_source, source, result);
}

/* 0 says that a time never comes where one must be said. */
static bool take_expires(struct intent *intent, uint64_t expires_ms, struct till_result *result) {
    bool needed = (op_fields_needed(intent->op) & FIELD_BIT(FIELD_expires)) != 0;
    if (expires_ms == 0 && !needed)
        return true;
    const char *why = intent_set_number(intent, FIELD_expires, expires_ms);
    return why == NULL || refuse(result, "expires", why);
}

static bool take_final(struct intent *intent, int final, struct till_result *result) {
    if (final == 0)
        return true;
    const char *why = final == TILL_YES || final == TILL_NO ? intent_set_number(intent, FIELD_final, final == TILL_YES)
                                                            : "must be TILL_YES, TILL_NO or 0";
    return why == NULL || refuse(result, "final", why);
}

bool client_intent_zero(const void *const *reserved, size_t count, struct till_result *result) {
    for (size_t i = 0; i < count; i++)
        if (reserved[i] != NULL)
            return refuse(result, "reserved", "must be zero");
    return true;
}

static bool take_account(struct intent *intent, const char *account, struct till_result *result) {
    bool nameless = intent->op == OP_policy && (account == NULL || account[0] == '\0');
    return client_intent_text(intent, FIELD_account, nameless ? INTENT_ACCOUNT_BOOK : account, result);
}

bool client_intent_plain(struct intent *intent, const struct till_intent *in, const char *key, uint64_t at_ms, struct till_result *result) {
    return take_source(intent, in->source, result) && client_intent_text(intent, FIELD_op, in->op, result) &&
           client_intent_text(intent, FIELD_key, key, result) && take_number(intent, FIELD_at, at_ms, result) &&
           take_account(intent, in->account, result) && client_intent_text(intent, FIELD_to, in->to, result) &&
           take_amount(intent, in->amount_minor, result) && client_intent_text(intent, FIELD_currency, in->currency, result) &&
           client_intent_text(intent, FIELD_of, in->of, result) && take_number(intent, FIELD_of_at, in->of_at_ms, result) &&
           take_expires(intent, in->expires_ms, result) && take_number(intent, FIELD_not_before, in->not_before_ms, result) &&
           client_intent_text(intent, FIELD_kind, in->kind, result) && client_intent_text(intent, FIELD_token, in->token, result) &&
           take_number(intent, FIELD_payments, in->payments, result) && take_number(intent, FIELD_per, in->per_ms, result) &&
           take_final(intent, in->final, result) && take_number(intent, FIELD_allow_duplicate, in->allow_duplicate, result) &&
           client_intent_text(intent, FIELD_order, in->order, result) && client_intent_text(intent, FIELD_note, in->note, result);
}

static bool take_credential(struct intent *intent, const uint8_t *credential, struct till_result *result) {
    const char *why = credential == NULL ? NULL : intent_set_bytes(intent, FIELD_credential, credential, TILL_CREDENTIAL_SIZE);
    return why == NULL || refuse(result, "credential", why);
}

static bool take_fields(struct till *till, const struct till_intent *in, struct till_result *result) {
    struct intent *intent = &till->intent;
    if (in->key != NULL && in->key[0] != '\0' && result->key[0] == '\0')
        return refuse(result, "key", "is too long");
    return CLIENT_ZERO(in->reserved, result) && client_intent_plain(intent, in, result->key, result->at_ms, result) &&
           take_credential(intent, in->credential, result) && client_nested_take(till, in, result);
}

bool client_intent_take(struct till *till, const struct till_intent *in, struct till_result *result) {
    struct intent *intent = &till->intent;
    intent_clear(intent);
    till->sign_with = in->sign_with;
    till->trace[0] = '\0';
    if (in->traceparent != NULL)
        trace_read(in->traceparent, strlen(in->traceparent), till->trace); /* what is none is not sent: it refuses nothing */
    if (!take_number(intent, FIELD_v, 1, result) || !take_fields(till, in, result))
        return false;
    struct intent_fault fault;
    const char *why = intent_check_rules(intent, &fault); /* the fields themselves were checked as they were set */
    return why == NULL || client_intent_refuse(result, fault.field, why);
}

unsigned client_intent_partition(const struct till *till, const struct till_intent *in) {
    bool named = till->intent.op == OP_settle && in->settle->partition != TILL_HOME;
    if (named)
        return (unsigned)in->settle->partition;
    return keys_partition(&till->book, till->intent.account, strlen(till->intent.account));
}

unsigned client_intent_copies(const struct till *till, const struct till_intent *in) {
    return in->op != NULL && strcmp(in->op, op_word(OP_policy)) == 0 ? till->book.partitions : 1;
}

void client_intent_wipe(struct till *till) {
    if (!(till->intent.present & FIELD_BIT(FIELD_credential)))
        return;
    explicit_bzero(till->intent.credential, sizeof till->intent.credential);
    explicit_bzero(till->bytes, sizeof till->bytes);
}

const struct client_names client_names_one = {"intent", "sig", "traceparent"},
                          client_names_many = {"intents", "sigs", "traceparents"};

void client_intent_queue(struct till *till, unsigned partition, const struct client_entry *entry) {
    keys_buffer key;
    command_begin(&till->command, "XADD");
    command_borrow(&till->command, key, keys_intents(key, &till->book, partition));
    command_word(&till->command, "*");
    command_word(&till->command, entry->names->intent);
    command_borrow(&till->command, entry->bytes, entry->size);
    if (entry->sig != NULL) {
        command_word(&till->command, entry->names->sig);
        command_borrow(&till->command, entry->sig, entry->sig_size);
    }
    if (entry->trace != NULL) {
        command_word(&till->command, entry->names->trace);
        command_borrow(&till->command, entry->trace, entry->trace_size);
    }
    if (entry->answers != NULL) {
        command_word(&till->command, "answers");
        command_word(&till->command, entry->answers);
    }
    redis_append(till->redis, &till->command);
}

size_t client_intent_encode(struct till *till, const uint8_t **sig) {
    size_t size;
    bool fits = intent_encode(&till->intent, till->bytes, sizeof till->bytes, &size);
    assert(fits);
    if (till->sign_with != NULL)
        sign_make(till->sign_with, till->bytes, size, till->sig);
    *sig = till->sign_with != NULL ? till->sig : NULL;
    return size;
}

void client_intent_append(struct till *till, unsigned partition) {
    const uint8_t *sig;
    size_t size = client_intent_encode(till, &sig);
    struct client_entry entry = {&client_names_one, till->bytes, sig, till->trace[0] != '\0' ? till->trace : NULL, size, sizeof till->sig,
                                 TRACE_SIZE, NULL};
    client_intent_queue(till, partition, &entry);
}

static bool has(const struct intent *in, enum field field) {
    return (in->present & FIELD_BIT(field)) != 0;
}

void client_intent_borrow(const struct intent *in, struct client_nested *nested, struct till_intent *out) {
    *out = (struct till_intent){
        .op = in->op != OP_NONE ? op_word(in->op) : NULL,
        .source = in->source,
        .key = in->key,
        .at_ms = in->at_ms,
        .account = in->account,
        .to = in->to,
        .amount_minor = client_amount_shown(in->op, in->present, in->amount_minor),
        .currency = in->currency,
        .of = in->of,
        .of_at_ms = in->of_at_ms,
        .expires_ms = in->expires_ms,
        .not_before_ms = in->not_before_ms,
        .kind = in->kind != KIND_NONE ? kind_word(in->kind) : NULL,
        .token = in->token,
        .credential = has(in, FIELD_credential) ? in->credential : NULL,
        .payments = in->payments,
        .per_ms = in->per_ms,
        .final = !has(in, FIELD_final) ? 0 : in->final ? TILL_YES : TILL_NO,
        .allow_duplicate = in->allow_duplicate,
        .note = in->note,
        .order = in->order,
    };
    client_nested_borrow(in, nested, out);
}
