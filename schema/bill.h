/* A bill record: what was decided about an intent, as `|`-separated text in {B:p}:bills:YYYYMMDD under the intent's identity.
 * Written by the scripts only; read here by the library, the commands and the audit. Pure and thread-safe. */
#ifndef SCHEMA_BILL_H
#define SCHEMA_BILL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct bill {
    char fingerprint[17];
    int code;
    char op[33];
    char bill[33]; /* "p-n", empty when nothing was booked */
    int64_t amount_minor, balance_minor, held_minor;
    bool has_amount, has_balance; /* an empty text field is not zero */
    uint64_t at_ms;
    char entry[42];
    char to[65];    /* counterparty: a merchant, or the receiver of a transfer */
    char currency[4];
    char state[17]; /* captured released open expired in_progress scheduled, or empty: schema/README.md says of what each */
    int64_t captured_minor, refunded_minor;
    char detail[257]; /* of a hold its deadline in ms, empty: none; of captures and the like the number of the bill they refer to */
};

/* NULL, or what is wrong with the record. `text` need not be NUL-terminated. */
const char *bill_parse(const char *text, size_t size, struct bill *bill);

#endif
