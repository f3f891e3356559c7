/* An account as JSON. */
#ifndef CLI_ACCOUNT_OUT_H
#define CLI_ACCOUNT_OUT_H

#include <jansson.h>

#include "producer/till.h"

/* `rules` NULL: without. The caller's to release. */
json_t *account_json(const struct till_account *account, const struct till_rules *rules);
/* A lock that has lapsed is none. */
bool account_is_locked(const struct till_rules *rules);

#endif
