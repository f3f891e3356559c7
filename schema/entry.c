/* Stream entry IDs as text and as numbers. */
#include "schema/entry.h"

#include <string.h>

#include "schema/digits.h"

/* Decimal digits as Redis writes them: no sign, no leading zero, 64 bits. */
static bool entry_number(const char *text, size_t size, uint64_t *out) {
    if (size == 0 || (size > 1 && text[0] == '0'))
        return false;
    uint64_t n = 0;
    for (size_t i = 0; i < size; i++) {
        unsigned digit = (unsigned)(unsigned char)text[i] - '0';
        if (digit > 9 || __builtin_mul_overflow(n, 10, &n) || __builtin_add_overflow(n, digit, &n))
            return false;
    }
    *out = n;
    return true;
}

bool entry_id_parse(const char *text, size_t size, struct entry_id *id) {
    const char *dash = size > 0 ? memchr(text, '-', size) : NULL;
    size_t ms_size = dash != NULL ? (size_t)(dash - text) : size;
    struct entry_id parsed = {0, 0};
    if (!entry_number(text, ms_size, &parsed.ms))
        return false;
    if (dash != NULL && !entry_number(dash + 1, size - ms_size - 1, &parsed.seq))
        return false;
    *id = parsed;
    return true;
}

bool entry_id_parse_whole(const char *text, size_t size, struct entry_id *id) {
    return size > 0 && memchr(text, '-', size) != NULL && entry_id_parse(text, size, id);
}

size_t entry_id_format(struct entry_id id, char out[ENTRY_TEXT_MAX + 1]) {
    char *at = digits_put(out, id.ms);
    *at++ = '-';
    at = digits_put(at, id.seq);
    *at = '\0';
    return (size_t)(at - out);
}

int entry_id_compare(struct entry_id a, struct entry_id b) {
    if (a.ms != b.ms)
        return a.ms < b.ms ? -1 : 1;
    return (a.seq > b.seq) - (a.seq < b.seq);
}

struct entry_id entry_id_after(struct entry_id id) {
    if (id.seq < UINT64_MAX)
        return (struct entry_id){id.ms, id.seq + 1};
    if (id.ms < UINT64_MAX)
        return (struct entry_id){id.ms + 1, 0};
    return id;
}
