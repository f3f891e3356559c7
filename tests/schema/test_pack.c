/* msgpack: what is written is the shortest, and hostile bytes neither get through nor cost memory. */
#include <criterion/criterion.h>
#include <string.h>

#include "schema/pack.h"
#include "tests/schema/random_intent.h"

static const struct {
    const char *name, *bytes;
    size_t size;
    bool good;
} rows[] = {
    {"nothing", "", 0, false},
    {"nil", "\xc0", 1, true},
    {"never used", "\xc1", 1, false},
    {"true", "\xc3", 1, true},
    {"fixint", "\x7f", 1, true},
    {"negative fixint", "\xe0", 1, true},
    {"two values", "\x01\x02", 2, false},
    {"uint 64", "\xcf\0\0\0\0\0\0\0\1", 9, true},
    {"uint 64 cut", "\xcf\0\0\0\0\0\0\0", 8, false},
    {"int 8", "\xd0\x80", 2, true},
    {"float 32", "\xca\0\0\0\0", 5, true},
    {"float 64", "\xcb\0\0\0\0\0\0\0\0", 9, true},
    {"float 64 cut", "\xcb\0\0\0\0\0\0\0", 8, false},
    {"text",
     "\xa2"
     "ab",
     3, true},
    {"text cut",
     "\xa2"
     "a",
     2, false},
    {"str 8", "\xd9\x01x", 3, true},
    {"str 8 cut", "\xd9\x02x", 3, false},
    {"str 32 huge", "\xdb\xff\xff\xff\xff", 5, false},
    {"bin 8", "\xc4\x01x", 3, true},
    {"bin 32 huge", "\xc6\xff\xff\xff\xffx", 6, false},
    {"ext 8", "\xc7\x01\x05x", 4, true},
    {"ext 8 cut", "\xc7\x01\x05", 3, false},
    {"fixext 1", "\xd4\x05x", 3, true},
    {"fixext 16 cut", "\xd8\x05x", 3, false},
    {"ext 32 huge", "\xc9\xff\xff\xff\xff\x01", 6, false},
    {"array", "\x92\x01\x02", 3, true},
    {"array cut", "\x92\x01", 2, false},
    {"array 16", "\xdc\x00\x01\x01", 4, true},
    {"array 32 huge", "\xdd\xff\xff\xff\xff\x01", 6, false},
    {"map", "\x81\x01\x02", 3, true},
    {"map cut", "\x81\x01", 2, false},
    {"map 32 huge", "\xdf\x80\x00\x00\x00\x01\x01", 7, false},
    {"map 16 of too many", "\xde\x00\x02\x01\x01\x01", 6, false},
    {"empty array", "\x90", 1, true},
    {"empty map", "\x80", 1, true},
    {"size cut", "\xdb\x00\x00", 3, false},
    {"8 deep", "\x91\x91\x91\x91\x91\x91\x91\x91\x01", 9, true},
    {"9 deep", "\x91\x91\x91\x91\x91\x91\x91\x91\x91\x01", 10, false},
    {"8 deep, empty", "\x91\x91\x91\x91\x91\x91\x91\x90", 8, true},
    {"side by side", "\x93\x91\x91\x01\x80\x91\x90", 7, true},
    {"inner takes what is the outer's", "\x92\x92\x01\x01", 4, false},
};

Test(pack, only_one_whole_value_gets_through) {
    struct pack_tree *tree = pack_tree_new();
    struct pack_value root;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        cr_assert(pack_decode(tree, rows[i].bytes, rows[i].size, &root) == rows[i].good, "%s", rows[i].name);
    pack_tree_free(tree);
}

/* The walk and msgpack-c agree on random bytes: no announcement reaches the allocator that the bytes do not hold. */
Test(pack, random_bytes_end_well) {
    uint64_t state = random_seed("pack");
    struct pack_tree *tree = pack_tree_new();
    int good = 0;
    for (int round = 0; round < 300000; round++) {
        uint8_t bytes[24];
        size_t size = 1 + random_next(&state) % sizeof bytes;
        struct pack_value root;
        for (size_t i = 0; i < size; i++) {
            uint64_t n = random_next(&state);
            bytes[i] = (uint8_t)(n & 3 ? 0x80 + n / 4 % 0x60 : n / 4);
        }
        good += pack_decode(tree, bytes, size, &root);
    }
    cr_assert(good > 1000, "%d", good);
    pack_tree_free(tree);
}

Test(pack, values_are_read_as_written) {
    static const int64_t edges[] = {0,  1,   127, 128,  255,  256,    65535,  65536,       4294967295,  4294967296, INT64_MAX,
                                    -1, -32, -33, -128, -129, -32768, -32769, -2147483648, -2147483649, INT64_MIN};
    enum { EDGES = sizeof edges / sizeof edges[0] };
    static const size_t sizes[EDGES] = {1, 1, 1, 2, 2, 3, 3, 5, 5, 9, 9, 1, 1, 2, 2, 3, 3, 5, 5, 9, 9};
    struct pack_tree *tree = pack_tree_new();
    for (int i = 0; i < EDGES; i++) {
        uint8_t bytes[16];
        struct pack_writer w;
        struct pack_value v;
        pack_writer_init(&w, bytes, sizeof bytes);
        pack_int(&w, edges[i]);
        cr_assert(w.size == sizes[i] && pack_decode(tree, bytes, w.size, &v), "%ld takes %zu", (long)edges[i], w.size);
        if (edges[i] >= 0)
            cr_assert(v.type == PACK_UINT && v.number == (uint64_t)edges[i], "%ld", (long)edges[i]);
        else
            cr_assert(v.type == PACK_NEGATIVE && v.negative == edges[i], "%ld", (long)edges[i]);
    }
    pack_tree_free(tree);
}

Test(pack, containers_are_read_as_written) {
    uint8_t bytes[64];
    struct pack_writer w;
    struct pack_value root, inner;
    struct pack_tree *tree = pack_tree_new();
    pack_writer_init(&w, bytes, sizeof bytes);
    pack_map(&w, 2);
    pack_text(&w, "list", 4);
    pack_array(&w, 4);
    pack_nil(&w), pack_bool(&w, true), pack_bytes(&w, "\0x", 2), pack_uint(&w, UINT64_MAX);
    pack_uint(&w, 7);
    pack_text(&w, "", 0);
    cr_assert(!w.full && pack_decode(tree, bytes, w.size, &root) && root.type == PACK_MAP && root.count == 2);
    inner = pack_value_at(&root, 0);
    cr_assert(pack_key_at(&root, 0).count == 4 && memcmp(pack_key_at(&root, 0).bytes, "list", 4) == 0);
    cr_assert(inner.type == PACK_ARRAY && inner.count == 4);
    cr_assert(pack_at(&inner, 0).type == PACK_NIL && pack_at(&inner, 1).type == PACK_BOOL && pack_at(&inner, 1).number == 1);
    cr_assert(pack_at(&inner, 2).type == PACK_BYTES && pack_at(&inner, 2).count == 2 && pack_at(&inner, 3).number == UINT64_MAX);
    cr_assert(pack_key_at(&root, 1).number == 7 && pack_value_at(&root, 1).type == PACK_TEXT && pack_value_at(&root, 1).count == 0);
    pack_tree_free(tree);
}

Test(pack, a_full_writer_stays_full) {
    uint8_t bytes[4];
    struct pack_writer w;
    pack_writer_init(&w, bytes, 3);
    bytes[3] = 0x5a;
    pack_text(&w, "abcdef", 6);
    cr_assert(w.full && w.size <= 3);
    size_t size = w.size;
    pack_nil(&w);
    cr_assert(w.full && w.size == size && bytes[3] == 0x5a);
    pack_writer_init(&w, NULL, 0);
    pack_uint(&w, 1);
    cr_assert(w.full && w.size == 0);
}
