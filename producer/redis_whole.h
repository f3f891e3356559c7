/* Within the seam: reads replies that lie whole in the reader's buffer, several times as fast as hiredis, which gets all others: those that
 * are very long, those that are odd in any way, and so every error of the protocol. */
#ifndef PRODUCER_REDIS_WHOLE_H
#define PRODUCER_REDIS_WHOLE_H

#include <stdbool.h>
#include <stddef.h>

struct redisContext;

/* How far the reply at the front of the buffer was looked at. All zeros: not yet. */
struct reply_scan {
    size_t offset;       /* of the first value that was not seen as a whole */
    size_t values, left; /* seen; and known to follow. values 0: left is 1 */
    bool theirs;         /* hiredis has begun with it */
};

/* The next reply, as redisGetReplyFromReader: NULL when there is more of it to come; false: context->err says why. */
bool redis_whole_next(struct redisContext *context, struct reply_scan *scan, void **node);

#endif
