/* Every operation and every field as JSON, to be made wrong in tests. */
#ifndef TESTS_SCHEMA_LEAST_H
#define TESTS_SCHEMA_LEAST_H

#include "schema/intent.h"

#define LEAST_HEAD "\"v\":1,\"source\":\"shop\",\"key\":\"k1\",\"at\":1700000000000,\"account\":\"alice\""
#define LEAST_PAYMENT ",\"to\":\"coffee\",\"amount\":1999,\"currency\":\"CNY\"}"

extern const char *const least_of_op[OP_COUNT];       /* each operation with just what it needs */
extern const char *const usual_of_field[FIELD_COUNT]; /* a value each field takes */

#endif
