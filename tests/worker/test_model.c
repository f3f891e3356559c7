/* The reference model against itself, without Redis: random intents, its own follow-ups delivered late, what is due at times. Money is
 * conserved in every partition at every moment, what is held is what open holds hold, and once nothing is under way the transits of all
 * partitions cancel out. A model that does not hold this cannot judge the scripts. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "schema/keys.h"
#include "tests/worker/model.h"
#include "tests/worker/random.h"

enum { STEPS = 6000, PARTITIONS = 3 };

static struct model *model;
static struct entry_id last[PARTITIONS];
static uint64_t clock_ms;
static size_t delivered;
static size_t codes[32];

static void feed(unsigned p, const struct intent *i, const uint8_t *key) {
    static uint8_t bytes[INTENT_FOLLOW_UP_SIZE_MAX];
    uint8_t sig[SIGN_SIZE];
    struct model_entry entry = {.intent = i, .bytes = bytes};
    cr_assert(intent_encode(i, bytes, sizeof bytes, &entry.size));
    if (key) {
        sign_make(key, bytes, entry.size, sig);
        entry.sig = sig;
        entry.sig_size = sizeof sig;
    }
    if (clock_ms > last[p].ms) last[p] = (struct entry_id){clock_ms, 0};
    else last[p].seq++;
    entry.id = last[p];
    model_apply(model, p, &entry);
}

static void set(struct intent *i, enum field f, const char *text) { cr_assert(!intent_set_text(i, f, text, strlen(text)), "%s", text); }

static void set_follow_up(struct intent *i, enum op op, const char *account, const char *key, const char *entry) {
    *i = (struct intent){0};
    cr_assert(!intent_set_number(i, FIELD_v, 1) && !intent_set_number(i, FIELD_at, 1));
    set(i, FIELD_source, "till");
    set(i, FIELD_op, op_word(op));
    set(i, FIELD_account, account);
    set(i, FIELD_key, key);
    set(i, FIELD_entry, entry);
}

/* One of those on their way. */
static bool deliver(void) {
    static struct intent i;
    const struct model_follow_up *next = model_follow_up_at(model, delivered);
    if (!next) return false;
    struct model_follow_up f = *next;
    set_follow_up(&i, f.op, f.account, f.key, f.entry);
    set(&i, FIELD_origin, f.origin);
    if (f.op == OP_adopt) set(&i, FIELD_kind, "merchant");
    if (*f.currency) set(&i, FIELD_currency, f.currency);
    if (*f.status) set(&i, FIELD_status, f.status);
    if (*f.to) set(&i, FIELD_to, f.to);
    if (*f.order) set(&i, FIELD_order, f.order);
    if (f.op == OP_arrive || f.op == OP_paid) cr_assert(!intent_set_number(&i, FIELD_amount, (uint64_t)f.amount));
    if (f.op == OP_bounce) cr_assert(!intent_set_number(&i, FIELD_code, (uint64_t)f.code));
    if (f.op == OP_swept) {
        set(&i, FIELD_month, f.month);
        cr_assert(!intent_set_number(&i, FIELD_gross, (uint64_t)f.gross) && !intent_set_number(&i, FIELD_refunds, (uint64_t)f.refunds));
    }
    feed(f.to_partition, &i, NULL);
    delivered++;
    return true;
}

/* What is due, twice at times. The bytes of what waited are the model's own: the follow-up carries none here. */
static void sweep(unsigned p) {
    static struct intent i;
    struct model_follow_up own;
    while (model_due_at(model, p, clock_ms, 0, &own)) {
        set_follow_up(&i, own.op, own.account, own.key, own.entry);
        if (*own.order) set(&i, FIELD_order, own.order);
        feed(p, &i, NULL);
        if (random_one_in(4)) feed(p, &i, NULL);
    }
}

static int64_t transit_of(unsigned p) {
    char *text;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    model_dump(model, p, out);
    fclose(out);
    const char *line = strstr(text, "account:@transit:CNY balance=");
    int64_t balance = line ? strtoll(strchr(line, '=') + 1, NULL, 10) : 0;
    for (const char *at = text; (at = strstr(at, " code=")) != NULL; at++) codes[strtoul(at + 6, NULL, 10) % 32]++;
    free(text);
    return balance;
}

static void expect_sound(uint64_t seed, unsigned step) {
    for (unsigned p = 0; p < PARTITIONS; p++) {
        const char *fault = model_unsound(model, p);
        cr_assert(!fault, "TILL_SEED=%llu step %u partition %u: %s", (unsigned long long)seed, step, p, fault ? fault : "");
    }
}

static void step(uint64_t seed, unsigned n) {
    static struct intent i;
    uint8_t key[SIGN_KEY_SIZE];
    struct book book = {"till", PARTITIONS};
    clock_ms += random_pause_ms(false);
    bool is_signed = random_intent(clock_ms, &i, key);
    unsigned p = i.op == OP_policy ? (unsigned)random_below(PARTITIONS) : keys_partition(&book, i.account, strlen(i.account));
    if (i.op != OP_policy || !(i.settings.present & 1u << SETTING_bills_keep)) feed(p, &i, is_signed ? key : NULL);
    if (random_one_in(3)) deliver();
    if (random_one_in(20)) sweep((unsigned)random_below(PARTITIONS));
    if (n % 10 == 0) expect_sound(seed, n);
}

/* A hold whose bill is no longer kept holds for ever: no bill is dropped here. */
static void keep_bills(unsigned p) {
    static struct intent i;
    cr_assert(!intent_set_number(&i, FIELD_v, 1) && !intent_set_number(&i, FIELD_at, clock_ms));
    set(&i, FIELD_source, "ops");
    set(&i, FIELD_op, "policy");
    set(&i, FIELD_account, INTENT_ACCOUNT_BOOK);
    set(&i, FIELD_key, "keep");
    cr_assert(!intent_set_setting(&i, SETTING_bills_keep, 3650));
    feed(p, &i, NULL);
}

Test(model, agrees_with_itself, .timeout = 120) {
    const char *text = getenv("TILL_SEED");
    uint64_t seed = text && *text ? strtoull(text, NULL, 10) : (uint64_t)time(NULL) % 1000000;
    int64_t sum = 0;
    fprintf(stderr, "model: TILL_SEED=%llu\n", (unsigned long long)seed);
    random_start(seed);
    model = model_new(PARTITIONS);
    clock_ms = UINT64_C(1900000000000);
    for (unsigned p = 0; p < PARTITIONS; p++) keep_bills(p);
    for (unsigned n = 0; n < STEPS; n++) step(seed, n);
    clock_ms += UINT64_C(100) * 86400000;
    for (unsigned p = 0; p < PARTITIONS; p++) sweep(p);
    while (deliver()) continue;
    expect_sound(seed, STEPS);
    for (unsigned p = 0; p < PARTITIONS; p++) sum += transit_of(p);
    const char *fault = model_unsettled(model);
    cr_expect(!fault, "TILL_SEED=%llu: %s", (unsigned long long)seed, fault ? fault : "");
    cr_expect_eq(sum, 0, "TILL_SEED=%llu: %lld are lost between partitions", (unsigned long long)seed, (long long)sum);
    static const int wanted[] = {0, 1, 2, 3, 4, 5, 6, 7, 10, 11, 12, 13, 14, 15, 16, 17, 18, 20};
    for (size_t n = 0; n < sizeof wanted / sizeof *wanted; n++)
        cr_expect(codes[wanted[n]], "TILL_SEED=%llu: code %d never came", (unsigned long long)seed, wanted[n]);
    for (size_t n = 0; n < 21; n++) fprintf(stderr, "%zu:%zu ", n, codes[n]);
    fprintf(stderr, "\n");
    model_free(model);
}
