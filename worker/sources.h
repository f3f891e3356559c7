/* The upstream sources that a partition has heard of: noted by its lane, read by whoever trims the streams of their answers. One writer
 * at a time, one reader, no lock. */
#ifndef WORKER_SOURCES_H
#define WORKER_SOURCES_H

#include <stdatomic.h>
#include <stdint.h>

#include "schema/intent.h"

enum { SOURCES_MAX = 256 }; /* the answers of further ones are not trimmed */

struct entry;

struct sources {
    char name[SOURCES_MAX][INTENT_SOURCE_MAX + 1];
    atomic_uint count; /* those below it never change */
};

/* Notes the senders of entries that are answered. NULL: nobody wants to know. */
void sources_note(struct sources *sources, const struct entry *entries, uint32_t count);

#endif
