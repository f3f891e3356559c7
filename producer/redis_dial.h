/* Within the seam: a blocking, tuned hiredis connection, or why there is none. */
#ifndef PRODUCER_REDIS_DIAL_H
#define PRODUCER_REDIS_DIAL_H

struct redis_options;
struct redisContext;

/* Never NULL (out of memory aborts); `err` and errno of the context's failure are as hiredis leaves them. The caller frees it. */
struct redisContext *redis_dial(const struct redis_options *options);
/* Of each wait for the socket; a failure is left in the context. */
void redis_dial_timeout(struct redisContext *context, int timeout_ms);

#endif
