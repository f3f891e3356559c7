/* The bytes of an archive segment: a header, then records, each with its own checksums; the last record of a finished segment is its end,
 * with the BLAKE2b digest of all bytes before it, which the next segment's header repeats. Byte by byte in schema/README.md, "Archive
 * segments".
 *
 *     header | entry entry gap entry ... | end          numbers are little endian
 *
 * Pure: no files here. Thread-safe. */
#ifndef SCHEMA_SEGMENT_H
#define SCHEMA_SEGMENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "schema/entry.h"
#include "schema/keys.h"

enum {
    SEGMENT_VERSION = 1,
    SEGMENT_HEADER_SIZE = 140,
    SEGMENT_HEAD_SIZE = 12, /* of a record: its body's size, CRC, and the CRC of these two */
    SEGMENT_DIGEST_SIZE = 32,
    SEGMENT_BODY_MAX = 1 << 30,
    SEGMENT_GAP_SIZE = SEGMENT_HEAD_SIZE + 41, /* whole records of these types */
    SEGMENT_END_SIZE = SEGMENT_HEAD_SIZE + 65,
};

enum segment_stream { SEGMENT_INTENTS = 1, SEGMENT_LEDGER = 2 };
const char *segment_stream_word(enum segment_stream stream); /* "intents", "ledger" */

/* What a segment says of itself and of those before it. */
struct segment_header {
    char book[KEYS_BOOK_NAME_MAX + 1];
    uint32_t partition, partitions;
    enum segment_stream stream;
    uint64_t number;                        /* from 1 */
    uint64_t entries, missing;              /* in all segments before */
    struct entry_id last;                   /* up to which those reach, 0-0 for nothing */
    uint64_t created_ms;                    /* wall clock: for rotation and for people */
    uint8_t previous[SEGMENT_DIGEST_SIZE];  /* in the end of the segment before; zeros: this is the first */
};

enum segment_type { SEGMENT_ENTRY = 1, SEGMENT_GAP = 2, SEGMENT_END = 3 };

/* `missing` entries of the stream, with IDs above `after` and up to `upto`, were trimmed or deleted before they could be archived. */
struct segment_gap {
    struct entry_id after, upto;
    uint64_t missing;
};

struct segment_end {
    uint64_t entries, missing;           /* in this segment and all before */
    struct entry_id last;                /* up to which they reach */
    uint8_t digest[SEGMENT_DIGEST_SIZE]; /* of the file's bytes before this record */
};

/* A record, borrowing the bytes it was read from. Of entry, gap and end, only what its type names means something. */
struct segment_record {
    enum segment_type type;
    size_t size; /* of the whole record */
    struct entry_id id;
    uint32_t string_count; /* of the entry: field, value, field, value, ... */
    const uint8_t *strings;
    size_t strings_size;
    struct segment_gap gap;
    struct segment_end end;
};

/* Bytes that grow. Zeros: empty. Running out of memory aborts. */
struct segment_bytes {
    uint8_t *data;
    size_t size, capacity;
    size_t record; /* where the record being made begins */
};
void segment_bytes_clear(struct segment_bytes *b); /* frees; b may be used again */
/* Room for `size` more, which the caller writes to data + size. */
void segment_bytes_reserve(struct segment_bytes *b, size_t size);

void segment_header_encode(const struct segment_header *header, uint8_t out[SEGMENT_HEADER_SIZE]);
/* NULL, or what is wrong: static text. `size` may be more than the header's. */
const char *segment_header_decode(const uint8_t *bytes, size_t size, struct segment_header *header) __attribute__((warn_unused_result));

/* Appends a record. An entry: begin, then `string_count` times string, then finish, which is false, and the record taken back, when it
 * would be larger than SEGMENT_BODY_MAX. */
void segment_entry_begin(struct segment_bytes *b, struct entry_id id, uint32_t string_count);
void segment_entry_string(struct segment_bytes *b, const void *text, size_t size);
bool segment_entry_finish(struct segment_bytes *b) __attribute__((warn_unused_result));
void segment_gap_add(struct segment_bytes *b, const struct segment_gap *gap);
void segment_end_add(struct segment_bytes *b, const struct segment_end *end);

enum segment_got {
    SEGMENT_RECORD,
    SEGMENT_SHORT, /* the bytes end within the record: record->size is what it needs in all, as far as that can be told */
    SEGMENT_BAD,   /* *wrong says what: static text */
};
/* The record that begins at `bytes`. */
enum segment_got segment_record_read(const uint8_t *bytes, size_t size, struct segment_record *record, const char **wrong)
    __attribute__((warn_unused_result));
/* The next string of an entry; false behind the last. Start with *at = 0. */
bool segment_record_string(const struct segment_record *record, size_t *at, const char **text, size_t *size);

#endif
