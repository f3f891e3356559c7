/* The field names of a response entry. */
#include "schema/response.h"

#define FIELDS(FIELD)                                                                                                                    \
    FIELD(RESPONSE_KEY, "key") FIELD(RESPONSE_SOURCE, "source") FIELD(RESPONSE_OP, "op") FIELD(RESPONSE_CODE, "code")                   \
    FIELD(RESPONSE_REASON, "reason") FIELD(RESPONSE_ACCOUNT, "account") FIELD(RESPONSE_AMOUNT, "amount")                                \
    FIELD(RESPONSE_CURRENCY, "currency") FIELD(RESPONSE_BALANCE, "balance") FIELD(RESPONSE_HELD, "held") FIELD(RESPONSE_BILL, "bill")   \
    FIELD(RESPONSE_AT, "at") FIELD(RESPONSE_ENTRY, "entry") FIELD(RESPONSE_REPLAYED, "replayed") FIELD(RESPONSE_DETAIL, "detail")       \
    FIELD(RESPONSE_DURABLE, "durable")
#define NAME(field, text) [field] = text,
#define SIZE(field, text) [field] = sizeof text - 1,

const char *const response_field_name[RESPONSE_FIELD_COUNT] = {FIELDS(NAME)};
const unsigned char response_field_size[RESPONSE_FIELD_COUNT] = {FIELDS(SIZE)};
