/* Tables, JSON and files of digests. */
#include "producer/cli/digest_out.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "producer/archive_file.h"
#include "producer/cli/json_out.h"
#include "producer/cli/table.h"

void digest_record_make(struct digest_record *r, const struct book *book, const bool *wanted, const struct digest_partition *list) {
    *r = (struct digest_record){.book = *book};
    r->partitions = calloc(book->partitions, sizeof *r->partitions);
    if (!r->partitions) abort();
    for (unsigned p = 0; p < book->partitions; p++)
        if (wanted[p]) r->partitions[r->count++] = list[p];
    r->whole = r->count == book->partitions && !digest_record_moved(r);
    if (r->whole) digest_book(r->partitions, r->count, r->digest);
}

void digest_record_clear(struct digest_record *r) {
    free(r->partitions);
    *r = (struct digest_record){0};
}

const struct digest_partition *digest_record_of(const struct digest_record *r, unsigned partition) {
    for (unsigned n = 0; n < r->count; n++)
        if (r->partitions[n].partition == partition) return &r->partitions[n];
    return NULL;
}

bool digest_record_moved(const struct digest_record *r) {
    bool moved = false;
    for (unsigned n = 0; n < r->count; n++) moved = moved || r->partitions[n].moved;
    return moved;
}

static void put_digest(json_t *object, const uint8_t digest[DIGEST_SIZE], bool there) {
    char hex[DIGEST_HEX_SIZE];
    digest_hex(digest, hex);
    json_out_value(object, "digest", there ? json_out_string(hex, strlen(hex)) : json_null());
}

static json_t *partition_json(const struct digest_partition *p) {
    char applied[ENTRY_TEXT_MAX + 1];
    json_t *object = json_out_object(), *parts = json_out_object();
    entry_id_format(p->applied, applied);
    json_out_number(object, "partition", p->partition);
    json_out_text(object, "applied", applied);
    json_out_bool(object, "moved", p->moved);
    put_digest(object, p->digest, !p->moved);
    for (unsigned n = 0; n < DIGEST_PART_COUNT && !p->moved; n++) {
        json_t *part = json_out_object();
        json_out_number(part, "count", (int64_t)p->part[n].count);
        json_out_bool(part, "trimmed", p->part[n].trimmed);
        put_digest(part, p->part[n].digest, true);
        json_out_value(parts, digest_part_word(n), part);
    }
    json_out_value(object, "parts", parts);
    return object;
}

json_t *digest_record_json(const struct digest_record *r) {
    json_t *object = json_out_object(), *list = json_out_array();
    json_out_number(object, "version", 1);
    json_out_text(object, "book", r->book.name);
    json_out_number(object, "partition_count", r->book.partitions);
    put_digest(object, r->digest, r->whole);
    for (unsigned n = 0; n < r->count; n++) json_out_append(list, partition_json(&r->partitions[n]));
    json_out_value(object, "partitions", list);
    return object;
}

static bool get_digest(const json_t *object, uint8_t digest[DIGEST_SIZE]) {
    const char *hex = json_string_value(json_object_get(object, "digest"));
    return hex && digest_parse_hex(hex, digest);
}

static bool get_partition(const json_t *object, struct digest_partition *p) {
    const char *applied = json_string_value(json_object_get(object, "applied"));
    *p = (struct digest_partition){.partition = (unsigned)json_integer_value(json_object_get(object, "partition"))};
    p->moved = json_is_true(json_object_get(object, "moved"));
    if (!applied || !entry_id_parse(applied, strlen(applied), &p->applied)) return false;
    for (unsigned n = 0; n < DIGEST_PART_COUNT && !p->moved; n++) {
        const json_t *part = json_object_get(json_object_get(object, "parts"), digest_part_word(n));
        p->part[n].count = (uint64_t)json_integer_value(json_object_get(part, "count"));
        p->part[n].trimmed = json_is_true(json_object_get(part, "trimmed"));
        if (!get_digest(part, p->part[n].digest)) return false;
    }
    return p->moved || get_digest(object, p->digest);
}

const char *digest_record_load(struct digest_record *r, const char *file) {
    json_t *root = json_load_file(file, 0, NULL), *list = json_object_get(root, "partitions");
    const char *name = json_string_value(json_object_get(root, "book")), *wrong = NULL;
    *r = (struct digest_record){0};
    if (!root) return "cannot be read as JSON";
    if (json_integer_value(json_object_get(root, "version")) != 1 || !name || strlen(name) > KEYS_BOOK_NAME_MAX || !json_is_array(list))
        wrong = "is no digest as `till digest --json` prints it";
    if (!wrong) {
        memcpy(r->book.name, name, strlen(name) + 1);
        r->book.partitions = (unsigned)json_integer_value(json_object_get(root, "partition_count"));
        r->partitions = calloc(json_array_size(list) + 1, sizeof *r->partitions);
        if (!r->partitions) abort();
        r->whole = get_digest(root, r->digest);
    }
    for (size_t n = 0; !wrong && n < json_array_size(list); n++)
        if (!get_partition(json_array_get(list, n), &r->partitions[r->count++])) wrong = "has a partition that is not as it should be";
    json_decref(root);
    return wrong;
}

bool digest_record_save(const struct cli *cli, const struct digest_record *r, const char *dir, const char *file) {
    struct archive_fault fault;
    json_t *json = digest_record_json(r);
    char *text = json_dumps(json, JSON_COMPACT);
    if (!text) abort();
    size_t size = strlen(text);
    text[size] = '\n'; /* in place of its NUL */
    bool saved = archive_place(dir, file, text, size + 1, &fault) == ARCHIVE_OK;
    if (!saved) cli_say(cli, "%s: %s", fault.file, fault.text);
    free(text);
    json_decref(json);
    return saved;
}

static const struct table_column columns[] = {{"PARTITION", true}, {"APPLIED", false}, {"ACCOUNTS", true},
                                              {"BILLS", true},     {"ORDERS", true},   {"ROWS", true},
                                              {"ANSWERS", true},   {"DIGEST", false},  {NULL, false}};

static void add_count(struct table *t, const struct digest_part *part) {
    table_addf(t, "%" PRIu64 "%s", part->count, part->trimmed ? " (trimmed)" : "");
}

static void add_partition(struct table *t, const struct digest_partition *p) {
    static const enum digest_part_name shown[] = {DIGEST_accounts, DIGEST_bills, DIGEST_orders, DIGEST_ledger, DIGEST_answers};
    char text[DIGEST_HEX_SIZE];
    table_addf(t, "%u", p->partition);
    entry_id_format(p->applied, text);
    table_add(t, text);
    for (size_t n = 0; n < sizeof shown / sizeof *shown; n++) {
        if (p->moved) table_add(t, "");
        else add_count(t, &p->part[shown[n]]);
    }
    digest_hex(p->digest, text);
    table_add(t, p->moved ? "moved while it was read" : text);
}

void digest_out(const struct cli *cli, const struct digest_record *r) {
    struct table table;
    char hex[DIGEST_HEX_SIZE];
    if (cli->json) {
        json_out(digest_record_json(r));
        return;
    }
    table_init(&table, columns);
    for (unsigned n = 0; n < r->count; n++) add_partition(&table, &r->partitions[n]);
    table_flush(&table);
    table_clear(&table);
    digest_hex(r->digest, hex);
    if (r->whole) printf("book %s: %s\n", r->book.name, hex);
}

static bool same_part(const struct digest_part *a, const struct digest_part *b) {
    return a->count == b->count && memcmp(a->digest, b->digest, DIGEST_SIZE) == 0;
}

bool digest_out_compare(const struct digest_partition *wanted, const struct digest_partition *got,
                        void (*differs)(void *context, unsigned partition, const char *text), void *context, unsigned *left_out) {
    char text[160];
    bool same = true;
    for (unsigned n = 0; n < DIGEST_PART_COUNT; n++) {
        const struct digest_part *a = &wanted->part[n], *b = &got->part[n];
        if (a->trimmed || b->trimmed) *left_out |= 1U << n;
        else if (!same_part(a, b)) {
            same = false;
            snprintf(text, sizeof text, "%s differ: %" PRIu64 " there should be, %" PRIu64 " there are%s", digest_part_word(n), a->count,
                     b->count, a->count == b->count ? ", with other contents" : "");
            differs(context, got->partition, text);
        }
    }
    return same;
}
