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

static void give_up(struct entry *entry, const char *reason) {
    entry->door = CODE_dead;
    snprintf(entry->reason, sizeof entry->reason, "%s", reason);
}

void door_give_up(struct entry *entries, uint32_t parts, const char *reason, uint64_t attempts) {
    for (uint32_t n = 0; n < parts; n++) {
        give_up(&entries[n], reason);
        entries[n].attempts = attempts;
        entries[n].raw = n == 0 ? ENTRY_RAW_FIELDS : ENTRY_RAW_NONE;
    }
}

static void refuse(struct entry *entry, int code, const char *field) {
    entry->door = code;
    snprintf(entry->reason, sizeof entry->reason, "%s", field);
}

static bool signed_by_book(const struct door *door, const struct entry *entry) {
    return !door->has_secret || (entry->sig && sign_verify(door->secret, entry->bytes, entry->bytes_size, entry->sig, entry->sig_size));
}

static void note_answerable(struct entry *entry) {
    entry->answerable = true;
    intent_fingerprint(&entry->intent, entry->fingerprint);
    if (entry->intent.present & FIELD_BIT(FIELD_credential))
        sodium_bin2hex(entry->credential, sizeof entry->credential, entry->intent.credential, sizeof entry->intent.credential);
}

/* What a `due` brings back: an intent that was accepted when it came, checked anew only for being one. */
static void unwrap_due(struct entry *entry) {
    struct intent_fault fault = {{0}, {0}};
    if (intent_decode(entry->intent.inner, entry->intent.inner_size, &entry->intent, &fault) != INTENT_OK ||
        op_is_follow_up(entry->intent.op)) {
        give_up(entry, "due with an unreadable intent");
        return;
    }
    entry->own = ENTRY_DUE;
    note_answerable(entry);
}

static void check_follow_up(const struct door *door, struct entry *entry) {
    unsigned from;
    char origin[INTENT_ENTRY_MAX + 1];
    bool own = op_is_own(entry->intent.op);
    memcpy(entry->original, entry->intent.entry, sizeof entry->original);
    if (!signed_by_book(door, entry))
        give_up(entry, "follow-up without the book's signature");
    else if (!own && (!followup_origin(entry->intent.origin, &from, origin) || from >= door->book.partitions))
        give_up(entry, "follow-up with an unusable origin");
    else if (entry->intent.op == OP_expire)
        entry->own = ENTRY_EXPIRE;
    else if (entry->intent.op == OP_lapse)
        entry->own = ENTRY_LAPSE;
    else if (entry->intent.op == OP_due)
        unwrap_due(entry);
}

/* A follow-up goes alone: its origin is its entry's. */
static void refuse_follow_up(struct entry *entry) {
    intent_clear(&entry->intent);
    give_up(entry, "a follow-up among others in one entry");
}

static void check_decoded(const struct door *door, struct entry *entry) {
    struct intent_fault fault = {{0}, {0}};
    FAILPOINT_ENTRY(entry->intent.key);
    if (op_is_follow_up(entry->intent.op)) {
        if (entry->parts > 1) refuse_follow_up(entry);
        else check_follow_up(door, entry);
        return;
    }
    note_answerable(entry);
    if (entry->parts > 1 && !bulk_takes(&entry->intent)) {
        refuse(entry, CODE_invalid, "op");
        return;
    }
    int code = intent_place(&entry->intent, door->partition, door->book.partitions, entry->id.ms, &fault);
    if (code == CODE_ok && entry->intent.op == OP_policy && !signed_by_book(door, entry)) code = CODE_not_permitted;
    if (code != CODE_ok) refuse(entry, code, code == CODE_invalid ? fault.field : "");
}

static void check_bytes(const struct door *door, struct entry *entry) {
    struct intent_fault fault = {{0}, {0}};
    char reason[DOOR_REASON_MAX];
    switch (intent_decode(entry->bytes, entry->bytes_size, &entry->intent, &fault)) {
    case INTENT_OK:
        check_decoded(door, entry);
        return;
    case INTENT_INVALID:
        entry->answerable = true;
        refuse(entry, CODE_invalid, fault.field);
        return;
    case INTENT_UNREADABLE:
        snprintf(reason, sizeof reason, "unreadable: %.150s", fault.text);
        give_up(entry, reason);
        return;
    }
}

void door_skip(struct entry *entry) {
    entry->door = CODE_ok;
    entry->reason[0] = '\0';
    entry->attempts = 0;
    entry->answerable = false;
    entry->fingerprint[0] = '\0';
    entry->own = ENTRY_PLAIN;
    entry->original[0] = entry->credential[0] = '\0';
    entry->proven = false;
    entry->raw = ENTRY_RAW_FIELDS;
    entry->bytes = entry->sig = NULL;
    entry->trace[0] = '\0';
    entry->bytes_size = entry->sig_size = 0;
    intent_clear(&entry->intent);
}

/* Most entries have nothing beside the intent and perhaps its signature, and are not searched. */
static void read_trace(struct entry *entry) {
    size_t size, others = reply_count(entry->fields) / 2 - 1 - (entry->sig != NULL);
    const char *text = others > 0 ? entry_field(entry, "traceparent", &size) : NULL;
    if (text) trace_read(text, size, entry->trace);
}

static void check_part(const struct door *door, struct entry *entry, const struct bulk_part *part) {
    door_skip(entry);
    entry->raw = ENTRY_RAW_PART;
    entry->bytes = part->bytes;
    entry->bytes_size = part->size;
    entry->sig = part->sig;
    entry->sig_size = part->sig_size;
    if (part->trace) trace_read(part->trace, part->trace_size, entry->trace);
    check_bytes(door, entry);
}

static void copy_head(struct entry *to, const struct entry *from) {
    to->id = from->id;
    memcpy(to->text, from->text, sizeof to->text);
    to->fields = from->fields;
    to->deliveries = from->deliveries;
}

static uint32_t open_bulk(const struct door *door, struct entry *entries) {
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
    for (unsigned n = 0; n < count; n++) {
        if (n > 0) copy_head(&entries[n], &entries[0]);
        entries[n].part = n;
        entries[n].parts = count;
        check_part(door, &entries[n], &parts[n]);
    }
    return count;
}

uint32_t door_open(const struct door *door, struct entry *entries) {
    struct entry *entry = &entries[0];
    entry->part = 0;
    entry->parts = 1;
    door_skip(entry);
    entry->bytes = entry_field(entry, "intent", &entry->bytes_size);
    entry->sig = entry_field(entry, "sig", &entry->sig_size);
    if (entry->id.ms > LAST_MS) give_up(entry, "its ID lies beyond the year 9999");
    else if (reply_count(entry->fields) > 2 * DOOR_FIELDS_MAX) give_up(entry, "more than 64 fields");
    else if (!entry->bytes) return open_bulk(door, entries);
    else check_bytes(door, entry);
    if (entry->bytes) read_trace(entry);
    return 1;
}
