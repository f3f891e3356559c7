/* What a row of the bench sends, and what must come of each. */
#include "tests/traffic/task.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { AMOUNT_MAX = 50000, DAY_MS = 24 * 3600 * 1000 };
static const int64_t TOPUP_MINOR = 100000000000, STOCK = 1000000000000;
#define CURRENCY "CNY"

void task_list_init(struct task_list *list, const char *prefix, struct till *till, uint32_t accounts, bool with_signed) {
    *list = (struct task_list){.prefix = prefix, .till = till, .accounts = accounts, .with_signed = with_signed, .random = 1};
    size_t places = task_list_cast(list) + TASK_MERCHANTS;
    list->balance_minor = calloc(places, sizeof *list->balance_minor);
    list->held_minor = calloc(places, sizeof *list->held_minor);
    if (!list->balance_minor || !list->held_minor) abort();
}

void task_list_clear(struct task_list *list) {
    free(list->tasks);
    free(list->balance_minor);
    free(list->held_minor);
}

uint32_t task_list_cast(const struct task_list *list) { return list->with_signed ? 2 * list->accounts : list->accounts; }

/* A linear congruential generator: any spread will do. */
static uint32_t below(struct task_list *list, uint32_t limit) {
    list->random = list->random * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (uint32_t)(list->random >> 33) % limit;
}

static uint64_t wall_ms(void) {
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

/* --- names --- */

void task_name(const struct task_list *list, uint32_t place, char out[TILL_ACCOUNT_SIZE]) {
    uint32_t cast = task_list_cast(list);
    if (place < cast) snprintf(out, TILL_ACCOUNT_SIZE, "%.*s-user%05" PRIu32, TASK_PREFIX_MAX, list->prefix, place);
    else snprintf(out, TILL_ACCOUNT_SIZE, "%.*s-merchant%02" PRIu32, TASK_PREFIX_MAX, list->prefix, place - cast);
}

void task_past_name(uint32_t number, char out[TILL_ACCOUNT_SIZE]) { snprintf(out, TILL_ACCOUNT_SIZE, "past%05" PRIu32, number); }

static void order_name(uint32_t n, char out[TILL_NAME_SIZE]) { snprintf(out, TILL_NAME_SIZE, "order-%08" PRIx32, n); }

static void article_name(uint32_t article, char out[TILL_NAME_SIZE]) { snprintf(out, TILL_NAME_SIZE, "article-%02" PRIu32, article); }

void task_key(const struct task_list *list, uint32_t n, char out[TILL_KEY_SIZE]) {
    snprintf(out, TILL_KEY_SIZE, "key-%08" PRIx32 "-%.*s", n, TASK_PREFIX_MAX, list->prefix);
}

static uint32_t place_of_key(const struct task_list *list, const char *key) {
    char *end;
    if (strncmp(key, "key-", 4) != 0) return TASK_NONE;
    unsigned long n = strtoul(key + 4, &end, 16);
    return *end == '-' && n < list->count ? (uint32_t)n : TASK_NONE;
}

static unsigned partition_of(const struct task_list *list, uint32_t place) {
    char name[TILL_ACCOUNT_SIZE];
    task_name(list, place, name);
    return till_partition_of(list->till, name);
}

/* --- planning: who, how much, and what the model says of it --- */

static struct task *blank(struct task_list *list) {
    if (list->count == list->room) {
        list->room = list->room ? 2 * list->room : 4096;
        list->tasks = realloc(list->tasks, list->room * sizeof *list->tasks);
        if (!list->tasks) abort();
    }
    struct task *task = &list->tasks[list->count++];
    memset(task, 0, sizeof *task);
    return task;
}

/* An account in the same partition as that place, or in another. */
static uint32_t account_near(struct task_list *list, uint32_t place, bool near) {
    uint32_t from = below(list, list->accounts);
    for (uint32_t i = 0; i < list->accounts; i++) {
        uint32_t to = (from + i) % list->accounts;
        if ((partition_of(list, to) == partition_of(list, place)) == near) return to;
    }
    abort(); /* more accounts than partitions, and more partitions than one, are asked for */
}

/* --- articles and orders: line i of an order is the i-th article from the first --- */

static int64_t price_of(uint32_t article) { return 100 + 7 * (int64_t)article; }

static uint32_t line_article(const struct task *order, unsigned i) { return (order->article + i) % TASK_ARTICLES; }

static uint64_t line_quantity(uint32_t article) { return 1 + article % 3; }

static int64_t total_of(const struct task *order) {
    int64_t total = 0;
    for (unsigned i = 0; i < TASK_LINES; i++) total += price_of(line_article(order, i)) * (int64_t)line_quantity(line_article(order, i));
    return total;
}

static uint32_t payer(struct task_list *list) {
    enum { FINE = 1 << 20 };
    if (list->skew == TASK_HOT_PAYER && below(list, 2)) return 0;
    if (list->skew != TASK_ZIPF) return below(list, list->accounts);
    double part = (double)below(list, FINE) / FINE;
    return (uint32_t)exp(part * log(list->accounts + 1.0)) - 1;
}

static void choose(struct task_list *list, struct task *task) {
    uint32_t cast = task_list_cast(list);
    if (task->what == TASK_ORDER) {
        task->account = cast + below(list, TASK_MERCHANTS);
        task->article = below(list, TASK_ARTICLES);
        task->amount_minor = total_of(task);
        return;
    }
    task->account = payer(list) + (task->what == TASK_SIGNED_PAY ? list->accounts : 0);
    task->to = task->what == TASK_TRANSFER ? account_near(list, task->account, false) : cast + below(list, TASK_MERCHANTS);
    if (list->skew == TASK_HOT_MERCHANT) task->to = cast;
    task->amount_minor = 1 + below(list, AMOUNT_MAX);
}

/* Step i of a group pays i more than the first, to the i-th merchant from the first. */
static uint32_t step_to(const struct task_list *list, const struct task *task, unsigned i) {
    uint32_t cast = task_list_cast(list);
    return cast + (task->to - cast + i) % TASK_MERCHANTS;
}

static void move(struct task_list *list, struct task *task, uint32_t to, int64_t amount) {
    task->moved_minor += amount;
    list->balance_minor[task->account] -= amount;
    list->balance_minor[to] += amount;
}

/* Of a merchant the answer tells the shard's balance; others come in while something is on its way. */
static bool tells_balance(const struct task_list *list, const struct task *task) {
    return task->what != TASK_TRANSFER && task->what != TASK_PAY_ORDER_AWAY && task->account < task_list_cast(list);
}

static void decide(struct task_list *list, struct task *task) {
    int64_t *held = &list->held_minor[task->account];
    switch (task->what) {
    case TASK_TOPUP:
        list->balance_minor[task->account] += task->amount_minor;
        task->moved_minor = task->amount_minor;
        break;
    case TASK_HOLD:
        *held += task->amount_minor;
        task->moved_minor = task->amount_minor;
        break;
    case TASK_CAPTURE: *held -= task->amount_minor; /* fall through */
    case TASK_PAY:
    case TASK_SIGNED_PAY:
    case TASK_PAY_ORDER:
    case TASK_PAY_ORDER_AWAY:
    case TASK_TRANSFER: move(list, task, task->to, task->amount_minor); break;
    case TASK_GROUP:
        for (unsigned i = 0; i < TILL_STEPS_MAX; i++) move(list, task, step_to(list, task, i), task->amount_minor + i);
        break;
    case TASK_REFUND:
        move(list, task, task->to, -task->amount_minor);
        task->moved_minor = task->amount_minor;
        break;
    case TASK_PRICE:
    case TASK_ORDER:
    case TASK_BRIEF_HOLD: task->moved_minor = task->amount_minor; break; /* nothing is left of it in the end */
    case TASK_LATER: task->code = TILL_WRONG_STATE; break;
    case TASK_UNSCHEDULE: /* gives that one its answer, of now */
        list->tasks[task->of].balance_minor = list->balance_minor[task->account];
        break;
    case TASK_OPEN_MERCHANT:
    case TASK_OPEN:
    case TASK_STOCK:
    case TASK_SETTLE:
    case TASK_INQUIRE: break;
    }
    task->balance_known = tells_balance(list, task);
    task->held_known = task->balance_known && !list->lapsing;
    task->balance_minor = list->balance_minor[task->account];
    task->held_minor = *held;
}

static struct task *begin(struct task_list *list, enum task_what what, uint32_t of) {
    struct task *task = blank(list);
    task->what = what;
    task->of = of;
    task->at_ms = wall_ms();
    return task;
}

void task_add_article(struct task_list *list, enum task_what what, uint32_t account, uint32_t article) {
    struct task *task = begin(list, what, TASK_NONE);
    task->account = account;
    task->article = article;
    if (what == TASK_SETTLE) { /* none of the cast's */
        task->moved_minor = TASK_PAST_MINOR;
        return;
    }
    task->amount_minor = what == TASK_PRICE ? price_of(article) : 0;
    decide(list, task);
}

void task_add(struct task_list *list, enum task_what what, uint32_t account, uint32_t of) {
    struct task *task = begin(list, what, of);
    if (what == TASK_PAY_ORDER || what == TASK_PAY_ORDER_AWAY) {
        task->to = list->tasks[of].account;
        task->account = account_near(list, task->to, what == TASK_PAY_ORDER);
        task->amount_minor = list->tasks[of].amount_minor;
    } else if (of != TASK_NONE) {
        const struct task *first = &list->tasks[of];
        task->account = first->account;
        task->to = first->to;
        task->amount_minor = first->amount_minor;
    } else if (account != TASK_NONE) {
        task->account = account;
        task->amount_minor = TOPUP_MINOR;
    } else {
        choose(list, task);
    }
    decide(list, task);
}

/* --- the library's form --- */

static const char *const ops[] = {
    [TASK_OPEN_MERCHANT] = "open", [TASK_OPEN] = "open",         [TASK_TOPUP] = "topup",     [TASK_PAY] = "pay",
    [TASK_SIGNED_PAY] = "pay",     [TASK_HOLD] = "hold",         [TASK_BRIEF_HOLD] = "hold", [TASK_CAPTURE] = "capture",
    [TASK_TRANSFER] = "transfer",  [TASK_GROUP] = "group",       [TASK_REFUND] = "refund",   [TASK_LATER] = "pay",
    [TASK_UNSCHEDULE] = "unschedule", [TASK_INQUIRE] = "inquire", [TASK_PRICE] = "price",   [TASK_STOCK] = "stock",
    [TASK_ORDER] = "order",        [TASK_PAY_ORDER] = "pay",     [TASK_PAY_ORDER_AWAY] = "pay", [TASK_SETTLE] = "settle",
};

/* An account's signing key: any 32 bytes will do, and deriving them from a password is not what is measured. */
static const uint8_t *credential_of(const struct task_list *list, uint32_t account, struct task_texts *texts) {
    if (!list->with_signed || account < list->accounts || account >= task_list_cast(list)) return NULL;
    for (unsigned i = 0; i < TILL_CREDENTIAL_SIZE; i++) texts->credential[i] = (uint8_t)((account + 1) * (i + 7));
    return texts->credential;
}

static void write_steps(const struct task_list *list, const struct task *task, struct task_texts *texts, struct till_intent *intent) {
    for (unsigned i = 0; i < TASK_MERCHANTS; i++) task_name(list, task_list_cast(list) + i, texts->merchants[i]);
    for (unsigned i = 0; i < TILL_STEPS_MAX; i++)
        texts->steps[i] = (struct till_step){
            .op = "pay", .to = texts->merchants[step_to(list, task, i) - task_list_cast(list)],
            .amount_minor = task->amount_minor + i, .currency = CURRENCY,
        };
    intent->steps = texts->steps;
    intent->step_count = TILL_STEPS_MAX;
}

static void write_payment(const struct task_list *list, const struct task *task, struct task_texts *texts, struct till_intent *intent) {
    task_name(list, task->to, texts->to);
    intent->to = texts->to;
    intent->amount_minor = task->amount_minor;
    intent->currency = CURRENCY;
}

static void write_reference(const struct task_list *list, const struct task *task, struct task_texts *texts, struct till_intent *intent) {
    task_key(list, task->of, texts->of);
    intent->of = texts->of;
    intent->of_at_ms = list->tasks[task->of].at_ms;
    if (task->what != TASK_UNSCHEDULE) intent->amount_minor = TILL_AMOUNT_ALL;
}

static void write_article(const struct task *task, struct task_texts *texts, struct till_intent *intent) {
    article_name(task->article, texts->skus[0]);
    texts->goods = (struct till_goods){.sku = texts->skus[0], .quantity = task->what == TASK_STOCK ? STOCK : 0};
    intent->goods = &texts->goods;
    intent->amount_minor = task->amount_minor;
}

static void write_order(const struct task *task, uint32_t n, struct task_texts *texts, struct till_intent *intent) {
    for (unsigned i = 0; i < TASK_LINES; i++) {
        article_name(line_article(task, i), texts->skus[i]);
        texts->lines[i] = (struct till_line){texts->skus[i], line_quantity(line_article(task, i))};
    }
    order_name(n, texts->order);
    texts->goods = (struct till_goods){.line_count = TASK_LINES, .lines = texts->lines};
    intent->order = texts->order;
    intent->goods = &texts->goods;
}

static void write_order_payment(const struct task_list *list, const struct task *task, struct task_texts *texts,
                                struct till_intent *intent) {
    write_payment(list, task, texts, intent);
    order_name(task->of, texts->order);
    intent->order = texts->order;
}

static void write_settlement(const struct task *task, struct task_texts *texts, struct till_intent *intent) {
    struct tm tm;
    time_t now = (time_t)(task->at_ms / 1000);
    gmtime_r(&now, &tm);
    int months = 12 * (tm.tm_year + 1900) + tm.tm_mon - 1;
    snprintf(texts->month, sizeof texts->month, "%04u-%02u", (unsigned)months / 12 % 10000, (unsigned)months % 12 + 1);
    task_past_name(task->account, texts->account);
    texts->settle = (struct till_settle){.month = texts->month, .partition = (int)task->article};
    intent->settle = &texts->settle;
    intent->currency = CURRENCY;
}

static uint64_t left_ms(uint64_t until_ms) {
    uint64_t now = wall_ms();
    return until_ms > now ? until_ms - now : 1;
}

void task_intent(const struct task_list *list, uint32_t n, struct task_texts *texts, struct till_intent *intent) {
    const struct task *task = &list->tasks[n];
    task_key(list, n, texts->key);
    if (task->what != TASK_SETTLE) task_name(list, task->account, texts->account);
    *intent = (struct till_intent){
        .op = ops[task->what], .source = list->prefix, .key = texts->key, .at_ms = task->at_ms, .account = texts->account,
    };
    switch (task->what) {
    case TASK_OPEN_MERCHANT:
    case TASK_OPEN:
        intent->kind = task->what == TASK_OPEN ? "user" : "merchant";
        intent->currency = CURRENCY;
        intent->credential = credential_of(list, task->account, texts);
        break;
    case TASK_TOPUP:
        intent->amount_minor = task->amount_minor;
        intent->currency = CURRENCY;
        break;
    case TASK_SIGNED_PAY: intent->sign_with = credential_of(list, task->account, texts); /* fall through */
    case TASK_PAY:
    case TASK_HOLD:
    case TASK_TRANSFER: write_payment(list, task, texts, intent); break;
    case TASK_BRIEF_HOLD:
        write_payment(list, task, texts, intent);
        intent->expires_ms = left_ms(list->lapse_at_ms);
        break;
    case TASK_LATER:
        write_payment(list, task, texts, intent);
        intent->not_before_ms = task->at_ms + DAY_MS;
        break;
    case TASK_CAPTURE:
    case TASK_REFUND:
    case TASK_UNSCHEDULE: write_reference(list, task, texts, intent); break;
    case TASK_GROUP: write_steps(list, task, texts, intent); break;
    case TASK_PRICE:
    case TASK_STOCK: write_article(task, texts, intent); break;
    case TASK_ORDER: write_order(task, n, texts, intent); break;
    case TASK_PAY_ORDER:
    case TASK_PAY_ORDER_AWAY: write_order_payment(list, task, texts, intent); break;
    case TASK_SETTLE: write_settlement(task, texts, intent); break;
    case TASK_INQUIRE: break;
    }
}

/* --- answers --- */

unsigned task_answers(enum task_what what) { return what == TASK_LATER ? 0 : what == TASK_UNSCHEDULE ? 2 : 1; }

static bool agrees(const struct task *task, const struct till_answer *a) {
    if (a->code != task->code || a->replayed || a->amount_minor != task->moved_minor) return false;
    if (task->balance_known && a->balance_minor != task->balance_minor) return false;
    return !task->held_known || a->held_minor == task->held_minor;
}

const char *task_check(struct task_list *list, const struct till_answer *a, char *text, size_t size) {
    uint32_t n = place_of_key(list, a->key);
    if (n == TASK_NONE || list->tasks[n].answered) {
        snprintf(text, size, "%s %s was answered twice, or never asked", a->op, a->key);
        return text;
    }
    struct task *task = &list->tasks[n];
    task->answered = true;
    if (strcmp(a->op, ops[task->what]) == 0 && agrees(task, a)) return NULL;
    snprintf(text, size, "%s %s was answered %s (%s), amount %" PRId64 ", balance %" PRId64 ", held %" PRId64
             "; expected was %s, amount %" PRId64 ", balance %" PRId64 ", held %" PRId64, a->op, a->key, till_code_word(a->code), a->detail,
             a->amount_minor, a->balance_minor, a->held_minor, till_code_word(task->code), task->moved_minor, task->balance_minor,
             task->held_minor);
    return text;
}
