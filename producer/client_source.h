/* How many intents of a source wait in a partition, so that one that floods is held up and the others are not: what it sent, as its senders
 * add it up in `{B:p}:sent:SOURCE`, less what was answered. Asked, and told, along with the backlog, so not per intent. */
#ifndef PRODUCER_CLIENT_SOURCE_H
#define PRODUCER_CLIENT_SOURCE_H

#include <stdbool.h>
#include <stdint.h>

#include "producer/client.h"

/* How long what is known of it is believed. NULL for what is no source's name, or when Redis does not let us ask. */
const struct client_belief *client_source_belief(struct till *till, unsigned partition, const char *source);
/* Queues the questions, behind those for the backlog of the partition, against which the answer is held. What cannot be told is unknown,
 * and no failure: only a lost connection is. */
void client_source_ask(struct till *till, unsigned partition, const char *source, int64_t now_ms, int64_t believed_ms);
/* Whether something was sent that should have been told by now, and nobody asked for; telling it. */
bool client_source_is_late(const struct till *till, int64_t now_ms);
void client_source_tell(struct till *till, int64_t now_ms);
/* How many wait, what we sent since then included; UINT64_MAX: not known. */
uint64_t client_source_waiting(struct till *till, unsigned partition, const char *source);
/* One intent more (1) or less (-1) was sent. */
void client_source_count(struct till *till, unsigned partition, const char *source, int more);
/* Before the handle is closed: tells what was not told yet, without waiting for a reply. */
void client_source_report(struct till *till);
void client_source_free(struct client_sources *sources); /* NULL is fine */

#endif
