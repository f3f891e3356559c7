/* Fuzzes the reader of archive segments: no bytes may crash it or lead it outside themselves, and what it accepts is written the same.
 * The first byte says whether the checksums are left as they came or put right, since no fuzzer guesses those. */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "schema/segment_chain.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void put32(uint8_t *at, uint32_t n) {
    for (int i = 0; i < 4; i++) at[i] = (uint8_t)(n >> (8 * i));
}

static uint32_t get32(const uint8_t *at) {
    return (uint32_t)at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 | (uint32_t)at[3] << 24;
}

static void mend_header(uint8_t *bytes, size_t size) {
    if (size < SEGMENT_HEADER_SIZE) return;
    memcpy(bytes, "TILLSEG\n", 8);
    put32(bytes + 8, SEGMENT_VERSION);
    put32(bytes + SEGMENT_HEADER_SIZE - 4, (uint32_t)crc32(0, bytes, SEGMENT_HEADER_SIZE - 4));
}

/* A record's checksums, if it lies within. */
static void mend_record(uint8_t *bytes, size_t size) {
    size_t body = size < SEGMENT_HEAD_SIZE ? 0 : get32(bytes);
    if (size < SEGMENT_HEAD_SIZE || body > size - SEGMENT_HEAD_SIZE) return;
    put32(bytes + 4, (uint32_t)crc32(0, bytes + SEGMENT_HEAD_SIZE, (uInt)body));
    put32(bytes + 8, (uint32_t)crc32(0, bytes, 8));
}

static void write_entry(struct segment_bytes *out, const struct segment_record *r, const uint8_t *end) {
    const char *text;
    size_t at = 0, size;
    uint32_t count = 0;
    segment_entry_begin(out, r->id, r->string_count);
    for (; segment_record_string(r, &at, &text, &size); count++) {
        assert((const uint8_t *)text + size <= end);
        segment_entry_string(out, text, size);
    }
    assert(count == r->string_count && count % 2 == 0);
    bool fits = segment_entry_finish(out);
    assert(fits);
}

/* Written again it is the same bytes. */
static void check_again(const struct segment_record *r, const uint8_t *bytes) {
    struct segment_bytes out = {0};
    switch (r->type) {
    case SEGMENT_ENTRY: write_entry(&out, r, bytes + r->size); break;
    case SEGMENT_GAP: segment_gap_add(&out, &r->gap); break;
    case SEGMENT_END: segment_end_add(&out, &r->end); break;
    }
    assert(out.size == r->size && memcmp(out.data, bytes, out.size) == 0);
    segment_bytes_clear(&out);
}

static void check_header(const struct segment_header *h, const uint8_t *bytes) {
    uint8_t again[SEGMENT_HEADER_SIZE];
    assert(memchr(h->book, '\0', sizeof h->book) != NULL);
    segment_header_encode(h, again);
    if (strnlen((const char *)bytes + 72, 32) == strlen(h->book)) assert(memcmp(again, bytes, 72) == 0);
}

static void read_records(uint8_t *bytes, size_t size, bool mended, struct segment_chain *chain) {
    for (size_t at = 0; at <= size;) {
        struct segment_record record;
        const char *wrong = NULL;
        if (mended) mend_record(bytes + at, size - at);
        enum segment_got got = segment_record_read(bytes + at, size - at, &record, &wrong);
        assert(got != SEGMENT_BAD || wrong);
        assert(got != SEGMENT_SHORT || record.size > size - at);
        if (got != SEGMENT_RECORD) return;
        assert(record.size <= size - at);
        check_again(&record, bytes + at);
        uint64_t before = chain->entries;
        wrong = segment_chain_take(chain, &record);
        assert(!wrong || chain->entries == before);
        if (!wrong) segment_chain_bytes(chain, bytes + at, record.size);
        at += record.size;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct segment_header header;
    struct segment_chain chain;
    if (size == 0) return 0;
    bool mended = data[0] & 1;
    size_t left = size - 1;
    uint8_t *bytes = malloc(left + 1);
    assert(bytes);
    memcpy(bytes, data + 1, left);
    if (mended) mend_header(bytes, left);
    if (segment_header_decode(bytes, left, &header) == NULL) {
        struct book book = {.partitions = header.partitions};
        check_header(&header, bytes);
        memcpy(book.name, header.book, sizeof book.name);
        segment_chain_init(&chain, &book, header.partition, header.stream);
        if (segment_chain_trust(&chain, &header) == NULL) {
            segment_chain_bytes(&chain, bytes, SEGMENT_HEADER_SIZE);
            read_records(bytes + SEGMENT_HEADER_SIZE, left - SEGMENT_HEADER_SIZE, mended, &chain);
        }
    }
    free(bytes);
    return 0;
}
