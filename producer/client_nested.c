/* Guards, settings, goods and steps, there and back. */
#include "producer/client_nested.h"

#include <stdio.h>
#include <string.h>

static bool take_guard(struct intent *intent, const struct till_guard *guard, struct till_result *result) {
    const struct {
        const char *name;
        bool given;
        uint64_t number;
    } rows[] = {
        {"seq", guard->has_seq, guard->seq},
        {"balance_min", guard->has_balance_min, guard->balance_min_minor},
        {"refunded", guard->has_refunded, guard->refunded_minor},
    };
    bool any = false;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        if (!rows[i].given)
            continue;
        any = true;
        const char *why = intent_set_guard(intent, rows[i].name, strlen(rows[i].name), rows[i].number);
        char text[sizeof result->text];
        snprintf(text, sizeof text, "guard: %s %s", rows[i].name, why != NULL ? why : "");
        if (why != NULL)
            return client_intent_refuse(result, "guard", text);
    }
    return CLIENT_ZERO(guard->reserved, result) && (any || client_intent_refuse(result, "guard", "guard: has no condition"));
}

/* One row for each setting, by its number. */
struct setting_row {
    bool given;
    uint64_t number;
};

static bool take_settings(struct intent *intent, const struct till_settings *s, struct till_result *result) {
    const struct setting_row rows[SETTING_COUNT] = {
        [SETTING_duplicate_window] = {s->has_duplicate_window, s->duplicate_window_ms},
        [SETTING_fee] = {s->has_fee, s->fee_basis_points},
        [SETTING_settlement_offset] = {s->has_settlement_offset, s->settlement_offset_minutes},
        [SETTING_balance_cap] = {s->has_balance_cap, s->balance_cap_minor},
        [SETTING_bills_keep] = {s->has_bills_keep, s->bills_keep_days},
    };
    bool any = false;
    for (enum setting setting = 0; setting < SETTING_COUNT; setting++) {
        if (!rows[setting].given)
            continue;
        any = true;
        const char *why = intent_set_setting(intent, setting, rows[setting].number);
        char text[sizeof result->text];
        snprintf(text, sizeof text, "settings: %s %s", setting_name(setting), why != NULL ? why : "");
        if (why != NULL)
            return client_intent_refuse(result, "settings", text);
    }
    return CLIENT_ZERO(s->reserved, result) && (any || client_intent_refuse(result, "settings", "settings: there is none"));
}

static bool take_step(struct till *till, const struct till_step *step, struct till_result *result) {
    const struct till_intent in = {
        .op = step->op,
        .to = step->to,
        .amount_minor = step->amount_minor,
        .currency = step->currency,
        .of = step->of,
        .of_at_ms = step->of_at_ms,
        .expires_ms = step->expires_ms,
        .final = step->final,
        .allow_duplicate = step->allow_duplicate,
        .note = step->note,
    };
    struct intent_fault fault;
    intent_clear(&till->step);
    if (!CLIENT_ZERO(step->reserved, result) || !client_intent_plain(&till->step, &in, step->key, 0, result))
        return false;
    const char *why = intent_add_step(&till->intent, &till->step, &fault);
    return why == NULL || client_intent_refuse(result, fault.field, why);
}

static bool take_steps(struct till *till, const struct till_intent *in, struct till_result *result) {
    for (unsigned n = 0; n < in->step_count; n++) {
        char text[sizeof result->text];
        if (take_step(till, &in->steps[n], result))
            continue;
        if (strcmp(result->field, "steps") == 0)
            return false;
        snprintf(text, sizeof text, "steps: step %u: %.130s", n + 1, result->text);
        return client_intent_refuse(result, "steps", text);
    }
    return true;
}

static bool take_line(struct intent *intent, const struct till_line *line, unsigned number, struct till_result *result) {
    const char *sku = line->sku != NULL ? line->sku : "";
    const char *why = intent_add_line(intent, sku, strlen(sku), line->quantity);
    char text[sizeof result->text];
    snprintf(text, sizeof text, "lines: line %u %s", number, why != NULL ? why : "");
    return why == NULL || client_intent_refuse(result, "lines", text);
}

static bool take_quantity(struct intent *intent, int64_t quantity, struct till_result *result) {
    const char *why = quantity == 0 ? NULL : intent_set_integer(intent, FIELD_quantity, quantity);
    char text[sizeof result->text];
    snprintf(text, sizeof text, "quantity %s", why != NULL ? why : "");
    return why == NULL || client_intent_refuse(result, "quantity", text);
}

static bool take_goods(struct intent *intent, const struct till_goods *goods, struct till_result *result) {
    if (!CLIENT_ZERO(goods->reserved, result) || !client_intent_text(intent, FIELD_sku, goods->sku, result) ||
        !take_quantity(intent, goods->quantity, result))
        return false;
    if (goods->line_count > 0 && goods->lines == NULL)
        return client_intent_refuse(result, "lines", "lines: there are none, but line_count says so");
    for (unsigned n = 0; n < goods->line_count; n++)
        if (!take_line(intent, &goods->lines[n], n + 1, result))
            return false;
    return true;
}

static bool take_settle(struct till *till, const struct till_settle *settle, struct till_result *result) {
    char text[sizeof result->text];
    if (settle->partition < TILL_HOME || settle->partition >= (int)till->book.partitions) {
        snprintf(text, sizeof text, "partition must be 0..%u or TILL_HOME", till->book.partitions - 1);
        return client_intent_refuse(result, "partition", text);
    }
    return CLIENT_ZERO(settle->reserved, result) && client_intent_text(&till->intent, FIELD_month, settle->month, result);
}

bool client_nested_take(struct till *till, const struct till_intent *in, struct till_result *result) {
    if (in->step_count > 0 && in->steps == NULL)
        return client_intent_refuse(result, "steps", "steps: there are none, but step_count says so");
    return (in->guard == NULL || take_guard(&till->intent, in->guard, result)) &&
           (in->settings == NULL || take_settings(&till->intent, in->settings, result)) &&
           (in->goods == NULL || take_goods(&till->intent, in->goods, result)) &&
           (in->settle == NULL || take_settle(till, in->settle, result)) &&
           (in->steps == NULL || take_steps(till, in, result));
}

bool client_amount_may_be_all(enum op op) {
    return op != OP_order && (op_fields_allowed(op) & ~op_fields_needed(op) & FIELD_BIT(FIELD_amount)) != 0;
}

int64_t client_amount_shown(enum op op, uint64_t present, uint64_t amount_minor) {
    bool left_out = !(present & FIELD_BIT(FIELD_amount)) && client_amount_may_be_all(op);
    return left_out ? TILL_AMOUNT_ALL : (int64_t)amount_minor;
}

static void show_guard(const struct intent_guard *in, struct till_guard *out) {
    *out = (struct till_guard){
        .has_seq = in->has_seq,
        .has_balance_min = in->has_balance_min,
        .has_refunded = in->has_refunded,
        .seq = in->seq,
        .balance_min_minor = in->balance_min,
        .refunded_minor = in->refunded,
    };
}

static void show_settings(const struct intent_settings *in, struct till_settings *out) {
    *out = (struct till_settings){
        .has_duplicate_window = in->present >> SETTING_duplicate_window & 1,
        .has_fee = in->present >> SETTING_fee & 1,
        .has_settlement_offset = in->present >> SETTING_settlement_offset & 1,
        .has_balance_cap = in->present >> SETTING_balance_cap & 1,
        .has_bills_keep = in->present >> SETTING_bills_keep & 1,
        .duplicate_window_ms = in->value[SETTING_duplicate_window],
        .fee_basis_points = in->value[SETTING_fee],
        .settlement_offset_minutes = in->value[SETTING_settlement_offset],
        .balance_cap_minor = in->value[SETTING_balance_cap],
        .bills_keep_days = in->value[SETTING_bills_keep],
    };
}

static void show_step(const struct intent_step *in, struct till_step *out) {
    bool has_final = (in->present & FIELD_BIT(FIELD_final)) != 0;
    *out = (struct till_step){
        .op = op_word(in->op),
        .key = (in->present & FIELD_BIT(FIELD_key)) ? in->key : NULL,
        .to = in->to,
        .amount_minor = client_amount_shown(in->op, in->present, in->amount_minor),
        .currency = in->currency,
        .of = in->of,
        .of_at_ms = in->of_at_ms,
        .expires_ms = in->expires_ms,
        .note = in->note,
        .final = !has_final ? 0 : in->keeps ? TILL_NO : TILL_YES,
        .allow_duplicate = in->allow_duplicate,
    };
}

static void show_goods(const struct intent *in, struct client_nested *nested) {
    unsigned count = (in->present & FIELD_BIT(FIELD_lines)) ? in->line_count : 0;
    nested->goods = (struct till_goods){.sku = in->sku, .quantity = in->quantity, .line_count = count, .lines = nested->lines};
    for (unsigned n = 0; n < count; n++)
        nested->lines[n] = (struct till_line){in->lines[n].sku, in->lines[n].quantity};
}

void client_nested_borrow(const struct intent *in, struct client_nested *nested, struct till_intent *out) {
    const uint64_t goods = FIELD_BIT(FIELD_sku) | FIELD_BIT(FIELD_quantity) | FIELD_BIT(FIELD_lines);
    if (in->present & goods) {
        show_goods(in, nested);
        out->goods = &nested->goods;
    }
    if (in->present & FIELD_BIT(FIELD_month)) {
        nested->settle = (struct till_settle){.month = in->month, .partition = TILL_HOME};
        out->settle = &nested->settle;
    }
    if (in->present & FIELD_BIT(FIELD_guard)) {
        show_guard(&in->guard, &nested->guard);
        out->guard = &nested->guard;
    }
    if (in->present & FIELD_BIT(FIELD_settings)) {
        show_settings(&in->settings, &nested->settings);
        out->settings = &nested->settings;
    }
    if (in->present & FIELD_BIT(FIELD_steps)) {
        for (unsigned n = 0; n < in->step_count; n++)
            show_step(&in->steps[n], &nested->steps[n]);
        out->steps = nested->steps;
        out->step_count = in->step_count;
    }
}
