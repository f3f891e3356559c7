/* Hashing for the canonical digest. */
#include "producer/digest.h"

#include <assert.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

_Static_assert(sizeof(crypto_generichash_state) <= DIGEST_STATE_SIZE, "libsodium's state");

static void put_number(uint8_t *out, uint64_t number, size_t size) {
    for (size_t n = 0; n < size; n++) out[n] = (uint8_t)(number >> 8 * n);
}

void digest_begin(struct digest_element *e, const char *word) {
    e->bytes.size = 0;
    digest_text(e, word, strlen(word));
}

void digest_text(struct digest_element *e, const void *text, size_t size) {
    struct segment_bytes *b = &e->bytes;
    segment_bytes_reserve(b, 4 + size);
    put_number(b->data + b->size, size, 4);
    if (size) memcpy(b->data + b->size + 4, text, size);
    b->size += 4 + size;
}

void digest_number(struct digest_element *e, int64_t number) {
    char text[24];
    int size = snprintf(text, sizeof text, "%lld", (long long)number);
    digest_text(e, text, (size_t)size);
}

void digest_element_clear(struct digest_element *e) { segment_bytes_clear(&e->bytes); }

static void hash(uint8_t out[DIGEST_SIZE], const void *bytes, size_t size) {
    crypto_generichash(out, DIGEST_SIZE, bytes, size, NULL, 0);
}

void digest_set_add(struct digest_set *s, const struct digest_element *e) {
    if (s->count == s->capacity) {
        s->capacity = s->capacity ? 2 * s->capacity : 64;
        s->hashes = realloc(s->hashes, s->capacity * sizeof *s->hashes);
        if (!s->hashes) abort();
    }
    hash(s->hashes[s->count++], e->bytes.data, e->bytes.size);
}

static int compare(const void *a, const void *b) { return memcmp(a, b, DIGEST_SIZE); }

uint64_t digest_set_finish(struct digest_set *s, uint8_t out[DIGEST_SIZE]) {
    size_t kept = 0;
    if (s->count) qsort(s->hashes, s->count, sizeof *s->hashes, compare);
    for (size_t n = 0; n < s->count; n++)
        if (n == 0 || compare(s->hashes[n], s->hashes[kept - 1]) != 0) memmove(s->hashes[kept++], s->hashes[n], sizeof *s->hashes);
    hash(out, s->hashes, kept * sizeof *s->hashes);
    free(s->hashes);
    *s = (struct digest_set){0};
    return kept;
}

static crypto_generichash_state *state_of(struct digest_list *l) { return (crypto_generichash_state *)(void *)l->state; }

void digest_list_init(struct digest_list *l) {
    crypto_generichash_init(state_of(l), NULL, 0, DIGEST_SIZE);
    l->count = 0;
}

void digest_list_add(struct digest_list *l, const struct digest_element *e) {
    uint8_t one[DIGEST_SIZE];
    hash(one, e->bytes.data, e->bytes.size);
    crypto_generichash_update(state_of(l), one, sizeof one);
    l->count++;
}

void digest_list_finish(struct digest_list *l, uint8_t out[DIGEST_SIZE]) { crypto_generichash_final(state_of(l), out, DIGEST_SIZE); }

void digest_bag_add(struct digest_bag *b, const struct digest_element *e) {
    uint8_t one[DIGEST_SIZE];
    unsigned carry = 0;
    hash(one, e->bytes.data, e->bytes.size);
    for (size_t n = 0; n < DIGEST_SIZE; n++) {
        carry += (unsigned)b->sum[n] + one[n];
        b->sum[n] = (uint8_t)carry;
        carry >>= 8;
    }
    b->count++;
}

const char *digest_part_word(enum digest_part_name part) {
    static const char *const words[] = {
#define X(name) #name,
        DIGEST_PARTS(X)
#undef X
    };
    return words[part];
}

void digest_partition_finish(struct digest_partition *p) {
    struct digest_element all = {0};
    digest_begin(&all, "partition");
    for (unsigned n = 0; n < DIGEST_PART_COUNT; n++) {
        const char *word = digest_part_word(n);
        digest_text(&all, word, strlen(word));
        digest_number(&all, (int64_t)p->part[n].count);
        digest_text(&all, p->part[n].digest, DIGEST_SIZE);
    }
    hash(p->digest, all.bytes.data, all.bytes.size);
    digest_element_clear(&all);
}

void digest_book(const struct digest_partition *partitions, unsigned count, uint8_t out[DIGEST_SIZE]) {
    struct digest_element all = {0};
    digest_begin(&all, "book");
    for (unsigned n = 0; n < count; n++) {
        digest_number(&all, partitions[n].partition);
        digest_text(&all, partitions[n].digest, DIGEST_SIZE);
    }
    hash(out, all.bytes.data, all.bytes.size);
    digest_element_clear(&all);
}

void digest_hex(const uint8_t digest[DIGEST_SIZE], char out[DIGEST_HEX_SIZE]) {
    sodium_bin2hex(out, DIGEST_HEX_SIZE, digest, DIGEST_SIZE);
}

bool digest_parse_hex(const char *text, uint8_t digest[DIGEST_SIZE]) {
    size_t size;
    const char *end;
    return sodium_hex2bin(digest, DIGEST_SIZE, text, strlen(text), NULL, &size, &end) == 0 && size == DIGEST_SIZE && *end == '\0';
}
