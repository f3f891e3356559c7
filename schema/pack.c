/* The one file that knows msgpack-c: packs into a caller's buffer, and unpacks bytes that may be hostile. */
#include "schema/pack.h"

#include <assert.h>
#include <msgpack.h>
#include <stdlib.h>
#include <string.h>

enum {
    PACK_DEPTH_MAX = 8,
    PACK_CHUNK_SIZE = 2048, /* of a zone's first block: an intent's map takes about 500 bytes of it */
};

struct pack_tree {
    msgpack_zone zone;
};

/* Writing */

static int pack_write(void *data, const char *bytes, size_t size) {
    struct pack_writer *w = data;
    if (w->full || size > w->capacity - w->size) {
        w->full = true;
        return -1;
    }
    if (size > 0)
        memcpy(w->data + w->size, bytes, size);
    w->size += size;
    return 0;
}

static msgpack_packer pack_packer(struct pack_writer *w) {
    msgpack_packer packer;
    msgpack_packer_init(&packer, w, pack_write);
    return packer;
}

void pack_writer_init(struct pack_writer *w, void *data, size_t capacity) {
    *w = (struct pack_writer){.data = data, .capacity = capacity};
}

void pack_map(struct pack_writer *w, uint32_t count) {
    msgpack_packer packer = pack_packer(w);
    msgpack_pack_map(&packer, count);
}

void pack_array(struct pack_writer *w, uint32_t count) {
    msgpack_packer packer = pack_packer(w);
    msgpack_pack_array(&packer, count);
}

void pack_text(struct pack_writer *w, const char *text, size_t size) {
    msgpack_packer packer = pack_packer(w);
    msgpack_pack_str(&packer, size);
    msgpack_pack_str_body(&packer, text, size);
}

void pack_bytes(struct pack_writer *w, const void *bytes, size_t size) {
    msgpack_packer packer = pack_packer(w);
    msgpack_pack_bin(&packer, size);
    msgpack_pack_bin_body(&packer, bytes, size);
}

void pack_uint(struct pack_writer *w, uint64_t n) {
    msgpack_packer packer = pack_packer(w);
    msgpack_pack_uint64(&packer, n);
}

void pack_int(struct pack_writer *w, int64_t n) {
    msgpack_packer packer = pack_packer(w);
    msgpack_pack_int64(&packer, n);
}

void pack_bool(struct pack_writer *w, bool b) {
    msgpack_packer packer = pack_packer(w);
    if (b)
        msgpack_pack_true(&packer);
    else
        msgpack_pack_false(&packer);
}

void pack_nil(struct pack_writer *w) {
    msgpack_packer packer = pack_packer(w);
    msgpack_pack_nil(&packer);
}

/* Walking: msgpack-c allocates what a header announces before it has seen the elements, so the bytes are walked first. */

struct pack_walk {
    const uint8_t *at, *end;
    unsigned depth;                    /* of open arrays and maps */
    uint64_t left[PACK_DEPTH_MAX + 1]; /* values still to come at each depth; [0] is the root */
};

/* What follows the first byte 0xc0..0xdf: `size_bytes` of a big-endian size, `fixed` more bytes, and for each of the size
 * that many bytes (`values` 0) or values. */
struct pack_shape {
    uint8_t size_bytes, values, fixed;
};
static const struct pack_shape pack_shapes[32] = {
    {0, 0, 0}, {0, 0, 0}, {0, 0, 0}, {0, 0, 0},             /* c0 nil, c1 unused, c2 false, c3 true */
    {1, 0, 0}, {2, 0, 0}, {4, 0, 0},                        /* c4.. bytes */
    {1, 0, 1}, {2, 0, 1}, {4, 0, 1},                        /* c7.. extension, whose type is a byte */
    {0, 0, 4}, {0, 0, 8},                                   /* ca.. float */
    {0, 0, 1}, {0, 0, 2}, {0, 0, 4}, {0, 0, 8},             /* cc.. unsigned */
    {0, 0, 1}, {0, 0, 2}, {0, 0, 4}, {0, 0, 8},             /* d0.. signed */
    {0, 0, 2}, {0, 0, 3}, {0, 0, 5}, {0, 0, 9}, {0, 0, 17}, /* d4.. extension of a fixed size */
    {1, 0, 0}, {2, 0, 0}, {4, 0, 0},                        /* d9.. text */
    {2, 1, 0}, {4, 1, 0}, {2, 2, 0}, {4, 2, 0},             /* dc.. array, de.. map */
};

/* Reads one header: how many bytes and how many values it announces. */
static bool pack_walk_head(struct pack_walk *w, uint64_t *bytes, uint64_t *values, bool *opens) {
    uint8_t first = *w->at++;
    *bytes = *values = 0;
    *opens = first >= 0x80 && first <= 0x9f;
    if (first <= 0x7f || first >= 0xe0)
        return true;
    if (*opens)
        return *values = (uint64_t)(first & 0x0f) * (first < 0x90 ? 2 : 1), true;
    if (first <= 0xbf)
        return *bytes = first & 0x1f, true;
    struct pack_shape shape = pack_shapes[first - 0xc0];
    if (first == 0xc1 || (size_t)(w->end - w->at) < shape.size_bytes)
        return false;
    uint64_t size = 0;
    for (unsigned i = 0; i < shape.size_bytes; i++)
        size = size << 8 | *w->at++;
    *opens = shape.values > 0;
    *values = size * shape.values;
    *bytes = *opens ? 0 : size + shape.fixed;
    return true;
}

/* Walks over one value, which must be in its bounds, all its counts held by the bytes. Every value is a byte at least, so a count they
 * cannot hold runs into their end. */
static bool pack_walk_value(struct pack_walk *w) {
    unsigned floor = w->depth;
    w->left[floor] = 1;
    for (;;) {
        while (w->left[w->depth] == 0) {
            if (w->depth == floor)
                return true;
            w->depth--;
        }
        w->left[w->depth]--;
        uint64_t skip, values;
        bool opens;
        if (w->at == w->end || !pack_walk_head(w, &skip, &values, &opens))
            return false;
        if (skip > (uint64_t)(w->end - w->at))
            return false;
        w->at += skip;
        if (opens) {
            if (w->depth == PACK_DEPTH_MAX)
                return false;
            w->left[++w->depth] = values;
        }
    }
}

/* Is this exactly one value? */
static bool pack_walk(const void *bytes, size_t size) {
    struct pack_walk w = {.at = bytes};
    w.end = w.at + size;
    return pack_walk_value(&w) && w.at == w.end;
}

bool pack_spans(const void *bytes, size_t size, struct pack_span *spans, uint32_t max, uint32_t *count) {
    struct pack_walk w = {.at = bytes};
    uint64_t skip, values;
    bool opens;
    w.end = w.at + size;
    bool array = size > 0 && ((*w.at & 0xf0) == 0x90 || *w.at == 0xdc || *w.at == 0xdd);
    if (!array || !pack_walk_head(&w, &skip, &values, &opens) || values > max)
        return false;
    for (*count = 0; *count < values; ++*count) {
        const uint8_t *from = w.at;
        w.depth = 0;
        if (!pack_walk_value(&w))
            return false;
        spans[*count] = (struct pack_span){from, (size_t)(w.at - from)};
    }
    return w.at == w.end;
}

/* Reading */

struct pack_tree *pack_tree_new(void) {
    struct pack_tree *tree = malloc(sizeof *tree);
    if (tree != NULL && !msgpack_zone_init(&tree->zone, PACK_CHUNK_SIZE)) {
        free(tree);
        return NULL;
    }
    return tree;
}

void pack_tree_free(struct pack_tree *tree) {
    if (tree == NULL)
        return;
    msgpack_zone_destroy(&tree->zone);
    free(tree);
}

static struct pack_value pack_value_of(const msgpack_object *o) {
    struct pack_value v = {.type = PACK_OTHER, .node = o};
    if (o->type == MSGPACK_OBJECT_NIL)
        v.type = PACK_NIL;
    else if (o->type == MSGPACK_OBJECT_BOOLEAN)
        v.type = PACK_BOOL, v.number = o->via.boolean;
    else if (o->type == MSGPACK_OBJECT_POSITIVE_INTEGER)
        v.type = PACK_UINT, v.number = o->via.u64;
    else if (o->type == MSGPACK_OBJECT_NEGATIVE_INTEGER)
        v.type = PACK_NEGATIVE, v.negative = o->via.i64;
    else if (o->type == MSGPACK_OBJECT_FLOAT32 || o->type == MSGPACK_OBJECT_FLOAT64)
        v.type = PACK_FLOAT;
    else if (o->type == MSGPACK_OBJECT_STR)
        v.type = PACK_TEXT, v.bytes = o->via.str.ptr, v.count = o->via.str.size;
    else if (o->type == MSGPACK_OBJECT_BIN)
        v.type = PACK_BYTES, v.bytes = o->via.bin.ptr, v.count = o->via.bin.size;
    else if (o->type == MSGPACK_OBJECT_ARRAY)
        v.type = PACK_ARRAY, v.count = o->via.array.size;
    else if (o->type == MSGPACK_OBJECT_MAP)
        v.type = PACK_MAP, v.count = o->via.map.size;
    return v;
}

bool pack_decode(struct pack_tree *tree, const void *bytes, size_t size, struct pack_value *root) {
    *root = (struct pack_value){.type = PACK_NIL};
    if (!pack_walk(bytes, size))
        return false;
    msgpack_zone_clear(&tree->zone);
    msgpack_object *object = msgpack_zone_malloc(&tree->zone, sizeof *object);
    assert(object != NULL); /* out of memory is no property of the bytes: stop before they are judged by it */
    size_t end = 0;
    msgpack_unpack_return result = msgpack_unpack(bytes, size, &end, &tree->zone, object);
    assert(result != MSGPACK_UNPACK_NOMEM_ERROR);
    if (result != MSGPACK_UNPACK_SUCCESS || end != size)
        return false;
    *root = pack_value_of(object);
    return true;
}

struct pack_value pack_at(const struct pack_value *array, uint32_t index) {
    assert(array->type == PACK_ARRAY && index < array->count);
    return pack_value_of(&((const msgpack_object *)array->node)->via.array.ptr[index]);
}

struct pack_value pack_key_at(const struct pack_value *map, uint32_t index) {
    assert(map->type == PACK_MAP && index < map->count);
    return pack_value_of(&((const msgpack_object *)map->node)->via.map.ptr[index].key);
}

struct pack_value pack_value_at(const struct pack_value *map, uint32_t index) {
    assert(map->type == PACK_MAP && index < map->count);
    return pack_value_of(&((const msgpack_object *)map->node)->via.map.ptr[index].val);
}
