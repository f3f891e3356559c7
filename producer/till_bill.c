/* Finds the bill of an intent: under which of the days it lies is not known, so they are all asked at once. */
#include <string.h>

#include "producer/client.h"
#include "schema/bill.h"

enum { DAYS_KEPT = 181 }; /* bills.keep and the day under way */

struct search {
    char identity[INTENT_IDENTITY_MAX + 1];
    size_t identity_size;
    uint32_t newest, oldest; /* days since the epoch */
    unsigned partition;
    struct till_bill *bill;
    const char *fault;       /* what is wrong with the record found */
    bool found;
};

static bool take(struct till *till, struct intent *intent, enum field field, const char *text) {
    const char *why = text == NULL ? "is missing" : intent_set_text(intent, field, text, strlen(text));
    if (why != NULL)
        client_fail(till, "%s %s", field_name(field), why);
    return why == NULL;
}

/* False: the identity is wrong in itself. */
static bool search_begin(struct search *s, struct till *till, const char *account, const char *source, const char *key) {
    struct intent intent = {0};
    if (!take(till, &intent, FIELD_account, account) || !take(till, &intent, FIELD_source, source) || !take(till, &intent, FIELD_key, key))
        return false;
    s->identity_size = intent_identity(&intent, s->identity);
    s->partition = till_partition_of(till, account);
    return true;
}

static void bill_append(struct till *till, const struct search *s, uint32_t day) {
    keys_buffer buffer;
    command_begin(&till->command, "HGET");
    command_borrow(&till->command, buffer, keys_bills(buffer, &till->book, s->partition, day));
    command_borrow(&till->command, s->identity, s->identity_size);
    redis_append(till->redis, &till->command);
}

static void bill_show(const struct bill *in, uint32_t day, unsigned partition, struct till_bill *out) {
    memset(out, 0, sizeof *out);
    client_copy(out->bill, sizeof out->bill, in->bill);
    client_copy(out->op, sizeof out->op, in->op);
    client_copy(out->currency, sizeof out->currency, in->currency);
    client_copy(out->entry, sizeof out->entry, in->entry);
    client_copy(out->to, sizeof out->to, in->to);
    client_copy(out->state, sizeof out->state, in->state);
    client_copy(out->detail, sizeof out->detail, in->detail);
    client_copy(out->fingerprint, sizeof out->fingerprint, in->fingerprint);
    keys_day_text(day, out->day);
    out->code = in->code;
    out->has_amount = in->has_amount;
    out->has_balance = in->has_balance;
    out->amount_minor = in->amount_minor;
    out->balance_minor = in->balance_minor;
    out->held_minor = in->held_minor;
    out->captured_minor = in->captured_minor;
    out->refunded_minor = in->refunded_minor;
    out->at_ms = in->at_ms;
    out->partition = partition;
}

static void search_take(struct search *s, struct reply reply, uint32_t day) {
    struct bill bill;
    size_t size;
    if (s->found || reply_type(reply) != REPLY_TEXT)
        return;
    const char *text = reply_text(reply, &size);
    s->found = true;
    s->fault = bill_parse(text, size, &bill);
    if (s->fault == NULL)
        bill_show(&bill, day, s->partition, s->bill);
}

static enum redis_err search_read(struct till *till, int64_t deadline_ms, void *context) {
    struct search *s = context;
    enum redis_err worst = REDIS_OK;
    s->found = false;
    uint32_t count = s->newest - s->oldest + 1;
    for (uint32_t i = 0; i < count; i++)
        bill_append(till, s, s->newest - i);
    for (uint32_t i = 0; i < count && till->redis != NULL; i++) {
        struct reply reply;
        enum redis_err err = client_next(till, deadline_ms, &reply);
        if (err == REDIS_OK)
            search_take(s, reply, s->newest - i);
        else
            worst = err;
    }
    return worst;
}

/* An entry lies at most 5 min before and 23 h behind its intent's `at`. */
static int search_near(struct search *s, struct till *till, uint64_t at_ms, int64_t deadline_ms) {
    s->newest = keys_day(at_ms + INTENT_STALE_MS);
    s->oldest = keys_day(at_ms > INTENT_AHEAD_MS ? at_ms - INTENT_AHEAD_MS : 0);
    return client_retry(till, deadline_ms, search_read, s);
}

static int search_all(struct search *s, struct till *till, int64_t deadline_ms) {
    uint32_t today = keys_day(client_wall_ms());
    s->newest = today + 1; /* Redis' clock may be ahead of ours */
    s->oldest = today > DAYS_KEPT ? today - DAYS_KEPT : 0;
    return client_retry(till, deadline_ms, search_read, s);
}

int till_bill(struct till *till, const char *account, const char *source, const char *key, uint64_t at_ms, struct till_bill *bill) {
    struct search s = {.bill = bill};
    int64_t deadline_ms = client_now_ms() + till->timeout_ms;
    memset(bill, 0, sizeof *bill);
    if (!search_begin(&s, till, account, source, key))
        return TILL_INVALID;
    int code = at_ms != 0 && at_ms <= INTENT_AMOUNT_MAX ? search_near(&s, till, at_ms, deadline_ms) : TILL_OK;
    if (code == TILL_OK && !s.found)
        code = search_all(&s, till, deadline_ms);
    if (code != TILL_OK)
        return TILL_READ_FAILED;
    if (s.fault != NULL) {
        client_fail(till, "the bill %s cannot be read: %s", s.identity, s.fault);
        return TILL_READ_FAILED;
    }
    if (!s.found)
        client_fail(till, "there is no bill of %s", s.identity);
    return s.found ? TILL_OK : TILL_NOT_FOUND;
}
