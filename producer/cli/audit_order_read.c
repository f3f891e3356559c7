/* An order's or an article's hash, and what may be wrong with it by itself. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "producer/cli/args.h"
#include "producer/cli/audit_order.h"

enum { STATE, AMOUNT, TO, LINES, ENTRY, IDENTITY, DEADLINE, CHANGED, PAYER, FIELDS };

void audit_order_append(struct audit *a, const struct order *o) {
    static const char *const order[FIELDS] = {"state", "amount", "to", "lines", "entry", "identity", "deadline", "changed", "payer"};
    static const char *const article[] = {"price", "stock"};
    command_begin(&a->side.command, "HMGET");
    audit_key(&a->side, o->partition, o->is_article ? "sku:" : "order:", o->name);
    for (size_t n = 0; n < (o->is_article ? 2 : FIELDS); n++) command_word(&a->side.command, o->is_article ? article[n] : order[n]);
    redis_append(a->side.redis, &a->side.command);
}

static bool copy_text(char *out, size_t capacity, struct reply from) {
    size_t size;
    const char *text = reply_text(from, &size);
    if (size >= capacity) return false;
    memcpy(out, text, size + 1);
    return true;
}

static bool copy_number(uint64_t *out, struct reply from) {
    return args_parse_number(reply_text(from, NULL), out) && *out <= INTENT_AMOUNT_MAX;
}

static bool is_state(const char *state) {
    static const char *const states[] = {"created", "paid", "cancelled", "lapsed"};
    for (size_t n = 0; n < sizeof states / sizeof states[0]; n++)
        if (strcmp(states[n], state) == 0) return true;
    return false;
}

/* "SKU QUANTITY PRICE SKU QUANTITY PRICE": do they come to the amount? */
static bool lines_fit(const char *at, uint64_t amount) {
    __int128 total = 0;
    if (!*at) return true;
    while (*at) {
        char *end;
        at += strcspn(at, " ");
        unsigned long long quantity = strtoull(at, &end, 10);
        if (end == at || *end != ' ') return false;
        at = end;
        total += (__int128)quantity * strtoull(at, &end, 10);
        if (end == at || (*end != ' ' && *end != '\0')) return false;
        at = end + (*end == ' ');
    }
    return total == (__int128)amount;
}

static bool copy_order(struct order *o, struct reply hash) {
    return copy_text(o->state, sizeof o->state, reply_at(hash, STATE)) && is_state(o->state) &&
           copy_number(&o->amount_minor, reply_at(hash, AMOUNT)) && copy_text(o->to, sizeof o->to, reply_at(hash, TO)) &&
           copy_text(o->entry, sizeof o->entry, reply_at(hash, ENTRY)) && entry_id_parse(o->entry, strlen(o->entry), &o->at) &&
           copy_text(o->identity, sizeof o->identity, reply_at(hash, IDENTITY)) &&
           copy_number(&o->changed_ms, reply_at(hash, CHANGED)) && copy_text(o->payer, sizeof o->payer, reply_at(hash, PAYER));
}

const char *audit_order_parse(struct order *o, struct reply hash) {
    const char *deadline = reply_text(reply_at(hash, DEADLINE), NULL);
    bool there = false;
    for (size_t n = 0; n < FIELDS; n++) there = there || reply_type(reply_at(hash, n)) != REPLY_NIL;
    o->present = there && copy_order(o, hash);
    if (!there) return NULL;
    if (!o->present) return "is malformed";
    if (*deadline && !args_parse_number(deadline, &o->deadline_ms)) return "its deadline is no time";
    if (!lines_fit(reply_text(reply_at(hash, LINES), NULL), o->amount_minor)) return "its lines do not come to its amount";
    if (strncmp(o->identity, o->name, strcspn(o->identity, "/") + 1) != 0) return "its intent is another merchant's";
    if (strcmp(o->state, "paid") == 0) return *o->payer ? NULL : "is paid, but by nobody";
    return *o->payer ? "names a payer, but is not paid" : NULL;
}

const char *audit_article_parse(struct order *o, struct reply hash) {
    struct reply price = reply_at(hash, 0), stock = reply_at(hash, 1);
    uint64_t number;
    if (reply_type(price) == REPLY_NIL && reply_type(stock) == REPLY_NIL) return NULL; /* no article (any more) */
    o->present = true;
    snprintf(o->shown, sizeof o->shown, "price %.20s, stock %.20s", reply_text(price, NULL), reply_text(stock, NULL));
    if (reply_type(price) != REPLY_NIL && (!copy_number(&number, price) || !number)) return "its price is no amount";
    if (*reply_text(stock, NULL) == '-') return "its stock is below zero";
    return reply_type(stock) != REPLY_NIL && !copy_number(&number, stock) ? "its stock is no number" : NULL;
}

/* Open ones lapse at their deadline, at the latest at the midnight with which their bill goes; those that are over are forgotten at one. */
bool audit_order_is_due(const struct order *o, uint64_t time_ms) {
    bool midnight = time_ms % ORDER_DAY_MS == 0;
    if (strcmp(o->state, "created") != 0 || o->deadline_ms == 0) return midnight && time_ms > o->changed_ms;
    return time_ms == o->deadline_ms || (midnight && time_ms < o->deadline_ms);
}

size_t audit_order_member(const struct order *o, char *out, size_t capacity) {
    const char *name = strchr(o->name, '/');
    int size = snprintf(out, capacity, "lapse|%s|%s %s", o->entry, o->identity, name ? name + 1 : "");
    return size < (int)capacity ? (size_t)size : capacity - 1;
}
