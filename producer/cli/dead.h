/* Entries that were given up, as `till dead` and the gateway's page see them. */
#ifndef CLI_DEAD_H
#define CLI_DEAD_H

#include <jansson.h>

#include "producer/cli/connect.h"
#include "schema/bulk.h"
#include "schema/intent.h"

/* One dead entry, borrowed from the reply it came in. */
struct dead {
    unsigned partition;
    const char *id, *entry, *reason, *attempts;
    struct reply fields;
    bool readable;
    struct intent intent;
    struct intent_fault fault;
    struct bulk_part parts[BULK_INTENTS_MAX]; /* of a bulk entry that was given up whole */
    unsigned part_count;
};

void dead_read(struct reply entry, unsigned partition, struct dead *d);
json_t *dead_json(const struct dead *d);
/* A field's bytes: as text when they are UTF-8 without control characters, else in hex. */
json_t *dead_raw_json(struct reply value);
/* "P:MS-SEQ". False: it is none. */
bool dead_parse_id(const struct book *book, const char *text, unsigned *partition, const char **id);

/* One of a bulk entry; null when it cannot be read. Of one thread at a time. */
json_t *dead_part_json(const struct bulk_part *part);

/* The one of this ID, valid until the next command; *found is false when it is not there. CLI_OK or the exit code, said. */
int dead_fetch(struct connection *c, unsigned partition, const char *id, struct dead *d, bool *found) __attribute__((warn_unused_result));
/* Puts it back into the stream, as it was fetched just now; *entry, valid until the next command, is its new entry ID, "" when it has gone
 * or its bytes are lost. Puts it aside; *found is false when it was not there. */
enum redis_err dead_requeue(struct connection *c, const struct dead *d, const char *id, const char **entry)
    __attribute__((warn_unused_result));
enum redis_err dead_discard(struct connection *c, unsigned partition, const char *id, const char *reason, bool *found)
    __attribute__((warn_unused_result));

#endif
