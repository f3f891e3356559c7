/* What a lane keeps of an intent, and where: every text as it was, no more of the struct than there is, and the whole whenever there is
 * more to say than a payment says. */
#include <criterion/criterion.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "worker/cell.h"
#include "worker/gist.h"

static struct arena arena;
static struct intent intent;

static void blank_intent(void) { intent_clear(&intent); }
static void free_arena(void) { arena_clear(&arena); }

TestSuite(gist, .init = blank_intent, .fini = free_arena, .timeout = 60);

static void set(enum field field, const char *text) { cr_assert_null(intent_set_text(&intent, field, text, strlen(text))); }

static void payment(void) {
    set(FIELD_source, "app");
    set(FIELD_op, "pay");
    set(FIELD_key, "k1");
    set(FIELD_account, "alice");
    set(FIELD_to, "coffee");
    set(FIELD_currency, "CNY");
    set(FIELD_note, "two cups");
    cr_assert_null(intent_set_number(&intent, FIELD_amount, 700));
}

Test(gist, a_lane_of_many_entries_stays_small) {
    cr_assert_leq(sizeof(struct entry), 512);
    cr_assert_leq(sizeof(struct cell), 384);
}

Test(gist, payment_is_kept_without_the_intent) {
    struct gist gist;
    payment();
    gist_keep(&gist, &intent, &arena);
    memset(&intent, 'x', sizeof intent);
    cr_assert(gist.op == OP_pay && gist.amount_minor == 700 && !gist.keeps && !gist.allow_duplicate);
    cr_assert_str_eq(gist.source, "app");
    cr_assert_str_eq(gist.key, "k1");
    cr_assert_str_eq(gist.account, "alice");
    cr_assert_str_eq(gist.to, "coffee");
    cr_assert_str_eq(gist.of, "");
    cr_assert_str_eq(gist.currency, "CNY");
    cr_assert_str_eq(gist.note, "two cups");
    cr_assert(gist.intent->present == 0 && gist.intent->token[0] == '\0' && gist.intent->step_count == 0);
}

/* Whatever a payment may have beside the common fields must not get lost, and neither must what has consequences. */
Test(gist, anything_more_keeps_the_intent) {
    struct { const char *name; enum field field; const char *text; uint64_t number; } rows[] = {
        {"token", FIELD_token, "t", 0},   {"order", FIELD_order, "o1", 0},        {"not before", FIELD_not_before, NULL, 5},
        {"op", FIELD_op, "freeze", 0},    {"transfer", FIELD_op, "transfer", 0},  {"kind", FIELD_kind, "merchant", 0},
        {"per", FIELD_per, NULL, 1000},   {"month", FIELD_month, "2026-11", 0},
    };
    for (size_t n = 0; n < sizeof rows / sizeof *rows; n++) {
        struct gist gist;
        intent_clear(&intent);
        payment();
        if (rows[n].text) set(rows[n].field, rows[n].text);
        else cr_assert_null(intent_set_number(&intent, rows[n].field, rows[n].number), "%s", rows[n].name);
        gist_keep(&gist, &intent, &arena);
        cr_assert_eq(memcmp(gist.intent, &intent, offsetof(struct intent, lines)), 0, "%s", rows[n].name);
    }
}

Test(gist, lines_and_steps_that_are_there) {
    struct gist gist;
    struct intent step;
    struct intent_fault fault;
    set(FIELD_source, "app");
    set(FIELD_op, "order");
    for (unsigned n = 0; n < 5; n++) {
        char sku[8];
        snprintf(sku, sizeof sku, "tea%u", n);
        cr_assert_null(intent_add_line(&intent, sku, strlen(sku), n + 1));
    }
    gist_keep(&gist, &intent, &arena);
    cr_assert(gist.intent->line_count == 5 && gist.intent->lines[4].quantity == 5);
    intent_clear(&step);
    step.op = OP_release;
    step.present = FIELD_BIT(FIELD_op) | FIELD_BIT(FIELD_of);
    memcpy(step.of, "k0", 3);
    intent_clear(&intent);
    set(FIELD_source, "app");
    set(FIELD_op, "group");
    for (unsigned n = 0; n < 2; n++) cr_assert_null(intent_add_step(&intent, &step, &fault), "%s", fault.text);
    gist_keep(&gist, &intent, &arena);
    cr_assert(gist.intent->step_count == 2 && strcmp(gist.intent->steps[1].of, "k0") == 0);
}

Test(gist, currency_named_later) {
    struct gist gist;
    payment();
    set(FIELD_op, "transfer");
    intent.currency[0] = '\0';
    gist_keep(&gist, &intent, &arena);
    gist_name_currency(&gist, "EUR", &arena);
    cr_assert_str_eq(gist.currency, "EUR");
    cr_assert_str_eq(gist.intent->currency, "EUR");
    cr_assert_str_eq(gist.intent->to, "coffee");
}

Test(gist, arena_over_many_chunks_and_again) {
    static const char *texts[20000];
    for (int round = 0; round < 2; round++, arena_reset(&arena)) {
        for (int n = 0; n < 20000; n++) {
            char text[64];
            int size = snprintf(text, sizeof text, "%d of %d", n, round);
            texts[n] = arena_text(&arena, text, (size_t)size);
        }
        uint64_t *number = arena_take(&arena, ARENA_TAKE_MAX);
        cr_assert_eq((uintptr_t)number % _Alignof(uint64_t), 0);
        memset(number, 0xff, ARENA_TAKE_MAX);
        for (int n = 0; n < 20000; n++) {
            char text[64];
            snprintf(text, sizeof text, "%d of %d", n, round);
            cr_assert_str_eq(texts[n], text);
        }
    }
    cr_assert_str_eq(arena_text(&arena, "gone", 0), "");
}
