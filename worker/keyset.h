/* The keys of one script call, each once: text to its place in KEYS (from 1). Grows to its high-water mark and stays there. One thread. */
#ifndef WORKER_KEYSET_H
#define WORKER_KEYSET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "producer/command.h"

struct keyset {
    char *text;
    size_t text_size, text_capacity;
    struct keyset_key { uint32_t offset, size, hash, slot; } *keys;
    uint32_t count, capacity;
    uint32_t *slots; /* open addressing: place, or 0 */
    uint32_t slot_count;
};

void keyset_init(struct keyset *set);
void keyset_clear(struct keyset *set); /* frees */
void keyset_reset(struct keyset *set); /* empties, keeps the memory */

/* The place of the key, added if it is new. */
uint32_t keyset_add(struct keyset *set, const char *key, size_t size);
bool keyset_has(const struct keyset *set, const char *key, size_t size);
/* Adds without looking for it: for fixed places at the front. Returns its place. */
uint32_t keyset_push(struct keyset *set, const char *key, size_t size);
/* Borrows all of them to a command, in order of their places; it must be sent before the next add. */
void keyset_borrow(const struct keyset *set, struct command *c);
/* FNV-1a, for other tables of names too. */
uint32_t keyset_hash(const char *bytes, size_t size);
/* The key at a place; valid until the next add. */
const char *keyset_at(const struct keyset *set, uint32_t place, size_t *size);

#endif
