/* Bulk entries: the vectors of their bytes, and the limits of what is put together. */
#include <criterion/criterion.h>
#include <string.h>

#include "schema/bulk.h"
#include "tests/schema/from_json.h"

static const char *name_of(json_t *vector) { return json_string_value(json_object_get(vector, "name")); }

/* False when there is no such value. */
static bool bytes_of(json_t *vector, const char *name, struct message *m) {
    const char *hex = json_string_value(json_object_get(vector, name));
    if (hex != NULL)
        message_from_hex(m, hex);
    return hex != NULL;
}

static void check_parts(json_t *vector, const struct bulk_part *parts, struct bulk_writer *writer) {
    static struct message m;
    json_t *part;
    size_t n;
    bulk_begin(writer);
    json_array_foreach(json_object_get(vector, "parts"), n, part) {
        bytes_of(part, "hex", &m);
        cr_assert(parts[n].size == m.size && memcmp(parts[n].bytes, m.bytes, m.size) == 0, "%s: part %zu", name_of(vector), n);
        bool is_signed = bytes_of(part, "sig", &m);
        cr_assert(is_signed == (parts[n].sig != NULL), "%s: part %zu: signed?", name_of(vector), n);
        cr_assert(!is_signed || memcmp(parts[n].sig, m.bytes, SIGN_SIZE) == 0, "%s: part %zu: another signature", name_of(vector), n);
        cr_assert(bulk_add(writer, parts[n].bytes, parts[n].size, parts[n].sig), "%s: part %zu does not fit", name_of(vector), n);
    }
}

Test(bulk, vectors) {
    static struct message intents, sigs;
    static struct bulk_writer writer;
    json_t *list = vectors_load("bulk-v1.json"), *vector;
    size_t row;
    cr_assert(json_array_size(list) >= 5);
    json_array_foreach(list, row, vector) {
        struct bulk_part parts[BULK_INTENTS_MAX];
        unsigned count;
        size_t size;
        bytes_of(vector, "intents", &intents);
        bool is_signed = bytes_of(vector, "sigs", &sigs);
        const char *why = bulk_split(intents.bytes, intents.size, is_signed ? sigs.bytes : NULL, sigs.size, parts, &count);
        cr_assert(why == NULL, "%s: %s", name_of(vector), why);
        cr_assert(count == json_array_size(json_object_get(vector, "parts")), "%s: %u parts", name_of(vector), count);
        check_parts(vector, parts, &writer);
        const void *again = bulk_intents(&writer, &size);
        cr_assert(size == intents.size && memcmp(again, intents.bytes, size) == 0, "%s: other bytes", name_of(vector));
        again = bulk_sigs(&writer, &size);
        cr_assert(is_signed == (again != NULL), "%s: signatures?", name_of(vector));
        cr_assert(!is_signed || (size == sigs.size && memcmp(again, sigs.bytes, size) == 0), "%s: other signatures", name_of(vector));
    }
    json_decref(list);
}

Test(bulk, unreadable_vectors) {
    static struct message intents, sigs;
    json_t *list = vectors_load("bulk-faults-v1.json"), *vector;
    size_t row;
    cr_assert(json_array_size(list) >= 10);
    json_array_foreach(list, row, vector) {
        struct bulk_part parts[BULK_INTENTS_MAX];
        unsigned count;
        bytes_of(vector, "intents", &intents);
        bool is_signed = bytes_of(vector, "sigs", &sigs);
        cr_expect(bulk_split(intents.bytes, intents.size, is_signed ? sigs.bytes : NULL, sigs.size, parts, &count) != NULL, "%s",
                  name_of(vector));
    }
    json_decref(list);
}

/* Whatever is added, what comes out can be taken apart, and never more than fits. */
Test(bulk, is_never_too_large) {
    static struct bulk_writer writer;
    static uint8_t bytes[BULK_SIZE_MAX], sig[SIGN_SIZE];
    static const size_t sizes[] = {1, 100, 300, 700, 8000, 16380, 16381, 16382};
    for (size_t row = 0; row < 2 * sizeof sizes / sizeof *sizes; row++) {
        size_t each = sizes[row / 2], size, sigs_size = 0;
        struct bulk_part parts[BULK_INTENTS_MAX];
        unsigned count, added = 0;
        memset(bytes, 0x01, sizeof bytes);
        if (each > 2) /* one value: text of so many bytes */
            memcpy(bytes, (uint8_t[]){0xda, (uint8_t)((each - 3) >> 8), (uint8_t)(each - 3)}, 3);
        bulk_begin(&writer);
        while (bulk_add(&writer, bytes, each, row % 2 ? sig : NULL))
            added++;
        cr_assert(added <= BULK_INTENTS_MAX && (added > 0 || each > BULK_SIZE_MAX - 40), "%zu bytes each: %u", each, added);
        if (added < BULK_INTENTS_MIN)
            continue;
        const void *intents = bulk_intents(&writer, &size), *sigs = bulk_sigs(&writer, &sigs_size);
        cr_assert(size + sigs_size <= BULK_SIZE_MAX, "%zu bytes each", each);
        const char *why = bulk_split(intents, size, sigs, sigs_size, parts, &count);
        cr_assert(why == NULL && count == added, "%zu bytes each: %s", each, why ? why : "another number");
    }
}

Test(bulk, takes_what_one_script_ends) {
    static const char *const none[] = {"open", "freeze", "thaw", "close", "credential", "policy", "price", "stock", "order", "cancel",
                                       "settle", "transfer", "unschedule"};
    static struct intent i;
    for (enum op op = OP_NONE + 1; op < OP_COUNT; op++) {
        bool alone = op_is_follow_up(op);
        for (size_t n = 0; n < sizeof none / sizeof *none; n++)
            alone |= strcmp(op_word(op), none[n]) == 0;
        i = (struct intent){.op = op};
        cr_assert(bulk_takes(&i) == !alone, "%s", op_word(op));
    }
    i = (struct intent){.op = OP_pay};
    cr_assert(bulk_takes(&i));
    i.not_before_ms = 1;
    cr_assert(!bulk_takes(&i), "put off");
    i = (struct intent){.op = OP_pay, .order = "o"};
    cr_assert(!bulk_takes(&i), "of an order");
}
