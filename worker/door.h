/* The door: what can be told about an entry before Redis is asked. A refusal found here travels along to apply.lua, which
 * gives it its place in the order of checks. Pure but for the arena that takes what is kept; one per lane. */
#ifndef WORKER_DOOR_H
#define WORKER_DOOR_H

#include <stdbool.h>
#include <stdint.h>

#include "producer/redis.h"
#include "schema/entry.h"
#include "schema/keys.h"
#include "schema/pack.h"
#include "schema/sign.h"
#include "schema/trace.h"
#include "worker/gist.h"

enum { DOOR_REASON_MAX = 200, DOOR_FIELDS_MAX = 64 };

/* What the dead stream keeps of an entry that is given up: its fields; of a bulk entry, given up in part, that intent and its signature; of
 * one given up whole nothing but with its first intent. */
enum entry_raw { ENTRY_RAW_FIELDS, ENTRY_RAW_PART, ENTRY_RAW_NONE };

/* What a partition sends to itself. */
enum entry_own { ENTRY_PLAIN, ENTRY_EXPIRE, ENTRY_DUE, ENTRY_LAPSE };

/* One stream entry on its way through the lane; of a bulk entry there is one for each of its intents, one behind the other, with the ID and
 * the fields in common. What it points to lies in the arena it was opened with, or is borrowed as said. */
struct entry {
    struct entry_id id;
    char text[ENTRY_TEXT_MAX + 1]; /* the ID as text */
    struct reply fields;           /* name, value, ...; borrowed from the reply it came in */
    uint32_t part, parts;          /* of a bulk entry: its number, from 0, and of how many; else 0 of 1 */
    enum entry_raw raw;
    uint64_t deliveries;           /* by Redis' count; 0 when it was never read before */
    uint64_t attempts;             /* lone attempts before it was given up */
    int door;                      /* 0, CODE_invalid, CODE_stale, CODE_not_permitted; CODE_dead: to be buried */
    const char *reason;            /* the field at fault, or why it is dead */
    bool answerable;               /* the sender is known */
    bool shares;                   /* its answer comes as one with the others of the bulk entry */
    enum entry_own own;
    const char *original;          /* of a follow-up: entry ID of the intent it is about; else "" */
    const void *bytes, *sig;       /* of the intent and its signature, NULL: none; borrowed like `fields` */
    size_t bytes_size, sig_size;
    const char *credential;        /* hex: to be set by the intent; "" none */
    char trace[TRACE_SIZE + 1];    /* its traceparent, "" none */
    bool proven;                   /* `sig` is right under the account's credential */
    struct gist gist;              /* of ENTRY_DUE: of the one it brings back */
    char fingerprint[INTENT_FINGERPRINT_SIZE + 1];
};

struct door {
    struct book book;
    unsigned partition;
    bool has_secret;
    uint8_t secret[SIGN_KEY_SIZE];
};

/* Reads [ID, [name, value, ...]] into `entry`. False when the reply has another shape. */
bool door_read(struct reply reply, struct entry *entry);

/* Checks the entry read into entries[0], filling everything from `door` on; of a bulk entry up to BULK_INTENTS_MAX entries. How many. */
uint32_t door_open(const struct door *door, struct arena *arena, struct entry *entries) __attribute__((warn_unused_result));

/* Leaves the entry unread: nothing of it is known but its ID and its fields. */
void door_skip(struct entry *entry);

/* Gives an entry of so many parts up: it goes to the dead stream with this reason (borrowed), after so many lone attempts. */
void door_give_up(struct entry *entries, uint32_t parts, const char *reason, uint64_t attempts);

#endif
