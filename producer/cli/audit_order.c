/* Orders and articles. While the keyspace is listed each order is looked at: its member of {B:p}:due at the right time, its bill, its
 * total, its payment; and that no article's stock is below zero. Later each member `lapse|ENTRY|IDENTITY ORDER` of the due set must have
 * its order.
 *
 * An order and its member change in one script, and an order that is over never opens again. So when they do not fit, the side that was
 * seen first is read once more, and if it still says the same, the other was wrong in between. */
#include "producer/cli/audit_order.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "producer/cli/args.h"
#include "schema/code.h"

enum { MEMBER_MAX = 640, DAYS_BACK = 92 };

struct audit_orders {
    struct order list[AUDIT_AT_ONCE];
    size_t count;
    uint32_t days_back; /* under which day a payer's bill is looked for now */
};

static struct audit_orders *orders_of(struct audit *a) {
    if (!a->shop) a->shop = calloc(1, sizeof *a->shop);
    if (!a->shop) abort();
    return a->shop;
}

static void find_in(struct audit *a, const struct order *o, const char *fault, const char *detail) {
    unsigned partition = a->part.partition;
    a->part.partition = o->partition;
    audit_find(a, "%s %s: %s%s%s", o->is_article ? "article" : "order", o->name, fault, *detail ? ": " : "", detail);
    a->part.partition = partition;
}

/* A step over those at hand: `ask` queues one question or none, `take` gets the answer to it. */
struct step {
    const char *doing;
    bool (*ask)(struct audit *a, const struct order *o);
    void (*take)(struct audit *a, struct order *o, struct reply reply);
};

static int run_step(struct audit *a, const struct step *step) {
    struct audit_orders *s = orders_of(a);
    bool asked[AUDIT_AT_ONCE];
    for (size_t n = 0; n < s->count; n++) asked[n] = step->ask(a, &s->list[n]);
    for (size_t n = 0; n < s->count; n++) {
        struct reply reply;
        int code = asked[n] ? connect_next(&a->side, step->doing, &reply) : CLI_OK;
        if (code) return code;
        if (asked[n]) step->take(a, &s->list[n], reply);
    }
    return CLI_OK;
}

static bool ask_hash(struct audit *a, const struct order *o) {
    audit_order_append(a, o);
    return true;
}

static void take_hash(struct audit *a, struct order *o, struct reply hash) {
    const char *wrong = o->is_article ? audit_article_parse(o, hash) : audit_order_parse(o, hash);
    if (wrong) find_in(a, o, wrong, o->shown);
    if (wrong || o->is_article) o->present = false; /* nothing more is to be known */
    a->orders += o->present && strcmp(o->state, "created") == 0;
}

static bool ask_member(struct audit *a, const struct order *o) {
    char member[MEMBER_MAX];
    if (!o->present) return false;
    command_begin(&a->side.command, "ZSCORE");
    audit_key(&a->side, o->partition, "due", "");
    command_copy(&a->side.command, member, audit_order_member(o, member, sizeof member));
    redis_append(a->side.redis, &a->side.command);
    return true;
}

static void take_member(struct audit *a, struct order *o, struct reply score) {
    uint64_t time_ms;
    (void)a;
    o->odd = !args_parse_number(reply_text(score, NULL), &time_ms) || !audit_order_is_due(o, time_ms);
    snprintf(o->shown, sizeof o->shown, "%.20s", reply_text(score, NULL));
}

static bool ask_again(struct audit *a, const struct order *o) {
    if (!o->odd) return false;
    audit_order_append(a, o);
    return true;
}

static void take_again(struct audit *a, struct order *o, struct reply hash) {
    struct order now = *o;
    bool same = !audit_order_parse(&now, hash) && now.present && strcmp(now.state, o->state) == 0 && strcmp(now.entry, o->entry) == 0;
    if (same) find_in(a, o, *o->shown ? "is in the due set at the wrong time" : "is not in the due set", o->shown);
    o->odd = false;
}

static bool ask_bill(struct audit *a, const struct order *o) {
    if (!o->present) return false;
    audit_append_bill(&a->side, o->partition, keys_day(o->at.ms), o->identity);
    return true;
}

static void take_bill(struct audit *a, struct order *o, struct reply reply) {
    struct bill bill;
    size_t size;
    const char *record = reply_text(reply, &size);
    o->odd = reply_type(reply) != REPLY_TEXT;
    if (o->odd || bill_parse(record, size, &bill)) return; /* a malformed one is found elsewhere */
    bool fits = strcmp(bill.op, "order") == 0 && bill.code == CODE_ok && strcmp(bill.entry, o->entry) == 0 &&
                (uint64_t)bill.amount_minor == o->amount_minor && strcmp(bill.to, o->to) == 0;
    if (!fits) find_in(a, o, "its bill record says something else", record);
}

/* Of those without a bill: has its day been dropped? */
static bool ask_day(struct audit *a, const struct order *o) {
    char text[9];
    if (!o->odd) return false;
    keys_day_text(keys_day(o->at.ms), text);
    command_begin(&a->side.command, "EXISTS");
    audit_key(&a->side, o->partition, "bills:", text);
    redis_append(a->side.redis, &a->side.command);
    return true;
}

static void take_day(struct audit *a, struct order *o, struct reply reply) {
    const struct audit_beginning *begin = &a->begin[o->partition];
    uint32_t day = keys_day(o->at.ms);
    bool old = begin->keep_changed ? day < begin->applied_day : day + AUDIT_KEEP_DAYS <= begin->applied_day;
    if (reply_integer(reply) != 0 || !old) find_in(a, o, "has no bill record", o->identity);
    o->odd = false;
}

/* Of a paid one: whoever paid it was charged, or is about to be. Its bill lies under one of these days, of a payment that had been put off
 * up to 90 days before. */
static bool ask_payer(struct audit *a, const struct order *o) {
    uint32_t day = keys_day(o->changed_ms), back = orders_of(a)->days_back;
    if (!o->present || !*o->payer || o->billed || back > day) return false;
    audit_append_bill(&a->side, keys_partition(&a->c->book, o->payer, strcspn(o->payer, "/")), day - back, o->payer);
    return true;
}

static void take_payer(struct audit *a, struct order *o, struct reply reply) {
    struct bill bill;
    size_t size;
    const char *record = reply_text(reply, &size);
    o->billed = o->billed || reply_type(reply) == REPLY_TEXT;
    if (reply_type(reply) != REPLY_TEXT || bill_parse(record, size, &bill)) return;
    bool charged = strcmp(bill.op, "pay") == 0 && (bill.code == CODE_ok || bill.code == CODE_in_progress);
    if (!charged) find_in(a, o, "is paid, but its payer was not charged", o->payer);
    else if ((uint64_t)bill.amount_minor != o->amount_minor) find_in(a, o, "is paid, but its payer was charged another amount", o->payer);
}

/* None of the days had a bill: of an order paid lately one must be there, wherever it had been put off from. */
static void find_unbilled(struct audit *a) {
    const struct audit_orders *s = orders_of(a);
    for (size_t n = 0; n < s->count; n++) {
        const struct order *o = &s->list[n];
        const struct audit_beginning *begin = &a->begin[o->partition];
        bool kept = !begin->keep_changed && keys_day(o->changed_ms) + AUDIT_KEEP_DAYS > begin->applied_day + DAYS_BACK;
        if (o->present && *o->payer && !o->billed && kept) find_in(a, o, "is paid, but its payer's side knows nothing of it", o->payer);
    }
}

static int look_at_orders(struct audit *a) {
    static const struct step steps[] = {{"reading the orders", ask_hash, take_hash},
                                        {"reading what is due", ask_member, take_member},
                                        {"reading the orders", ask_again, take_again},
                                        {"reading the bills", ask_bill, take_bill},
                                        {"looking for the bills' day", ask_day, take_day}};
    static const struct step payers = {"reading the bills", ask_payer, take_payer};
    struct audit_orders *s = orders_of(a);
    int code = CLI_OK;
    for (size_t n = 0; !code && n < sizeof steps / sizeof steps[0]; n++) code = run_step(a, &steps[n]);
    for (s->days_back = 0; !code && s->days_back < DAYS_BACK; s->days_back++) code = run_step(a, &payers);
    if (!code) find_unbilled(a);
    s->count = 0;
    return code;
}

int audit_order_key(struct audit *a, unsigned partition, bool is_article, const char *name) {
    struct audit_orders *s = orders_of(a);
    struct order *o = &s->list[s->count++];
    *o = (struct order){.partition = partition, .is_article = is_article};
    snprintf(o->name, sizeof o->name, "%.255s", name);
    return s->count == AUDIT_AT_ONCE ? look_at_orders(a) : CLI_OK;
}

int audit_order_keys_end(struct audit *a) { return look_at_orders(a); }

/* --- from the due set --- */

static void take_own_hash(struct audit *a, struct order *o, struct reply hash) {
    struct order now = {.partition = o->partition};
    (void)a;
    snprintf(now.name, sizeof now.name, "%s", o->name);
    audit_order_parse(&now, hash); /* what is wrong with it was found when the keyspace was listed */
    o->odd = !now.present || strcmp(now.entry, o->entry) != 0 || strcmp(now.identity, o->identity) != 0;
}

static bool ask_own_member(struct audit *a, const struct order *o) { return o->odd && ask_member(a, o); }

static void take_own_member(struct audit *a, struct order *o, struct reply score) {
    char member[MEMBER_MAX];
    audit_order_member(o, member, sizeof member);
    if (reply_type(score) != REPLY_NIL) audit_find(a, "due: '%.300s' is in the due set, but there is no such order", member);
}

static int look_at_members(struct audit *a) {
    static const struct step hashes = {"reading the orders", ask_hash, take_own_hash};
    static const struct step members = {"reading what is due", ask_own_member, take_own_member};
    int code = run_step(a, &hashes);
    if (!code) code = run_step(a, &members);
    orders_of(a)->count = 0;
    return code;
}

bool audit_order_due(struct audit *a, const char *entry, size_t entry_size, const char *rest, int *code) {
    struct audit_orders *s = orders_of(a);
    struct order *o = &s->list[s->count];
    const char *space = strchr(rest, ' ');
    size_t merchant = strcspn(rest, "/");
    struct entry_id id;
    *code = CLI_OK;
    if (!space || (size_t)(space - rest) >= sizeof o->identity || merchant >= (size_t)(space - rest)) return false;
    if (merchant + strlen(space) >= sizeof o->name || entry_size > ENTRY_TEXT_MAX || !entry_id_parse(entry, entry_size, &id)) return false;
    *o = (struct order){.partition = a->part.partition, .present = true, .at = id};
    snprintf(o->name, sizeof o->name, "%.*s/%s", (int)merchant, rest, space + 1);
    snprintf(o->identity, sizeof o->identity, "%.*s", (int)(space - rest), rest);
    memcpy(o->entry, entry, entry_size);
    if (++s->count == AUDIT_AT_ONCE) *code = look_at_members(a);
    return true;
}

int audit_order_due_end(struct audit *a) { return look_at_members(a); }

void audit_order_clear(struct audit *a) {
    free(a->shop);
    a->shop = NULL;
}
