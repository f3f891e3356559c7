/* The one seam to msgpack-c: a writer into the caller's buffer, and a reader over a decoded tree. Its types stay behind it. */
#ifndef SCHEMA_PACK_H
#define SCHEMA_PACK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Writes msgpack into `data`. When something does not fit, `full` is set and everything after is dropped. */
struct pack_writer {
    uint8_t *data;
    size_t size, capacity;
    bool full;
};
void pack_writer_init(struct pack_writer *w, void *data, size_t capacity);
void pack_map(struct pack_writer *w, uint32_t count);
void pack_array(struct pack_writer *w, uint32_t count);
void pack_text(struct pack_writer *w, const char *text, size_t size);
void pack_bytes(struct pack_writer *w, const void *bytes, size_t size);
void pack_uint(struct pack_writer *w, uint64_t n);
void pack_int(struct pack_writer *w, int64_t n);
void pack_bool(struct pack_writer *w, bool b);
void pack_nil(struct pack_writer *w);

enum pack_type { PACK_NIL, PACK_BOOL, PACK_UINT, PACK_NEGATIVE, PACK_FLOAT, PACK_TEXT, PACK_BYTES, PACK_ARRAY, PACK_MAP, PACK_OTHER };

/* A value in a tree: valid, like its bytes, until the next decode or pack_tree_free. */
struct pack_value {
    enum pack_type type;
    uint64_t number;  /* PACK_UINT, PACK_BOOL */
    int64_t negative; /* PACK_NEGATIVE */
    const char *bytes; /* PACK_TEXT, PACK_BYTES; not NUL-terminated, borrowed from the input */
    uint32_t count;   /* bytes, elements, or pairs */
    const void *node;
};

struct pack_tree; /* one decoded message; reused between messages to save allocations; not thread-safe */
struct pack_tree *pack_tree_new(void); /* NULL: no memory */
void pack_tree_free(struct pack_tree *tree);

/* Decodes exactly one value filling all of `bytes`, which must stay until the next decode. False on anything else: truncated, trailing
 * bytes, nested deeper than 8, or counts the bytes cannot hold (so hostile headers never allocate more than ~24 times the input). */
bool pack_decode(struct pack_tree *tree, const void *bytes, size_t size, struct pack_value *root);
struct pack_value pack_at(const struct pack_value *array, uint32_t index);
struct pack_value pack_key_at(const struct pack_value *map, uint32_t index);
struct pack_value pack_value_at(const struct pack_value *map, uint32_t index);

/* Where a value lies among the bytes. */
struct pack_span {
    const void *bytes;
    size_t size;
};

/* Takes an array that fills all of `bytes` apart, its elements unread. False when it is none, or not whole, as above; or has more than
 * `max` elements. */
bool pack_spans(const void *bytes, size_t size, struct pack_span *spans, uint32_t max, uint32_t *count);

#endif
