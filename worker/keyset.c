/* A set of key names, by open addressing over FNV-1a. */
#include "worker/keyset.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum { SLOTS_FIRST = 1024, KEYS_FIRST = 512, TEXT_FIRST = 32768 };

static void *grow(void *old, size_t size) {
    void *fresh = realloc(old, size);
    assert(fresh && "out of memory");
    return fresh;
}

void keyset_init(struct keyset *set) {
    memset(set, 0, sizeof *set);
    set->text = grow(NULL, set->text_capacity = TEXT_FIRST);
    set->keys = grow(NULL, (set->capacity = KEYS_FIRST) * sizeof *set->keys);
    set->slots = grow(NULL, (set->slot_count = SLOTS_FIRST) * sizeof *set->slots);
    memset(set->slots, 0, set->slot_count * sizeof *set->slots);
}

void keyset_clear(struct keyset *set) {
    free(set->text);
    free(set->keys);
    free(set->slots);
    memset(set, 0, sizeof *set);
}

void keyset_reset(struct keyset *set) {
    for (uint32_t n = 0; n < set->count; n++) set->slots[set->keys[n].slot] = 0; /* a single intent after a large batch has few */
    set->count = 0;
    set->text_size = 0;
}

uint32_t keyset_hash(const char *bytes, size_t size) {
    uint32_t hash = 2166136261u;
    for (size_t n = 0; n < size; n++) hash = (hash ^ (unsigned char)bytes[n]) * 16777619u;
    return hash;
}

static void slot_fill(struct keyset *set, uint32_t place) {
    uint32_t slot = set->keys[place - 1].hash & (set->slot_count - 1);
    while (set->slots[slot]) slot = (slot + 1) & (set->slot_count - 1);
    set->slots[slot] = place;
    set->keys[place - 1].slot = slot;
}

static void make_room(struct keyset *set, size_t size) {
    if (set->text_size + size > set->text_capacity) {
        while (set->text_size + size > set->text_capacity) set->text_capacity *= 2;
        set->text = grow(set->text, set->text_capacity);
    }
    if (set->count == set->capacity) set->keys = grow(set->keys, (set->capacity *= 2) * sizeof *set->keys);
    if (set->count * 2 >= set->slot_count) {
        set->slots = grow(set->slots, (set->slot_count *= 2) * sizeof *set->slots);
        memset(set->slots, 0, set->slot_count * sizeof *set->slots);
        for (uint32_t place = 1; place <= set->count; place++) slot_fill(set, place);
    }
}

uint32_t keyset_push(struct keyset *set, const char *key, size_t size) {
    make_room(set, size);
    set->keys[set->count] = (struct keyset_key){(uint32_t)set->text_size, (uint32_t)size, keyset_hash(key, size), 0};
    memcpy(set->text + set->text_size, key, size);
    set->text_size += size;
    slot_fill(set, ++set->count);
    return set->count;
}

/* The place of a key, or 0. */
static uint32_t keyset_find(const struct keyset *set, uint32_t hash, const char *key, size_t size) {
    for (uint32_t slot = hash & (set->slot_count - 1); set->slots[slot]; slot = (slot + 1) & (set->slot_count - 1)) {
        const struct keyset_key *k = &set->keys[set->slots[slot] - 1];
        if (k->hash == hash && k->size == size && memcmp(set->text + k->offset, key, size) == 0) return set->slots[slot];
    }
    return 0;
}

bool keyset_has(const struct keyset *set, const char *key, size_t size) {
    return keyset_find(set, keyset_hash(key, size), key, size) != 0;
}

uint32_t keyset_add(struct keyset *set, const char *key, size_t size) {
    uint32_t place = keyset_find(set, keyset_hash(key, size), key, size);
    return place ? place : keyset_push(set, key, size);
}

const char *keyset_at(const struct keyset *set, uint32_t place, size_t *size) {
    *size = set->keys[place - 1].size;
    return set->text + set->keys[place - 1].offset;
}

void keyset_borrow(const struct keyset *set, struct command *c) {
    for (uint32_t place = 1; place <= set->count; place++) {
        size_t size;
        const char *key = keyset_at(set, place, &size);
        command_borrow(c, key, size);
    }
}
