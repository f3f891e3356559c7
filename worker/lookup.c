/* Looks up the bills that a batch refers to. A bill lies under the day of its entry, so the search goes: the days that the hint `of_at`
 * leaves, the entry's day, the day before (almost always there), then back to the end of the refund window. What an entry in front of it
 * in the same batch may decide is not guessed: the batch ends there, and the search is made once that is applied. */
#include "worker/lookup.h"

#include <string.h>

#include "schema/bill.h"
#include "schema/code.h"

static bool refers(const struct entry *e) { return e->door == CODE_ok && (e->intent.op == OP_refund || e->intent.op == OP_rollback); }

static bool withdraws(const struct entry *e) { return e->door == CODE_ok && e->intent.op == OP_withdraw; }

static void append_bill(struct redis *redis, struct command *c, const struct door *door, uint32_t day, const char *identity, size_t size) {
    keys_buffer key;
    command_begin(c, "HGET");
    command_copy(c, key, keys_bills(key, &door->book, door->partition, day));
    command_borrow(c, identity, size);
    redis_append(redis, c);
}

/* Reads one reply; true when it holds a bill of which something moved or may be told. */
static enum redis_err next_bill(struct redis *redis, struct referral *r, bool *found) {
    struct reply reply;
    struct bill bill;
    enum redis_err err = redis_next(redis, &reply);
    *found = err == REDIS_REFUSED; /* not a hash: the script says so and names the entry, or the partition when all need that day */
    if (*found) return REDIS_OK;
    if (err || reply_type(reply) != REPLY_TEXT) return err;
    size_t size;
    const char *text = reply_text(reply, &size);
    *found = true; /* a malformed one too: the script will say so */
    if (bill_parse(text, size, &bill)) return REDIS_OK;
    memcpy(r->to, bill.to, sizeof r->to);
    memcpy(r->currency, bill.currency, sizeof r->currency);
    return REDIS_OK;
}

/* Probes the days first..last (going back) in one pipeline; the first hit in that order wins. `day` is set when found. */
static enum redis_err probe_days(struct redis *redis, const struct door *door, const struct entry *e, uint32_t first, uint32_t last,
                                 struct referral *r, bool *found) {
    char identity[INTENT_IDENTITY_MAX + 1];
    size_t size = intent_identity_of(&e->intent, identity);
    struct command c;
    command_init(&c);
    for (uint32_t day = first;; day--) {
        append_bill(redis, &c, door, day, identity, size);
        if (day == last) break;
    }
    command_clear(&c);
    *found = false;
    for (uint32_t day = first;; day--) {
        struct referral hit = {{0}, {0}, day, false};
        bool here;
        enum redis_err err = next_bill(redis, &hit, &here);
        if (err) return err;
        if (here && !*found) *r = hit;
        *found = *found || here;
        if (day == last) return REDIS_OK;
    }
}

/* The days an intent created at the hinted time can have been enqueued: up to 5 min before, up to 23 h after. */
static enum redis_err probe_hint(struct redis *redis, const struct door *door, const struct entry *e, uint32_t oldest, struct referral *r,
                                 bool *found) {
    uint64_t at = e->intent.of_at_ms;
    uint32_t today = keys_day(e->id.ms), last, first;
    *found = false;
    if (at == 0 || at > e->id.ms + INTENT_AHEAD_MS) return REDIS_OK;
    last = keys_day(at > (uint64_t)INTENT_AHEAD_MS ? at - INTENT_AHEAD_MS : 0);
    first = keys_day(at + INTENT_STALE_MS);
    if (first > today) first = today;
    if (last < oldest || first < last) return REDIS_OK;
    enum redis_err err = probe_days(redis, door, e, first, last, r, found);
    r->dated = *found;
    return err;
}

/* Is there an intent in front of this one in the batch that may become the bill it refers to? */
static bool may_become_bill(const struct entry *entries, uint32_t n) {
    const struct intent *want = &entries[n].intent;
    for (uint32_t m = 0; m < n; m++) {
        const struct intent *i = &entries[m].intent;
        if (entries[m].door == CODE_ok && strcmp(i->key, want->of) == 0 && strcmp(i->account, want->account) == 0 &&
            strcmp(i->source, want->source) == 0)
            return true;
    }
    return false;
}

static enum redis_err lookup_bill(struct redis *redis, const struct door *door, const struct entry *entries, uint32_t n, struct referral *r,
                                  bool *later) {
    const struct entry *e = &entries[n];
    uint32_t today = keys_day(e->id.ms), oldest = today > BATCH_BILLS_KEEP_DAYS ? today - BATCH_BILLS_KEEP_DAYS : 0;
    bool found;
    enum redis_err err = probe_hint(redis, door, e, oldest, r, &found);
    if (err || found) return err;
    err = probe_days(redis, door, e, today, today ? today - 1 : 0, r, &found);
    if (err || found || (*later = may_become_bill(entries, n)) || oldest + 2 > today) return err;
    err = probe_days(redis, door, e, today - 2, oldest, r, &found);
    r->dated = found;
    return err;
}

static bool may_be_opened(const struct entry *entries, uint32_t n) {
    const char *account = entries[n].intent.account;
    for (uint32_t m = 0; m < n; m++)
        if (entries[m].door == CODE_ok && entries[m].intent.op == OP_open && strcmp(entries[m].intent.account, account) == 0) return true;
    return false;
}

static enum redis_err lookup_currency(struct redis *redis, const struct door *door, const struct entry *entries, uint32_t n,
                                      struct referral *r, bool *later) {
    struct command c;
    struct reply reply;
    keys_buffer key;
    command_init(&c);
    command_begin(&c, "HGET");
    command_copy(&c, key, keys_account(key, &door->book, door->partition, entries[n].intent.account));
    command_word(&c, "currency");
    enum redis_err err = redis_call(redis, &c, &reply);
    command_clear(&c);
    if (err == REDIS_REFUSED) return REDIS_OK; /* not a hash: the script finds that out and names the entry */
    if (err) return err;
    size_t size;
    const char *text = reply_text(reply, &size);
    if (reply_type(reply) == REPLY_TEXT && size == 3) memcpy(r->currency, text, 4);
    else *later = may_be_opened(entries, n);
    return REDIS_OK;
}

enum redis_err lookup_referrals(struct redis *redis, const struct door *door, const struct entry *entries, struct referral *referrals,
                                uint32_t *count) {
    for (uint32_t n = 0; n < *count; n++) {
        enum redis_err err = REDIS_OK;
        bool later = false;
        memset(&referrals[n], 0, sizeof referrals[n]);
        if (refers(&entries[n])) err = lookup_bill(redis, door, entries, n, &referrals[n], &later);
        else if (withdraws(&entries[n])) err = lookup_currency(redis, door, entries, n, &referrals[n], &later);
        if (err) return err;
        if (later) *count = n;
    }
    return REDIS_OK;
}
