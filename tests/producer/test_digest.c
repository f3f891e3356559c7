/* Sets, lists and bags of a digest: what they tell apart, and what they do not. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "producer/digest.h"

static struct digest_element element;

static const struct digest_element *of(const char *a, const char *b) {
    digest_begin(&element, a);
    digest_text(&element, b, strlen(b));
    return &element;
}

static uint64_t set_of(const char *texts, uint8_t out[DIGEST_SIZE]) {
    struct digest_set s = {0};
    for (; *texts; texts++) digest_set_add(&s, of("x", (char[]){*texts, '\0'}));
    return digest_set_finish(&s, out);
}

static uint64_t list_of(const char *texts, uint8_t out[DIGEST_SIZE]) {
    struct digest_list l;
    digest_list_init(&l);
    for (; *texts; texts++) digest_list_add(&l, of("x", (char[]){*texts, '\0'}));
    digest_list_finish(&l, out);
    return l.count;
}

static uint64_t bag_of(const char *texts, uint8_t out[DIGEST_SIZE]) {
    struct digest_bag b = {0};
    for (; *texts; texts++) digest_bag_add(&b, of("x", (char[]){*texts, '\0'}));
    memcpy(out, b.sum, DIGEST_SIZE);
    return b.count;
}

Test(digest, sets_lists_and_bags) {
    static const struct {
        const char *name;
        uint64_t (*make)(const char *, uint8_t[DIGEST_SIZE]);
        bool order, repeats; /* do they matter? */
    } rows[] = {{"set", set_of, false, false}, {"list", list_of, true, true}, {"bag", bag_of, false, true}};
    uint8_t a[DIGEST_SIZE], b[DIGEST_SIZE];
    for (size_t n = 0; n < sizeof rows / sizeof *rows; n++) {
        cr_assert_eq(rows[n].make("abc", a), 3, "%s", rows[n].name);
        rows[n].make("cab", b);
        cr_assert_eq(memcmp(a, b, DIGEST_SIZE) != 0, rows[n].order, "%s: order", rows[n].name);
        cr_assert_eq(rows[n].make("abca", b), rows[n].repeats ? 4 : 3, "%s", rows[n].name);
        cr_assert_eq(memcmp(a, b, DIGEST_SIZE) != 0, rows[n].repeats, "%s: repeats", rows[n].name);
        rows[n].make("ab", b);
        cr_assert_neq(memcmp(a, b, DIGEST_SIZE), 0, "%s: one less", rows[n].name);
        rows[n].make("", a);
        rows[n].make("", b);
        cr_assert_eq(memcmp(a, b, DIGEST_SIZE), 0, "%s: nothing", rows[n].name);
    }
    digest_element_clear(&element);
}

Test(digest, a_bag_carries_over_all_its_bytes) {
    uint8_t one[DIGEST_SIZE];
    struct digest_bag b = {0};
    digest_bag_add(&b, of("x", "y"));
    memcpy(one, b.sum, DIGEST_SIZE);
    for (unsigned n = 1; n < 256; n++) digest_bag_add(&b, &element); /* 256 times a number is that number, a byte further up */
    cr_assert_eq(b.sum[0], 0);
    cr_assert_arr_eq(b.sum + 1, one, DIGEST_SIZE - 1);
    digest_element_clear(&element);
}

/* What stands in one text cannot be taken for what stands in two. */
Test(digest, texts_are_told_apart) {
    struct digest_set s = {0};
    uint8_t a[DIGEST_SIZE], b[DIGEST_SIZE];
    digest_set_add(&s, of("ab", "c"));
    digest_set_finish(&s, a);
    digest_set_add(&s, of("a", "bc"));
    digest_set_finish(&s, b);
    cr_assert_neq(memcmp(a, b, DIGEST_SIZE), 0);
    digest_element_clear(&element);
}

Test(digest, hex) {
    uint8_t digest[DIGEST_SIZE], again[DIGEST_SIZE];
    char text[DIGEST_HEX_SIZE], longer[DIGEST_HEX_SIZE + 1];
    for (unsigned n = 0; n < DIGEST_SIZE; n++) digest[n] = (uint8_t)(n * 9);
    digest_hex(digest, text);
    cr_assert(digest_parse_hex(text, again));
    cr_assert_arr_eq(digest, again, DIGEST_SIZE);
    snprintf(longer, sizeof longer, "%s0", text);
    cr_assert_not(digest_parse_hex(longer, again));
    text[DIGEST_HEX_SIZE - 2] = '\0';
    cr_assert_not(digest_parse_hex(text, again));
    cr_assert_not(digest_parse_hex("", again));
}
