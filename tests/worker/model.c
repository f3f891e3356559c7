/* The reference model. */
#include "tests/worker/model.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "tests/worker/model_state.h"

#define CAP INT64_C(9007199254740991)
#define DAY_MS UINT64_C(86400000)

/* The intent being decided. */
struct hearing {
    struct model *m;
    unsigned partition;
    struct entry_id id;
    const struct intent *i;
    struct model_bill bill; /* in the making */
    struct model_account *account;
};

enum { ACCOUNTS_MAX = 1024 };

static void *grow(void *array, size_t count, size_t size) {
    if ((count & (count - 1)) != 0) return array;
    array = realloc(array, (count ? count * 2 : 1) * size);
    if (!array) abort();
    return array;
}

struct model *model_new(unsigned partitions) {
    struct model *m = calloc(1, sizeof *m);
    if (!m || partitions > MODEL_PARTITIONS_MAX) abort();
    m->accounts = calloc(ACCOUNTS_MAX, sizeof *m->accounts); /* never moved: decisions hold pointers to two of them */
    if (!m->accounts) abort();
    m->partitions = partitions;
    return m;
}

void model_free(struct model *m) {
    for (size_t n = 0; n < m->answer_count; n++) free(m->answers[n].text);
    for (size_t n = 0; n < m->row_count; n++) free(m->rows[n].text);
    for (size_t n = 0; n < m->follow_up_count; n++) free(m->follow_ups[n].text);
    free(m->accounts);
    free(m->bills);
    free(m->answers);
    free(m->rows);
    free(m->follow_ups);
    free(m);
}

/* Accounts */

static struct model_account *find_account(struct model *m, unsigned partition, const char *name) {
    for (size_t n = 0; n < m->account_count; n++)
        if (m->accounts[n].partition == partition && strcmp(m->accounts[n].name, name) == 0) return &m->accounts[n];
    return NULL;
}

static void add_account(struct model *m, unsigned partition, const char *name, const char *kind, const char *currency, uint64_t ms) {
    if (m->account_count == ACCOUNTS_MAX) abort();
    struct model_account *a = &m->accounts[m->account_count++];
    *a = (struct model_account){.partition = partition, .opened_ms = ms, .changed_ms = ms};
    snprintf(a->name, sizeof a->name, "%s", name);
    snprintf(a->kind, sizeof a->kind, "%s", kind);
    snprintf(a->currency, sizeof a->currency, "%s", currency);
    snprintf(a->status, sizeof a->status, "active");
}

static bool is(const char *a, const char *b) { return strcmp(a, b) == 0; }
static bool active(const struct model_account *a) { return is(a->status, "active"); }

/* Bills */

static uint64_t day_of(struct entry_id id) { return id.ms / DAY_MS; }

/* The bill of an identity on a day; NULL when there is none. */
static struct model_bill *find_bill(struct hearing *c, const char *key, uint64_t day) {
    for (size_t n = 0; n < c->m->bill_count; n++) {
        struct model_bill *b = &c->m->bills[n];
        if (b->partition == c->partition && b->day == day && is(b->intent.account, c->i->account) && is(b->intent.source, c->i->source) &&
            is(b->intent.key, key))
            return b;
    }
    return NULL;
}

static struct model_bill *find_bill_between(struct hearing *c, const char *key, uint64_t first, uint64_t last) {
    for (uint64_t day = last;; day--) {
        struct model_bill *b = find_bill(c, key, day);
        if (b || day == first) return b;
    }
}

/* The bill referred to by `of`: of the days the hint leaves, else the newest of the 180 days of the refund window. */
static struct model_bill *find_referred(struct hearing *c) {
    uint64_t today = day_of(c->id), oldest = today - 180, at = c->i->of_at_ms;
    struct model_bill *b = NULL;
    if (at && at <= c->id.ms + 5 * 60000) {
        uint64_t first = (at > 5 * 60000 ? at - 5 * 60000 : 0) / DAY_MS, last = (at + 23 * 3600000) / DAY_MS;
        if (last > today) last = today;
        if (first >= oldest && first <= last) b = find_bill_between(c, c->i->of, first, last);
    }
    return b ? b : find_bill_between(c, c->i->of, oldest, today);
}

/* Answers */

static const char *code_words[] = {"ok", "not_found", "not_permitted", "insufficient_funds", "account_frozen", "account_locked", "invalid",
                                   "key_reused", "rate_limited", "duplicate_suspected", "already_exists", "wrong_state", "limit_exceeded",
                                   "out_of_stock", "stale", "currency_mismatch"};

static bool may_wait(enum op op) { return op == OP_open || op == OP_freeze || op == OP_thaw || op == OP_close; }

static void add_line(struct model_line **lines, size_t *count, unsigned partition, const char *source, bool prompt, char *text) {
    *lines = grow(*lines, *count, sizeof **lines);
    struct model_line *l = &(*lines)[(*count)++];
    *l = (struct model_line){.partition = partition, .prompt = prompt, .text = text};
    snprintf(l->source, sizeof l->source, "%s", source);
}

static void answer(struct hearing *c, const struct model_bill *b, bool replayed) {
    char *text;
    if (asprintf(&text, "responses:%s key=%s source=%s op=%s code=%d reason=%s account=%s amount=%s currency=%s balance=%s held=%s bill=%s "
                 "at=%" PRIu64 " entry=%" PRIu64 "-%" PRIu64 " replayed=%d detail=%s",
                 c->i->source, c->i->key, c->i->source, op_word(b->intent.op), b->code, code_words[b->code], c->i->account, b->amount,
                 b->currency, b->balance, b->held, b->number, b->id.ms, b->id.ms, b->id.seq, replayed, b->detail) < 0)
        abort();
    add_line(&c->m->answers, &c->m->answer_count, c->partition, c->i->source, !may_wait(b->intent.op), text);
}

static struct model_bill blank_bill(const struct hearing *c) {
    struct model_bill b = {.partition = c->partition, .day = day_of(c->id), .intent = *c->i, .id = c->id};
    memcpy(b.currency, c->i->currency, sizeof b.currency);
    memcpy(b.to, c->i->to, sizeof c->i->to);
    return b;
}

/* Answers without deciding: the key stays free. */
static void refuse(struct hearing *c, int code, const char *detail) {
    struct model_bill b = blank_bill(c);
    b.code = code;
    snprintf(b.detail, sizeof b.detail, "%s", detail);
    answer(c, &b, false);
}

/* Money */

static struct model_account *world(struct hearing *c, const char *currency) {
    char name[16];
    snprintf(name, sizeof name, "@world:%s", currency);
    if (!find_account(c->m, c->partition, name)) {
        size_t own = c->account ? (size_t)(c->account - c->m->accounts) : 0;
        add_account(c->m, c->partition, name, "system", currency, 0);
        if (c->account) c->account = &c->m->accounts[own];
    }
    return find_account(c->m, c->partition, name);
}

static void post(struct hearing *c, struct model_account *a, int64_t amount) {
    char *text;
    a->balance += amount;
    a->seq++;
    a->changed_ms = c->id.ms;
    if (a->opened_ms == 0) a->opened_ms = c->id.ms;
    if (asprintf(&text, "ledger %s %s/%s/%s %s %s %" PRId64 " 0 %" PRId64 " 0 %" PRId64 " %" PRIu64 " %s", c->bill.number, c->i->account,
                 c->i->source, c->i->key, op_word(c->i->op), a->name, amount, a->balance, a->seq, c->id.ms, c->i->note) < 0)
        abort();
    add_line(&c->m->rows, &c->m->row_count, c->partition, "", true, text);
}

/* Checks 11 and 12, then the posting. */
static int move(struct hearing *c, struct model_account *from, struct model_account *to, int64_t amount, bool funded) {
    if (from->balance - amount < -CAP || to->balance + amount > CAP) return 12;
    if (funded && from->balance < amount) return 3;
    snprintf(c->bill.number, sizeof c->bill.number, "%u-%" PRIu64, c->partition, ++c->m->shards[c->partition].bill);
    post(c, from, -amount);
    post(c, to, amount);
    c->bill.moved = amount;
    return 0;
}

/* Operations: each gives the code and may set the bill's detail. Not decided: 6. */

static int detail(struct hearing *c, int code, const char *text) {
    snprintf(c->bill.detail, sizeof c->bill.detail, "%s", text);
    return code;
}

static int do_open(struct hearing *c) {
    if (c->account) return 10;
    add_account(c->m, c->partition, c->i->account, kind_word(c->i->kind), c->i->currency, c->id.ms);
    c->account = find_account(c->m, c->partition, c->i->account);
    return 0;
}

static int do_status(struct hearing *c, const char *status) {
    struct model_account *a = c->account;
    if (is(a->status, "closed")) return 4;
    if (is(a->status, status)) return 11;
    if (is(status, "closed") && !is(a->kind, "merchant") && a->balance != 0) return 11;
    snprintf(a->status, sizeof a->status, "%s", status);
    a->changed_ms = c->id.ms;
    return 0;
}

static int do_topup(struct hearing *c) {
    if (!is(c->account->currency, c->i->currency)) return 15;
    if (!active(c->account)) return 4;
    struct model_account *w = world(c, c->i->currency);
    return move(c, w, c->account, (int64_t)c->i->amount_minor, false);
}

static int do_withdraw(struct hearing *c) {
    if (*c->i->currency && !is(c->account->currency, c->i->currency)) return 15;
    if (!active(c->account)) return 4;
    struct model_account *w = world(c, c->account->currency);
    return move(c, c->account, w, (int64_t)c->i->amount_minor, true);
}

static int do_pay(struct hearing *c) {
    struct model_account *merchant = find_account(c->m, c->partition, c->i->to);
    if (!merchant || !is(merchant->kind, "merchant")) return detail(c, 1, "to");
    if (!is(c->account->currency, c->i->currency) || !is(merchant->currency, c->i->currency)) return 15;
    if (!active(c->account) || !active(merchant)) return 4;
    int code = move(c, c->account, merchant, (int64_t)c->i->amount_minor, true);
    if (code) return code;
    snprintf(c->bill.state, sizeof c->bill.state, "captured");
    c->bill.captured = c->bill.moved;
    return 0;
}

/* Names the bill referred to, and takes over its merchant and currency. */
static void refer(struct hearing *c, const struct model_bill *done) {
    memcpy(c->bill.to, done->to, sizeof c->bill.to);
    memcpy(c->bill.currency, done->currency, sizeof c->bill.currency);
    detail(c, 0, done->number);
}

static int do_refund(struct hearing *c) {
    struct model_bill *paid = find_referred(c);
    if (*c->i->currency) memcpy(c->bill.currency, c->i->currency, sizeof c->bill.currency);
    if (!paid) return detail(c, 1, "of");
    if (paid->intent.op != OP_pay || paid->code != 0) return active(c->account) ? 11 : 4;
    if (*c->i->to && !is(c->i->to, paid->to)) return detail(c, 6, "to");
    if (*c->i->currency && !is(c->i->currency, paid->currency)) return detail(c, 6, "currency");
    refer(c, paid);
    struct model_account *merchant = find_account(c->m, c->partition, paid->to);
    if (!active(c->account) || !active(merchant)) return 4;
    if (!is(paid->state, "captured")) return 11;
    int64_t left = paid->captured - paid->refunded, amount = c->i->amount_minor ? (int64_t)c->i->amount_minor : left;
    if (left == 0 || amount > left) return 12;
    int code = move(c, merchant, c->account, amount, false);
    if (code == 0) paid->refunded += amount;
    return code;
}

static int do_rollback(struct hearing *c) {
    struct model_bill *done = find_referred(c);
    if (!done) return detail(c, 1, "of");
    enum op op = done->intent.op;
    if ((op != OP_topup && op != OP_withdraw && op != OP_pay) || done->code != 0) return active(c->account) ? 11 : 4;
    refer(c, done);
    struct model_account *other = op == OP_pay ? find_account(c->m, c->partition, done->to) : world(c, done->currency);
    if (!active(c->account) || !active(other)) return 4;
    if (done->refunded) return 11;
    int code = op == OP_topup ? move(c, c->account, other, done->moved, true) : move(c, other, c->account, done->moved, false);
    if (code) return code;
    done->refunded = done->moved;
    if (op == OP_pay) snprintf(done->state, sizeof done->state, "released");
    return 0;
}

static int decide(struct hearing *c) {
    if (c->i->op == OP_open) return do_open(c);
    if (!c->account) return detail(c, 1, "account");
    switch (c->i->op) {
    case OP_freeze: return do_status(c, "frozen");
    case OP_thaw: return do_status(c, "active");
    case OP_close: return do_status(c, "closed");
    case OP_inquire: return 0;
    case OP_topup: return do_topup(c);
    case OP_withdraw: return do_withdraw(c);
    case OP_pay: return do_pay(c);
    case OP_refund: return do_refund(c);
    case OP_rollback: return do_rollback(c);
    case OP_NONE:
    case OP_open:
    case OP_adopt:
    case OP_mark:
    case OP_COUNT: break;
    }
    abort();
}

/* Seen before: was the same meant? NULL: yes; else the field that differs, "" when it cannot be told. */

static bool same_field(const struct intent *a, const struct intent *b, enum field f) {
    if ((a->present ^ b->present) & FIELD_BIT(f)) return false;
    if (field_is_number(f) || field_is_bool(f)) return intent_number(a, f) == intent_number(b, f);
    size_t a_size, b_size;
    const char *a_text = intent_text(a, f, &a_size), *b_text = intent_text(b, f, &b_size);
    return a_size == b_size && memcmp(a_text, b_text, a_size) == 0;
}

static bool same_meaning(const struct intent *a, const struct intent *b) {
    for (enum field f = 0; f < FIELD_COUNT; f++) {
        if (f == FIELD_v || f == FIELD_at || f == FIELD_of_at || f == FIELD_note) continue;
        if (a->op == OP_refund && (f == FIELD_to || f == FIELD_currency)) continue; /* leaving out means restating correctly */
        if (!same_field(a, b, f)) return false;
    }
    return true;
}

static const char *difference(const struct model_bill *b, const struct intent *i) {
    bool same = same_meaning(&b->intent, i), other_currency = *i->currency && *b->currency && !is(i->currency, b->currency);
    if (b->intent.op != i->op) return "op";
    if (*i->to && *b->to && !is(i->to, b->to)) return "to";
    if (same) return i->op == OP_refund && other_currency ? "currency" : NULL;
    if (b->code != 0) return "";
    if (i->amount_minor && *b->amount && (int64_t)i->amount_minor != b->moved) return "amount";
    return other_currency ? "currency" : "";
}

/* Follow-ups */

static void send_follow_ups(struct hearing *c) {
    static const char *const statuses[] = {[OP_freeze] = "frozen", [OP_thaw] = "active", [OP_close] = "closed"};
    for (unsigned to = 0; to < c->m->partitions; to++) {
        char *text;
        if (to == c->partition) continue;
        if (asprintf(&text, "%s %s %s %u:%" PRIu64 "-%" PRIu64, c->i->op == OP_open ? "adopt" : "mark", c->i->account,
                     c->i->op == OP_open ? "" : statuses[c->i->op], c->partition, c->id.ms, c->id.seq) < 0)
            abort();
        c->m->follow_ups = grow(c->m->follow_ups, c->m->follow_up_count, sizeof *c->m->follow_ups);
        c->m->follow_ups[c->m->follow_up_count++] = (struct model_follow_up){c->partition, to, text};
    }
}

/* Once per origin, in the order of origins. */
static void follow(struct hearing *c) {
    char *colon;
    unsigned from = (unsigned)strtoul(c->i->origin, &colon, 10);
    struct model_shard *s = &c->m->shards[c->partition];
    struct entry_id origin;
    if (from >= c->m->partitions || !entry_id_parse(colon + 1, strlen(colon + 1), &origin)) abort();
    if (s->has_from[from] && entry_id_compare(origin, s->from[from]) <= 0) return;
    s->from[from] = origin;
    s->has_from[from] = true;
    if (c->i->op == OP_adopt && !c->account)
        add_account(c->m, c->partition, c->i->account, kind_word(c->i->kind), c->i->currency, c->id.ms);
    if (c->i->op != OP_mark || !c->account) return;
    snprintf(c->account->status, sizeof c->account->status, "%s", status_word(c->i->status));
    c->account->changed_ms = c->id.ms;
}

/* The road of an intent */

static void keep(struct hearing *c, int code) {
    bool moves = c->i->amount_minor || c->i->op == OP_refund || c->i->op == OP_rollback;
    c->bill.code = code;
    if (moves) snprintf(c->bill.amount, sizeof c->bill.amount, "%" PRId64, c->bill.moved);
    if (c->account) {
        snprintf(c->bill.balance, sizeof c->bill.balance, "%" PRId64, c->account->balance);
        snprintf(c->bill.held, sizeof c->bill.held, "0");
    }
    c->m->bills = grow(c->m->bills, c->m->bill_count, sizeof *c->m->bills);
    c->m->bills[c->m->bill_count++] = c->bill;
    answer(c, &c->bill, false);
    if (code == 0 && may_wait(c->i->op) && is(c->account->kind, "merchant")) send_follow_ups(c);
}

static void decide_new(struct hearing *c) {
    c->bill = blank_bill(c);
    if (c->account) memcpy(c->bill.currency, c->account->currency, sizeof c->bill.currency);
    int code = decide(c);
    if (code == 6) refuse(c, 6, c->bill.detail);
    else keep(c, code);
}

static void apply_intent(struct hearing *c) {
    const struct intent *i = c->i;
    uint64_t today = day_of(c->id);
    if (crc32(0, (const unsigned char *)i->account, (unsigned)strlen(i->account)) % c->m->partitions != c->partition) {
        refuse(c, 6, "account");
        return;
    }
    if (i->at_ms > c->id.ms + 5 * 60000) {
        refuse(c, 6, "at");
        return;
    }
    struct model_bill *known = find_bill_between(c, i->key, today - 1, today);
    if (known) {
        const char *field = difference(known, i);
        if (field) refuse(c, 7, field);
        else answer(c, known, true);
        return;
    }
    if (c->id.ms > i->at_ms + 23 * 3600000) refuse(c, 14, "");
    else decide_new(c);
}

void model_apply(struct model *m, unsigned partition, struct entry_id id, const struct intent *intent) {
    struct hearing c = {.m = m, .partition = partition, .id = id, .i = intent, .account = find_account(m, partition, intent->account)};
    if (is(intent->source, "till")) follow(&c);
    else apply_intent(&c);
    m->shards[partition].applied = id;
}

void model_bury(struct model *m, unsigned partition, struct entry_id id) { m->shards[partition].applied = id; }
