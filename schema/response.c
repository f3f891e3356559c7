/* The field names of a response entry. */
#include "schema/response.h"

const char *const response_field_name[RESPONSE_FIELD_COUNT] = {
    [RESPONSE_KEY] = "key",           [RESPONSE_SOURCE] = "source",     [RESPONSE_OP] = "op",
    [RESPONSE_CODE] = "code",         [RESPONSE_REASON] = "reason",     [RESPONSE_ACCOUNT] = "account",
    [RESPONSE_AMOUNT] = "amount",     [RESPONSE_CURRENCY] = "currency", [RESPONSE_BALANCE] = "balance",
    [RESPONSE_HELD] = "held",         [RESPONSE_BILL] = "bill",         [RESPONSE_AT] = "at",
    [RESPONSE_ENTRY] = "entry",       [RESPONSE_REPLAYED] = "replayed", [RESPONSE_DETAIL] = "detail",
    [RESPONSE_DURABLE] = "durable",
};
