/* The answers of a response entry: vectors of plain and bulk ones, and entries that nobody wrote. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "schema/answers.h"
#include "tests/schema/from_json.h"

static const char *name_of(json_t *vector) { return json_string_value(json_object_get(vector, "name")); }

static void give_text(struct answers *a, const char *name, const char *value, size_t size) {
    answers_field(a, name, strlen(name), value, size);
}

/* Of an array of names and values, as the entry has them. */
static void give_entry(struct answers *a, json_t *entry) {
    answers_begin(a);
    for (size_t n = 0; n + 1 < json_array_size(entry); n += 2) {
        json_t *value = json_array_get(entry, n + 1);
        give_text(a, json_string_value(json_array_get(entry, n)), json_string_value(value), json_string_length(value));
    }
}

static void check_text(const char *vector, unsigned answer, const char *field, struct answers_text is, json_t *wanted) {
    const char *text = json_is_string(wanted) ? json_string_value(wanted) : "";
    cr_expect(is.size == strlen(text) && memcmp(is.text, text, is.size) == 0, "%s: answer %u: %s is '%.*s', not '%s'", vector, answer,
              field, (int)is.size, is.text, text);
}

static void check_answer(const char *vector, const struct answers *a, json_t *wanted) {
    for (unsigned n = 0; n < RESPONSE_FIELD_COUNT; n++)
        check_text(vector, a->count, response_field_name[n], a->value[n], json_object_get(wanted, response_field_name[n]));
    check_text(vector, a->count, "traceparent", a->trace, json_object_get(wanted, "traceparent"));
}

Test(answers, vectors) {
    json_t *list = vectors_load("bulk-answers-v1.json"), *vector;
    size_t row;
    cr_assert(json_array_size(list) >= 10);
    json_array_foreach(list, row, vector) {
        struct answers a;
        json_t *wanted = json_object_get(vector, "answers");
        give_entry(&a, json_object_get(vector, "entry"));
        while (answers_next(&a))
            check_answer(name_of(vector), &a, json_array_get(wanted, a.count - 1));
        cr_expect_eq(a.count, json_array_size(wanted), "%s: %u answers", name_of(vector), a.count);
        cr_expect_eq(a.fault != NULL, json_is_true(json_object_get(vector, "malformed")), "%s: %s", name_of(vector), a.fault);
        cr_expect_eq(a.again, json_is_true(json_object_get(vector, "again")), "%s: again?", name_of(vector));
        cr_expect_not(answers_next(&a), "%s: after the end", name_of(vector));
    }
    json_decref(list);
}

/* Its own memory, so that a byte read behind it is seen. */
static unsigned count_in(const char *text, size_t size, struct answers *a) {
    char *own = malloc(size + (size == 0));
    cr_assert(own != NULL);
    memcpy(own, text, size);
    answers_begin(a);
    give_text(a, "source", "shop", 4);
    give_text(a, "at", "1", 1);
    give_text(a, "entry", "1-1", 3);
    give_text(a, "answers", own, size);
    while (answers_next(a))
        for (unsigned n = 0; n < RESPONSE_FIELD_COUNT; n++)
            cr_assert(a->value[n].size == 0 || memchr(a->value[n].text, '\n', a->value[n].size) == NULL);
    free(own);
    return a->count;
}

#define LINE "k\tpay\t0\tok\ta\t1\tCNY\t2\t0\t1-1\t0"

Test(answers, no_more_than_sixty_four) {
    static char text[70 * sizeof LINE];
    struct answers a;
    size_t size = 0;
    for (unsigned n = 1; n <= 70; n++) {
        if (n > 1) text[size++] = '\n';
        memcpy(text + size, LINE, sizeof LINE - 1);
        size += sizeof LINE - 1;
        cr_expect_eq(count_in(text, size, &a), n < 64 ? n : 64, "%u lines", n);
        cr_expect_eq(a.fault != NULL, n > 64, "%u lines", n);
    }
}

/* Every beginning of a good text, and every text of two or three of the bytes that mean something. */
Test(answers, whatever_comes_is_an_answer_or_a_fault) {
    static const char good[] = LINE "\tdetail\t2\t3-3\ttrace\tmore\n" LINE, bytes[] = "\t\n0";
    struct answers a;
    char text[16];
    for (size_t size = 0; size < sizeof good; size++) {
        unsigned count = count_in(good, size, &a);
        cr_expect(count <= 2 && (a.fault != NULL) == (size < sizeof LINE - 1 || (count < 2 && memchr(good, '\n', size))), "%zu",
                  size);
    }
    for (unsigned n = 0; n < 531441; n++) {
        unsigned left = n;
        for (size_t i = 0; i < 12; i++, left /= 3) text[i] = bytes[left % 3];
        cr_assert(count_in(text, 12, &a) > 0 || a.fault != NULL);
    }
}

Test(answers, fields_in_any_order) {
    struct answers a;
    answers_begin(&a);
    give_text(&a, "", "", 0);
    give_text(&a, "later", "x", 1);
    for (unsigned n = RESPONSE_TOLD_COUNT; n-- > 0;) give_text(&a, response_field_name[n], response_field_name[n], 2);
    give_text(&a, "key", "second", 6);
    cr_assert(answers_next(&a));
    for (unsigned n = 0; n < RESPONSE_TOLD_COUNT; n++)
        cr_expect(a.value[n].text == response_field_name[n] && a.value[n].size == 2, "%u", n);
    cr_assert(!answers_next(&a) && a.fault == NULL);
}
