/* The reference model: the road of an intent, from its entry to its answer. */
#include "tests/worker/model.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "tests/worker/model_state.h"

enum { STALE_MS = 23 * 3600000, AHEAD_MS = 5 * 60000 };
#define EARLY_MS UINT64_C(7776000000) /* 90 days */

void *model_grow(void *array, size_t count, size_t size) {
    if ((count & (count - 1)) != 0) return array;
    array = realloc(array, (count ? count * 2 : 1) * size);
    if (!array) abort();
    return array;
}

struct model *model_new(unsigned partitions) {
    struct model *m = calloc(1, sizeof *m);
    if (!m || partitions > MODEL_PARTITIONS_MAX) abort();
    m->accounts = calloc(MODEL_ACCOUNTS_MAX, sizeof *m->accounts);
    if (!m->accounts) abort();
    m->partitions = partitions;
    return m;
}

void model_free(struct model *m) {
    for (size_t n = 0; n < m->answer_count; n++) free(m->answers[n].text);
    for (size_t n = 0; n < m->row_count; n++) free(m->rows[n].text);
    for (size_t n = 0; n < m->due_count; n++) free(m->dues[n].bytes);
    free(m->accounts);
    free(m->bills);
    free(m->answers);
    free(m->rows);
    free(m->dues);
    free(m->recents);
    free(m->follow_ups);
    free(m->months);
    free(m->fees);
    free(m->articles);
    free(m->orders);
    free(m);
}

bool model_is(const char *a, const char *b) { return strcmp(a, b) == 0; }
bool model_has(const struct intent *i, enum field f) { return i->present & FIELD_BIT(f); }
uint64_t model_day(struct entry_id id) { return id.ms / MODEL_DAY_MS; }

/* Accounts */

struct model_account *model_find_account(struct model *m, unsigned partition, const char *name) {
    for (size_t n = 0; n < m->account_count; n++)
        if (m->accounts[n].partition == partition && model_is(m->accounts[n].name, name)) return &m->accounts[n];
    return NULL;
}

struct model_account *model_add_account(struct model *m, unsigned partition, const char *name, const char *kind, const char *currency,
                                        uint64_t ms) {
    if (m->account_count == MODEL_ACCOUNTS_MAX) abort();
    struct model_account *a = &m->accounts[m->account_count++];
    *a = (struct model_account){.partition = partition, .opened_ms = ms, .changed_ms = ms};
    snprintf(a->name, sizeof a->name, "%s", name);
    snprintf(a->kind, sizeof a->kind, "%s", kind);
    snprintf(a->currency, sizeof a->currency, "%s", currency);
    snprintf(a->status, sizeof a->status, "active");
    return a;
}

bool model_active(const struct model_account *a) { return model_is(a->status, "active"); }

/* Answers */

static const char *const code_words[] = {
    "ok", "not_found", "not_permitted", "insufficient_funds", "account_frozen", "account_locked", "invalid", "key_reused", "rate_limited",
    "duplicate_suspected", "already_exists", "wrong_state", "limit_exceeded", "out_of_stock", "stale", "currency_mismatch", "expired",
    "group_failed", "guard_failed", "dead", "in_progress"};

/* Decided codes and what is under way are stored, the others leave the key free. */
static bool is_kept(int code) { return code != 2 && code != 5 && code != 6 && code != 7 && code != 8 && code != 14 && code != 18; }

bool model_may_wait(enum op op) {
    return op == OP_open || op == OP_freeze || op == OP_thaw || op == OP_close || op == OP_transfer || op == OP_settle;
}

void model_answer(struct hearing *c, const struct model_bill *b, bool replayed) {
    struct model *m = c->m;
    struct model_line line = {.partition = c->partition, .prompt = !model_may_wait(b->op)};
    if (asprintf(&line.text, "responses:%s key=%s source=%s op=%s code=%d reason=%s account=%s amount=%s currency=%s balance=%s held=%s "
                 "bill=%s at=%" PRIu64 " entry=%" PRIu64 "-%" PRIu64 " replayed=%d detail=%s",
                 b->source, b->key, b->source, op_word(b->op), b->code, code_words[b->code], b->account, b->amount, b->currency, b->balance,
                 b->held, b->number, b->id.ms, b->id.ms, b->id.seq, replayed, b->detail) < 0)
        abort();
    snprintf(line.source, sizeof line.source, "%s", b->source);
    m->answers = model_grow(m->answers, m->answer_count, sizeof *m->answers);
    m->answers[m->answer_count++] = line;
}

/* Answers without deciding. */
void model_refuse(struct hearing *c, int code, const char *detail) {
    char copy[sizeof c->bill.detail]; /* it may be the bill's own */
    snprintf(copy, sizeof copy, "%s", detail);
    c->account = NULL; /* nothing is said of it */
    model_open_bill(c);
    c->bill.code = code;
    model_detail(c, code, copy);
    model_answer(c, &c->bill, false);
}

int model_detail(struct hearing *c, int code, const char *text) {
    char copy[sizeof c->bill.detail];
    snprintf(copy, sizeof copy, "%s", text);
    memcpy(c->bill.detail, copy, sizeof copy);
    return code;
}

/* Bills in the making */

struct hearing model_hearing(struct model *m, unsigned partition, struct entry_id id, const struct intent *i) {
    struct hearing c = {.m = m, .partition = partition, .id = id, .original = id, .i = i, .token = i->token};
    c.account = model_find_account(m, partition, i->account);
    c.row_op = op_word(i->op);
    c.row_note = i->note;
    intent_identity(i, c.row_identity);
    return c;
}

void model_open_bill(struct hearing *c) {
    struct model_bill *b = &c->bill;
    *b = (struct model_bill){.partition = c->partition, .day = model_day(c->original), .id = c->original, .op = c->i->op};
    snprintf(b->account, sizeof b->account, "%s", c->i->account);
    memcpy(b->source, c->i->source, sizeof b->source);
    memcpy(b->key, c->i->key, sizeof b->key);
    memcpy(b->currency, c->account ? c->account->currency : c->i->currency, sizeof b->currency);
    memcpy(b->to, c->i->to, sizeof c->i->to);
    intent_fingerprint(c->i, b->fingerprint);
}

/* Does a bill of it say an amount, 0 when it was refused? */
static bool moves(enum op op) {
    return op == OP_topup || op == OP_withdraw || op == OP_pay || op == OP_refund || op == OP_rollback || op == OP_hold ||
           op == OP_capture || op == OP_release || op == OP_transfer || op == OP_group || op == OP_settle;
}

void model_close_bill(struct hearing *c, int code) {
    struct model_bill *b = &c->bill;
    b->code = code;
    bool says = code == 0 && (b->op == OP_price || b->op == OP_order || b->op == OP_cancel); /* what it is about moves later, if ever */
    if (moves(b->op) || says) snprintf(b->amount, sizeof b->amount, "%" PRId64, b->moved);
    if (!c->account) return;
    snprintf(b->balance, sizeof b->balance, "%" PRId64, c->account->balance);
    snprintf(b->held, sizeof b->held, "%" PRId64, c->account->held);
}

void model_store_bill(struct hearing *c) {
    struct model *m = c->m;
    m->bills = model_grow(m->bills, m->bill_count, sizeof *m->bills);
    m->bills[m->bill_count++] = c->bill;
}

/* Decisions */

static int do_open(struct hearing *c) {
    if (c->account) return 10;
    c->account = model_add_account(c->m, c->partition, c->i->account, kind_word(c->i->kind), c->i->currency, c->id.ms);
    model_set_rules(c);
    return 0;
}

static int do_status(struct hearing *c, const char *status) {
    struct model_account *a = c->account;
    if (model_is(a->status, "closed")) return 4;
    if (model_is(a->status, status)) return 11;
    if (model_is(status, "closed") && !model_is(a->kind, "merchant") && (a->balance != 0 || a->held != 0)) return 11;
    snprintf(a->status, sizeof a->status, "%s", status);
    a->changed_ms = c->id.ms;
    return 0;
}

static int decide_of_account(struct hearing *c) {
    switch (c->i->op) {
    case OP_freeze: return do_status(c, "frozen");
    case OP_thaw: return do_status(c, "active");
    case OP_close: return do_status(c, "closed");
    case OP_inquire: return 0;
    case OP_topup: return model_topup(c);
    case OP_withdraw: return model_withdraw(c);
    case OP_pay: return model_pay(c);
    case OP_refund: return model_refund(c);
    case OP_rollback: return model_rollback(c);
    case OP_hold: return model_hold(c);
    case OP_capture: return model_capture(c);
    case OP_release: return model_release(c);
    case OP_transfer: return model_transfer(c);
    case OP_group: return model_group(c);
    case OP_lock: return model_lock(c);
    case OP_unlock: return model_unlock(c);
    case OP_limit: return model_limit(c);
    case OP_credential: return model_credential(c);
    case OP_unschedule: return model_unschedule(c);
    case OP_price: return model_price(c);
    case OP_stock: return model_stock(c);
    case OP_order: return model_order(c);
    case OP_cancel: return model_cancel(c);
    case OP_settle: return model_settle(c);
    case OP_NONE:
    case OP_open:
    case OP_policy:
    case OP_adopt:
    case OP_mark:
    case OP_arrive:
    case OP_paid:
    case OP_settled:
    case OP_bounce:
    case OP_swept:
    case OP_recover:
    case OP_expire:
    case OP_due:
    case OP_lapse:
    case OP_COUNT: break;
    }
    abort();
}

int model_decide(struct hearing *c) {
    if (c->i->op == OP_open) return do_open(c);
    if (c->i->op == OP_policy) return model_policy(c);
    if (!c->account) return model_detail(c, 1, "account");
    return decide_of_account(c);
}

static void decide_new(struct hearing *c) {
    model_open_bill(c);
    int code = model_decide(c);
    bool again = c->i->op == OP_settle && code != 0; /* will be sent again under its key */
    if (!is_kept(code) || again) {
        model_refuse(c, code, code == 6 || again ? c->bill.detail : "");
        return;
    }
    model_close_bill(c, code);
    model_store_bill(c);
    if (code == 20) return; /* its answer comes with the outcome */
    model_answer(c, &c->bill, false);
    if (code == 0) model_send_status(c);
}

/* The field that lets the intent be refused at the door; NULL: none. */
static const char *misplaced(const struct hearing *c) {
    if (c->i->op != OP_policy && c->i->op != OP_settle && !model_is_here(c, c->i->account)) return "account";
    if (c->i->at_ms > c->id.ms + AHEAD_MS) return "at";
    if (model_has(c->i, FIELD_not_before) && c->i->not_before_ms > c->id.ms + EARLY_MS) return "not_before";
    return NULL;
}

static void answer_known(struct hearing *c, const struct model_bill *known) {
    const char *field = model_difference(known, c->i);
    if (field) model_refuse(c, 7, field);
    else if (known->code == 20) model_refuse(c, 20, "");
    else model_answer(c, known, true);
}

static void apply_intent(struct hearing *c, const struct model_entry *entry) {
    const char *field = misplaced(c);
    const struct model_bill *known = field ? NULL : model_find_known(c, c->i->key);
    if (field) model_refuse(c, 6, field);
    else if (known) answer_known(c, known);
    else if (c->id.ms > c->i->at_ms + STALE_MS) model_refuse(c, 14, "");
    else if (model_is_forged(c, entry)) model_refuse(c, 2, "");
    else if (model_is_early(c)) model_schedule(c, entry);
    else decide_new(c);
}

void model_apply(struct model *m, unsigned partition, const struct model_entry *entry) {
    model_drop_bills(m, partition, model_day(entry->id));
    struct hearing c = model_hearing(m, partition, entry->id, entry->intent);
    if (model_is(entry->intent->source, "till")) model_follow(&c);
    else apply_intent(&c, entry);
    m->shards[partition].applied = entry->id;
}

void model_bury(struct model *m, unsigned partition, struct entry_id id) {
    model_drop_bills(m, partition, model_day(id));
    m->shards[partition].applied = id;
}
