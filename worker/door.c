/* The checks at the door. */
#include "worker/door.h"

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

static void check_follow_up(const struct door *door, struct entry *entry, const char *bytes, size_t size) {
    size_t sig_size = 0;
    const char *sig = entry_field(entry, "sig", &sig_size);
    unsigned from;
    char origin[INTENT_ENTRY_MAX + 1];
    if (door->has_secret && !(sig && sign_verify(door->secret, bytes, size, sig, sig_size)))
        door_give_up(entry, "follow-up without the book's signature", 0);
    else if (!followup_origin(entry->intent.origin, &from, origin) || from >= door->book.partitions)
        door_give_up(entry, "follow-up with an unusable origin", 0);
}

static void check_decoded(const struct door *door, struct entry *entry, const char *bytes, size_t size) {
    struct intent_fault fault = {{0}, {0}};
    FAILPOINT_ENTRY(entry->intent.key);
    if (op_is_follow_up(entry->intent.op)) {
        check_follow_up(door, entry, bytes, size);
        return;
    }
    entry->answerable = true;
    intent_fingerprint(&entry->intent, entry->fingerprint);
    int code = intent_place(&entry->intent, door->partition, door->book.partitions, entry->id.ms, &fault);
    if (code != CODE_ok) refuse(entry, code, code == CODE_invalid ? fault.field : "");
}

static void check_bytes(const struct door *door, struct entry *entry, const char *bytes, size_t size) {
    struct intent_fault fault = {{0}, {0}};
    char reason[DOOR_REASON_MAX];
    switch (intent_decode(bytes, size, &entry->intent, &fault)) {
    case INTENT_OK:
        check_decoded(door, entry, bytes, size);
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
    memset(&entry->intent, 0, sizeof entry->intent);
}

void door_check(const struct door *door, struct entry *entry) {
    door_skip(entry);
    size_t size = 0;
    const char *bytes = entry_field(entry, "intent", &size);
    if (entry->id.ms > LAST_MS) door_give_up(entry, "its ID lies beyond the year 9999", 0);
    else if (reply_count(entry->fields) > 2 * DOOR_FIELDS_MAX) door_give_up(entry, "more than 64 fields", 0);
    else if (!bytes) door_give_up(entry, "no field `intent`", 0);
    else check_bytes(door, entry, bytes, size);
}
