/* What falls due: a record that waits for a time has its member in {B:p}:due with that time, an intent that was put off also its bytes in
 * {B:p}:scheduled; and nothing else is there.
 *
 * Both sides change in one script, and a record that has moved on never waits again. So when they do not fit, one look more decides: the
 * side that was seen first is read again, and if it still says the same, the other was wrong in between. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "producer/cli/args.h"
#include "producer/cli/audit.h"
#include "producer/cli/pages.h"

enum { MEMBER_MAX = 512, PAGE = 500, PUT_OFF = 0, LAPSES = 1, ANY = -1 };

static const char *const steps[] = {"due", "expire"};

/* One thing that waits, as a record, a member or kept bytes tell of it. */
struct waiting {
    char identity[360], entry[ENTRY_TEXT_MAX + 1];
    uint32_t day;     /* of the record */
    int step;         /* PUT_OFF, LAPSES */
    uint64_t time_ms; /* 0: the teller does not know */
    bool missing;     /* from where it was looked for */
};

struct audit_due {
    struct waiting list[PAGE];
    size_t count;
};

static struct audit_due *due_of(struct audit *a) {
    if (!a->part.due) a->part.due = calloc(1, sizeof *a->part.due);
    if (!a->part.due) abort();
    return a->part.due;
}

/* What the record waits for; false: for nothing. A hold without a deadline (0) lapses all the same, with its bill. */
static bool waits(const struct bill *bill, int *step, uint64_t *time_ms) {
    *step = strcmp(bill->state, "scheduled") == 0 ? PUT_OFF : LAPSES;
    if (*step == PUT_OFF || !args_parse_number(bill->detail, time_ms)) *time_ms = 0;
    return *step == PUT_OFF || strcmp(bill->state, "open") == 0;
}

/* Is the time in the due set the one asked for, or that midnight before it with which the bill goes? 0: not known. */
static bool times_fit(uint64_t one_ms, uint64_t other_ms) {
    uint64_t earlier_ms = one_ms < other_ms ? one_ms : other_ms;
    return one_ms == other_ms || earlier_ms == 0 || earlier_ms % 86400000 == 0;
}

static bool same(const struct waiting *w, const char *entry, int step, uint64_t time_ms) {
    return w->step == step && strcmp(w->entry, entry) == 0 && times_fit(w->time_ms, time_ms);
}

static void append_score(struct audit *a, const struct waiting *w) {
    char member[MEMBER_MAX];
    command_begin(&a->side.command, "ZSCORE");
    audit_key(&a->side, a->part.partition, "due", "");
    command_copy(&a->side.command, member, (size_t)snprintf(member, sizeof member, "%s|%s|%s", steps[w->step], w->entry, w->identity));
    redis_append(a->side.redis, &a->side.command);
}

static void append_bytes(struct audit *a, const struct waiting *w) {
    command_begin(&a->side.command, "HGET");
    audit_key(&a->side, a->part.partition, "scheduled", "");
    command_word(&a->side.command, w->entry);
    redis_append(a->side.redis, &a->side.command);
}

static void append_record(struct audit *a, const struct waiting *w) { audit_append_bill(&a->side, a->part.partition, w->day, w->identity); }

/* ZSCORE's reply: times are whole and below 2^53. */
static bool has_score(struct reply reply, const struct waiting *w) {
    uint64_t time_ms;
    return args_parse_number(reply_text(reply, NULL), &time_ms) && times_fit(w->time_ms, time_ms);
}

static bool has_record(struct reply reply, const struct waiting *w) {
    struct bill bill;
    uint64_t time_ms;
    size_t size;
    int step;
    const char *record = reply_text(reply, &size);
    if (reply_type(reply) != REPLY_TEXT || bill_parse(record, size, &bill)) return false;
    return waits(&bill, &step, &time_ms) && same(w, bill.entry, step, time_ms);
}

static bool has_bytes(struct reply reply, const struct waiting *w) {
    (void)w;
    return reply_type(reply) == REPLY_TEXT;
}

/* Is it there? */
struct question {
    void (*append)(struct audit *a, const struct waiting *w);
    bool (*is_there)(struct reply reply, const struct waiting *w);
};
static const struct question in_due = {append_score, has_score}, in_bytes = {append_bytes, has_bytes};
static const struct question in_record = {append_record, has_record};

/* Asks about those of a step that were missing from (or, at first, all that were found at) the other side. */
static int ask(struct audit *a, struct audit_due *d, const struct question *q, int step, bool missing) {
    struct reply reply;
    for (size_t n = 0; n < d->count; n++)
        if (d->list[n].missing == missing && (step == ANY || d->list[n].step == step)) q->append(a, &d->list[n]);
    for (size_t n = 0; n < d->count; n++) {
        struct waiting *w = &d->list[n];
        if (w->missing != missing || (step != ANY && w->step != step)) continue;
        int code = connect_next(&a->side, "reading what is due", &reply);
        if (code) return code;
        w->missing = missing ? q->is_there(reply, w) : !q->is_there(reply, w);
    }
    return CLI_OK;
}

/* Looks for all of a step at `there`. Of what is missing, that which still stands where it was seen, `here`, is found. */
static int look(struct audit *a, struct audit_due *d, int step, const struct question *there, const struct question *here,
                const char *fault) {
    int code = ask(a, d, there, step, false);
    if (!code) code = ask(a, d, here, ANY, true);
    for (size_t n = 0; n < d->count; n++) {
        struct waiting *w = &d->list[n];
        if (!code && w->missing)
            audit_find(a, "%s %s, entry %s: %s", w->step == PUT_OFF ? "scheduled" : "hold", w->identity, w->entry, fault);
        w->missing = false;
    }
    return code;
}

static int look_from_records(struct audit *a, struct audit_due *d) {
    int code = look(a, d, ANY, &in_due, &in_record, "waits by its bill record, but is not in the due set at that time");
    if (!code) code = look(a, d, PUT_OFF, &in_bytes, &in_record, "waits by its bill record, but its bytes are not kept");
    d->count = 0;
    return code;
}

/* Adds one; false when what is told of it is no entry or no identity. */
static bool add(struct audit_due *d, int step, const char *entry, size_t entry_size, const char *identity, uint64_t time_ms) {
    struct waiting *w = &d->list[d->count];
    struct entry_id id;
    if (!entry_id_parse(entry, entry_size, &id) || entry_size > ENTRY_TEXT_MAX || strlen(identity) >= sizeof w->identity) return false;
    *w = (struct waiting){.day = keys_day(id.ms), .step = step, .time_ms = time_ms};
    memcpy(w->entry, entry, entry_size);
    memcpy(w->identity, identity, strlen(identity));
    d->count++;
    return true;
}

int audit_due_record(struct audit *a, const char *identity, const struct bill *bill) {
    struct audit_due *d = due_of(a);
    uint64_t time_ms;
    int step;
    if (!waits(bill, &step, &time_ms)) return CLI_OK;
    a->scheduled += step == PUT_OFF;
    if (!add(d, step, bill->entry, strlen(bill->entry), identity, time_ms)) return CLI_OK; /* found to be no entry elsewhere */
    return d->count == PAGE ? look_from_records(a, d) : CLI_OK;
}

/* "STEP|ENTRY|IDENTITY" with its time. */
static int take_member(struct audit *a, struct audit_due *d, const char *member, const char *score) {
    uint64_t time_ms = 0;
    const char *entry = strchr(member, '|'), *identity = entry ? strchr(entry + 1, '|') : NULL;
    int step = strncmp(member, "due|", 4) == 0 ? PUT_OFF : LAPSES, code = CLI_OK;
    bool order = identity && strncmp(member, "lapse|", 6) == 0;
    if (order && audit_order_due(a, entry + 1, (size_t)(identity - entry - 1), identity + 1, &code)) return code;
    bool known = step == PUT_OFF || strncmp(member, "expire|", 7) == 0;
    if (!known || !identity || !args_parse_number(score, &time_ms) ||
        !add(d, step, entry + 1, (size_t)(identity - entry - 1), identity + 1, time_ms))
        audit_find(a, "due: '%.300s' at %.20s is nothing that can fall due", member, score);
    return code;
}

/* The hold of a member may have been dropped with the bills of its day: then the member does nothing when its time has come. */
static void leave_out_dropped(struct audit *a, struct audit_due *d) {
    size_t kept = 0;
    for (size_t n = 0; n < d->count; n++)
        if (!audit_was_dropped(a, d->list[n].day)) d->list[kept++] = d->list[n];
    d->count = kept;
}

static int look_from_members(struct audit *a, struct audit_due *d) {
    leave_out_dropped(a, d);
    int code = look(a, d, ANY, &in_record, &in_due, "is in the due set, but does not wait by its bill record");
    if (!code) code = look(a, d, PUT_OFF, &in_bytes, &in_due, "is in the due set, but its bytes are not kept");
    d->count = 0;
    return code;
}

static void take_bytes(struct audit *a, struct audit_due *d, const char *entry, struct reply bytes) {
    struct intent intent;
    struct intent_fault fault;
    char identity[INTENT_IDENTITY_MAX + 1];
    size_t size;
    const char *text = reply_text(bytes, &size);
    bool fine = intent_decode(text, size, &intent, &fault) == INTENT_OK;
    if (fine) intent_identity(&intent, identity);
    if (!fine || !add(d, PUT_OFF, entry, strlen(entry), identity, intent.not_before_ms))
        audit_find(a, "scheduled: what is kept of entry %.50s is no intent that can be put off", entry);
}

static int look_from_bytes(struct audit *a, struct audit_due *d) {
    int code = look(a, d, ANY, &in_due, &in_bytes, "has its bytes kept, but is not in the due set at its time");
    d->count = 0;
    return code;
}

static int read_members(struct audit *a, struct audit_due *d) {
    struct pages pages;
    struct reply items;
    keys_buffer key;
    bool more = true;
    int code;
    keys_due(key, &a->c->book, a->part.partition);
    pages_set(&pages, a->c, "reading what is due", key, PAGE);
    while (!(code = pages_next(&pages, &items, &more)) && more) {
        for (size_t n = 0; !code && n + 1 < reply_count(items); n += 2) {
            code = take_member(a, d, reply_text(reply_at(items, n), NULL), reply_text(reply_at(items, n + 1), NULL));
            if (!code && d->count == PAGE) code = look_from_members(a, d);
        }
        if (code) break;
    }
    pages_end(&pages);
    return code ? code : look_from_members(a, d);
}

static int read_bytes(struct audit *a, struct audit_due *d) {
    struct pages pages;
    struct reply items;
    keys_buffer key;
    bool more = true;
    int code;
    keys_scheduled(key, &a->c->book, a->part.partition);
    pages_hash(&pages, a->c, "reading what was put off", key, PAGE);
    while (!(code = pages_next(&pages, &items, &more)) && more) {
        for (size_t n = 0; !code && n + 1 < reply_count(items); n += 2) {
            take_bytes(a, d, reply_text(reply_at(items, n), NULL), reply_at(items, n + 1));
            if (d->count == PAGE) code = look_from_bytes(a, d);
        }
        if (code) break;
    }
    pages_end(&pages);
    return code ? code : look_from_bytes(a, d);
}

int audit_due_finish(struct audit *a) {
    struct audit_due *d = due_of(a);
    int code = look_from_records(a, d);
    if (!code) code = read_members(a, d);
    if (!code) code = audit_order_due_end(a);
    return code ? code : read_bytes(a, d);
}

void audit_due_clear(struct audit *a) {
    free(a->part.due);
    a->part.due = NULL;
}
