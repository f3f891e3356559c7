/* What only Redis knows of the partitions that this worker serves, read when somebody asks for it. */
#ifndef WORKER_GAUGES_H
#define WORKER_GAUGES_H

#include <stdio.h>

#include "producer/redis.h"
#include "schema/keys.h"
#include "worker/metrics.h"

/* In the text format of Prometheus. What Redis does not tell, because it is away or because nobody may ask, is left out; till_redis_up says
 * whether it answered. `kept_ms`: how long intents are kept, or CONFIG_KEEP. */
void gauges_print(struct redis *redis, const struct book *book, const struct metrics *metrics, uint64_t kept_ms, FILE *out);
/* Does Redis take a write? Changes nothing: no score is below 0. */
enum redis_err gauges_try_write(struct redis *redis, const struct book *book, const char *worker) __attribute__((warn_unused_result));

#endif
