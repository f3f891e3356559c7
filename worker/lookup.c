/* Looks up the bills that a batch refers to. A bill lies under the day of its entry, so the search goes: the days that the hint `of_at`
 * leaves, the entry's day, the day before (almost always there), then back to the end of the refund window. The entry's day and the day
 * before are probed for all cells in one pipeline; the rest is rare and goes one by one. What an entry in front of it in the same batch may
 * decide is not guessed: the batch ends there, and the search is made once that is applied. */
#include "worker/lookup.h"

#include <string.h>

#include "schema/bill.h"
#include "schema/code.h"

enum want { WANT_NOTHING, WANT_BILL, WANT_CURRENCY, WANT_LINES };

static enum want wanted(const struct cell *c) {
    if (c->entry->door != CODE_ok) return WANT_NOTHING;
    if (c->op == OP_cancel || c->op == OP_lapse) return WANT_LINES;
    if (batch_refers_to_bill(c->op) || c->op == OP_bounce) return WANT_BILL;
    if (c->op == OP_withdraw || (c->away && c->currency[0] == '\0')) return WANT_CURRENCY;
    return WANT_NOTHING;
}

static void append_bill(struct redis *redis, const struct door *door, uint32_t day, const struct cell *cell) {
    struct command c;
    keys_buffer key;
    command_init(&c);
    command_begin(&c, "HGET");
    command_copy(&c, key, keys_bills(key, &door->book, door->partition, day));
    command_borrow(&c, cell->of, strlen(cell->of));
    redis_append(redis, &c);
    command_clear(&c);
}

static void append_field(struct redis *redis, const char *key, size_t size, const char *field) {
    struct command c;
    command_init(&c);
    command_begin(&c, "HGET");
    command_copy(&c, key, size);
    command_word(&c, field);
    redis_append(redis, &c);
    command_clear(&c);
}

static void append_currency(struct redis *redis, const struct door *door, const struct cell *cell) {
    keys_buffer key;
    append_field(redis, key, keys_account(key, &door->book, door->partition, cell->account), "currency");
}

static void append_lines(struct redis *redis, const struct door *door, const struct cell *cell) {
    keys_buffer key;
    append_field(redis, key, keys_order(key, &door->book, door->partition, cell->account, cell->order), "lines");
}

/* A key of another type than it should be is no reason to stop: the script finds that out, and names the entry. Anything else that Redis
 * refuses is: what may not be read must not be taken for not being there. */
static bool is_wrong_type(const struct redis *redis, enum redis_err err) {
    return err == REDIS_REFUSED && strncmp(redis_error(redis), "WRONGTYPE", strlen("WRONGTYPE")) == 0;
}

/* Reads one reply; true when it holds a bill of which something moved or may be told. */
static enum redis_err next_bill(struct redis *redis, struct referral *r, bool *found) {
    struct reply reply;
    struct bill bill;
    enum redis_err err = redis_next(redis, &reply);
    *found = is_wrong_type(redis, err);
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

/* Reads the replies of the days first..last (going back); the first hit in that order wins. `day` is set when found. */
static enum redis_err next_days(struct redis *redis, uint32_t first, uint32_t last, struct referral *r, bool *found) {
    *found = false;
    for (uint32_t day = first;; day--) {
        struct referral hit = {.day = day};
        bool here;
        enum redis_err err = next_bill(redis, &hit, &here);
        if (err) return err;
        if (here && !*found) *r = hit;
        *found = *found || here;
        if (day == last) return REDIS_OK;
    }
}

static void append_days(struct redis *redis, const struct door *door, const struct cell *c, uint32_t first, uint32_t last) {
    for (uint32_t day = first;; day--) {
        append_bill(redis, door, day, c);
        if (day == last) return;
    }
}

static enum redis_err probe_days(struct redis *redis, const struct door *door, const struct cell *c, uint32_t first, uint32_t last,
                                 struct referral *r, bool *found) {
    append_days(redis, door, c, first, last);
    return next_days(redis, first, last, r, found);
}

/* The days an intent created at the hinted time can have been enqueued: up to 5 min before, up to 23 h after. */
static enum redis_err probe_hint(struct redis *redis, const struct door *door, const struct cell *c, uint32_t oldest, struct referral *r,
                                 bool *found) {
    uint64_t at = c->of_at_ms, now = c->entry->id.ms;
    uint32_t today = keys_day(now), last, first;
    *found = false;
    if (at == 0 || at > now + INTENT_AHEAD_MS) return REDIS_OK;
    last = keys_day(at > (uint64_t)INTENT_AHEAD_MS ? at - INTENT_AHEAD_MS : 0);
    first = keys_day(at + INTENT_STALE_MS);
    if (first > today) first = today;
    if (last < oldest || first < last) return REDIS_OK;
    enum redis_err err = probe_days(redis, door, c, first, last, r, found);
    r->dated = *found;
    return err;
}

static uint32_t day_of(const struct cell *c) { return keys_day(c->entry->id.ms); }

static uint32_t day_before(const struct cell *c) { return day_of(c) ? day_of(c) - 1 : 0; }

/* The cells that one pipeline can tell about: without a hint, which comes first where there is one. */
static bool probed_at_once(const struct cell *c) { return c->op != OP_bounce && c->of_at_ms == 0; }

static void append_first_probes(struct redis *redis, const struct door *door, const struct cell *cells, uint32_t count) {
    for (uint32_t n = 0; n < count; n++) {
        enum want want = wanted(&cells[n]);
        if (want == WANT_CURRENCY) append_currency(redis, door, &cells[n]);
        else if (want == WANT_LINES) append_lines(redis, door, &cells[n]);
        else if (want == WANT_BILL && probed_at_once(&cells[n]))
            append_days(redis, door, &cells[n], day_of(&cells[n]), day_before(&cells[n]));
    }
}

static enum redis_err next_currency(struct redis *redis, struct referral *r, bool *found) {
    struct reply reply;
    size_t size;
    enum redis_err err = redis_next(redis, &reply);
    *found = is_wrong_type(redis, err);
    if (err) return *found ? REDIS_OK : err;
    const char *text = reply_text(reply, &size);
    *found = reply_type(reply) == REPLY_TEXT && size == 3;
    if (*found) memcpy(r->currency, text, 4);
    return REDIS_OK;
}

/* An order that is not there, or is none, has no lines. */
static enum redis_err next_lines(struct redis *redis, struct referral *r, struct shelf *shelf) {
    struct reply reply;
    size_t size;
    enum redis_err err = redis_next(redis, &reply);
    if (err) return is_wrong_type(redis, err) ? REDIS_OK : err;
    const char *text = reply_text(reply, &size);
    if (reply_type(reply) == REPLY_TEXT) r->lines = shelf_add_text(shelf, text, size, &r->first_line);
    return REDIS_OK;
}

/* Reads what append_first_probes asked for. */
static enum redis_err next_first_probes(struct redis *redis, const struct cell *cells, uint32_t count, struct referral *referrals,
                                        struct shelf *shelf, bool *found) {
    enum redis_err err = REDIS_OK;
    for (uint32_t n = 0; n < count && !err; n++) {
        enum want want = wanted(&cells[n]);
        found[n] = false;
        if (want == WANT_CURRENCY) err = next_currency(redis, &referrals[n], &found[n]);
        else if (want == WANT_LINES) err = next_lines(redis, &referrals[n], shelf);
        else if (want == WANT_BILL && probed_at_once(&cells[n]))
            err = next_days(redis, day_of(&cells[n]), day_before(&cells[n]), &referrals[n], &found[n]);
    }
    return err;
}

static bool same_intent(const struct cell *c, const struct cell *other) {
    return other->entry->door == CODE_ok && strcmp(other->identity, c->of) == 0;
}

/* A step may refer to a step of the same group in front of it: its merchant and currency are what that step says. */
static bool told_by_group(const struct cell *cells, uint32_t n, struct referral *r) {
    for (uint32_t m = n; m-- > 0 && cells[m].entry == cells[n].entry && cells[m].step >= 0;) {
        if (!same_intent(&cells[n], &cells[m])) continue;
        memcpy(r->to, cells[m].to, strlen(cells[m].to) + 1);
        memcpy(r->currency, cells[m].currency, sizeof r->currency);
        return true;
    }
    return false;
}

/* An intent of a bulk entry may refer to one in front of it there: the script sees whether that is decided, and finds its keys among
 * those of the batch. */
static bool told_by_entry(const struct cell *cells, uint32_t cell_count, uint32_t n) {
    const struct entry *e = cells[n].entry;
    for (uint32_t m = 0; e->parts > 1 && m < cell_count; m++) {
        const struct entry *other = cells[m].entry;
        bool in_front = entry_id_compare(other->id, e->id) == 0 && other->part < e->part;
        if (in_front && same_intent(&cells[n], &cells[m])) return true;
    }
    return false;
}

/* Is there an entry in front of this one, or a step of one, that may become the bill it refers to, open the account or make the order? */
static bool may_come(const struct cell *cells, uint32_t cell_count, uint32_t n) {
    const struct cell *c = &cells[n];
    for (uint32_t m = 0; m < cell_count && cells[m].step < 0; m++) {
        if (entry_id_compare(cells[m].entry->id, c->entry->id) >= 0) break;
        if (wanted(c) == WANT_BILL && same_intent(c, &cells[m])) return true;
        bool opens = cells[m].entry->door == CODE_ok && cells[m].op == OP_open && strcmp(cells[m].account, c->account) == 0;
        if (wanted(c) == WANT_CURRENCY && opens) return true;
        bool orders = cells[m].op == OP_order && strcmp(cells[m].account, c->account) == 0 && strcmp(cells[m].order, c->order) == 0;
        if (wanted(c) == WANT_LINES && orders) return true;
        for (uint32_t s = 0; s < cells[m].steps; s++)
            if (wanted(c) == WANT_BILL && same_intent(c, &cells[cells[m].first_step - 1 + s])) return true;
    }
    return false;
}

/* Everything but the first probes, which found nothing. */
static enum redis_err search_bill(struct redis *redis, const struct door *door, const struct cell *cells, uint32_t cell_count, uint32_t n,
                                  uint32_t keep_days, struct referral *r, bool *later) {
    const struct cell *c = &cells[n];
    uint32_t today = day_of(c), oldest = today > keep_days ? today - keep_days : 0, day;
    enum redis_err err = REDIS_OK;
    bool found = false;
    if (c->op == OP_bounce) {
        if (cell_original_day(c, &day)) err = probe_days(redis, door, c, day, day, r, &found);
        *later = !err && r->currency[0] == '\0' && may_come(cells, cell_count, n);
        return err;
    }
    if (!probed_at_once(c)) {
        err = probe_hint(redis, door, c, oldest, r, &found);
        if (!err && !found) err = probe_days(redis, door, c, today, day_before(c), r, &found);
    }
    if (err || found || told_by_group(cells, n, r) || (*later = may_come(cells, cell_count, n)) || oldest + 2 > today) return err;
    err = probe_days(redis, door, c, today - 2, oldest, r, &found);
    r->or_in_front = found && told_by_entry(cells, cell_count, n);
    r->dated = found && !r->or_in_front;
    return err;
}

/* Where the entry of a cell begins among the entries. */
static uint32_t place_of(const struct cell *cells, const struct cell *c) {
    uint32_t n = 0;
    while (cells[n].entry != c->entry) n++;
    return n - c->entry->part;
}

enum redis_err lookup_referrals(struct redis *redis, const struct door *door, const struct cell *cells, uint32_t cell_count,
                                uint32_t keep_days, struct referral *referrals, struct shelf *shelf, uint32_t *count) {
    static _Thread_local bool found[BATCH_CELLS_MAX];
    memset(referrals, 0, cell_count * sizeof *referrals);
    append_first_probes(redis, door, cells, cell_count);
    enum redis_err err = next_first_probes(redis, cells, cell_count, referrals, shelf, found);
    for (uint32_t n = 0; n < cell_count && !err; n++) {
        bool later = false;
        enum want want = wanted(&cells[n]);
        if (want == WANT_NOTHING || found[n]) continue;
        if (want == WANT_BILL) err = search_bill(redis, door, cells, cell_count, n, keep_days, &referrals[n], &later);
        else later = may_come(cells, cell_count, n) || (n > 0 && referrals[n].first_line + referrals[n].lines > BATCH_ARTICLES_MAX);
        uint32_t place = later ? place_of(cells, &cells[n]) : *count;
        if (place < *count) *count = place;
    }
    return err;
}
