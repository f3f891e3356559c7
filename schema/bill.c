/* Reads a bill record: fifteen `|`-separated fields, the last of which may hold any text. */
#include "schema/bill.h"

#include <string.h>

enum { BILL_FIELD_COUNT = 15 };

struct bill_text {
    const char *text;
    size_t size;
};

/* Splits at the first fourteen bars. */
static bool bill_split(const char *text, size_t size, struct bill_text fields[BILL_FIELD_COUNT]) {
    for (int i = 0; i < BILL_FIELD_COUNT - 1; i++) {
        const char *bar = size > 0 ? memchr(text, '|', size) : NULL;
        if (bar == NULL)
            return false;
        fields[i] = (struct bill_text){text, (size_t)(bar - text)};
        size -= fields[i].size + 1;
        text = bar + 1;
    }
    fields[BILL_FIELD_COUNT - 1] = (struct bill_text){text, size};
    return true;
}

static bool bill_copy(struct bill_text field, char *out, size_t capacity) {
    if (field.size >= capacity || memchr(field.text, '\0', field.size) != NULL)
        return false;
    memcpy(out, field.text, field.size);
    out[field.size] = '\0';
    return true;
}

/* A decimal as the scripts write it; empty is 0 and, where it matters, not there. */
static bool bill_number(struct bill_text field, int64_t *out, bool *has) {
    bool negative = field.size > 0 && field.text[0] == '-';
    int64_t n = 0;
    if (has != NULL)
        *has = field.size > 0;
    *out = 0;
    if (field.size == (size_t)negative)
        return !negative;
    for (size_t i = negative; i < field.size; i++) {
        int digit = field.text[i] - '0';
        if (digit < 0 || digit > 9 || __builtin_mul_overflow(n, 10, &n) || __builtin_sub_overflow(n, digit, &n))
            return false;
    }
    return !__builtin_mul_overflow(n, negative ? 1 : -1, out);
}

static bool bill_is_hex(const char *text) {
    return strspn(text, "0123456789abcdef") == 16 && text[16] == '\0';
}

const char *bill_parse(const char *text, size_t size, struct bill *bill) {
    struct bill_text f[BILL_FIELD_COUNT];
    int64_t code, at;
    bool has_code, has_at;
    *bill = (struct bill){0};
    if (!bill_split(text, size, f))
        return "has fewer than fifteen fields";
    if (!bill_copy(f[0], bill->fingerprint, sizeof bill->fingerprint) || !bill_is_hex(bill->fingerprint))
        return "fingerprint is not 16 hex digits";
    if (!bill_number(f[1], &code, &has_code) || !has_code || code < -99 || code > 99)
        return "code is not a number";
    if (f[2].size == 0 || !bill_copy(f[2], bill->op, sizeof bill->op))
        return "op is missing or too long";
    if (!bill_copy(f[3], bill->bill, sizeof bill->bill))
        return "bill is too long";
    if (!bill_number(f[4], &bill->amount_minor, &bill->has_amount))
        return "amount is not a number";
    if (!bill_copy(f[5], bill->currency, sizeof bill->currency))
        return "currency is too long";
    if (!bill_number(f[6], &bill->balance_minor, &bill->has_balance))
        return "balance is not a number";
    if (!bill_number(f[7], &bill->held_minor, NULL))
        return "held is not a number";
    if (!bill_number(f[8], &at, &has_at) || !has_at || at < 0)
        return "at is not a number";
    if (f[9].size == 0 || !bill_copy(f[9], bill->entry, sizeof bill->entry))
        return "entry is missing or too long";
    if (!bill_copy(f[10], bill->to, sizeof bill->to))
        return "to is too long";
    if (!bill_copy(f[11], bill->state, sizeof bill->state))
        return "state is too long";
    if (!bill_number(f[12], &bill->captured_minor, NULL))
        return "captured is not a number";
    if (!bill_number(f[13], &bill->refunded_minor, NULL))
        return "refunded is not a number";
    if (!bill_copy(f[14], bill->detail, sizeof bill->detail))
        return "detail is too long";
    bill->code = (int)code;
    bill->at_ms = (uint64_t)at;
    return NULL;
}
