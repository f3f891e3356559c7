/* Within the seam: a blocking, tuned hiredis connection, or why there is none. */
#ifndef PRODUCER_REDIS_DIAL_H
#define PRODUCER_REDIS_DIAL_H

struct redis_options;
struct redis_url;
struct redisContext;

/* Begins to connect. Never NULL (out of memory aborts); a failure is in the context's `err`. The caller frees it. */
struct redisContext *redis_dial_start(const struct redis_url *url);
/* Waits until it is connected, makes it blocking and tunes it: 0, or the errno of why not. A shutdown of its fd ends the wait. */
int redis_dial_finish(struct redisContext *context, const struct redis_options *options);
/* Of each wait for the socket; a failure is left in the context. */
void redis_dial_timeout(struct redisContext *context, int timeout_ms);

#endif
