/* Within the seam: the slot of a Redis Cluster that a key lies in, and the key that decides where a command goes. */
#ifndef PRODUCER_REDIS_SLOT_H
#define PRODUCER_REDIS_SLOT_H

#include <stdbool.h>
#include <stddef.h>

#include "producer/command.h"

enum { REDIS_SLOTS = 16384, REDIS_SLOT_NONE = REDIS_SLOTS };

/* CRC16 (XMODEM) of the hash tag, which is what stands between the first { and the next } behind it, else of the whole key. */
unsigned redis_slot(const char *key, size_t size);
/* The slot of a command's first key; REDIS_SLOT_NONE when it names none. Knows where the commands that Till sends have it. */
unsigned redis_slot_of(const struct command *c);
/* Whether it is WAIT or WAITAOF. */
bool redis_slot_waits(const struct command *c);
/* Whether it is one of those that write what somebody may wait for: XADD and scripts. */
bool redis_slot_writes(const struct command *c);

#endif
