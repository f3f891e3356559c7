/* Writing and reading the bytes of archive segments. */
#include "schema/segment.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

static const uint8_t segment_magic[8] = {'T', 'I', 'L', 'L', 'S', 'E', 'G', '\n'};
static const size_t body_sizes[] = {
    [SEGMENT_GAP] = SEGMENT_GAP_SIZE - SEGMENT_HEAD_SIZE, [SEGMENT_END] = SEGMENT_END_SIZE - SEGMENT_HEAD_SIZE};

enum { BOOK_SIZE = 32, HEADER_CRC_AT = SEGMENT_HEADER_SIZE - 4, ENTRY_FIXED_SIZE = 21 };

const char *segment_stream_word(enum segment_stream stream) {
    switch (stream) {
    case SEGMENT_INTENTS: return "intents";
    case SEGMENT_LEDGER: return "ledger";
    }
    return "?";
}

static uint8_t *put32(uint8_t *at, uint32_t n) {
    for (int i = 0; i < 4; i++) at[i] = (uint8_t)(n >> (8 * i));
    return at + 4;
}

static uint8_t *put64(uint8_t *at, uint64_t n) {
    put32(at, (uint32_t)n);
    return put32(at + 4, (uint32_t)(n >> 32));
}

static uint8_t *put_id(uint8_t *at, struct entry_id id) { return put64(put64(at, id.ms), id.seq); }

static uint32_t get32(const uint8_t *at) { return at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 | (uint32_t)at[3] << 24; }

static uint64_t get64(const uint8_t *at) { return get32(at) | (uint64_t)get32(at + 4) << 32; }

static struct entry_id get_id(const uint8_t *at) { return (struct entry_id){get64(at), get64(at + 8)}; }

static uint32_t checksum(const uint8_t *bytes, size_t size) { return (uint32_t)crc32_z(0, bytes, size); }

void segment_bytes_clear(struct segment_bytes *b) {
    free(b->data);
    *b = (struct segment_bytes){0};
}

void segment_bytes_reserve(struct segment_bytes *b, size_t size) {
    if (b->capacity - b->size >= size) return;
    size_t capacity = b->capacity ? b->capacity : 4096;
    while (capacity - b->size < size) capacity *= 2;
    b->data = realloc(b->data, capacity);
    if (!b->data) abort();
    b->capacity = capacity;
}

void segment_header_encode(const struct segment_header *h, uint8_t out[SEGMENT_HEADER_SIZE]) {
    memset(out, 0, SEGMENT_HEADER_SIZE);
    memcpy(out, segment_magic, sizeof segment_magic);
    uint8_t *at = put32(out + sizeof segment_magic, SEGMENT_VERSION);
    at = put32(put32(put32(at, h->partition), h->partitions), (uint32_t)h->stream);
    at = put64(put64(put64(at, h->number), h->entries), h->missing);
    at = put64(put_id(at, h->last), h->created_ms);
    memcpy(at, h->book, strnlen(h->book, BOOK_SIZE));
    memcpy(at + BOOK_SIZE, h->previous, SEGMENT_DIGEST_SIZE);
    assert(at + BOOK_SIZE + SEGMENT_DIGEST_SIZE == out + HEADER_CRC_AT);
    put32(out + HEADER_CRC_AT, checksum(out, HEADER_CRC_AT));
}

const char *segment_header_decode(const uint8_t *bytes, size_t size, struct segment_header *h) {
    if (size < SEGMENT_HEADER_SIZE) return "the file ends within its header";
    if (memcmp(bytes, segment_magic, sizeof segment_magic) != 0) return "does not begin like a segment";
    if (checksum(bytes, HEADER_CRC_AT) != get32(bytes + HEADER_CRC_AT)) return "the header's checksum is wrong";
    if (get32(bytes + 8) != SEGMENT_VERSION) return "is of a version of the format that this program does not know";
    uint32_t stream = get32(bytes + 20);
    if (stream != SEGMENT_INTENTS && stream != SEGMENT_LEDGER) return "the header names a stream that there is not";
    *h = (struct segment_header){
        .partition = get32(bytes + 12),
        .partitions = get32(bytes + 16),
        .stream = (enum segment_stream)stream,
        .number = get64(bytes + 24),
        .entries = get64(bytes + 32),
        .missing = get64(bytes + 40),
        .last = get_id(bytes + 48),
        .created_ms = get64(bytes + 64),
    };
    memcpy(h->book, bytes + 72, BOOK_SIZE);
    memcpy(h->previous, bytes + 72 + BOOK_SIZE, SEGMENT_DIGEST_SIZE);
    return NULL;
}

static void record_begin(struct segment_bytes *b, enum segment_type type) {
    b->record = b->size;
    segment_bytes_reserve(b, SEGMENT_END_SIZE);
    b->size += SEGMENT_HEAD_SIZE;
    b->data[b->size++] = (uint8_t)type;
}

/* Fills the head in, now that the body is known. */
static void record_finish(struct segment_bytes *b) {
    uint8_t *head = b->data + b->record, *body = head + SEGMENT_HEAD_SIZE;
    size_t size = b->size - b->record - SEGMENT_HEAD_SIZE;
    put32(put32(head, (uint32_t)size), checksum(body, size));
    put32(head + 8, checksum(head, 8));
}

void segment_entry_begin(struct segment_bytes *b, struct entry_id id, uint32_t string_count) {
    record_begin(b, SEGMENT_ENTRY);
    put32(put_id(b->data + b->size, id), string_count);
    b->size += ENTRY_FIXED_SIZE - 1;
}

void segment_entry_string(struct segment_bytes *b, const void *text, size_t size) {
    assert(size <= UINT32_MAX);
    segment_bytes_reserve(b, size + 4);
    put32(b->data + b->size, (uint32_t)size);
    if (size > 0) memcpy(b->data + b->size + 4, text, size);
    b->size += size + 4;
}

bool segment_entry_finish(struct segment_bytes *b) {
    bool fits = b->size - b->record - SEGMENT_HEAD_SIZE <= SEGMENT_BODY_MAX;
    if (fits) record_finish(b);
    else b->size = b->record;
    return fits;
}

void segment_gap_add(struct segment_bytes *b, const struct segment_gap *gap) {
    record_begin(b, SEGMENT_GAP);
    put64(put_id(put_id(b->data + b->size, gap->after), gap->upto), gap->missing);
    b->size = b->record + SEGMENT_GAP_SIZE;
    record_finish(b);
}

void segment_end_add(struct segment_bytes *b, const struct segment_end *end) {
    record_begin(b, SEGMENT_END);
    uint8_t *at = put_id(put64(put64(b->data + b->size, end->entries), end->missing), end->last);
    memcpy(at, end->digest, SEGMENT_DIGEST_SIZE);
    b->size = b->record + SEGMENT_END_SIZE;
    record_finish(b);
}

/* Do the strings of an entry fill its body exactly, in pairs? */
static bool strings_fit(const struct segment_record *r) {
    size_t at = 0, left = r->string_count;
    for (; left > 0 && r->strings_size - at >= 4; left--) {
        size_t size = get32(r->strings + at);
        if (size > r->strings_size - at - 4) return false;
        at += 4 + size;
    }
    return left == 0 && at == r->strings_size && r->string_count % 2 == 0;
}

static const char *entry_read(const uint8_t *body, size_t size, struct segment_record *r) {
    if (size < ENTRY_FIXED_SIZE) return "an entry is too short";
    r->id = get_id(body + 1);
    r->string_count = get32(body + 17);
    r->strings = body + ENTRY_FIXED_SIZE;
    r->strings_size = size - ENTRY_FIXED_SIZE;
    return strings_fit(r) ? NULL : "an entry's fields do not fill it";
}

/* The body's checksum was right: what is wrong now was written so. */
static const char *body_read(const uint8_t *body, size_t size, struct segment_record *r) {
    if (size == 0 || body[0] < SEGMENT_ENTRY || body[0] > SEGMENT_END) return "a record of a type that there is not";
    r->type = (enum segment_type)body[0];
    if (r->type == SEGMENT_ENTRY) return entry_read(body, size, r);
    if (size != body_sizes[r->type]) return "a record has not the size of its type";
    if (r->type == SEGMENT_GAP) {
        r->gap = (struct segment_gap){.after = get_id(body + 1), .upto = get_id(body + 17), .missing = get64(body + 33)};
    } else {
        r->end = (struct segment_end){.entries = get64(body + 1), .missing = get64(body + 9), .last = get_id(body + 17)};
        memcpy(r->end.digest, body + 33, SEGMENT_DIGEST_SIZE);
    }
    return NULL;
}

enum segment_got segment_record_read(const uint8_t *bytes, size_t size, struct segment_record *r, const char **wrong) {
    *r = (struct segment_record){.size = SEGMENT_HEAD_SIZE};
    if (size < SEGMENT_HEAD_SIZE) return SEGMENT_SHORT;
    size_t body_size = get32(bytes);
    *wrong = "a record's head has a wrong checksum";
    if (checksum(bytes, 8) != get32(bytes + 8)) return SEGMENT_BAD;
    *wrong = "a record is larger than any may be";
    if (body_size > SEGMENT_BODY_MAX) return SEGMENT_BAD;
    r->size = SEGMENT_HEAD_SIZE + body_size;
    if (size < r->size) return SEGMENT_SHORT;
    *wrong = "a record has a wrong checksum";
    if (checksum(bytes + SEGMENT_HEAD_SIZE, body_size) != get32(bytes + 4)) return SEGMENT_BAD;
    *wrong = body_read(bytes + SEGMENT_HEAD_SIZE, body_size, r);
    return *wrong ? SEGMENT_BAD : SEGMENT_RECORD;
}

bool segment_record_string(const struct segment_record *r, size_t *at, const char **text, size_t *size) {
    if (r->strings_size - *at < 4) return false;
    *size = get32(r->strings + *at);
    *text = (const char *)r->strings + *at + 4;
    *at += 4 + *size;
    return true;
}
