/* Random intents. */
#include "tests/worker/random.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define DAY_MS UINT64_C(86400000)

enum { SENT_MAX = 64, SIGNERS_MAX = 64 };

static uint64_t state;
static struct intent sent[SENT_MAX]; /* the last ones */
static size_t sent_count;
static unsigned intents_made;
static struct { char account[INTENT_ACCOUNT_MAX + 1], word[4]; } signers[SIGNERS_MAX]; /* whose credential is probably which */
static size_t signer_count;
static uint64_t clock_ms;

const char *const random_sources[RANDOM_SOURCES] = {"shop", "app"};

void random_start(uint64_t seed) {
    state = seed * 0x9e3779b97f4a7c15u | 1;
    sent_count = signer_count = 0;
    intents_made = 0;
}

uint64_t random_below(uint64_t bound) {
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return (state >> 11) % bound;
}

bool random_one_in(uint64_t n) { return random_below(n) == 0; }

#define PICK(list) (list)[random_below(sizeof(list) / sizeof *(list))]

static const char *const currencies[] = {"CNY", "CNY", "CNY", "CNY", "CNY", "CNY", "CNY", "CNY", "CNY", "USD"};
static const char *const tokens[] = {"T", "T", "U"};
static const char *const words[] = {"pw0", "pw1"};
static const enum op ops[] = {
    OP_open, OP_open, OP_open, OP_topup, OP_topup, OP_topup, OP_topup, OP_withdraw, OP_pay, OP_pay, OP_pay, OP_pay, OP_pay,
    OP_refund, OP_refund, OP_refund, OP_rollback, OP_rollback, OP_hold, OP_hold, OP_hold, OP_hold, OP_capture, OP_capture, OP_capture,
    OP_release, OP_transfer, OP_transfer, OP_transfer, OP_group, OP_group, OP_group, OP_unschedule, OP_freeze, OP_thaw, OP_thaw, OP_close,
    OP_inquire, OP_lock, OP_unlock, OP_limit, OP_credential, OP_policy, OP_policy, OP_policy, OP_pay, OP_pay, OP_pay, OP_pay, OP_price,
    OP_price, OP_stock, OP_stock, OP_stock, OP_order, OP_order, OP_order, OP_order, OP_cancel, OP_settle, OP_settle, OP_settle, OP_settle};
/* Of merchants, at their home. */
static const enum op shop_ops[] = {OP_price, OP_stock, OP_order, OP_cancel, OP_settle};
static const enum op step_ops[] = {OP_pay, OP_pay, OP_pay, OP_pay, OP_pay, OP_hold, OP_hold, OP_hold, OP_refund, OP_capture, OP_release,
                                   OP_transfer};

static void must(const char *why, const char *what) {
    if (!why) return;
    fprintf(stderr, "random intent: %s: %s\n", what, why);
    abort();
}

static void set_text(struct intent *i, enum field f, const char *text) { must(intent_set_text(i, f, text, strlen(text)), field_name(f)); }
static void set_number(struct intent *i, enum field f, uint64_t n) { must(intent_set_number(i, f, n), field_name(f)); }

/* Few at a time, but with time others: those of long ago are closed by then. */
static const char *user_name(void) {
    static char name[16];
    snprintf(name, sizeof name, "u%u", intents_made / 600 + (unsigned)random_below(4));
    return name;
}

static const char *merchant_name(void) {
    static char name[16];
    snprintf(name, sizeof name, "m%u", intents_made / 1000 + (unsigned)random_below(2));
    return name;
}

static void set_key(struct intent *i, enum field f) {
    char key[16];
    snprintf(key, sizeof key, "k%u", (unsigned)random_below(60));
    set_text(i, f, key);
}

static bool is_of_shop(enum op op) {
    for (size_t n = 0; n < sizeof shop_ops / sizeof *shop_ops; n++)
        if (shop_ops[n] == op) return true;
    return false;
}

static void set_name(struct intent *i, enum field f, char letter, unsigned number) {
    char name[16];
    snprintf(name, sizeof name, "%c%u", letter, number);
    set_text(i, f, name);
}

static uint64_t amount(void) {
    if (random_one_in(40)) return INTENT_AMOUNT_MAX - random_below(3);
    return 1 + random_below(random_one_in(3) ? 2000 : random_one_in(3) ? 3 : 60);
}

/* Mostly now; sometimes at the edges of what is taken. */
static uint64_t created_at(void) {
    static const int64_t edges[] = {-23 * 3600000, -23 * 3600000 - 1, 300000, 300001, -3600000, -23 * 3600000 + 1, -86400000};
    return (uint64_t)((int64_t)clock_ms + (random_one_in(10) ? PICK(edges) : -(int64_t)random_below(1000)));
}

static uint64_t length_ms(void) {
    static const uint64_t lengths[] = {0, 1, 100, 1000, 3000, 5000, 20000, 3600000, 3 * DAY_MS};
    return random_one_in(3) ? random_below(8000) : PICK(lengths);
}

static uint64_t later_ms(void) {
    static const uint64_t times[] = {0, 1, 1000, 60000, 3600000, 2 * DAY_MS, 90 * DAY_MS};
    uint64_t ahead = random_one_in(4) ? PICK(times) : random_below(4000);
    if (random_one_in(12)) return clock_ms - random_below(5000);
    return clock_ms + ahead + random_one_in(40);
}

static void credential_of(const char *word, uint8_t credential[SIGN_KEY_SIZE]) {
    memset(credential, 0, SIGN_KEY_SIZE);
    memcpy(credential + 2, word, strlen(word)); /* zeros too */
}

/* The last word wins, whatever becomes of the intent. */
static void set_credential(struct intent *i) {
    uint8_t credential[SIGN_KEY_SIZE];
    const char *word = PICK(words);
    size_t n = 0;
    credential_of(word, credential);
    must(intent_set_bytes(i, FIELD_credential, credential, sizeof credential), "credential");
    while (n < signer_count && strcmp(signers[n].account, i->account) != 0) n++;
    if (n == SIGNERS_MAX) n = random_below(SIGNERS_MAX);
    snprintf(signers[n].account, sizeof signers[n].account, "%s", i->account);
    snprintf(signers[n].word, sizeof signers[n].word, "%s", word);
    if (n == signer_count) signer_count++;
}

static void set_guard(struct intent *i) {
    if (random_one_in(3)) must(intent_set_guard(i, "seq", 3, random_below(8)), "seq");
    if (i->present & FIELD_BIT(FIELD_of) && random_one_in(2)) must(intent_set_guard(i, "refunded", 8, random_below(2)), "refunded");
    if ((i->present & FIELD_BIT(FIELD_guard)) && !random_one_in(3)) return;
    must(intent_set_guard(i, "balance_min", 11, random_below(100)), "balance_min");
}

static const uint64_t offsets[] = {0, 0, 330, 840, 841, 1439}; /* minutes */

static void set_settings(struct intent *i) {
    static const uint64_t fees[] = {0, 1, 30, 333, 5000, 10000};
    static const uint64_t caps[] = {3000, 100000, INTENT_AMOUNT_MAX}, windows[] = {0, 5000, 3600000}, keeps[] = {180, 180, 200, 100};
    enum setting setting = (enum setting)random_below(SETTING_COUNT);
    uint64_t value = 0;
    if (setting == SETTING_duplicate_window) value = PICK(windows);
    if (setting == SETTING_balance_cap) value = PICK(caps);
    if (setting == SETTING_bills_keep) value = PICK(keeps);
    if (setting == SETTING_fee) value = PICK(fees);
    if (setting == SETTING_settlement_offset) value = PICK(offsets);
    must(intent_set_setting(i, setting, value), "setting");
}

/* Would an operation have reason to refer to that? */
static bool suits(enum op op, const struct intent *other) {
    if (op == OP_capture || op == OP_release) return other->op == OP_hold;
    if (op == OP_refund) return other->op == OP_pay || other->op == OP_hold;
    if (op == OP_unschedule) return other->present & FIELD_BIT(FIELD_not_before);
    return op != OP_rollback || other->op == OP_topup || other->op == OP_withdraw || other->op == OP_pay;
}

/* A random one of those sent, rather one that suits; by the same source for the same account, or by anybody; NULL when there is none. */
static const struct intent *sent_by(const struct intent *i, enum op op, bool anybody) {
    const struct intent *found = NULL;
    for (int n = 0; n < 40 && sent_count; n++) {
        const struct intent *other = &sent[random_below(sent_count)];
        if (!anybody && (strcmp(other->account, i->account) != 0 || strcmp(other->source, i->source) != 0)) continue;
        found = other;
        if (suits(op, other)) break;
    }
    return found;
}

/* Articles and orders, few at a time. What an article costs is mostly the same, so that a payment is mostly right. */

enum { USUAL_PRICE = 5 };

static uint64_t price(void) { return random_one_in(6) ? amount() : USUAL_PRICE; }

static void set_quantity(struct intent *i) {
    int64_t n = random_one_in(60) ? INTENT_AMOUNT_MAX - (int64_t)random_below(3) : 1 + (int64_t)random_below(20);
    must(intent_set_integer(i, FIELD_quantity, random_one_in(3) ? -n : n), "quantity");
}

static void set_lines(struct intent *i) {
    unsigned first = (unsigned)random_below(4), count = 1 + (unsigned)random_below(3);
    for (unsigned n = 0; n < count; n++) {
        char sku[8];
        uint64_t quantity = random_one_in(80) ? INTENT_AMOUNT_MAX - random_below(3) : 1 + random_below(3);
        snprintf(sku, sizeof sku, "s%u", (first + n) % 4);
        must(intent_add_line(i, sku, strlen(sku), quantity), "line");
    }
}

/* Mostly the one that has just ended. */
static void set_month(struct intent *i) {
    static const int back[] = {0, 1, 1, 1, 1, 1, 1, 2, 2, 3};
    char text[32];
    time_t now = (time_t)(clock_ms / 1000);
    struct tm tm;
    if (!gmtime_r(&now, &tm)) abort();
    int month = 12 * (tm.tm_year + 1900) + tm.tm_mon - PICK(back);
    snprintf(text, sizeof text, "%04d-%02d", month / 12, month % 12 + 1);
    set_text(i, FIELD_month, text);
}

/* The same order; of a payment also to its merchant, by its customer, what it probably costs. */
static void refer_to_order(struct intent *i, const struct intent *order) {
    bool pays = i->op == OP_pay;
    uint64_t sum = order->amount_minor;
    for (unsigned n = 0; n < order->line_count; n++) sum += order->lines[n].quantity * USUAL_PRICE;
    set_text(i, FIELD_order, order->order);
    if (!pays || random_one_in(20)) set_text(i, pays ? FIELD_to : FIELD_account, order->account);
    else if (strcmp(i->account, order->account) != 0) set_text(i, FIELD_to, order->account);
    if (pays && sum && sum <= INTENT_AMOUNT_MAX && !random_one_in(10)) set_number(i, FIELD_amount, sum);
    if (pays && *order->to && !random_one_in(6)) set_text(i, FIELD_account, order->to);
}

static void fill_field(struct intent *i, enum field f, bool merchant);

static void fill_fields(struct intent *i, bool merchant, uint64_t excluded) {
    static const uint64_t rarely = FIELD_BIT(FIELD_guard) | FIELD_BIT(FIELD_credential) | FIELD_BIT(FIELD_per) | FIELD_BIT(FIELD_payments);
    for (enum field f = 0; f < FIELD_COUNT; f++) {
        if (excluded & FIELD_BIT(f)) continue;
        if (op_fields_needed(i->op) & FIELD_BIT(f)) fill_field(i, f, merchant);
        else if ((op_fields_allowed(i->op) & FIELD_BIT(f)) && random_one_in(rarely & FIELD_BIT(f) ? 12 : 4)) fill_field(i, f, merchant);
    }
}

static void refer_to(struct intent *i, const struct intent *other) {
    if (strcmp(other->key, i->key) != 0) set_text(i, FIELD_of, other->key);
    if (i->present & FIELD_BIT(FIELD_of_at)) set_number(i, FIELD_of_at, other->at_ms);
    if ((i->present & FIELD_BIT(FIELD_to)) && *other->to && !random_one_in(10)) set_text(i, FIELD_to, other->to);
    if ((i->present & FIELD_BIT(FIELD_currency)) && *other->currency) set_text(i, FIELD_currency, other->currency);
}

/* Refers to a step before it, to something sent, or to nothing. */
static void refer_within(const struct intent *group, struct intent *step) {
    const struct intent *other = sent_by(group, step->op, false);
    if (group->step_count && random_one_in(3)) {
        char key[INTENT_FOLLOW_UP_KEY_MAX + 4];
        intent_step_key(group, (unsigned)random_below(group->step_count), key);
        set_text(step, FIELD_of, key);
    } else if (other) refer_to(step, other);
}

static void set_steps(struct intent *i) {
    static struct intent step;
    struct intent_fault fault;
    unsigned count = 2 + (unsigned)random_below(random_one_in(8) ? 15 : 2);
    const struct intent *other = sent_by(i, i->op, true);
    if (other && random_one_in(2)) {
        set_text(i, FIELD_source, other->source);
        set_text(i, FIELD_account, *other->account == '@' ? "u0" : other->account);
    }
    while (i->step_count < count) {
        memset(&step, 0, sizeof step);
        set_text(&step, FIELD_source, i->source);
        set_text(&step, FIELD_op, op_word(PICK(step_ops)));
        if (random_one_in(3)) set_key(&step, FIELD_key);
        fill_fields(&step, false, ~field_bits_of_step() | FIELD_BIT(FIELD_op) | FIELD_BIT(FIELD_key));
        if (step.present & FIELD_BIT(FIELD_of)) refer_within(i, &step);
        if ((step.present & FIELD_BIT(FIELD_currency)) && !random_one_in(10)) set_text(&step, FIELD_currency, "CNY");
        if ((step.present & FIELD_BIT(FIELD_amount)) && !random_one_in(10)) set_number(&step, FIELD_amount, 1 + random_below(60));
        step.present &= field_bits_of_step();
        must(intent_add_step(i, &step, &fault), "step");
    }
}

static void fill_field(struct intent *i, enum field f, bool merchant) {
    switch (f) {
    case FIELD_amount: set_number(i, f, i->op == OP_price ? price() : amount()); return;
    case FIELD_currency: set_text(i, f, PICK(currencies)); return;
    case FIELD_to: set_text(i, f, random_one_in(20) != (i->op == OP_transfer) ? user_name() : merchant_name()); return;
    case FIELD_of: set_key(i, f); return;
    case FIELD_of_at: set_number(i, f, clock_ms - random_below(4 * DAY_MS)); return;
    case FIELD_expires: set_number(i, f, length_ms()); return;
    case FIELD_not_before: set_number(i, f, later_ms()); return;
    case FIELD_kind: set_text(i, f, merchant ? "merchant" : random_one_in(5) ? "app" : "user"); return;
    case FIELD_token: set_text(i, f, PICK(tokens)); return;
    case FIELD_credential: set_credential(i); return;
    case FIELD_payments: set_number(i, f, 1 + random_below(4)); return;
    case FIELD_per: set_number(i, f, 1 + random_below(3000)); return;
    case FIELD_final:
    case FIELD_allow_duplicate: set_number(i, f, random_below(2)); return;
    case FIELD_guard: set_guard(i); return;
    case FIELD_settings: set_settings(i); return;
    case FIELD_steps: set_steps(i); return;
    case FIELD_sku: set_name(i, f, 's', (unsigned)random_below(4)); return;
    case FIELD_quantity: set_quantity(i); return;
    case FIELD_order: set_name(i, f, 'o', intents_made / 200 + (unsigned)random_below(6)); return;
    case FIELD_lines: set_lines(i); return;
    case FIELD_month: set_month(i); return;
    case FIELD_note: set_text(i, f, "n"); return;
    case FIELD_v:
    case FIELD_op:
    case FIELD_source:
    case FIELD_key:
    case FIELD_at:
    case FIELD_account:
    case FIELD_status:
    case FIELD_origin:
    case FIELD_entry:
    case FIELD_code:
    case FIELD_inner:
    case FIELD_gross:
    case FIELD_refunds:
    case FIELD_COUNT: return;
    }
}

static enum op pick_op(void) {
    enum op op = PICK(ops);
    bool rare = (op == OP_close && !random_one_in(10)) || (op == OP_freeze && !random_one_in(6)) || (op == OP_policy && random_one_in(3));
    return rare ? OP_pay : op;
}

/* To something that was sent, whatever became of it. */
static void refer_to_sent(struct intent *i) {
    const struct intent *other = sent_by(i, i->op, true);
    if (!other || *other->account == '@') return;
    set_text(i, FIELD_source, other->source);
    set_text(i, FIELD_account, other->account);
    refer_to(i, other);
}

/* One that was sent; NULL when there is none. */
static const struct intent *sent_order(void) {
    for (int n = 0; n < 40 && sent_count; n++) {
        const struct intent *other = &sent[random_below(sent_count)];
        if (other->op == OP_order) return other;
    }
    return NULL;
}

static void make(struct intent *i) {
    bool merchant = random_one_in(6);
    uint64_t excluded = 0;
    memset(i, 0, sizeof *i);
    set_number(i, FIELD_v, 1);
    set_text(i, FIELD_source, PICK(random_sources));
    set_text(i, FIELD_op, op_word(pick_op()));
    if (is_of_shop(i->op)) merchant = !random_one_in(15);
    if (i->op == OP_order) excluded = FIELD_BIT(random_one_in(3) ? FIELD_lines : FIELD_amount);
    set_key(i, FIELD_key);
    set_number(i, FIELD_at, created_at());
    set_text(i, FIELD_account, i->op == OP_policy ? INTENT_ACCOUNT_BOOK : merchant ? merchant_name() : user_name());
    fill_fields(i, merchant, excluded);
    bool priced = excluded & FIELD_BIT(FIELD_amount);
    if (i->op == OP_order && !i->line_count && !i->amount_minor) fill_field(i, priced ? FIELD_lines : FIELD_amount, merchant);
    const struct intent *order = sent_order();
    if (order && (i->op == OP_cancel || (i->op == OP_pay && (i->present & FIELD_BIT(FIELD_order)))) && !random_one_in(8))
        refer_to_order(i, order);
    if (i->op == OP_open && !random_one_in(20)) set_text(i, FIELD_currency, "CNY");
    if ((i->present & FIELD_BIT(FIELD_of)) && !random_one_in(5)) refer_to_sent(i);
}

/* The same again, or almost: another amount, without what may be left out, later than allowed. */
static void repeat(struct intent *i) {
    *i = sent[random_below(sent_count)];
    if (random_one_in(5) && (i->present & FIELD_BIT(FIELD_amount))) set_number(i, FIELD_amount, amount());
    if (random_one_in(8) && (i->op == OP_refund || i->op == OP_capture || i->op == OP_release)) {
        i->present &= ~(FIELD_BIT(FIELD_to) | FIELD_BIT(FIELD_currency));
        *i->to = *i->currency = '\0';
    }
    if (random_one_in(6)) set_number(i, FIELD_at, created_at());
    if (!random_one_in(3)) return;
    set_key(i, FIELD_key); /* the double click that got two keys */
    set_number(i, FIELD_at, created_at());
}

static bool is_signed(const struct intent *i, uint8_t key[SIGN_KEY_SIZE]) {
    const char *word = random_one_in(30) ? PICK(words) : NULL;
    for (size_t n = 0; n < signer_count && !random_one_in(30); n++)
        if (strcmp(signers[n].account, i->account) == 0) word = signers[n].word;
    if (word) credential_of(word, key);
    return word != NULL;
}

bool random_intent(uint64_t now_ms, struct intent *i, uint8_t key[SIGN_KEY_SIZE]) {
    struct intent_fault fault;
    clock_ms = now_ms;
    intents_made++;
    do
        if (sent_count && random_one_in(7)) repeat(i);
        else make(i);
    while (intent_check(i, &fault));
    sent[sent_count < SENT_MAX ? sent_count++ : random_below(SENT_MAX)] = *i;
    return is_signed(i, key);
}

/* To where a month ends by one clock or another, or just past it. */
static uint64_t until_next_month(void) {
    time_t now = (time_t)(clock_ms / 1000);
    struct tm tm;
    if (!gmtime_r(&now, &tm)) abort();
    struct tm next = {.tm_year = tm.tm_year + (tm.tm_mon == 11), .tm_mon = (tm.tm_mon + 1) % 12, .tm_mday = 1};
    uint64_t east = PICK(offsets), end = (uint64_t)timegm(&next) * 1000 + (east > 840 ? 1440 - east : 0) * 60000;
    if (east <= 840) end -= east * 60000;
    end += random_below(4000);
    return end > clock_ms + 2000 ? end - clock_ms - 2000 : 0;
}

uint64_t random_pause_ms(bool months) {
    static const uint64_t jumps[] = {3600000, 6 * 3600000, 23 * 3600000, DAY_MS, 2 * DAY_MS, 3 * DAY_MS};
    uint64_t pause = random_below(300);
    if (random_one_in(80)) pause += PICK(jumps);
    if (random_one_in(160)) pause += until_next_month();
    if (months && random_one_in(1500)) pause += 30 * DAY_MS + random_below(170) * DAY_MS;
    return pause;
}
