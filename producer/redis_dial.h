/* Within the seam: a blocking, tuned hiredis connection, or why there is none. */
#ifndef PRODUCER_REDIS_DIAL_H
#define PRODUCER_REDIS_DIAL_H

struct redis_node;
struct redis_options;
struct redisContext;

/* Begins to connect: to the url's socket, else to `at`. Never NULL (out of memory aborts); a failure is in the context's `err`. The caller
 * frees it. */
struct redisContext *redis_dial_start(const struct redis_options *options, const struct redis_node *at);
/* Waits until it is connected, makes it blocking and tunes it: 0, or the errno of why not. A shutdown of its fd ends the wait. `timeout_ms`
 * is how long this and each wait for a reply may take from now on. */
int redis_dial_finish(struct redisContext *context, const struct redis_options *options, int timeout_ms);
/* Of each wait for the socket; a failure is left in the context. */
void redis_dial_timeout(struct redisContext *context, int timeout_ms);

#endif
