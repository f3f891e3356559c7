/* The bytes of archive segments: there and back, every flipped bit, every place where a file may end, and bytes kept from the first day. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "schema/segment_chain.h"

static const struct book book = {"till", 16};

/* A record into the chain and the bytes. */
static void add(struct segment_chain *c, struct segment_bytes *b) {
    struct segment_record record;
    const char *wrong = NULL;
    size_t size = b->size - b->record;
    cr_assert(segment_record_read(b->data + b->record, size, &record, &wrong) == SEGMENT_RECORD && record.size == size, "%s", wrong);
    wrong = segment_chain_take(c, &record);
    cr_assert_null(wrong, "%s", wrong);
    segment_chain_bytes(c, b->data + b->record, size);
}

static void add_header(struct segment_chain *c, struct segment_bytes *b, uint64_t created_ms) {
    struct segment_header header;
    segment_chain_header(c, created_ms, &header);
    segment_bytes_reserve(b, SEGMENT_HEADER_SIZE);
    segment_header_encode(&header, b->data);
    b->size = SEGMENT_HEADER_SIZE;
    cr_assert_null(segment_chain_open(c, &header));
    segment_chain_bytes(c, b->data, SEGMENT_HEADER_SIZE);
}

static void add_entry(struct segment_chain *c, struct segment_bytes *b, struct entry_id id, const char *field, const void *value,
                      size_t size) {
    segment_entry_begin(b, id, 2);
    segment_entry_string(b, field, strlen(field));
    segment_entry_string(b, value, size);
    cr_assert(segment_entry_finish(b));
    add(c, b);
}

static void add_end(struct segment_chain *c, struct segment_bytes *b) {
    struct segment_end end;
    segment_chain_seal(c, &end);
    segment_end_add(b, &end);
    add(c, b);
}

/* The segments of tests/vectors/segment-v1: the first one finished, the second one not. */
static void make_first(struct segment_chain *c, struct segment_bytes *b) {
    segment_chain_init(c, &book, 3, SEGMENT_INTENTS);
    add_header(c, b, 1700000000000);
    add_entry(c, b, (struct entry_id){1700000000123, 0}, "intent", "\x81\xa1v\x01\0\n", 6);
    struct segment_gap gap = {{1700000000123, 0}, {1700000000200, UINT64_MAX}, 7};
    segment_gap_add(b, &gap);
    add(c, b);
    segment_entry_begin(b, (struct entry_id){1700000000201, 5}, 4);
    segment_entry_string(b, "intent", 6);
    segment_entry_string(b, "", 0);
    segment_entry_string(b, "sig", 3);
    segment_entry_string(b, "0123456789abcdef0123456789abcdef", 32);
    cr_assert(segment_entry_finish(b));
    add(c, b);
    add_end(c, b);
}

static void make_second(struct segment_chain *c, struct segment_bytes *b) {
    b->size = 0;
    add_header(c, b, 1700000360000);
    add_entry(c, b, (struct entry_id){UINT64_MAX, UINT64_MAX}, "intent", "the last there can be", 21);
}

/* Reads a first segment as a checker would. NULL: sound up to *good, of the whole file when it is `whole`. */
static const char *check(const uint8_t *bytes, size_t size, bool whole, size_t *good, unsigned *records) {
    struct segment_chain c;
    struct segment_header header;
    struct segment_record record;
    const char *wrong = segment_header_decode(bytes, size, &header);
    *good = *records = 0;
    segment_chain_init(&c, &book, 3, SEGMENT_INTENTS);
    if (!wrong) wrong = segment_chain_open(&c, &header);
    if (wrong) return wrong;
    segment_chain_bytes(&c, bytes, SEGMENT_HEADER_SIZE);
    for (*good = SEGMENT_HEADER_SIZE; *good < size; *good += record.size, ++*records) {
        enum segment_got got = segment_record_read(bytes + *good, size - *good, &record, &wrong);
        if (got == SEGMENT_BAD) return wrong;
        if (got == SEGMENT_SHORT) break;
        if ((wrong = segment_chain_take(&c, &record))) return wrong;
        segment_chain_bytes(&c, bytes + *good, record.size);
    }
    return whole && (!c.ended || *good < size) ? "has no end" : NULL;
}

static void load(const char *name, uint8_t *bytes, size_t *size) {
    char path[512];
    snprintf(path, sizeof path, "%s/tests/vectors/segment-v1/0003/%s", TILL_SOURCE_DIR, name);
    FILE *file = fopen(path, "rb");
    cr_assert_not_null(file, "%s", path);
    *size = fread(bytes, 1, 4096, file);
    fclose(file);
}

Test(segment, bytes_of_the_vectors_are_made_and_read) {
    static const char *const names[] = {"intents-00000001.seg", "intents-00000002.seg"};
    struct segment_chain c;
    struct segment_bytes b = {0};
    uint8_t kept[4096];
    size_t size;
    make_first(&c, &b);
    for (int n = 0; n < 2; n++) {
        if (n == 1) make_second(&c, &b);
        const char *out = getenv("SEGMENT_VECTORS"); /* where to write them, for a version to come */
        if (out) {
            char path[512];
            snprintf(path, sizeof path, "%s/%s", out, names[n]);
            FILE *file = fopen(path, "wb");
            cr_assert(file && fwrite(b.data, 1, b.size, file) == b.size && fclose(file) == 0);
        }
        load(names[n], kept, &size);
        cr_assert(size == b.size && memcmp(kept, b.data, size) == 0, "%s is not what is made today", names[n]);
    }
    cr_expect(c.entries == 3 && c.missing == 7 && c.number == 2 && !c.ended);
    segment_bytes_clear(&b);
}

Test(segment, every_flipped_bit_is_found_where_it_is) {
    struct segment_chain c;
    struct segment_bytes b = {0};
    size_t good;
    unsigned records;
    make_first(&c, &b);
    cr_assert_null(check(b.data, b.size, true, &good, &records));
    for (size_t bit = 0; bit < b.size * 8; bit++) {
        b.data[bit / 8] ^= (uint8_t)(1u << bit % 8);
        cr_assert_not_null(check(b.data, b.size, true, &good, &records), "bit %zu of byte %zu", bit % 8, bit / 8);
        cr_assert(good <= bit / 8, "bit %zu of byte %zu is told at %zu", bit % 8, bit / 8, good);
        const char *wrong = check(b.data, b.size, false, &good, &records);
        cr_assert(wrong != NULL, "a flipped bit %zu of byte %zu looks like the end of a file", bit % 8, bit / 8);
        b.data[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    segment_bytes_clear(&b);
}

Test(segment, every_end_of_a_file_is_found) {
    struct segment_chain c;
    struct segment_bytes b = {0};
    size_t good, last_good = SEGMENT_HEADER_SIZE;
    unsigned records, last_records = 0;
    make_first(&c, &b);
    for (size_t size = 0; size < b.size; size++) {
        uint8_t *cut = malloc(size ? size : 1); /* of its own, so that reading behind it is seen */
        memcpy(cut, b.data, size);
        cr_assert_not_null(check(cut, size, true, &good, &records), "cut at %zu", size);
        const char *wrong = check(cut, size, false, &good, &records);
        cr_assert((wrong != NULL) == (size < SEGMENT_HEADER_SIZE), "cut at %zu: %s", size, wrong);
        if (size >= SEGMENT_HEADER_SIZE) {
            cr_assert(good >= last_good && records - last_records <= 1 && good <= size, "cut at %zu", size);
            last_good = good;
            last_records = records;
        }
        free(cut);
    }
    cr_assert_eq(last_records, 3u);
    segment_bytes_clear(&b);
}

Test(segment, nothing_may_follow_the_end) {
    struct segment_chain c;
    struct segment_bytes b = {0};
    size_t good;
    unsigned records;
    make_first(&c, &b);
    struct segment_gap gap = {{1, 0}, {UINT64_MAX, 0}, 1};
    segment_gap_add(&b, &gap);
    cr_assert_str_eq(check(b.data, b.size, true, &good, &records), "there is something behind the segment's end");
    segment_bytes_clear(&b);
}

Test(segment, entries_go_there_and_back) {
    unsigned seed = (unsigned)time(NULL);
    struct segment_bytes b = {0};
    uint8_t value[3000];
    char *seed_text = getenv("SEED");
    if (seed_text) seed = (unsigned)strtoul(seed_text, NULL, 10);
    fprintf(stderr, "seed %u\n", seed);
    srand(seed);
    for (int round = 0; round < 2000; round++) {
        struct segment_record record;
        const char *wrong = NULL, *text;
        size_t sizes[16], size, at = 0, where = 0;
        uint32_t count = (uint32_t)(rand() % 8) * 2;
        struct entry_id id = {(uint64_t)rand() << 33 | (uint64_t)rand(), (uint64_t)rand()};
        for (size_t n = 0; n < sizeof value; n++) value[n] = (uint8_t)rand();
        b.size = 0;
        segment_bytes_reserve(&b, 50);
        b.size = (size_t)(rand() % 50); /* anywhere */
        segment_entry_begin(&b, id, count);
        for (uint32_t n = 0; n < count; n++, where += 200) segment_entry_string(&b, value + where, sizes[n] = (size_t)(rand() % 200));
        cr_assert(segment_entry_finish(&b));
        cr_assert(segment_record_read(b.data + b.record, b.size - b.record, &record, &wrong) == SEGMENT_RECORD, "round %d: %s", round,
                  wrong);
        cr_assert(record.type == SEGMENT_ENTRY && record.string_count == count && entry_id_compare(record.id, id) == 0, "round %d", round);
        where = 0;
        for (uint32_t n = 0; n < count; n++, where += 200)
            cr_assert(segment_record_string(&record, &at, &text, &size) && size == sizes[n] && memcmp(text, value + where, size) == 0,
                      "round %d", round);
        cr_assert_not(segment_record_string(&record, &at, &text, &size));
    }
    segment_bytes_clear(&b);
}

static const struct {
    const char *name, *wrong;
    struct book book;
    unsigned partition;
    enum segment_stream stream;
    uint64_t number, entries, missing, last_ms;
    uint8_t digest;
} headers[] = {
    {"right", NULL, {"till", 16}, 3, SEGMENT_INTENTS, 1, 0, 0, 0, 0},
    {"book", "is a segment of another book", {"tills", 16}, 3, SEGMENT_INTENTS, 1, 0, 0, 0, 0},
    {"partitions", "is a segment of a book with another number of partitions", {"till", 17}, 3, SEGMENT_INTENTS, 1, 0, 0, 0, 0},
    {"partition", "is a segment of another partition", {"till", 16}, 4, SEGMENT_INTENTS, 1, 0, 0, 0, 0},
    {"stream", "is a segment of another stream", {"till", 16}, 3, SEGMENT_LEDGER, 1, 0, 0, 0, 0},
    {"number", "the header has another number than the file's name", {"till", 16}, 3, SEGMENT_INTENTS, 2, 0, 0, 0, 0},
    {"digest", "does not follow the segment before: the chain is broken", {"till", 16}, 3, SEGMENT_INTENTS, 1, 0, 0, 0, 1},
    {"entries", "the header says something else about the segments before than they do", {"till", 16}, 3, SEGMENT_INTENTS, 1, 1, 0, 0, 0},
    {"missing", "the header says something else about the segments before than they do", {"till", 16}, 3, SEGMENT_INTENTS, 1, 0, 1, 0, 0},
    {"last", "the header says something else about the segments before than they do", {"till", 16}, 3, SEGMENT_INTENTS, 1, 0, 0, 1, 0},
};

Test(segment, headers_must_follow_what_came_before) {
    for (size_t n = 0; n < sizeof headers / sizeof *headers; n++) {
        struct segment_chain c;
        struct segment_header header = {
            .partition = headers[n].partition,
            .partitions = headers[n].book.partitions,
            .stream = headers[n].stream,
            .number = headers[n].number,
            .entries = headers[n].entries,
            .missing = headers[n].missing,
            .last = {headers[n].last_ms, 0},
            .previous = {headers[n].digest},
        };
        snprintf(header.book, sizeof header.book, "%s", headers[n].book.name);
        uint8_t bytes[SEGMENT_HEADER_SIZE];
        struct segment_header back;
        segment_header_encode(&header, bytes);
        cr_assert_null(segment_header_decode(bytes, sizeof bytes, &back));
        segment_chain_init(&c, &book, 3, SEGMENT_INTENTS);
        const char *wrong = segment_chain_open(&c, &back);
        cr_expect(wrong == headers[n].wrong || (wrong && headers[n].wrong && strcmp(wrong, headers[n].wrong) == 0), "%s: %s",
                  headers[n].name, wrong);
    }
}

static const struct {
    const char *name, *wrong;
    struct segment_record record;
} records[] = {
    {"same ID", "an entry's ID is not above the one before", {.type = SEGMENT_ENTRY, .id = {100, 5}}},
    {"lower ID", "an entry's ID is not above the one before", {.type = SEGMENT_ENTRY, .id = {99, 9}}},
    {"higher ID", NULL, {.type = SEGMENT_ENTRY, .id = {100, 6}}},
    {"gap of nothing", "a gap that cannot be", {.type = SEGMENT_GAP, .gap = {{100, 5}, {101, 0}, 0}}},
    {"gap that ends before it", "a gap that cannot be", {.type = SEGMENT_GAP, .gap = {{102, 0}, {101, 0}, 1}}},
    {"gap before what is there", "a gap that cannot be", {.type = SEGMENT_GAP, .gap = {{1, 0}, {100, 4}, 1}}},
    {"gap among what is there", NULL, {.type = SEGMENT_GAP, .gap = {{1, 0}, {100, 5}, 1}}},
    {"gap", NULL, {.type = SEGMENT_GAP, .gap = {{100, 5}, {200, 0}, 1}}},
    {"end with another digest", "the digest in the end is not that of the segment", {.type = SEGMENT_END, .end = {1, 0, {100, 5}, {1}}}},
};

Test(segment, records_must_follow_each_other) {
    for (size_t n = 0; n < sizeof records / sizeof *records; n++) {
        struct segment_chain c;
        struct segment_bytes b = {0};
        segment_chain_init(&c, &book, 3, SEGMENT_INTENTS);
        add_header(&c, &b, 1);
        add_entry(&c, &b, (struct entry_id){100, 5}, "intent", "x", 1);
        const char *wrong = segment_chain_take(&c, &records[n].record);
        cr_expect(wrong == records[n].wrong || (wrong && records[n].wrong && strcmp(wrong, records[n].wrong) == 0), "%s: %s",
                  records[n].name, wrong);
        segment_bytes_clear(&b);
    }
}
