/* Is this text UTF-8? The environment brings bytes of any kind, and what we print must stay readable by JSON and YAML readers. */
#include "config/utf8.h"

#include <stdint.h>

/* Bytes of the character at `at`, 0 when it is none. */
static size_t utf8_step(const uint8_t *at, size_t left) {
    uint8_t first = at[0];
    if (first < 0x80) return 1;
    size_t need = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
    if (first < 0xc2 || first > 0xf4 || left < need) return 0;
    for (size_t i = 1; i < need; i++)
        if ((at[i] & 0xc0) != 0x80) return 0;
    bool overlong = (first == 0xe0 && at[1] < 0xa0) || (first == 0xf0 && at[1] < 0x90);
    bool surrogate = first == 0xed && at[1] > 0x9f;
    bool beyond = first == 0xf4 && at[1] > 0x8f;
    return overlong || surrogate || beyond ? 0 : need;
}

bool utf8_check(const char *text, size_t size) {
    const uint8_t *at = (const uint8_t *)text, *end = at + size;
    while (at < end) {
        size_t step = utf8_step(at, (size_t)(end - at));
        if (step == 0) return false;
        at += step;
    }
    return true;
}
