/* Judges what came of the plan, by a model of the book in plain arrays. */
#include "producer/traffic/judge.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const int64_t OUTAGE_MIN_NS = 250000000; /* slower than this after the kill: nobody served that partition */

struct model {
    const struct play *play;
    struct judgement *judgement;
    int64_t *accounts, *merchants, *stocks; /* stocks: of each merchant's article */
    uint32_t *order; /* places in the plan, as the entries lie in the streams */
};

static __attribute__((format(printf, 2, 3))) void fault(struct judgement *j, const char *format, ...) {
    if (*j->first_fault) return;
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(j->first_fault, sizeof j->first_fault, format, arguments);
    va_end(arguments);
}

/* --- the order of the entries --- */

static int compare_entries(const void *a, const void *b, void *context) {
    const struct shot *shots = context, *x = &shots[*(const uint32_t *)a], *y = &shots[*(const uint32_t *)b];
    if (x->partition != y->partition) return x->partition < y->partition ? -1 : 1;
    if (x->entry_ms != y->entry_ms) return x->entry_ms < y->entry_ms ? -1 : 1;
    if (x->entry_seq != y->entry_seq) return x->entry_seq < y->entry_seq ? -1 : 1;
    return (x > y) - (x < y); /* of one entry: as they were sent */
}

static void sort_entries(struct model *m) {
    const struct plan *plan = m->play->plan;
    for (uint32_t i = 0; i < plan->count; i++) m->order[i] = i;
    qsort_r(m->order, plan->count, sizeof *m->order, compare_entries, plan->shots);
}

/* --- deciding again --- */

struct verdict {
    int code;
    bool replayed, has_balance;
    int64_t amount_minor, balance_minor;
    const struct shot *said_before; /* replays: the answer that must come again */
};

static struct verdict decide_payment(struct model *m, const struct shot *s) {
    int64_t *account = &m->accounts[s->account];
    if (*account < s->amount_minor)
        return (struct verdict){.code = TILL_INSUFFICIENT_FUNDS, .has_balance = true, .balance_minor = *account};
    *account -= s->amount_minor;
    m->merchants[s->merchant] += s->amount_minor;
    return (struct verdict){.amount_minor = s->amount_minor, .has_balance = true, .balance_minor = *account};
}

static struct verdict decide_refund(struct model *m, const struct shot *s) {
    const struct shot *payment = &m->play->plan->shots[s->of];
    int64_t amount = s->amount_minor == PLAN_REFUND_ALL ? payment->amount_minor : s->amount_minor;
    m->accounts[s->account] += amount;
    m->merchants[s->merchant] -= amount;
    return (struct verdict){.amount_minor = amount, .has_balance = true, .balance_minor = m->accounts[s->account]};
}

static struct verdict decide_order(struct model *m, const struct shot *s) {
    if (m->stocks[s->merchant] < s->quantity) return (struct verdict){.code = TILL_OUT_OF_STOCK};
    m->stocks[s->merchant] -= s->quantity;
    return (struct verdict){.amount_minor = s->quantity * PLAN_PRICE_MINOR};
}

static struct verdict decide(struct model *m, const struct shot *s) {
    switch (s->kind) {
    case SHOT_OPEN_MERCHANT:
    case SHOT_OPEN: return (struct verdict){.code = TILL_OK, .has_balance = true};
    case SHOT_TOPUP:
        m->accounts[s->account] += s->amount_minor;
        return (struct verdict){.amount_minor = s->amount_minor, .has_balance = true, .balance_minor = m->accounts[s->account]};
    case SHOT_PRICE: return (struct verdict){.amount_minor = s->amount_minor};
    case SHOT_STOCK:
        m->stocks[s->merchant] += s->quantity;
        return (struct verdict){.code = TILL_OK};
    case SHOT_ORDER: return decide_order(m, s);
    case SHOT_PAY:
    case SHOT_PAY_ORDER:
    case SHOT_POOR: return decide_payment(m, s);
    case SHOT_REFUND: return decide_refund(m, s);
    case SHOT_RETRY: {
        const struct shot *first = &m->play->plan->shots[s->of];
        return (struct verdict){.code = first->code, .replayed = true, .amount_minor = first->answer_amount_minor, .said_before = first};
    }
    case SHOT_REUSE: return (struct verdict){.code = TILL_KEY_REUSED};
    case SHOT_STALE: return (struct verdict){.code = TILL_STALE};
    case SHOT_FUTURE:
    case SHOT_COUNT: return (struct verdict){.code = TILL_INVALID};
    }
    return (struct verdict){0};
}

static bool agrees(const struct shot *s, const struct verdict *v) {
    if (s->code != v->code || s->replayed != v->replayed || s->answer_amount_minor != v->amount_minor) return false;
    if (v->has_balance && s->balance_minor != v->balance_minor) return false;
    if (v->said_before) return s->digest == v->said_before->digest;
    return s->answer_entry_ms == s->entry_ms && s->answer_entry_seq == s->entry_seq;
}

static void count_day(struct judgement *j, const struct shot *s) {
    if (s->replayed) j->replayed++;
    else if (s->code != TILL_OK) {
        j->refused++;
        if (s->code > 0 && s->code < 32) j->by_code[s->code]++;
    } else if (s->kind == SHOT_ORDER) {
        j->ordered++;
    } else if (s->kind == SHOT_REFUND) {
        j->refunded++;
        j->refunded_minor += s->answer_amount_minor;
    } else {
        j->paid++;
        j->orders_paid += s->kind == SHOT_PAY_ORDER;
        j->paid_minor += s->answer_amount_minor;
    }
}

static void judge_one(struct model *m, uint32_t n) {
    struct judgement *j = m->judgement;
    const struct shot *s = &m->play->plan->shots[n];
    struct verdict v = decide(m, s);
    if (!s->sent || !s->answered) {
        if (!s->sent) j->unsent++;
        else j->unanswered++;
        fault(j, "intent %" PRIu32 " (entry %" PRIu64 "-%" PRIu64 " of partition %u) has no answer", n, s->entry_ms, s->entry_seq,
              s->partition);
        return;
    }
    if (!agrees(s, &v)) {
        j->wrong_answers++;
        fault(j, "entry %" PRIu64 "-%" PRIu64 " of partition %u was answered %s%s, amount %" PRId64 ", balance %" PRId64
              "; expected was %s%s, amount %" PRId64 ", balance %" PRId64, s->entry_ms, s->entry_seq, s->partition, till_code_word(s->code),
              s->replayed ? " (replayed)" : "", s->answer_amount_minor, s->balance_minor, till_code_word(v.code),
              v.replayed ? " (replayed)" : "", v.amount_minor, v.balance_minor);
    }
    if (n >= m->play->plan->setup) count_day(j, s);
}

/* --- the balances --- */

static bool compare_balance(const struct play *play, struct judgement *j, const char *name, int64_t expected) {
    struct till_account account;
    int code = till_account(play->till, name, &account);
    if (code != TILL_OK && code != TILL_NOT_FOUND) return false;
    j->balances++;
    if (code == TILL_OK && account.balance_minor == expected && account.held_minor == 0) return true;
    j->wrong_balances++;
    fault(j, "account %s has %" PRId64 ", expected was %" PRId64, name, code == TILL_OK ? account.balance_minor : 0, expected);
    return true;
}

static bool compare_stock(const struct play *play, struct judgement *j, const char *merchant, int64_t expected) {
    struct till_article article;
    int code = till_article_lookup(play->till, merchant, PLAN_SKU, &article);
    if (code != TILL_OK && code != TILL_NOT_FOUND) return false;
    if (code == TILL_OK && (int64_t)article.stock == expected) return true;
    j->wrong_balances++;
    fault(j, "%s has %" PRIu64 " pieces in stock, expected was %" PRId64, merchant, code == TILL_OK ? article.stock : 0, expected);
    return true;
}

static void model_init(struct model *m, const struct play *play, struct judgement *judgement) {
    const struct plan *plan = play->plan;
    *m = (struct model){.play = play, .judgement = judgement};
    m->accounts = calloc(plan->accounts + plan->buyers, sizeof *m->accounts);
    m->merchants = calloc(plan->merchants, sizeof *m->merchants);
    m->stocks = calloc(plan->merchants, sizeof *m->stocks);
    m->order = calloc(plan->count, sizeof *m->order);
    if (!m->accounts || !m->merchants || !m->stocks || !m->order) abort();
    sort_entries(m);
}

static void model_clear(struct model *m) {
    free(m->accounts);
    free(m->merchants);
    free(m->stocks);
    free(m->order);
}

void judge_answers(const struct play *play, struct judgement *judgement) {
    struct model m;
    memset(judgement, 0, sizeof *judgement);
    judgement->strange = atomic_load(&play->strange);
    if (judgement->strange) fault(judgement, "%u answers belong to nothing that was sent, or are second ones", judgement->strange);
    model_init(&m, play, judgement);
    for (uint32_t i = 0; i < play->plan->count; i++) judge_one(&m, m.order[i]);
    model_clear(&m);
}

bool judge_balances(const struct play *play, struct judgement *judgement) {
    struct model m;
    char name[TILL_ACCOUNT_SIZE];
    bool asked = true;
    model_init(&m, play, judgement);
    for (uint32_t i = 0; i < play->plan->count; i++) decide(&m, &play->plan->shots[m.order[i]]);
    for (uint32_t i = 0; asked && i < play->plan->accounts + play->plan->buyers; i++) {
        plan_account_name(i, name);
        asked = compare_balance(play, judgement, name, m.accounts[i]);
    }
    for (uint32_t i = 0; asked && i < play->plan->merchants; i++) {
        plan_merchant_name(i, name);
        asked = compare_balance(play, judgement, name, m.merchants[i]);
        if (asked && play->plan->buyers) asked = compare_stock(play, judgement, name, m.stocks[i]);
    }
    if (!asked) fault(judgement, "accounts cannot be read: %s", till_error(play->till));
    model_clear(&m);
    return asked;
}

bool judge_is_sound(const struct judgement *j) {
    return !*j->first_fault && j->unsent + j->unanswered + j->strange + j->wrong_answers + j->wrong_balances == 0;
}

/* --- the killing --- */

bool judge_was_calm(const struct play *play, const struct outage *outage, const struct shot *s) {
    return !play->killed_ns || s->answered_ns < play->killed_ns || s->due_ns > outage->over_ns;
}

/* An intent that met a partition which nobody served. */
static bool had_to_wait(const struct play *play, const struct outage *outage, const struct shot *s) {
    int64_t served = outage->served_ns[s->partition];
    return served - play->killed_ns >= OUTAGE_MIN_NS && s->answered_ns >= play->killed_ns && s->due_ns <= served;
}

void judge_recovery(const struct play *play, struct outage *outage, struct recovery *recovery) {
    const struct plan *plan = play->plan;
    memset(outage, 0, sizeof *outage);
    memset(recovery, 0, sizeof *recovery);
    if (!play->killed_ns) return;
    for (uint32_t n = plan->setup; n < plan->count; n++) {
        const struct shot *s = &plan->shots[n];
        int64_t *served = &outage->served_ns[s->partition];
        if (s->due_ns > play->killed_ns && (*served == 0 || s->answered_ns < *served)) *served = s->answered_ns;
    }
    for (unsigned p = 0; p < RECOVERY_PARTITIONS_MAX; p++) {
        int64_t took = outage->served_ns[p] - play->killed_ns;
        if (took < OUTAGE_MIN_NS) continue;
        recovery->partitions++;
        if (took > recovery->longest_ns) recovery->longest_ns = took;
    }
    for (uint32_t n = plan->setup; n < plan->count; n++) {
        const struct shot *s = &plan->shots[n];
        if (!had_to_wait(play, outage, s)) continue;
        recovery->waited++;
        if (s->answered_ns > outage->over_ns) outage->over_ns = s->answered_ns;
        if (s->answered_ns - s->due_ns > recovery->waited_most_ns) recovery->waited_most_ns = s->answered_ns - s->due_ns;
    }
}
