/* A bill as JSON. */
#ifndef CLI_BILL_OUT_H
#define CLI_BILL_OUT_H

#include <jansson.h>

#include "producer/till.h"

/* Of the intent with this identity. The caller's to release. */
json_t *bill_json(const struct till_bill *bill, const char *account, const char *source, const char *key);
/* When a hold or an order lapses: 0 never, or it is none that was made. */
uint64_t bill_deadline_ms(const struct till_bill *bill);

#endif
