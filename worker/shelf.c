/* Keeps the articles of a batch. */
#include "worker/shelf.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void shelf_clear(struct shelf *shelf) {
    free(shelf->lines);
    memset(shelf, 0, sizeof *shelf);
}

void shelf_reset(struct shelf *shelf) { shelf->count = 0; }

static void add(struct shelf *shelf, const char *sku, size_t size, int64_t quantity) {
    if (shelf->count == shelf->capacity) {
        shelf->capacity = shelf->capacity ? 2 * shelf->capacity : 64;
        shelf->lines = realloc(shelf->lines, shelf->capacity * sizeof *shelf->lines);
        assert(shelf->lines && "out of memory");
    }
    struct shelf_line *line = &shelf->lines[shelf->count++];
    memcpy(line->sku, sku, size);
    line->sku[size] = '\0';
    snprintf(line->quantity, sizeof line->quantity, "%" PRId64, quantity);
    line->place = 0;
}

uint32_t shelf_add_intent(struct shelf *shelf, const struct intent *intent, uint32_t *first) {
    *first = shelf->count;
    if (intent->sku[0]) add(shelf, intent->sku, strlen(intent->sku), intent->quantity);
    bool ordered = intent->present & FIELD_BIT(FIELD_lines);
    for (unsigned n = 0; ordered && n < intent->line_count; n++) {
        const struct intent_line *line = &intent->lines[n];
        add(shelf, line->sku, strlen(line->sku), (int64_t)line->quantity);
    }
    return shelf->count - *first;
}

uint32_t shelf_add_text(struct shelf *shelf, const char *text, size_t size, uint32_t *first) {
    const char *end = text + size;
    *first = shelf->count;
    for (unsigned word = 0; text < end; word++) {
        const char *space = memchr(text, ' ', (size_t)(end - text)), *stop = space ? space : end;
        size_t length = (size_t)(stop - text);
        if (word % 3 == 0 && (length == 0 || length > INTENT_NAME_MAX)) break;
        if (word % 3 == 0) add(shelf, text, length, 0);
        text = stop + 1;
    }
    return shelf->count - *first;
}
