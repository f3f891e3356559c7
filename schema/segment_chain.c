/* The rules that tie records and segments together. */
#include "schema/segment_chain.h"

#include <assert.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>

_Static_assert(sizeof(crypto_generichash_state) <= SEGMENT_CHAIN_HASH_SIZE, "libsodium's state");

static crypto_generichash_state *state_of(struct segment_chain *c) { return (crypto_generichash_state *)(void *)c->hash; }

void segment_chain_init(struct segment_chain *c, const struct book *book, unsigned partition, enum segment_stream stream) {
    memset(c, 0, sizeof *c);
    snprintf(c->book, sizeof c->book, "%.*s", KEYS_BOOK_NAME_MAX, book->name);
    c->partition = partition;
    c->partitions = book->partitions;
    c->stream = stream;
    c->ended = true;
}

void segment_chain_header(const struct segment_chain *c, uint64_t created_ms, struct segment_header *h) {
    *h = (struct segment_header){
        .partition = c->partition,
        .partitions = c->partitions,
        .stream = c->stream,
        .number = c->number + 1,
        .entries = c->entries,
        .missing = c->missing,
        .last = c->last,
        .created_ms = created_ms,
    };
    snprintf(h->book, sizeof h->book, "%s", c->book);
    memcpy(h->previous, c->digest, sizeof h->previous);
}

static void digest_so_far(const struct segment_chain *c, uint8_t digest[SEGMENT_DIGEST_SIZE]) {
    alignas(64) uint8_t copy[SEGMENT_CHAIN_HASH_SIZE];
    memcpy(copy, c->hash, sizeof copy);
    crypto_generichash_final((crypto_generichash_state *)(void *)copy, digest, SEGMENT_DIGEST_SIZE);
}

void segment_chain_seal(const struct segment_chain *c, struct segment_end *end) {
    *end = (struct segment_end){.entries = c->entries, .missing = c->missing, .last = c->last};
    digest_so_far(c, end->digest);
}

/* Whose segment it is, and which. */
static const char *check_place(const struct segment_chain *c, const struct segment_header *h) {
    if (strcmp(h->book, c->book) != 0) return "is a segment of another book";
    if (h->partitions != c->partitions) return "is a segment of a book with another number of partitions";
    if (h->partition != c->partition) return "is a segment of another partition";
    if (h->stream != c->stream) return "is a segment of another stream";
    return NULL;
}

static void begin(struct segment_chain *c, const struct segment_header *h) {
    if (c->first_number == 0) c->first_number = h->number;
    c->number = h->number;
    c->ended = false;
    c->before = h->last;
    c->created_ms = h->created_ms;
    crypto_generichash_init(state_of(c), NULL, 0, SEGMENT_DIGEST_SIZE);
}

const char *segment_chain_trust(struct segment_chain *c, const struct segment_header *h) {
    assert(c->number == 0);
    const char *wrong = check_place(c, h);
    if (wrong) return wrong;
    c->entries = h->entries;
    c->missing = h->missing;
    c->last = h->last;
    memcpy(c->digest, h->previous, sizeof c->digest);
    begin(c, h);
    return NULL;
}

const char *segment_chain_open(struct segment_chain *c, const struct segment_header *h) {
    const char *wrong = check_place(c, h);
    if (wrong) return wrong;
    if (!c->ended) return "follows a segment that was not finished";
    if (h->number != c->number + 1) return "the header has another number than the file's name";
    if (memcmp(h->previous, c->digest, sizeof c->digest) != 0) return "does not follow the segment before: the chain is broken";
    if (h->entries != c->entries || h->missing != c->missing || entry_id_compare(h->last, c->last) != 0)
        return "the header says something else about the segments before than they do";
    begin(c, h);
    return NULL;
}

static const char *take_entry(struct segment_chain *c, struct entry_id id) {
    if (entry_id_compare(id, c->last) <= 0) return "an entry's ID is not above the one before";
    if (c->first.ms == 0 && c->first.seq == 0) c->first = id;
    c->last = id;
    c->entries++;
    return NULL;
}

static const char *take_gap(struct segment_chain *c, const struct segment_gap *gap) {
    if (gap->missing == 0 || entry_id_compare(gap->after, gap->upto) >= 0 || entry_id_compare(gap->upto, c->last) < 0)
        return "a gap that cannot be";
    c->last = gap->upto;
    c->missing += gap->missing;
    return NULL;
}

static const char *take_end(struct segment_chain *c, const struct segment_end *end) {
    struct segment_end own;
    segment_chain_seal(c, &own);
    if (memcmp(end->digest, own.digest, sizeof own.digest) != 0) return "the digest in the end is not that of the segment";
    if (end->entries != own.entries || end->missing != own.missing || entry_id_compare(end->last, own.last) != 0)
        return "the end says something else than the records before it";
    memcpy(c->digest, own.digest, sizeof c->digest);
    c->ended = true;
    return NULL;
}

const char *segment_chain_take(struct segment_chain *c, const struct segment_record *r) {
    if (c->ended) return "there is something behind the segment's end";
    switch (r->type) {
    case SEGMENT_ENTRY: return take_entry(c, r->id);
    case SEGMENT_GAP: return take_gap(c, &r->gap);
    case SEGMENT_END: return take_end(c, &r->end);
    }
    return "a record of a type that there is not";
}

void segment_chain_bytes(struct segment_chain *c, const void *bytes, size_t size) {
    if (!c->ended) crypto_generichash_update(state_of(c), bytes, size); /* the end itself is not in the digest */
}
