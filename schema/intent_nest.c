/* What lies within an intent: the members of its guard and settings, the lines of an order, and the steps of a group. */
#include <assert.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "schema/intent.h"

#define SENTENCE(min, max) "must be an integer from " #min " to " #max

const char *intent_set_guard(struct intent *intent, const char *name, size_t size, uint64_t number) {
    static const struct { const char *name; size_t has, value; } members[] = {
        {"seq", offsetof(struct intent_guard, has_seq), offsetof(struct intent_guard, seq)},
        {"balance_min", offsetof(struct intent_guard, has_balance_min), offsetof(struct intent_guard, balance_min)},
        {"refunded", offsetof(struct intent_guard, has_refunded), offsetof(struct intent_guard, refunded)},
    };
    for (size_t i = 0; i < sizeof members / sizeof members[0]; i++) {
        if (strlen(members[i].name) != size || memcmp(members[i].name, name, size) != 0)
            continue;
        if (number > INTENT_AMOUNT_MAX)
            return SENTENCE(0, 9007199254740991);
        *(bool *)((char *)&intent->guard + members[i].has) = true;
        memcpy((char *)&intent->guard + members[i].value, &number, sizeof number);
        intent->present |= FIELD_BIT(FIELD_guard);
        return NULL;
    }
    return "is none of seq balance_min refunded";
}

const char *intent_set_setting(struct intent *intent, enum setting setting, uint64_t number) {
    static const struct { uint64_t min, max; const char *sentence; } bounds[SETTING_COUNT] = {
#define X(word, min, max) {min, max, SENTENCE(min, max)},
#include "schema/setting.def"
#undef X
    };
    assert(setting < SETTING_COUNT);
    if (number < bounds[setting].min || number > bounds[setting].max)
        return bounds[setting].sentence;
    intent->settings.present |= 1u << setting;
    intent->settings.value[setting] = number;
    intent->present |= FIELD_BIT(FIELD_settings);
    return NULL;
}

const char *intent_add_line(struct intent *order, const char *sku, size_t size, uint64_t quantity) {
    struct intent checked;
    if (order->line_count >= INTENT_LINES_MAX)
        return "is one too many";
    intent_clear(&checked);
    if (intent_set_text(&checked, FIELD_sku, sku, size) != NULL)
        return "has a sku that is not 1..64 printable ASCII characters without space, / { }";
    if (quantity < 1 || quantity > INTENT_AMOUNT_MAX)
        return "has a quantity that is not an integer from 1 to 9007199254740991";
    for (unsigned n = 0; n < order->line_count; n++)
        if (strcmp(order->lines[n].sku, checked.sku) == 0)
            return "has a sku that is in the order already";
    struct intent_line *line = &order->lines[order->line_count++];
    memcpy(line->sku, checked.sku, sizeof line->sku);
    line->quantity = quantity;
    order->present |= FIELD_BIT(FIELD_lines);
    return NULL;
}

/* The first field in a set that is not empty. */
static enum field first_of(uint64_t fields) {
    return (enum field)__builtin_ctzll(fields);
}

static const char *step_fault(struct intent_fault *fault, const struct intent *group, const char *field, const char *why) {
    snprintf(fault->field, sizeof fault->field, "steps");
    snprintf(fault->text, sizeof fault->text, "steps: step %u: %s %s", group->step_count + 1, field, why);
    return fault->text;
}

static void step_copy(struct intent_step *to, const struct intent *from) {
    memset(to, 0, sizeof *to);
    to->present = from->present;
    to->op = from->op;
    to->keeps = (from->present & FIELD_BIT(FIELD_final)) && !from->final;
    to->allow_duplicate = from->allow_duplicate;
    to->amount_minor = from->amount_minor;
    to->of_at_ms = from->of_at_ms;
    to->expires_ms = from->expires_ms;
    memcpy(to->key, from->key, sizeof to->key - 1);
    memcpy(to->to, from->to, sizeof to->to);
    memcpy(to->of, from->of, sizeof to->of);
    memcpy(to->currency, from->currency, sizeof to->currency);
    memcpy(to->note, from->note, sizeof to->note);
}

const char *intent_add_step(struct intent *group, const struct intent *step, struct intent_fault *fault) {
    uint64_t in_step = field_bits_of_step(), needed = FIELD_BIT(FIELD_op), allowed = FIELD_BIT(FIELD_key);
    if (group->step_count >= INTENT_STEPS_MAX)
        return step_fault(fault, group, "it", "is one too many");
    if ((step->present & FIELD_BIT(FIELD_op)) && !op_is_step(step->op))
        return step_fault(fault, group, "op", "must be one of pay hold refund capture release transfer");
    if (step->present & FIELD_BIT(FIELD_op)) {
        needed |= op_fields_needed(step->op) & in_step & ~FIELD_BIT(FIELD_key);
        allowed |= op_fields_allowed(step->op) & in_step;
    }
    if (needed & ~step->present)
        return step_fault(fault, group, field_name(first_of(needed & ~step->present)), "is missing");
    if (step->present & ~allowed)
        return step_fault(fault, group, field_name(first_of(step->present & ~allowed)), "is not taken by this step");
    step_copy(&group->steps[group->step_count++], step);
    group->present |= FIELD_BIT(FIELD_steps);
    return NULL;
}

size_t intent_step_key(const struct intent *group, unsigned step, char out[INTENT_FOLLOW_UP_KEY_MAX + 4]) {
    assert(step < group->step_count && step < INTENT_STEPS_MAX);
    const struct intent_step *s = &group->steps[step];
    int size = s->present & FIELD_BIT(FIELD_key)
                   ? snprintf(out, INTENT_FOLLOW_UP_KEY_MAX + 4, "%.*s", INTENT_KEY_MAX, s->key)
                   : snprintf(out, INTENT_FOLLOW_UP_KEY_MAX + 4, "%.*s>%u", INTENT_FOLLOW_UP_KEY_MAX, group->key, step + 1);
    return (size_t)size;
}

void intent_name_steps(struct intent *group) {
    char key[INTENT_FOLLOW_UP_KEY_MAX + 4];
    for (unsigned n = 0; n < group->step_count; n++) {
        size_t size = intent_step_key(group, n, key);
        if (!(group->steps[n].present & FIELD_BIT(FIELD_key)) && size <= INTENT_KEY_MAX)
            memcpy(group->steps[n].key, key, size + 1);
    }
}

void intent_step_alone(const struct intent *group, unsigned step, struct intent *alone) {
    char key[INTENT_FOLLOW_UP_KEY_MAX + 4];
    const struct intent_step *s = &group->steps[step];
    size_t size = intent_step_key(group, step, key);
    intent_clear(alone);
    alone->present = (s->present & field_bits_of_step()) | op_fields_needed(OP_NONE);
    alone->v = group->v;
    alone->at_ms = group->at_ms;
    memcpy(alone->source, group->source, sizeof alone->source);
    memcpy(alone->account, group->account, sizeof alone->account);
    memcpy(alone->key, key, size <= INTENT_FOLLOW_UP_KEY_MAX ? size : INTENT_FOLLOW_UP_KEY_MAX);
    alone->op = s->op;
    alone->final = (s->present & FIELD_BIT(FIELD_final)) && !s->keeps;
    alone->allow_duplicate = s->allow_duplicate;
    alone->amount_minor = s->amount_minor;
    alone->of_at_ms = s->of_at_ms;
    alone->expires_ms = s->expires_ms;
    memcpy(alone->to, s->to, sizeof alone->to);
    memcpy(alone->of, s->of, sizeof alone->of);
    memcpy(alone->currency, s->currency, sizeof alone->currency);
    memcpy(alone->note, s->note, sizeof alone->note);
}
