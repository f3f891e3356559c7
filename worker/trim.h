/* Takes what is old off the streams of a partition: intents, ledger, dead, discarded and the answers to each source, each for as long as
 * the settings say, a few entries at a time. What is still needed stays (schema/lua/trim.lua): it decides, fenced like all that writes;
 * here is when, which and how much. Used by the archiver's thread for the partitions that its worker serves. */
#ifndef WORKER_TRIM_H
#define WORKER_TRIM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "producer/archive_manifest.h"
#include "producer/redis.h"
#include "worker/settings.h"
#include "worker/sources.h"

enum { TRIM_NAME_MAX = 10 + INTENT_SOURCE_MAX, TRIM_HOLDER_MAX = 100 };

/* What is kept of one stream, to speak of it once. */
struct trim_stream {
    enum settings_stream kind;
    char name[TRIM_NAME_MAX + 1];      /* "intents", "responses:shop" */
    char holder[TRIM_HOLDER_MAX + 1];  /* the group that holds it up; "" none */
    uint64_t cut, unread;              /* since they were last told of */
    uint64_t told_at_ms, told_unread_at_ms;
};

struct trim {
    unsigned partition;
    struct trim_stream *streams;
    size_t count, capacity;
    unsigned sources_seen;
    bool listed;         /* the sources that were known before are among them */
    bool refused;        /* the last look was: said once */
    uint64_t look_at_ms; /* when to look again */
};

/* What it works with; borrowed. */
struct trim_view {
    struct redis *redis;
    struct command *command;
    const struct book *book;
    const struct settings *settings;
    struct sources *sources;
    uint64_t epoch;
    bool archiving;              /* intents and ledger go no further than these: */
    struct archive_mark intents, ledger;
    const char *archive_fault;   /* "" none; noted for `till status` */
};

struct door;

/* Has the partition remember a source, whose answers are to be trimmed one day. Fenced. A refusal is not told: whoever trims hears it
 * again. */
enum redis_err trim_note_source(struct redis *redis, struct command *c, const struct door *door, const char *epoch, const char *source)
    __attribute__((warn_unused_result));

void trim_init(struct trim *t, unsigned partition);
void trim_clear(struct trim *t);
/* Looks at every stream if it is time to. *more: there is more to take off at once. REDIS_FENCED: the partition has another owner. */
enum redis_err trim_turn(struct trim *t, const struct trim_view *view, bool *more) __attribute__((warn_unused_result));

#endif
