/* Bills by their number, or by a key whose account nobody remembers: looked for among all bills of a day, the newest day first. */
#ifndef GATEWAY_FIND_H
#define GATEWAY_FIND_H

#include <jansson.h>

#include "producer/cli/connect.h"

/* `what` is a bill's number "P-N", a KEY or SOURCE/KEY. Adds "found", a list of identities with their bills, and "whole": false when the
 * time was over before all days were looked through. The exit code. */
int find_bills(struct connection *c, const char *what, json_t *object) __attribute__((warn_unused_result));

#endif
