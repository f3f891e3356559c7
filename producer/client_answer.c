/* Reads response entries into answers, and answers back into the wire's fields. */
#include "producer/client_answer.h"

#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "schema/response.h"

enum { NUMBER_DIGITS = 19 }; /* no sum of so many digits runs over 64 bits */

_Static_assert((int)TILL_ANSWER_FIELDS == (int)RESPONSE_FIELD_COUNT, "the public header's count");

/* Where a text field goes; those that are numbers have size 0. */
static const struct place {
    size_t offset, size;
} places[RESPONSE_FIELD_COUNT] = {
#define TEXT(member) {offsetof(struct till_answer, member), sizeof ((struct till_answer *)0)->member}
    [RESPONSE_KEY] = TEXT(key),         [RESPONSE_SOURCE] = TEXT(source),     [RESPONSE_OP] = TEXT(op),
    [RESPONSE_REASON] = TEXT(reason),   [RESPONSE_ACCOUNT] = TEXT(account),   [RESPONSE_CURRENCY] = TEXT(currency),
    [RESPONSE_BILL] = TEXT(bill),       [RESPONSE_ENTRY] = TEXT(entry),       [RESPONSE_DETAIL] = TEXT(detail),
#undef TEXT
};

/* A decimal; empty is 0 and not there. */
static bool number_parse(const char *text, size_t size, int64_t *out, bool *has) {
    bool negative = size > 0 && text[0] == '-';
    uint64_t n = 0;
    *out = 0;
    *has = size > 0;
    if (size == (size_t)negative)
        return !negative;
    if (size - negative > NUMBER_DIGITS)
        return false;
    for (size_t i = negative; i < size; i++) {
        unsigned digit = (unsigned char)text[i] - (unsigned)'0';
        if (digit > 9)
            return false;
        n = 10 * n + digit;
    }
    if (n > (uint64_t)INT64_MAX + negative)
        return false;
    *out = negative ? (int64_t)(0 - n) : (int64_t)n;
    return true;
}

static bool number_set(struct till_answer *answer, enum response_field field, const char *text, size_t size) {
    int64_t n;
    bool has;
    if (!number_parse(text, size, &n, &has))
        return false;
    if (field == RESPONSE_CODE)
        answer->code = (int)n;
    else if (field == RESPONSE_AT)
        answer->at_ms = (uint64_t)n;
    else if (field == RESPONSE_REPLAYED)
        answer->replayed = n != 0;
    else if (field == RESPONSE_AMOUNT)
        answer->amount_minor = n, answer->has_amount = has;
    else if (field == RESPONSE_BALANCE)
        answer->balance_minor = n, answer->has_balance = has;
    else if (field == RESPONSE_HELD)
        answer->held_minor = n, answer->has_held = has;
    return field != RESPONSE_CODE || (has && n >= -99 && n <= 99);
}

static bool text_set(char *out, size_t capacity, const char *text, size_t size) {
    if (size >= capacity)
        return false;
    memcpy(out, text, size);
    out[size] = '\0';
    return true;
}

static bool field_set(struct till_answer *answer, enum response_field field, const char *text, size_t size) {
    if (places[field].size == 0)
        return number_set(answer, field, text, size);
    return text_set((char *)answer + places[field].offset, places[field].size, text, size);
}

/* memory, replica(n) or disk. Words of later releases promise nothing. */
static int durable_parse(struct answers_text durable) {
    const char *text = durable.text;
    size_t size = durable.size;
    int64_t replicas;
    bool has;
    if (size == 4 && memcmp(text, "disk", 4) == 0)
        return TILL_DURABLE_DISK;
    if (size < 10 || size > 13 || memcmp(text, "replica(", 8) != 0 || text[size - 1] != ')')
        return TILL_DURABLE_MEMORY;
    return number_parse(text + 8, size - 9, &replicas, &has) && replicas > 0 ? (int)replicas : TILL_DURABLE_MEMORY;
}

void client_answers_begin(struct answers *walk, struct reply entry) {
    struct reply fields = reply_at(entry, 1);
    answers_begin(walk);
    for (size_t n = 0, count = reply_count(fields); n + 1 < count; n += 2) {
        size_t name_size, size;
        const char *name = reply_text(reply_at(fields, n), &name_size), *value = reply_text(reply_at(fields, n + 1), &size);
        answers_field(walk, name, name_size, value, size);
    }
}

int64_t client_answers_number(const struct answers *walk, enum response_field field) {
    int64_t n;
    bool has;
    return number_parse(walk->value[field].text, walk->value[field].size, &n, &has) ? n : 0;
}

bool client_answer_take(const struct answers *walk, struct reply entry, unsigned partition, struct till_answer *answer) {
    size_t size;
    const char *id = reply_text(reply_at(entry, 0), &size);
    memset(answer, 0, sizeof *answer);
    answer->partition = partition;
    if (!text_set(answer->response, sizeof answer->response, id, size))
        return false;
    for (enum response_field field = 0; field < RESPONSE_TOLD_COUNT; field++)
        if (!field_set(answer, field, walk->value[field].text, walk->value[field].size))
            return false;
    answer->durable = durable_parse(walk->value[RESPONSE_DURABLE]);
    return true;
}

const char *till_answer_field_name(unsigned field) {
    return field < RESPONSE_FIELD_COUNT ? response_field_name[field] : "";
}

static const char *number_text(bool has, int64_t n, char out[TILL_NUMBER_SIZE]) {
    if (!has)
        return "";
    snprintf(out, TILL_NUMBER_SIZE, "%" PRId64, n);
    return out;
}

static const char *durable_text(int durable, char out[TILL_NUMBER_SIZE]) {
    if (durable <= 0)
        return durable == TILL_DURABLE_DISK ? "disk" : "memory";
    snprintf(out, TILL_NUMBER_SIZE, "replica(%d)", durable);
    return out;
}

const char *till_answer_field(const struct till_answer *answer, unsigned field, char out[TILL_NUMBER_SIZE]) {
    if (field >= RESPONSE_FIELD_COUNT)
        return "";
    if (places[field].size > 0)
        return (const char *)answer + places[field].offset;
    if (field == RESPONSE_CODE)
        return number_text(true, answer->code, out);
    if (field == RESPONSE_AT)
        return number_text(answer->at_ms != 0, (int64_t)answer->at_ms, out);
    if (field == RESPONSE_REPLAYED)
        return answer->replayed ? "1" : "0";
    if (field == RESPONSE_DURABLE)
        return durable_text(answer->durable, out);
    if (field == RESPONSE_AMOUNT)
        return number_text(answer->has_amount, answer->amount_minor, out);
    if (field == RESPONSE_BALANCE)
        return number_text(answer->has_balance, answer->balance_minor, out);
    return number_text(answer->has_held, answer->held_minor, out);
}
