/* The reference model: what a merchant's shard earns in a month, and how a month is settled. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "tests/worker/model_state.h"

/* Months by the book's clock */

/* 12 * year + month - 1, of days since the epoch: year by year. */
static int month_of_day(int64_t day) {
    static const int lengths[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    for (int month = 12 * 1970;; month++) {
        int year = month / 12;
        bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
        int length = lengths[month % 12] + (month % 12 == 1 && leap);
        if (day < length) return month;
        day -= length;
    }
}

/* Of the entry that is being applied, by the offset of the book's policy as it is now. */
static int month_now(const struct hearing *c) {
    const struct model_shard *s = &c->m->shards[c->partition];
    int64_t offset = s->has_policy[SETTING_settlement_offset] ? (int64_t)s->policy[SETTING_settlement_offset] : 0;
    if (offset > 840) offset -= 1440;
    int64_t ms = (int64_t)c->id.ms + offset * 60000;
    return month_of_day(ms / (int64_t)MODEL_DAY_MS);
}

int model_month_of(const char *text) { return 12 * (int)strtol(text, NULL, 10) + (int)strtol(text + 5, NULL, 10) - 1; }

void model_month_text(int month, char out[8]) { snprintf(out, 8, "%04u-%02u", (unsigned)month / 12 % 10000, (unsigned)month % 12 + 1); }

/* Months of a shard */

static struct model_month *find_month(struct model *m, const struct model_account *shard, int month) {
    for (size_t n = 0; n < m->month_count; n++) {
        struct model_month *t = &m->months[n];
        if (t->partition == shard->partition && model_is(t->account, shard->name) && t->month == month) return t;
    }
    return NULL;
}

static struct model_month *add_month(struct model *m, const struct model_account *shard, int month) {
    m->months = model_grow(m->months, m->month_count, sizeof *m->months);
    struct model_month *t = &m->months[m->month_count++];
    *t = (struct model_month){.partition = shard->partition, .month = month};
    snprintf(t->account, sizeof t->account, "%s", shard->name);
    return t;
}

/* A later month begins: what was earned until now is put by. A month never goes back. */
static void turn_month(const struct hearing *c, struct model_account *shard) {
    int now = month_now(c);
    if (now <= shard->month) return;
    if (shard->month && (shard->gross || shard->refunds || shard->other)) {
        struct model_month *t = add_month(c->m, shard, shard->month);
        t->gross = shard->gross;
        t->refunds = shard->refunds;
        t->other = shard->other;
    }
    shard->month = now;
    shard->gross = shard->refunds = shard->other = 0;
}

static bool is_settlement(const struct hearing *c) { return c->i && (c->i->op == OP_settle || c->i->op == OP_swept); }

void model_earn(struct hearing *c, struct model_account *shard, int64_t amount) {
    turn_month(c, shard);
    if (is_settlement(c)) return;
    if (shard == c->account) shard->other += amount;
    else if (amount > 0) shard->gross += amount;
    else shard->refunds -= amount;
}

bool model_earns_too_much(const struct hearing *c, const struct model_account *shard, int64_t amount) {
    if (!model_is_merchant(shard)) return false;
    if (month_now(c) > shard->month) return false; /* an amount alone is never too much */
    if (shard == c->account) return llabs(shard->other + amount) > MODEL_CAP;
    return (amount > 0 ? shard->gross : shard->refunds) + llabs(amount) > MODEL_CAP;
}

/* Settlement */

/* The earliest month of the shard that is neither settled nor running; 0: none. */
static int earliest_open(const struct model *m, const struct model_account *shard) {
    int earliest = 0;
    for (size_t n = 0; n < m->month_count; n++) {
        const struct model_month *t = &m->months[n];
        if (t->partition != shard->partition || !model_is(t->account, shard->name) || t->settled) continue;
        if (earliest == 0 || t->month < earliest) earliest = t->month;
    }
    return earliest;
}

/* Half to even. */
static int64_t fee_of(const struct model_fee *f) {
    __int128 parts = (__int128)f->basis_points * f->gross;
    int64_t whole = (int64_t)(parts / 10000), rest = (int64_t)(parts % 10000);
    return whole + (rest > 5000 || (rest == 5000 && whole % 2 == 1));
}

static struct model_fee *find_fee(struct hearing *c, const char *merchant, int month) {
    struct model *m = c->m;
    const struct model_shard *s = &m->shards[c->partition];
    for (size_t n = 0; n < m->fee_count; n++)
        if (model_is(m->fees[n].account, merchant) && m->fees[n].month == month) return &m->fees[n];
    m->fees = model_grow(m->fees, m->fee_count, sizeof *m->fees);
    struct model_fee *f = &m->fees[m->fee_count++];
    *f = (struct model_fee){.month = month, .basis_points = s->has_policy[SETTING_fee] ? (int64_t)s->policy[SETTING_fee] : 0};
    snprintf(f->account, sizeof f->account, "%s", merchant);
    return f;
}

static bool has_come(const struct model_fee *f, unsigned partition) {
    for (unsigned n = 0; n < f->partition_count; n++)
        if (f->partitions[n] == partition) return true;
    return false;
}

/* Another partition's part: the fee rises to that of the sum. */
static void take_fee(struct hearing *c, struct model_fee *f, unsigned from, int64_t gross) {
    f->gross += gross;
    f->partitions[f->partition_count++] = from;
    int64_t more = fee_of(f) - f->fee;
    f->fee += more;
    c->account->changed_ms = c->id.ms;
    if (more == 0) return;
    model_number_bill(c);
    model_post(c, c->account, -more, 0);
    model_post(c, model_system(c, "fees", c->account->currency), more, 0);
}

/* Would what the month earned, moved to @transit, leave a balance that cannot be? */
static bool passes(struct hearing *c, int month) {
    const struct model_account *shard = c->account, *transit = model_system(c, "transit", shard->currency);
    const struct model_month *t = find_month(c->m, shard, month);
    int64_t net = t ? t->gross - t->refunds : shard->month == month ? shard->gross - shard->refunds : 0;
    return llabs(shard->balance - net) > MODEL_CAP || llabs(transit->balance + net) > MODEL_CAP;
}

/* The checks, and the month's own record. */
static int close_month(struct hearing *c, int month, struct model_month **closed) {
    struct model_account *shard = c->account;
    if (month >= month_now(c)) return model_detail(c, 11, "month");
    struct model_month *t = find_month(c->m, shard, month);
    if (t && t->settled) return 10;
    int open = earliest_open(c->m, shard);
    bool runs_out = shard->month && shard->month < month_now(c) && (shard->gross || shard->refunds || shard->other);
    if (runs_out && (open == 0 || shard->month < open)) open = shard->month;
    if (open && open < month) {
        char text[8];
        model_month_text(open, text);
        return model_detail(c, 11, text);
    }
    if (!model_is_here(c, c->i->account) && passes(c, month)) return 12;
    turn_month(c, shard);
    t = find_month(c->m, shard, month);
    *closed = t ? t : add_month(c->m, shard, month);
    (*closed)->settled = true;
    shard->changed_ms = c->id.ms;
    return 0;
}

int model_settle(struct hearing *c) {
    struct model_month *t;
    if (!model_is_merchant(c->account)) return model_no_merchant(c);
    if (!model_is(c->account->currency, c->i->currency)) return 15;
    int code = close_month(c, model_month_of(c->i->month), &t);
    if (code) return code;
    int64_t gross = t->gross, refunds = t->refunds, net = gross - refunds;
    c->bill.moved = llabs(net);
    snprintf(c->bill.detail, sizeof c->bill.detail, "%" PRId64 " %" PRId64, gross, refunds);
    if (model_is_here(c, c->i->account)) {
        take_fee(c, find_fee(c, c->i->account, t->month), c->partition, gross);
        return 0;
    }
    if (net != 0) {
        model_number_bill(c);
        model_post(c, c->account, -net, 0);
        model_post(c, model_system(c, "transit", c->account->currency), net, 0);
    }
    model_send_swept(c, gross, refunds);
    return 0;
}

/* What another partition's shard earned comes home, once. */
void model_sweep(struct hearing *c, unsigned from) {
    int64_t gross = (int64_t)c->i->gross_minor, net = gross - (int64_t)c->i->refunds_minor;
    struct model_fee *f = find_fee(c, c->i->account, model_month_of(c->i->month));
    if (has_come(f, from)) return;
    if (net != 0) {
        model_number_bill(c);
        model_post(c, model_system(c, "transit", c->account->currency), -net, 0);
        model_post(c, c->account, net, 0);
    }
    take_fee(c, f, from, gross);
}
