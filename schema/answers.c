/* Reads the answers of a response entry, plain or bulk. */
#include "schema/answers.h"

#include <string.h>

enum { TRACEPARENT = RESPONSE_FIELD_COUNT, AGAIN, ANSWERS, LINE_MIN = 11 };

/* The values of a line. Those up to `replayed` are always there, as it is never empty; what later releases may put behind is left alone. */
static const unsigned columns[] = {
    RESPONSE_KEY,      RESPONSE_OP,      RESPONSE_CODE, RESPONSE_REASON, RESPONSE_ACCOUNT,  RESPONSE_AMOUNT,
    RESPONSE_CURRENCY, RESPONSE_BALANCE, RESPONSE_HELD, RESPONSE_BILL,   RESPONSE_REPLAYED, RESPONSE_DETAIL,
    RESPONSE_AT,       RESPONSE_ENTRY,   TRACEPARENT,
};

static const struct answers_text nothing = {"", 0}, in_memory = {"memory", 6};

static bool is_named(unsigned place, const char *name, size_t size) {
    static const struct answers_text more[] = {{"traceparent", 11}, {"again", 5}, {"answers", 7}};
    if (place >= RESPONSE_FIELD_COUNT)
        return more[place - RESPONSE_FIELD_COUNT].size == size && memcmp(more[place - RESPONSE_FIELD_COUNT].text, name, size) == 0;
    return response_field_size[place] == size && memcmp(response_field_name[place], name, size) == 0;
}

void answers_begin(struct answers *a) { memset(a, 0, sizeof *a); }

void answers_field_elsewhere(struct answers *a, const char *name, size_t name_size, const char *value, size_t size) {
    unsigned place = 0;
    while (place < ANSWERS_PLAIN_AND_MORE && !is_named(place, name, name_size))
        place++;
    if (place < ANSWERS_PLAIN_AND_MORE && a->of_entry[place].text == NULL)
        a->of_entry[place] = (struct answers_text){value, size};
    a->place = place + 1;
}

/* All but `durable`, which old ones do not have. */
static bool next_plain(struct answers *a) {
    for (unsigned n = 0; n < RESPONSE_TOLD_COUNT; n++) {
        if (a->of_entry[n].text == NULL) {
            a->fault = "a field of the answer is missing";
            return false;
        }
        a->value[n] = a->of_entry[n];
    }
    a->trace = a->of_entry[TRACEPARENT].text != NULL ? a->of_entry[TRACEPARENT] : nothing;
    return true;
}

/* How many values the line has; the first of them, no more than there are columns, go to their places. */
static unsigned split(struct answers *a, const char *end) {
    unsigned count = 0;
    for (const char *from = a->next; from != NULL; count++) {
        const char *tab = memchr(from, '\t', (size_t)(end - from));
        struct answers_text value = {from, (size_t)((tab != NULL ? tab : end) - from)};
        from = tab != NULL ? tab + 1 : NULL;
        if (count >= sizeof columns / sizeof *columns || value.size == 0)
            continue; /* what is empty stays what it was */
        *(columns[count] == TRACEPARENT ? &a->trace : &a->value[columns[count]]) = value;
    }
    return count;
}

static bool next_line(struct answers *a) {
    const char *line_end = memchr(a->next, '\n', (size_t)(a->end - a->next));
    for (unsigned n = 0; n < RESPONSE_TOLD_COUNT; n++)
        a->value[n] = nothing;
    a->value[RESPONSE_SOURCE] = a->of_entry[RESPONSE_SOURCE];
    a->value[RESPONSE_AT] = a->of_entry[RESPONSE_AT];
    a->value[RESPONSE_ENTRY] = a->of_entry[RESPONSE_ENTRY];
    a->trace = nothing;
    a->line = (struct answers_text){a->next, (size_t)((line_end != NULL ? line_end : a->end) - a->next)};
    if (a->count == ANSWERS_MAX)
        a->fault = "`answers` has more than 64 lines";
    else if (split(a, line_end != NULL ? line_end : a->end) < LINE_MIN)
        a->fault = "a line of `answers` has less than 11 values";
    else if (a->value[RESPONSE_CODE].size == 0 || a->value[RESPONSE_REPLAYED].size == 0)
        a->fault = "a line of `answers` has no code, or does not say whether it is replayed";
    a->next = line_end != NULL ? line_end + 1 : NULL;
    return a->fault == NULL;
}

static bool begin_lines(struct answers *a) {
    a->bulk = true;
    if (a->of_entry[RESPONSE_SOURCE].size == 0 || a->of_entry[RESPONSE_AT].size == 0 || a->of_entry[RESPONSE_ENTRY].size == 0)
        a->fault = "beside `answers` there is no source, at or entry";
    a->next = a->of_entry[ANSWERS].text;
    a->end = a->next + a->of_entry[ANSWERS].size;
    return a->fault == NULL;
}

bool answers_next(struct answers *a) {
    if (a->count == 0 && a->fault == NULL) {
        a->again = a->of_entry[AGAIN].text != NULL;
        a->value[RESPONSE_DURABLE] = a->of_entry[RESPONSE_DURABLE].text != NULL ? a->of_entry[RESPONSE_DURABLE] : in_memory;
        if (a->of_entry[ANSWERS].text != NULL && !begin_lines(a))
            return false;
    }
    if (a->fault != NULL || (a->count > 0 && a->next == NULL) || !(a->bulk ? next_line(a) : next_plain(a)))
        return false;
    a->count++;
    return true;
}
