/* The reference model: articles and orders, at the home of their merchant. */
#include <inttypes.h>
#include <string.h>

#include "tests/worker/model_state.h"

bool model_is_merchant(const struct model_account *a) { return a && model_is(a->kind, "merchant"); }

/* Another account is as good as none. */
int model_no_merchant(struct hearing *c) {
    c->account = NULL;
    memcpy(c->bill.currency, c->i->currency, sizeof c->bill.currency);
    return model_detail(c, 1, "account");
}

/* Articles */

static struct model_article *find_article(struct model *m, const char *merchant, const char *sku) {
    for (size_t n = 0; n < m->article_count; n++)
        if (model_is(m->articles[n].merchant, merchant) && model_is(m->articles[n].sku, sku)) return &m->articles[n];
    return NULL;
}

static struct model_article *make_article(struct model *m, const char *merchant, const char *sku) {
    struct model_article *a = find_article(m, merchant, sku);
    if (a) return a;
    m->articles = model_grow(m->articles, m->article_count, sizeof *m->articles);
    a = &m->articles[m->article_count++];
    *a = (struct model_article){0};
    snprintf(a->merchant, sizeof a->merchant, "%s", merchant);
    snprintf(a->sku, sizeof a->sku, "%s", sku);
    return a;
}

int model_price(struct hearing *c) {
    if (!model_is_merchant(c->account)) return model_no_merchant(c);
    if (*c->i->currency && !model_is(c->account->currency, c->i->currency)) return 15;
    if (model_is(c->account->status, "closed")) return 4;
    struct model_article *a = make_article(c->m, c->i->account, c->i->sku);
    a->has_price = true;
    a->price = c->bill.moved = (int64_t)c->i->amount_minor;
    a->changed_ms = c->id.ms;
    return 0;
}

int model_stock(struct hearing *c) {
    if (!model_is_merchant(c->account)) return model_no_merchant(c);
    if (model_is(c->account->status, "closed")) return 4;
    struct model_article *a = find_article(c->m, c->i->account, c->i->sku);
    int64_t stock = (a ? a->stock : 0) + c->i->quantity;
    if (stock < 0) return 13;
    if (stock > MODEL_CAP) return 12;
    a = make_article(c->m, c->i->account, c->i->sku);
    a->has_stock = true;
    a->stock = stock;
    a->changed_ms = c->id.ms;
    snprintf(c->bill.detail, sizeof c->bill.detail, "%" PRId64, stock);
    return 0;
}

/* Orders */

struct model_order *model_find_order(struct model *m, const char *merchant, const char *order) {
    for (size_t n = 0; n < m->order_count; n++)
        if (model_is(m->orders[n].merchant, merchant) && model_is(m->orders[n].order, order)) return &m->orders[n];
    return NULL;
}

/* No order outlives its bill. */
static uint64_t last_moment(const struct hearing *c, uint64_t ms) { return (ms / MODEL_DAY_MS + model_keep_days(c)) * MODEL_DAY_MS; }

static uint64_t lapses_at(const struct hearing *c, const struct model_order *o) {
    uint64_t last_ms = last_moment(c, o->id.ms);
    return o->deadline_ms && o->deadline_ms < last_ms ? o->deadline_ms : last_ms;
}

static bool is_lapsed(const struct hearing *c, const struct model_order *o) { return c->id.ms >= lapses_at(c, o); }

/* The price of everything, and whether it can be said. */
static int check_lines(struct hearing *c, int64_t *total) {
    unsigned __int128 sum = c->i->amount_minor;
    bool short_of = false;
    for (unsigned n = 0; n < c->i->line_count; n++) {
        const struct intent_line *l = &c->i->lines[n];
        const struct model_article *a = find_article(c->m, c->i->account, l->sku);
        sum += (unsigned __int128)l->quantity * (uint64_t)a->price;
        if (a->stock < (int64_t)l->quantity) short_of = true;
    }
    if (sum > MODEL_CAP) return 12;
    *total = (int64_t)sum;
    return short_of ? 13 : 0;
}

static bool are_priced(struct hearing *c) {
    for (unsigned n = 0; n < c->i->line_count; n++) {
        const struct model_article *a = find_article(c->m, c->i->account, c->i->lines[n].sku);
        if (!a || !a->has_price) return false;
    }
    return true;
}

static void reserve(struct hearing *c, struct model_order *o) {
    o->line_count = c->i->line_count;
    memcpy(o->lines, c->i->lines, o->line_count * sizeof *o->lines);
    for (unsigned n = 0; n < o->line_count; n++) {
        struct model_article *a = find_article(c->m, o->merchant, o->lines[n].sku);
        o->prices[n] = a->price;
        a->stock -= (int64_t)o->lines[n].quantity;
        a->changed_ms = c->id.ms;
    }
}

static void add_due(struct hearing *c, const struct model_order *o) {
    model_add_due(c, OP_lapse, lapses_at(c, o), NULL, 0);
    struct model_due *due = model_find_due(c->m, c->partition, OP_lapse, o->id, o->identity);
    memcpy(due->order, o->order, sizeof due->order);
}

static struct model_order *make_order(struct hearing *c, int64_t total) {
    struct model *m = c->m;
    m->orders = model_grow(m->orders, m->order_count, sizeof *m->orders);
    struct model_order *o = &m->orders[m->order_count++];
    *o = (struct model_order){.amount = total, .id = c->original, .opened_ms = c->id.ms, .changed_ms = c->id.ms};
    memcpy(o->merchant, c->i->account, sizeof o->merchant);
    memcpy(o->order, c->i->order, sizeof o->order);
    memcpy(o->to, c->i->to, sizeof o->to);
    memcpy(o->currency, c->account->currency, sizeof o->currency);
    memcpy(o->identity, c->row_identity, sizeof o->identity);
    snprintf(o->state, sizeof o->state, "created");
    if (c->i->expires_ms) o->deadline_ms = c->id.ms + c->i->expires_ms;
    return o;
}

int model_order(struct hearing *c) {
    int64_t total;
    if (!model_is_merchant(c->account)) return model_no_merchant(c);
    if (!are_priced(c)) return model_detail(c, 1, "lines");
    if (*c->i->currency && !model_is(c->account->currency, c->i->currency)) return 15;
    if (!model_active(c->account)) return 4;
    if (model_find_order(c->m, c->i->account, c->i->order)) return 10;
    int code = check_lines(c, &total);
    if (code) return code;
    struct model_order *o = make_order(c, total);
    reserve(c, o);
    add_due(c, o);
    c->bill.moved = total;
    if (o->deadline_ms) snprintf(c->bill.detail, sizeof c->bill.detail, "%" PRIu64, o->deadline_ms);
    return 0;
}

/* It is over: what is due of it is to be forgotten. */
static void end_order(struct hearing *c, struct model_order *o, const char *state) {
    struct model_due *due = model_find_due(c->m, c->partition, OP_lapse, o->id, o->identity);
    snprintf(o->state, sizeof o->state, "%s", state);
    o->changed_ms = c->id.ms;
    if (due) due->at_ms = last_moment(c, c->id.ms);
}

static void restock(struct hearing *c, const struct model_order *o) {
    for (unsigned n = 0; n < o->line_count; n++) {
        struct model_article *a = find_article(c->m, o->merchant, o->lines[n].sku);
        a->stock += (int64_t)o->lines[n].quantity;
        if (a->stock > MODEL_CAP) a->stock = MODEL_CAP;
        a->changed_ms = c->id.ms;
    }
}

/* 11 when it was paid or cancelled, 16 when it lapsed, whether or not anybody has swept it. */
static int check_created(const struct hearing *c, const struct model_order *o) {
    if (model_is(o->state, "paid") || model_is(o->state, "cancelled")) return 11;
    return model_is(o->state, "lapsed") || is_lapsed(c, o) ? 16 : 0;
}

int model_cancel(struct hearing *c) {
    struct model_order *o = model_find_order(c->m, c->i->account, c->i->order);
    if (!model_is_merchant(c->account)) return model_no_merchant(c);
    if (!o) return model_detail(c, 1, "order");
    int code = check_created(c, o);
    if (code) return code;
    restock(c, o);
    end_order(c, o, "cancelled");
    c->bill.moved = o->amount;
    return 0;
}

static void forget(struct model *m, struct model_order *o) { *o = m->orders[--m->order_count]; }

/* It lapses, or is forgotten; what is not due yet, because bills are kept longer now, is due later. */
static void lapse(struct hearing *c, struct model_order *o) {
    bool created = model_is(o->state, "created");
    uint64_t at_ms = created ? lapses_at(c, o) : last_moment(c, o->changed_ms);
    struct model_due *due = model_find_due(c->m, c->partition, OP_lapse, o->id, o->identity);
    if (c->id.ms < at_ms) {
        due->at_ms = at_ms;
    } else if (created) {
        restock(c, o);
        end_order(c, o, "lapsed");
    } else {
        model_remove_due(c->m, c->partition, OP_lapse, o->id, o->identity);
        forget(c->m, o);
    }
}

void model_lapse(struct hearing *c, struct entry_id entry) {
    struct model_order *o = model_find_order(c->m, c->i->account, c->i->order);
    bool same = o && entry_id_compare(o->id, entry) == 0 && model_is(o->identity, c->row_identity);
    if (same) lapse(c, o);
    else model_remove_due(c->m, c->partition, OP_lapse, entry, c->row_identity);
}

/* Payment */

bool model_is_for(const struct model_order *o, const char *account) { return o && (!*o->to || model_is(o->to, account)); }

int model_check_payable(const struct hearing *c, const struct model_order *o) {
    int code = check_created(c, o);
    return code == 0 && o->amount != (int64_t)c->i->amount_minor ? 12 : code;
}

void model_order_paid(struct hearing *c, struct model_order *o, const char *payer) {
    snprintf(o->payer, sizeof o->payer, "%s", payer);
    end_order(c, o, "paid");
}
