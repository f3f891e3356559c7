/* The checks at the door. */
#include "worker/door.h"

#include <sodium.h>
#include <stdio.h>
#include <string.h>

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
    return true;
}

/* The value of a field of the entry; NULL when it has none of that name. */
static const char *entry_field(const struct entry *entry, const char *name, size_t *size) {
    size_t count = reply_count(entry->fields);
    for (size_t n = 0; n + 1 < count; n += 2)
        if (reply_is(reply_at(entry->fields, n), name)) return reply_text(reply_at(entry->fields, n + 1), size);
    return NULL;
}

void door_give_up(struct entry *entry, const char *reason, uint64_t attempts) {
    entry->door = CODE_dead;
    entry->attempts = attempts;
    snprintf(entry->reason, sizeof entry->reason, "%s", reason);
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
        door_give_up(entry, "due with an unreadable intent", 0);
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
        door_give_up(entry, "follow-up without the book's signature", 0);
    else if (!own && (!followup_origin(entry->intent.origin, &from, origin) || from >= door->book.partitions))
        door_give_up(entry, "follow-up with an unusable origin", 0);
    else if (entry->intent.op == OP_expire)
        entry->own = ENTRY_EXPIRE;
    else if (entry->intent.op == OP_lapse)
        entry->own = ENTRY_LAPSE;
    else if (entry->intent.op == OP_due)
        unwrap_due(entry);
}

static void check_decoded(const struct door *door, struct entry *entry) {
    struct intent_fault fault = {{0}, {0}};
    FAILPOINT_ENTRY(entry->intent.key);
    if (op_is_follow_up(entry->intent.op)) {
        check_follow_up(door, entry);
        return;
    }
    note_answerable(entry);
    int code = intent_place(&entry->intent, door->partition, door->book.partitions, entry->id.ms, &fault);
    if (code == CODE_ok && entry->intent.op == OP_policy && !signed_by_book(door, entry)) code = CODE_not_permitted;
    if (code != CODE_ok) refuse(entry, code, code == CODE_invalid ? fault.field : "");
}

static void check_bytes(const struct door *door, struct entry *entry, const char *bytes, size_t size) {
    struct intent_fault fault = {{0}, {0}};
    char reason[DOOR_REASON_MAX];
    switch (intent_decode(bytes, size, &entry->intent, &fault)) {
    case INTENT_OK:
        check_decoded(door, entry);
        return;
    case INTENT_INVALID:
        entry->answerable = true;
        refuse(entry, CODE_invalid, fault.field);
        return;
    case INTENT_UNREADABLE:
        snprintf(reason, sizeof reason, "unreadable: %.150s", fault.text);
        door_give_up(entry, reason, 0);
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
    entry->bytes = entry->sig = NULL;
    entry->bytes_size = entry->sig_size = 0;
    intent_clear(&entry->intent);
}

void door_check(const struct door *door, struct entry *entry) {
    door_skip(entry);
    size_t size = 0;
    const char *bytes = entry_field(entry, "intent", &size);
    entry->bytes = bytes;
    entry->bytes_size = size;
    entry->sig = entry_field(entry, "sig", &entry->sig_size);
    if (entry->id.ms > LAST_MS) door_give_up(entry, "its ID lies beyond the year 9999", 0);
    else if (reply_count(entry->fields) > 2 * DOOR_FIELDS_MAX) door_give_up(entry, "more than 64 fields", 0);
    else if (!bytes) door_give_up(entry, "no field `intent`", 0);
    else check_bytes(door, entry, bytes, size);
}
