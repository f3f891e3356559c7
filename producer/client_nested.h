/* What is nested in the library's intents, guard, settings, goods and steps: checked into struct intent, and shown from it. */
#ifndef PRODUCER_CLIENT_NESTED_H
#define PRODUCER_CLIENT_NESTED_H

#include "producer/client_intent.h"

/* Those of `in` into till->intent, whose op is set. False: refused in the result. */
bool client_nested_take(struct till *till, const struct till_intent *in, struct till_result *result);
/* Those of a checked intent into `nested`, and `out` pointing there. */
void client_nested_borrow(const struct intent *in, struct client_nested *nested, struct till_intent *out);
/* May its amount be left out, meaning all that is left? */
bool client_amount_may_be_all(enum op op);
/* An amount as the library has it: TILL_AMOUNT_ALL when it was left out where it may be. */
int64_t client_amount_shown(enum op op, uint64_t present, uint64_t amount_minor);

#endif
