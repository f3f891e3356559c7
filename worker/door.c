/* The checks at the door. */
#include "worker/door.h"

#include <sodium.h>
#include <stdio.h>
#include <string.h>

#include "schema/bulk.h"
#include "schema/code.h"
#include "schema/followup.h"
#include "worker/failpoint.h"

static const uint64_t LAST_MS = 253402300799999; /* the end of the year 9999: later IDs are somebody's mistake */

bool door_read(struct reply reply, struct entry *entry) {
    if (reply_type(reply) != REPLY_ARRAY || reply_count(reply) != 2) return false;
    size_t size;
    const char *id = reply_text(reply_at(reply, 0), &size);
    if (size > ENTRY_TEXT_MAX || !entry_id_parse(id, size, &entry->id)) return false;
    entry_id_format(entry->id, entry->text);
    entry->fields = reply_at(reply, 1);
    entry->deliveries = 0;
    entry->part = 0;
    entry->parts = 1;
    return true;
}

/* The value of a field of the entry; NULL when it has none of that name. */
static const char *entry_field(const struct entry *entry, const char *name, size_t *size) {
    size_t count = reply_count(entry->fields);
    for (size_t n = 0; n + 1 < count; n += 2)
        if (reply_is(reply_at(entry->fields, n), name)) return reply_text(reply_at(entry->fields, n + 1), size);
    return NULL;
}

/* An intent at the door: decoded into a scratch, of which the entry keeps the gist. */
struct visitor {
    const struct door *door;
    struct arena *arena;
    struct entry *entry;
    struct intent intent;
};

static void give_up(struct entry *entry, const char *reason) {
    entry->door = CODE_dead;
    entry->reason = reason;
}

void door_give_up(struct entry *entries, uint32_t parts, const char *reason, uint64_t attempts) {
    for (uint32_t n = 0; n < parts; n++) {
        give_up(&entries[n], reason);
        entries[n].attempts = attempts;
        entries[n].raw = n == 0 ? ENTRY_RAW_FIELDS : ENTRY_RAW_NONE;
    }
}

static const char *keep(const struct visitor *v, const char *text) { return arena_text(v->arena, text, strlen(text)); }

static void refuse(struct visitor *v, int code, const char *field) {
    v->entry->door = code;
    v->entry->reason = keep(v, field);
}

static bool signed_by_book(const struct visitor *v) {
    const struct door *door = v->door;
    const struct entry *e = v->entry;
    return !door->has_secret || (e->sig && sign_verify(door->secret, e->bytes, e->bytes_size, e->sig, e->sig_size));
}

static void note_answerable(struct visitor *v) {
    char hex[2 * SIGN_KEY_SIZE + 1];
    v->entry->answerable = true;
    intent_fingerprint(&v->intent, v->entry->fingerprint);
    if (!(v->intent.present & FIELD_BIT(FIELD_credential))) return;
    v->entry->credential = keep(v, sodium_bin2hex(hex, sizeof hex, v->intent.credential, sizeof v->intent.credential));
    sodium_memzero(hex, sizeof hex);
}

/* What a `due` brings back: an intent that was accepted when it came, checked anew only for being one. */
static void unwrap_due(struct visitor *v) {
    struct intent_fault fault = {{0}, {0}};
    if (intent_decode(v->intent.inner, v->intent.inner_size, &v->intent, &fault) != INTENT_OK || op_is_follow_up(v->intent.op)) {
        give_up(v->entry, "due with an unreadable intent");
        return;
    }
    v->entry->own = ENTRY_DUE;
    note_answerable(v);
}

static void check_follow_up(struct visitor *v) {
    unsigned from;
    char origin[INTENT_ENTRY_MAX + 1];
    struct entry *entry = v->entry;
    const struct intent *i = &v->intent;
    bool has_origin = op_fields_needed(i->op) & FIELD_BIT(FIELD_origin);
    entry->original = keep(v, i->entry);
    if (!signed_by_book(v))
        give_up(entry, "follow-up without the book's signature");
    else if (has_origin && (!followup_origin(i->origin, &from, origin) || from >= v->door->book.partitions))
        give_up(entry, "follow-up with an unusable origin");
    else if (i->op == OP_expire)
        entry->own = ENTRY_EXPIRE;
    else if (i->op == OP_lapse)
        entry->own = ENTRY_LAPSE;
    else if (i->op == OP_due)
        unwrap_due(v);
}

/* A follow-up goes alone: its origin is its entry's. */
static void refuse_follow_up(struct visitor *v) {
    intent_clear(&v->intent);
    give_up(v->entry, "a follow-up among others in one entry");
}

static void check_decoded(struct visitor *v) {
    struct intent_fault fault = {{0}, {0}};
    const struct intent *i = &v->intent;
    FAILPOINT_ENTRY(i->key);
    if (op_is_follow_up(i->op)) {
        if (v->entry->parts > 1) refuse_follow_up(v);
        else check_follow_up(v);
        return;
    }
    note_answerable(v);
    if (v->entry->parts > 1 && !bulk_takes(i)) {
        refuse(v, CODE_invalid, "op");
        return;
    }
    int code = intent_place(i, v->door->partition, v->door->book.partitions, v->entry->id.ms, &fault);
    if (code == CODE_ok && i->op == OP_policy && !signed_by_book(v)) code = CODE_not_permitted;
    if (code != CODE_ok) refuse(v, code, code == CODE_invalid ? fault.field : "");
}

static void check_bytes(const struct door *door, struct arena *arena, struct entry *entry) {
    struct visitor v;
    struct intent_fault fault = {{0}, {0}};
    char reason[DOOR_REASON_MAX];
    v.door = door;
    v.arena = arena;
    v.entry = entry;
    switch (intent_decode(entry->bytes, entry->bytes_size, &v.intent, &fault)) {
    case INTENT_OK:
        check_decoded(&v);
        break;
    case INTENT_INVALID:
        entry->answerable = true;
        refuse(&v, CODE_invalid, fault.field);
        break;
    case INTENT_UNREADABLE:
        snprintf(reason, sizeof reason, "unreadable: %.150s", fault.text);
        give_up(entry, keep(&v, reason));
        break;
    }
    gist_keep(&entry->gist, &v.intent, arena);
}

void door_skip(struct entry *entry) {
    entry->door = CODE_ok;
    entry->reason = entry->original = entry->credential = "";
    entry->attempts = 0;
    entry->answerable = entry->shares = false;
    entry->fingerprint[0] = '\0';
    entry->own = ENTRY_PLAIN;
    entry->proven = false;
    entry->raw = ENTRY_RAW_FIELDS;
    entry->bytes = entry->sig = NULL;
    entry->trace[0] = '\0';
    entry->bytes_size = entry->sig_size = 0;
    gist_clear(&entry->gist);
}

/* Most entries have nothing beside the intent and perhaps its signature, and are not searched. */
static void read_trace(struct entry *entry) {
    size_t size, others = reply_count(entry->fields) / 2 - 1 - (entry->sig != NULL);
    const char *text = others > 0 ? entry_field(entry, "traceparent", &size) : NULL;
    if (text) trace_read(text, size, entry->trace);
}

static void check_part(const struct door *door, struct arena *arena, struct entry *entry, const struct bulk_part *part) {
    door_skip(entry);
    entry->raw = ENTRY_RAW_PART;
    entry->bytes = part->bytes;
    entry->bytes_size = part->size;
    entry->sig = part->sig;
    entry->sig_size = part->sig_size;
    if (part->trace) trace_read(part->trace, part->trace_size, entry->trace);
    check_bytes(door, arena, entry);
}

static void copy_head(struct entry *to, const struct entry *from) {
    to->id = from->id;
    memcpy(to->text, from->text, sizeof to->text);
    to->fields = from->fields;
    to->deliveries = from->deliveries;
}

static bool wants_one_answer(const struct entry *entry) {
    size_t size;
    const char *answers = entry_field(entry, "answers", &size);
    return answers && size == strlen("bulk") && memcmp(answers, "bulk", size) == 0;
}

static uint32_t open_bulk(const struct door *door, struct arena *arena, struct entry *entries) {
    struct bulk_part parts[BULK_INTENTS_MAX];
    size_t size = 0, sigs_size = 0;
    const char *intents = entry_field(&entries[0], "intents", &size), *sigs = entry_field(&entries[0], "sigs", &sigs_size);
    unsigned count = 0;
    const char *why = intents ? bulk_split(intents, size, sigs, sigs_size, parts, &count) : "no field `intent`";
    if (why) {
        give_up(&entries[0], why);
        return 1;
    }
    size_t traces_size;
    const char *traces = entry_field(&entries[0], "traceparents", &traces_size);
    if (traces) bulk_split_traces(traces, traces_size, parts, count);
    bool shares = wants_one_answer(&entries[0]);
    for (unsigned n = 0; n < count; n++) {
        if (n > 0) copy_head(&entries[n], &entries[0]);
        entries[n].part = n;
        entries[n].parts = count;
        check_part(door, arena, &entries[n], &parts[n]);
        entries[n].shares = shares;
    }
    return count;
}

uint32_t door_open(const struct door *door, struct arena *arena, struct entry *entries) {
    struct entry *entry = &entries[0];
    entry->part = 0;
    entry->parts = 1;
    door_skip(entry);
    entry->bytes = entry_field(entry, "intent", &entry->bytes_size);
    entry->sig = entry_field(entry, "sig", &entry->sig_size);
    if (entry->id.ms > LAST_MS) give_up(entry, "its ID lies beyond the year 9999");
    else if (reply_count(entry->fields) > 2 * DOOR_FIELDS_MAX) give_up(entry, "more than 64 fields");
    else if (!entry->bytes) return open_bulk(door, arena, entries);
    else check_bytes(door, arena, entry);
    if (entry->bytes) read_trace(entry);
    return 1;
}
