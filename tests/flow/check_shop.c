/* The checker: orders and articles. What was put into an article's stock is in it, reserved by open orders, or sold by paid ones; an order
 * is paid by one payment, that which it names. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "schema/code.h"
#include "tests/flow/check.h"

enum { NAME_SIZE = INTENT_ACCOUNT_MAX + 1 + INTENT_NAME_MAX + 1 };

struct check_order {
    char name[NAME_SIZE]; /* MERCHANT/ORDER */
    unsigned made, cancelled, payments; /* that were answered with 0 */
    char paid_by[INTENT_IDENTITY_MAX + 1];
    int64_t paid_minor;
    char state[16], payer[INTENT_IDENTITY_MAX + 1]; /* as it lies there; state "": it does not */
    int64_t amount_minor;
    UT_hash_handle hh;
};

struct check_article {
    char name[NAME_SIZE]; /* MERCHANT/SKU */
    int64_t put, stock, reserved, sold;
    bool exists;
    UT_hash_handle hh;
};

static struct check_order *order_of(struct check *check, const char *name) {
    struct check_order *order;
    HASH_FIND_STR(check->orders, name, order);
    if (order) return order;
    order = calloc(1, sizeof *order);
    if (!order) abort();
    snprintf(order->name, sizeof order->name, "%s", name);
    HASH_ADD_STR(check->orders, name, order);
    return order;
}

static struct check_article *article_of(struct check *check, const char *merchant, size_t size, const char *sku) {
    struct check_article *article;
    char name[NAME_SIZE];
    snprintf(name, sizeof name, "%.*s/%s", (int)size, merchant, sku);
    HASH_FIND_STR(check->articles, name, article);
    if (article) return article;
    article = calloc(1, sizeof *article);
    if (!article) abort();
    memcpy(article->name, name, sizeof name);
    HASH_ADD_STR(check->articles, name, article);
    return article;
}

void check_shop_intent(struct check *check, struct check_identity *identity, const struct intent *intent) {
    char name[NAME_SIZE];
    if (intent->op == OP_stock) {
        identity->article = article_of(check, intent->account, strlen(intent->account), intent->sku);
        identity->quantity = intent->quantity;
    }
    if (!(intent->present & FIELD_BIT(FIELD_order))) return;
    const char *merchant = intent->op == OP_pay ? intent->to : intent->account;
    snprintf(name, sizeof name, "%s/%s", merchant, intent->order);
    identity->order = order_of(check, name);
    identity->road.away = intent->op == OP_pay && keys_partition(&check->flow->book, merchant, strlen(merchant)) != check->partition;
}

void check_shop_answer(struct check *check, const struct check_identity *identity, int code) {
    struct check_order *order = identity->order;
    (void)check;
    if (code != CODE_ok) return;
    if (identity->article) identity->article->put += identity->quantity;
    if (!order) return;
    order->made += identity->op == OP_order;
    order->cancelled += identity->op == OP_cancel;
    if (identity->op != OP_pay) return;
    order->payments++;
    order->paid_minor = identity->bill_minor;
    snprintf(order->paid_by, sizeof order->paid_by, "%s", identity->text);
}

/* --- what lies there --- */

static void visit_article(struct check *check, const char *key, const char *name) {
    struct reply stock;
    const char *slash = strchr(name, '/');
    struct check_article *article = article_of(check, name, (size_t)(slash - name), slash + 1);
    if (article->exists || flow_call(check->flow, &stock, "HGET", key, "stock", NULL)) return; /* SCAN gave it twice */
    article->exists = true;
    article->stock = reply_integer(stock);
    if (article->stock < 0) check_fault(check, "%" PRId64 " of article %s in stock", article->stock, name);
}

/* Adds up the lines "SKU QUANTITY PRICE ..." of an order; their total. */
static int64_t add_lines(struct check *check, const char *name, const char *lines, const char *state) {
    char sku[INTENT_NAME_MAX + 1];
    int64_t quantity, price, total = 0;
    int used;
    for (; sscanf(lines, "%64s %" SCNd64 " %" SCNd64 "%n", sku, &quantity, &price, &used) == 3; lines += used) {
        struct check_article *article = article_of(check, name, strcspn(name, "/"), sku);
        total += quantity * price;
        if (strcmp(state, "created") == 0) article->reserved += quantity;
        if (strcmp(state, "paid") == 0) article->sold += quantity;
    }
    return total;
}

static void check_due(struct check *check, const char *name, const char *entry, const char *identity) {
    char member[700];
    struct reply score;
    snprintf(member, sizeof member, "lapse|%s|%s %s", entry, identity, strchr(name, '/') + 1);
    if (flow_call(check->flow, &score, "ZSCORE", flow_key(check->flow, keys_due, check->partition), member, NULL) ||
        reply_type(score) == REPLY_NIL)
        check_fault(check, "order %s never lapses and is never forgotten", name);
}

/* Copies a text out of a reply; "" when it is none. */
static void take_text(char *out, size_t size, struct reply text) {
    snprintf(out, size, "%s", reply_type(text) == REPLY_TEXT ? reply_text(text, NULL) : "");
}

static void visit_order(struct check *check, const char *key, const char *name) {
    static char lines[INTENT_LINES_MAX * 110], entry[64], identity[INTENT_IDENTITY_MAX + 1];
    struct check_order *order = order_of(check, name);
    struct reply h;
    if (order->state[0] || flow_call(check->flow, &h, "HMGET", key, "state", "lines", "amount", "payer", "entry", "identity", NULL)) return;
    take_text(order->state, sizeof order->state, reply_at(h, 0));
    take_text(lines, sizeof lines, reply_at(h, 1));
    take_text(order->payer, sizeof order->payer, reply_at(h, 3));
    take_text(entry, sizeof entry, reply_at(h, 4));
    take_text(identity, sizeof identity, reply_at(h, 5));
    order->amount_minor = reply_integer(reply_at(h, 2));
    int64_t total = add_lines(check, name, lines, order->state);
    if (lines[0] && total != order->amount_minor)
        check_fault(check, "order %s is over %" PRId64 ", its lines over %" PRId64, name, order->amount_minor, total);
    check_due(check, name, entry, identity);
}

void check_shop(struct check *check) {
    check_each_key(check, "sku", visit_article);
    check_each_key(check, "order", visit_order);
}

/* --- the whole book --- */

static void check_one_order(struct check *check, const struct check_order *o) {
    bool paid = strcmp(o->state, "paid") == 0, cancelled = strcmp(o->state, "cancelled") == 0;
    if (o->made != (o->state[0] != '\0')) check_fault(check, "order %s was made %u times and is '%s'", o->name, o->made, o->state);
    if (o->cancelled != cancelled) check_fault(check, "order %s was cancelled %u times and is '%s'", o->name, o->cancelled, o->state);
    if (o->payments != paid || strcmp(o->paid_by, o->payer) != 0 || (paid && o->paid_minor != o->amount_minor))
        check_fault(check, "order %s of %" PRId64 " is '%s' by '%s'; it was paid %u times, with %" PRId64 " by '%s'", o->name,
                    o->amount_minor, o->state, o->payer, o->payments, o->paid_minor, o->paid_by);
}

static void check_one_article(struct check *check, const struct check_article *a) {
    if (a->put != a->stock + a->reserved + a->sold)
        check_fault(check, "article %s: %" PRId64 " were put in stock, %" PRId64 " are there, %" PRId64 " reserved, %" PRId64 " sold",
                    a->name, a->put, a->stock, a->reserved, a->sold);
}

void check_shops(struct check *check) {
    struct check_order *o, *next_order;
    struct check_article *a, *next_article;
    HASH_ITER(hh, check->orders, o, next_order) {
        check_one_order(check, o);
        HASH_DEL(check->orders, o);
        free(o);
    }
    HASH_ITER(hh, check->articles, a, next_article) {
        check_one_article(check, a);
        HASH_DEL(check->articles, a);
        free(a);
    }
}
