/* How many intents of a source wait in a partition, so that one that floods is held up and the others are not: what it sent, as its senders
 * add it up in `{B:p}:sent:SOURCE`, less what was answered. Asked, and told, along with the backlog, so not per intent. */
#ifndef PRODUCER_CLIENT_SOURCE_H
#define PRODUCER_CLIENT_SOURCE_H

#include <stdbool.h>
#include <stdint.h>

#include "producer/client.h"

/* Whether it is no longer known. Never for what is no source's name. */
bool client_source_wanted(struct till *till, unsigned partition, const char *source, int64_t now_ms);
/* Queues the questions, behind those for the backlog of the partition, whose answer `client_source_next` needs. */
void client_source_append(struct till *till, unsigned partition, const char *source, int64_t until_ms);
/* Reads the replies to all that is asked. What cannot be told is unknown, and no failure: only a lost connection is. */
enum redis_err client_source_next(struct till *till, int64_t deadline_ms) __attribute__((warn_unused_result));
/* How many wait, what we sent since then included; UINT64_MAX: not known. */
uint64_t client_source_waiting(struct till *till, unsigned partition, const char *source);
/* One intent more (1) or less (-1) was sent. */
void client_source_count(struct till *till, unsigned partition, const char *source, int more);
/* Before the handle is closed: tells what was not told yet, without waiting for a reply. */
void client_source_report(struct till *till);
void client_source_free(struct client_sources *sources); /* NULL is fine */

#endif
