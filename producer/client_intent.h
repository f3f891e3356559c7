/* The library's intents: checked, and turned into bytes. Same thread rule as till.h. */
#ifndef PRODUCER_CLIENT_INTENT_H
#define PRODUCER_CLIENT_INTENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "producer/client.h"

/* Gives the intent the key and time that it has for good, in the result: its own, or made here. `now_ms` is the time of those without. */
void client_intent_begin(const struct till_intent *in, uint64_t now_ms, struct till_result *result);
/* Checks it into till->intent, with the key and time of the result. False: result->code, field and text say what is wrong. */
bool client_intent_take(struct till *till, const struct till_intent *in, struct till_result *result);
/* Queues the XADD of till->intent to this partition's stream. */
void client_intent_append(struct till *till, unsigned partition);
/* The partition of till->intent. */
unsigned client_intent_partition(const struct till *till);

/* Shows a checked intent as the library's: texts are borrowed from `in`. */
void client_intent_borrow(const struct intent *in, struct till_intent *out);

#endif
