/* Follow-up intents: the consequences of an intent in other partitions, derived from (intent, answer) by a pure function, so
 * that a crash between answer and sending only means deriving them again. */
#ifndef SCHEMA_FOLLOWUP_H
#define SCHEMA_FOLLOWUP_H

#include <stdbool.h>

#include "schema/intent.h"
#include "schema/keys.h"

/* The follow-up for partition `target` of `intent`, which was decided with `code` as entry `entry` of partition `from`. `merchant`: the
 * account is a merchant's (a freeze does not say so itself; the lane knows it from apply's reply; an open says it in `kind`).
 * False when it has none there. An intent has at most one follow-up per target. */
bool followup_derive(const struct intent *intent, int code, bool merchant, const char *entry, const struct book *book, unsigned from,
                     unsigned target, struct intent *out);

/* Does an intent decided with `code` have any follow-up at all in a book of this many partitions? */
bool followup_any(const struct intent *intent, int code, bool merchant, unsigned partitions);

/* Splits an origin "p:MS-SEQ", written as Till writes it. False when it is not one. */
bool followup_origin(const char *origin, unsigned *partition, char entry[INTENT_ENTRY_MAX + 1]);

#endif
