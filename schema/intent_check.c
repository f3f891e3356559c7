/* Checks of a whole intent: what its fields must be to each other, and to the place and time it was found at. */
#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "schema/code.h"
#include "schema/intent.h"
#include "schema/keys.h"

static const char *fault_set(struct intent_fault *fault, enum field field, const char *why) {
    snprintf(fault->field, sizeof fault->field, "%s", field_name(field));
    snprintf(fault->text, sizeof fault->text, "%s %s", fault->field, why);
    return fault->text;
}

/* The first field in a set that is not empty. */
static enum field first_of(uint32_t fields) {
    return (enum field)__builtin_ctz(fields);
}

const char *intent_check_rules(const struct intent *intent, struct intent_fault *fault) {
    uint32_t basics = op_fields_needed(OP_NONE); /* what an op needs can only be told once there is one */
    uint32_t missing = (intent->present & FIELD_BIT(FIELD_op) ? op_fields_needed(intent->op) : basics) & ~intent->present;
    if (missing != 0)
        return fault_set(fault, first_of(missing), "is missing");
    uint32_t surplus = intent->present & ~op_fields_allowed(intent->op);
    if (surplus != 0)
        return fault_set(fault, first_of(surplus), "is not taken by this operation");
    if ((intent->present & FIELD_BIT(FIELD_to)) && strcmp(intent->to, intent->account) == 0)
        return fault_set(fault, FIELD_to, "must not be the account itself");
    if ((intent->present & FIELD_BIT(FIELD_of)) && strcmp(intent->of, intent->key) == 0)
        return fault_set(fault, FIELD_of, "must not be the intent's own key");
    return NULL;
}

/* Copies a field by setting it. */
static const char *field_copy(const struct intent *from, enum field field, struct intent *to) {
    if (field_is_number(field) || field_is_bool(field))
        return intent_set_number(to, field, intent_number(from, field));
    size_t size;
    const char *text = intent_text(from, field, &size);
    return intent_set_text(to, field, text, size);
}

const char *intent_check(const struct intent *intent, struct intent_fault *fault) {
    struct intent copy = {0};
    uint32_t left = intent->present & (FIELD_BIT(FIELD_COUNT) - 1);
    if (left & FIELD_BIT(FIELD_source))
        (void)field_copy(intent, FIELD_source, &copy); /* it decides about others; its own fault comes in its turn */
    for (; left != 0; left &= left - 1) {
        enum field field = first_of(left);
        const char *why = field_copy(intent, field, &copy);
        if (why != NULL)
            return fault_set(fault, field, why);
    }
    return intent_check_rules(&copy, fault);
}

int intent_place(const struct intent *intent, unsigned partition, unsigned partitions, uint64_t entry_ms, struct intent_fault *fault) {
    if (op_is_follow_up(intent->op))
        return CODE_ok;
    struct book book = {.partitions = partitions};
    if (keys_partition(&book, intent->account, strlen(intent->account)) != partition) {
        fault_set(fault, FIELD_account, "belongs to another partition");
        return CODE_invalid;
    }
    if (intent->at_ms > entry_ms && intent->at_ms - entry_ms > INTENT_AHEAD_MS) {
        fault_set(fault, FIELD_at, "is more than 5 minutes ahead of its entry");
        return CODE_invalid;
    }
    if (entry_ms > intent->at_ms && entry_ms - intent->at_ms > INTENT_STALE_MS) {
        fault_set(fault, FIELD_at, "is more than 23 h before its entry");
        return CODE_stale;
    }
    return CODE_ok;
}
