/* Time passing: what has fallen due in the partition (holds that lapse, intents put off) is put on its own stream, where its place among
 * the payments decides. A few at a time, so that a million of them falling due at once neither hold up the payments behind them nor take
 * more than their share: never more than OVERDUE_MOST are on the stream and not applied. Says when, never what: a hold whose deadline has
 * come is expired whether or not this was here. */
#ifndef WORKER_OVERDUE_H
#define WORKER_OVERDUE_H

#include <stdbool.h>
#include <stdint.h>

#include "producer/redis.h"

enum { OVERDUE_MOST = 64 };

struct lane;

struct overdue {
    uint64_t look_at_ms;  /* when to look again (lane_now_ms clock); 0: at once */
    uint32_t under_way;   /* put on the stream and not applied yet */
    bool refused;         /* the last look was: said once */
};

/* To be told of every entry applied, and of a read that found nothing: then nothing is under way. */
void overdue_note(struct lane *lane, uint32_t applied);
void overdue_note_empty(struct lane *lane);
/* An intent was applied that may have set a time: look no later than in so many ms. */
void overdue_expect(struct lane *lane, uint64_t in_ms);

/* Looks if it is time to, and puts what is due on the stream, over the lane's side connection. */
enum redis_err overdue_turn(struct lane *lane) __attribute__((warn_unused_result));

/* How long a read may wait at most so that nothing falls due unnoticed: up to `block_ms`, at least 1. */
unsigned overdue_patience_ms(const struct lane *lane, unsigned block_ms);

#endif
