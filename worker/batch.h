/* A batch on its way to apply.lua: entries of one UTC day, the keys they touch, the msgpack blob that names them by place. One per lane,
 * reused; after it has grown to its working size nothing is allocated. */
#ifndef WORKER_BATCH_H
#define WORKER_BATCH_H

#include <stdint.h>

#include "producer/command.h"
#include "worker/cell.h"
#include "worker/door.h"
#include "worker/keyset.h"
#include "worker/shelf.h"

enum { BATCH_BILLS_KEEP_DAYS = 180, BATCH_BILLS_KEEP_DAYS_MAX = 3650, BATCH_BILLS_SPARE_DAYS = 30 };
enum { BATCH_CELLS_MAX = 2048, BATCH_ARTICLES_MAX = 2048 };

struct batch {
    const struct door *door;
    struct keyset keys;
    struct arena texts;      /* what cells borrow */
    struct shelf shelf;      /* articles that the cells may touch */
    struct keyset late;      /* identities of the intents decided late, for batch_cut */
    struct command command;
    struct cell *cells;      /* of the entries, then of the steps of the groups among them */
    uint32_t cell_capacity;
    uint8_t *blob;
    size_t blob_capacity;
    char account_prefix[64]; /* "{B:p}:account:" */
    size_t account_prefix_size;
};

void batch_init(struct batch *batch, const struct door *door);
void batch_clear(struct batch *batch);

/* How many of the entries can go into one batch: same day, a bulk entry whole, else at most `max`, at most BATCH_CELLS_MAX cells, which
 * order at most BATCH_ARTICLES_MAX articles (Redis serves nobody else meanwhile). At least 1. */
uint32_t batch_extent(const struct entry *entries, uint32_t count, uint32_t max);

/* Does an operation refer to a bill by `of`? */
bool batch_refers_to_bill(enum op op);

/* Makes the cells of the entries; how many there are. The first `count` are those of the entries. */
uint32_t batch_take(struct batch *batch, const struct entry *entries, uint32_t count);

/* How many of the entries taken may stay in one batch, at least 1: behind one that decides an intent late (a due, a settled or bounce, an
 * unschedule) nothing that speaks of the same intent, because what it finds would depend on the batch; and behind a policy nothing. */
uint32_t batch_cut(struct batch *batch, uint32_t count);

/* How long bills are kept, in days. They are looked up for `days` and dropped BATCH_BILLS_SPARE_DAYS later: what falls due on the last day,
 * or is on its way to another partition, finds its bill also after an outage over that day. */
struct batch_keep {
    uint32_t day;         /* of the last entry applied; 0: none */
    uint32_t days;        /* by the book's policy */
    uint32_t lowered_day; /* when that was lowered last, 0: never. What was decided up to then is kept */
    uint32_t lowered_from; /* for so many days, as it was promised then */
};

/* What the cells and referrals were made against: the script refuses them when it is another owner's partition by now, or when something
 * was applied since. */
struct batch_base {
    const char *epoch;
    struct entry_id applied;
    bool function; /* by FCALL instead of EVALSHA */
    bool durable; /* all answers are to be kept until they are as durable as is asked */
};

/* Makes the whole call in batch->command out of the cells taken. `referrals[n]` belongs to cells[n]. Bills that are too old by then are
 * dropped in the same call. */
void batch_build(struct batch *batch, const struct referral *referrals, uint32_t entry_count, uint32_t cell_count,
                 const struct batch_base *base, const struct batch_keep *keep);

#endif
