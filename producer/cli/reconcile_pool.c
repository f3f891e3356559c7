/* Rows by name: an open table of chains. */
#include "producer/cli/reconcile_pool.h"

#include <stdlib.h>
#include <string.h>
#include <zlib.h>

enum { FIRST_SLOTS = 1024, FIRST_ENTRIES = 1024, FIRST_BYTES = 65536 };

static void *need(void *memory) {
    if (!memory) abort();
    return memory;
}

void pool_init(struct pool *p, bool by_key) {
    *p = (struct pool){.by_key = by_key, .slot_count = FIRST_SLOTS, .entry_capacity = FIRST_ENTRIES, .capacity = FIRST_BYTES};
    p->slots = need(malloc(p->slot_count * sizeof *p->slots));
    p->entries = need(malloc(p->entry_capacity * sizeof *p->entries));
    p->bytes = need(malloc(p->capacity));
    pool_empty(p);
}

void pool_clear(struct pool *p) {
    free(p->slots);
    free(p->entries);
    free(p->bytes);
    *p = (struct pool){0};
}

void pool_empty(struct pool *p) {
    memset(p->slots, 0xFF, p->slot_count * sizeof *p->slots); /* POOL_NONE */
    p->size = p->count = p->chain_count = 0;
}

static const char *name_of(const struct spool_row *row, bool by_key, size_t *size) {
    size_t skipped = by_key ? row->account_size : 0;
    *size = (size_t)row->account_size + row->key_size - skipped;
    return row->text + skipped;
}

uint32_t pool_hash(const struct spool_row *row, bool by_key) {
    size_t size;
    const char *name = name_of(row, by_key, &size);
    return (uint32_t)crc32(0, (const Bytef *)name, (uInt)size);
}

static bool same_name(const struct spool_row *a, const struct spool_row *b, bool by_key) {
    size_t a_size, b_size;
    const char *a_name = name_of(a, by_key, &a_size), *b_name = name_of(b, by_key, &b_size);
    return a_size == b_size && (by_key || a->account_size == b->account_size) && memcmp(a_name, b_name, a_size) == 0;
}

struct spool_row *pool_row(const struct pool *p, uint32_t entry) {
    return (struct spool_row *)(void *)(p->bytes + p->entries[entry].at);
}

static uint32_t *slot_of(const struct pool *p, const struct spool_row *row) {
    size_t at = pool_hash(row, p->by_key) & (p->slot_count - 1);
    while (p->slots[at] != POOL_NONE && !same_name(pool_row(p, p->slots[at]), row, p->by_key)) at = (at + 1) & (p->slot_count - 1);
    return &p->slots[at];
}

uint32_t pool_find(const struct pool *p, const struct spool_row *row) { return *slot_of(p, row); }

static void grow_slots(struct pool *p) {
    size_t old_count = p->slot_count;
    uint32_t *old = p->slots;
    p->slot_count = 2 * old_count;
    p->slots = need(malloc(p->slot_count * sizeof *p->slots));
    memset(p->slots, 0xFF, p->slot_count * sizeof *p->slots);
    for (size_t n = 0; n < old_count; n++)
        if (old[n] != POOL_NONE) *slot_of(p, pool_row(p, old[n])) = old[n];
    free(old);
}

static uint32_t append(struct pool *p, const struct spool_row *row) {
    size_t size = spool_row_size(row);
    while (p->size + sizeof *row > p->capacity) {
        p->capacity *= 2;
        p->bytes = need(realloc(p->bytes, p->capacity));
    }
    if (p->count == p->entry_capacity) {
        p->entry_capacity *= 2;
        p->entries = need(realloc(p->entries, p->entry_capacity * sizeof *p->entries));
    }
    memcpy(p->bytes + p->size, row, size);
    p->entries[p->count] = (struct pool_entry){p->size, POOL_NONE, false};
    p->size += (size + 7) & ~(size_t)7;
    return (uint32_t)p->count++;
}

void pool_add(struct pool *p, const struct spool_row *row) {
    if (2 * p->chain_count >= p->slot_count) grow_slots(p);
    uint32_t entry = append(p, row), *slot = slot_of(p, row);
    if (*slot == POOL_NONE) {
        *slot = entry;
        p->chain_count++;
        return;
    }
    /* Behind the head, or at the end when it is short: a chain of a million must not be walked a million times. */
    uint32_t at = *slot;
    for (unsigned n = 0; p->entries[at].next != POOL_NONE && n < 16; n++) at = p->entries[at].next;
    p->entries[entry].next = p->entries[at].next;
    p->entries[at].next = entry;
}

uint32_t pool_chain(const struct pool *p, size_t *slot) {
    while (*slot < p->slot_count && p->slots[*slot] == POOL_NONE) ++*slot;
    return *slot < p->slot_count ? p->slots[(*slot)++] : POOL_NONE;
}
