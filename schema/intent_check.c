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

static const uint64_t all_fields = FIELD_BIT(FIELD_COUNT) - 1;

/* The first field in a set that is not empty. */
static enum field first_of(uint64_t fields) {
    return (enum field)__builtin_ctzll(fields);
}

static bool has(const struct intent *intent, enum field field) {
    return intent->present & FIELD_BIT(field);
}

/* What an intent needs: what its op needs, of two that go together the other one, and of two that stand for each other one. */
static uint64_t fields_needed(const struct intent *intent) {
    static const uint64_t rate = FIELD_BIT(FIELD_payments) | FIELD_BIT(FIELD_per);
    if (!has(intent, FIELD_op))
        return op_fields_needed(OP_NONE); /* what an op needs can only be told once there is one */
    bool limited = (intent->present & rate) && (op_fields_allowed(intent->op) & rate);
    bool of_nothing = intent->op == OP_order && !has(intent, FIELD_lines) && !has(intent, FIELD_amount);
    return op_fields_needed(intent->op) | (limited ? rate : 0) | (of_nothing ? FIELD_BIT(FIELD_lines) : 0);
}

/* What an intent may have: an order has lines or an amount, and the amount of its lines is for the prices to say. */
static uint64_t fields_allowed(const struct intent *intent) {
    bool priced = intent->op == OP_order && has(intent, FIELD_lines);
    return op_fields_allowed(intent->op) & ~(priced ? FIELD_BIT(FIELD_amount) : 0);
}

static const char *check_relations(const struct intent *intent, struct intent_fault *fault) {
    bool of_book = strcmp(intent->account, INTENT_ACCOUNT_BOOK) == 0;
    if (of_book != (intent->op == OP_policy))
        return fault_set(fault, FIELD_account, of_book ? "@book is for policy only" : "must be @book");
    if (has(intent, FIELD_to) && strcmp(intent->to, intent->account) == 0)
        return fault_set(fault, FIELD_to, "must not be the account itself");
    if (has(intent, FIELD_of) && strcmp(intent->of, intent->key) == 0)
        return fault_set(fault, FIELD_of, "must not be the intent's own key");
    if (has(intent, FIELD_guard) && intent->guard.has_refunded && !has(intent, FIELD_of))
        return fault_set(fault, FIELD_guard, "has refunded, which goes only with of");
    return NULL;
}

static const char *step_fault(struct intent_fault *fault, unsigned step, const char *why) {
    snprintf(fault->field, sizeof fault->field, "steps");
    snprintf(fault->text, sizeof fault->text, "steps: step %u: %.160s", step + 1, why);
    return fault->text;
}

/* Is a step's key none of those before it, nor the group's? */
static bool key_is_new(const struct intent *group, unsigned step, const char *key) {
    char other[INTENT_FOLLOW_UP_KEY_MAX + 4];
    if (strcmp(key, group->key) == 0)
        return false;
    for (unsigned n = 0; n < step; n++) {
        intent_step_key(group, n, other);
        if (strcmp(key, other) == 0)
            return false;
    }
    return true;
}

static const char *check_step(const struct intent *group, unsigned n, struct intent_fault *fault) {
    char key[INTENT_FOLLOW_UP_KEY_MAX + 4];
    const struct intent_step *step = &group->steps[n];
    if (intent_step_key(group, n, key) > INTENT_KEY_MAX)
        return step_fault(fault, n, "key is missing, and the group's is too long to make one of it");
    if (!key_is_new(group, n, key))
        return step_fault(fault, n, "key is another step's or the group's");
    if ((step->present & FIELD_BIT(FIELD_to)) && strcmp(step->to, group->account) == 0)
        return step_fault(fault, n, "to must not be the account itself");
    if ((step->present & FIELD_BIT(FIELD_of)) && strcmp(step->of, key) == 0)
        return step_fault(fault, n, "of must not be the step's own key");
    return NULL;
}

static const char *check_steps(const struct intent *group, struct intent_fault *fault) {
    if (group->step_count < INTENT_STEPS_MIN || group->step_count > INTENT_STEPS_MAX)
        return fault_set(fault, FIELD_steps, "must be an array of 2..16 steps");
    for (unsigned n = 0; n < group->step_count; n++) {
        const char *why = check_step(group, n, fault);
        if (why != NULL)
            return why;
    }
    return NULL;
}

const char *intent_check_rules(const struct intent *intent, struct intent_fault *fault) {
    uint64_t present = intent->present & all_fields, missing = fields_needed(intent) & ~present;
    if (missing != 0)
        return fault_set(fault, first_of(missing), "is missing");
    uint64_t surplus = present & ~fields_allowed(intent);
    if (surplus != 0) {
        bool by_itself = op_fields_allowed(intent->op) & FIELD_BIT(first_of(surplus));
        return fault_set(fault, first_of(surplus), by_itself ? "is not taken beside lines" : "is not taken by this operation");
    }
    const char *why = check_relations(intent, fault);
    return why == NULL && has(intent, FIELD_steps) ? check_steps(intent, fault) : why;
}

static const char *fault_within(struct intent_fault *fault, enum field field, const char *member, const char *why) {
    snprintf(fault->field, sizeof fault->field, "%s", field_name(field));
    snprintf(fault->text, sizeof fault->text, "%s: %s %s", fault->field, member, why);
    return fault->text;
}

static const char *check_guard(const struct intent *intent, struct intent_fault *fault) {
    const struct intent_guard *g = &intent->guard;
    const struct { const char *name; bool has; uint64_t value; } members[] = {
        {"seq", g->has_seq, g->seq}, {"balance_min", g->has_balance_min, g->balance_min}, {"refunded", g->has_refunded, g->refunded},
    };
    struct intent copy;
    intent_clear(&copy);
    for (size_t i = 0; i < sizeof members / sizeof members[0]; i++) {
        const char *why = members[i].has ? intent_set_guard(&copy, members[i].name, strlen(members[i].name), members[i].value) : NULL;
        if (why != NULL)
            return fault_within(fault, FIELD_guard, members[i].name, why);
    }
    return copy.present != 0 ? NULL : fault_set(fault, FIELD_guard, "is empty");
}

static const char *check_settings(const struct intent *intent, struct intent_fault *fault) {
    struct intent copy;
    intent_clear(&copy);
    for (enum setting setting = 0; setting < SETTING_COUNT; setting++) {
        bool given = intent->settings.present >> setting & 1;
        const char *why = given ? intent_set_setting(&copy, setting, intent->settings.value[setting]) : NULL;
        if (why != NULL)
            return fault_within(fault, FIELD_settings, setting_name(setting), why);
    }
    return copy.present != 0 ? NULL : fault_set(fault, FIELD_settings, "is empty");
}

static const char *check_lines(const struct intent *order, struct intent *scratch, struct intent_fault *fault) {
    if (order->line_count < 1 || order->line_count > INTENT_LINES_MAX)
        return fault_set(fault, FIELD_lines, "must be an array of 1..64 lines, each [sku, quantity]");
    for (unsigned n = 0; n < order->line_count; n++) {
        const struct intent_line *line = &order->lines[n];
        const char *why = intent_add_line(scratch, line->sku, strnlen(line->sku, sizeof line->sku), line->quantity);
        char place[16];
        snprintf(place, sizeof place, "line %u", n + 1);
        if (why != NULL)
            return fault_within(fault, FIELD_lines, place, why);
    }
    return NULL;
}

static const char *field_copy(const struct intent *from, enum field field, struct intent *to);

static const char *step_field_fault(struct intent_fault *fault, unsigned step, enum field field, const char *why) {
    char text[sizeof fault->text];
    snprintf(text, sizeof text, "%s %.160s", field_name(field), why);
    return step_fault(fault, step, text);
}

/* The values of steps, and what each has by its op. */
static const char *check_each_step(const struct intent *group, struct intent_fault *fault) {
    struct intent taken, step, copy;
    intent_clear(&taken);
    if (group->step_count < INTENT_STEPS_MIN || group->step_count > INTENT_STEPS_MAX)
        return fault_set(fault, FIELD_steps, "must be an array of 2..16 steps");
    for (unsigned n = 0; n < group->step_count; n++) {
        intent_step_alone(group, n, &step);
        intent_clear(&copy);
        for (uint64_t left = group->steps[n].present & field_bits_of_step(); left != 0; left &= left - 1) {
            const char *why = field_copy(&step, first_of(left), &copy);
            if (why != NULL)
                return step_field_fault(fault, n, first_of(left), why);
        }
        if (intent_add_step(&taken, &copy, fault) != NULL)
            return fault->text;
    }
    return NULL;
}

/* Copies a field by setting it. */
static const char *field_copy(const struct intent *from, enum field field, struct intent *to) {
    size_t size;
    const char *text = intent_text(from, field, &size);
    switch (field_shape(field)) {
    case SHAPE_TEXT: return intent_set_text(to, field, text, size);
    case SHAPE_NUMBER:
    case SHAPE_BOOL: return intent_set_number(to, field, intent_number(from, field));
    case SHAPE_INTEGER: return intent_set_integer(to, field, intent_integer(from, field));
    case SHAPE_BYTES: return intent_set_bytes(to, field, text, size);
    case SHAPE_LINES:
    case SHAPE_MAP:
    case SHAPE_STEPS: break;
    }
    return NULL;
}

/* The fault of one field by itself, or NULL. */
static const char *check_field(const struct intent *intent, enum field field, struct intent *scratch, struct intent_fault *fault) {
    if (field == FIELD_guard)
        return check_guard(intent, fault);
    if (field == FIELD_settings)
        return check_settings(intent, fault);
    if (field == FIELD_lines)
        return check_lines(intent, scratch, fault);
    if (field == FIELD_steps)
        return check_each_step(intent, fault);
    const char *why = field_copy(intent, field, scratch);
    return why != NULL ? fault_set(fault, field, why) : NULL;
}

const char *intent_check(const struct intent *intent, struct intent_fault *fault) {
    struct intent scratch;
    uint64_t left = intent->present & all_fields;
    intent_clear(&scratch);
    if (left & FIELD_BIT(FIELD_source))
        (void)field_copy(intent, FIELD_source, &scratch); /* it decides about others; its own fault comes in its turn */
    for (; left != 0; left &= left - 1) {
        const char *why = check_field(intent, first_of(left), &scratch, fault);
        if (why != NULL)
            return why;
    }
    return intent_check_rules(intent, fault);
}

int intent_place(const struct intent *intent, unsigned partition, unsigned partitions, uint64_t entry_ms, struct intent_fault *fault) {
    if (op_is_follow_up(intent->op))
        return CODE_ok;
    struct book book = {.partitions = partitions};
    bool anywhere = intent->op == OP_policy || intent->op == OP_settle;
    if (!anywhere && keys_partition(&book, intent->account, strlen(intent->account)) != partition) {
        fault_set(fault, FIELD_account, "belongs to another partition");
        return CODE_invalid;
    }
    if (intent->at_ms > entry_ms && intent->at_ms - entry_ms > INTENT_AHEAD_MS) {
        fault_set(fault, FIELD_at, "is more than 5 minutes ahead of its entry");
        return CODE_invalid;
    }
    if (intent->not_before_ms > entry_ms && intent->not_before_ms - entry_ms > INTENT_NOT_BEFORE_MS) {
        fault_set(fault, FIELD_not_before, "is more than 90 days ahead of its entry");
        return CODE_invalid;
    }
    if (entry_ms > intent->at_ms && entry_ms - intent->at_ms > INTENT_STALE_MS) {
        fault_set(fault, FIELD_at, "is more than 23 h before its entry");
        return CODE_stale;
    }
    return CODE_ok;
}
