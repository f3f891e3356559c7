/* Stream entry IDs: what is one, what is not, their order. */
#include <criterion/criterion.h>
#include <string.h>

#include "schema/entry.h"

static const struct {
    const char *text;
    bool good;
    uint64_t ms, seq;
} rows[] = {
    {"0-0", true, 0, 0},
    {"1-0", true, 1, 0},
    {"1700000000000-12", true, 1700000000000, 12},
    {"5", true, 5, 0},
    {"18446744073709551615-18446744073709551615", true, UINT64_MAX, UINT64_MAX},
    {"18446744073709551616-0", false, 0, 0},
    {"0-18446744073709551616", false, 0, 0},
    {"99999999999999999999-0", false, 0, 0},
    {"", false, 0, 0},
    {"-", false, 0, 0},
    {"1-", false, 0, 0},
    {"-1", false, 0, 0},
    {"+1-0", false, 0, 0},
    {" 1-0", false, 0, 0},
    {"1-0 ", false, 0, 0},
    {"01-0", false, 0, 0},
    {"1-00", false, 0, 0},
    {"1-0-0", false, 0, 0},
    {"1-*", false, 0, 0},
    {"0x1-0", false, 0, 0},
    {"$", false, 0, 0},
    {"1.0-0", false, 0, 0},
};

Test(entry, is_read_and_written_back) {
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct entry_id id = {77, 77};
        char text[ENTRY_TEXT_MAX + 1];
        cr_assert(entry_id_parse(rows[i].text, strlen(rows[i].text), &id) == rows[i].good, "%s", rows[i].text);
        cr_assert(id.ms == (rows[i].good ? rows[i].ms : 77) && id.seq == (rows[i].good ? rows[i].seq : 77), "%s", rows[i].text);
        if (rows[i].good && strchr(rows[i].text, '-') != NULL) {
            cr_assert(entry_id_format(id, text) == strlen(rows[i].text), "%s", rows[i].text);
            cr_assert_str_eq(text, rows[i].text);
        }
    }
}

Test(entry, is_only_what_its_size_says) {
    struct entry_id id;
    cr_assert(entry_id_parse("12-34", 4, &id) && id.ms == 12 && id.seq == 3);
    cr_assert_not(entry_id_parse("1\0-2", 4, &id));
}

Test(entry, ids_are_ordered_and_each_has_a_next) {
    static const struct entry_id rising[] = {{0, 0}, {0, 1}, {0, UINT64_MAX}, {1, 0}, {1, 1}, {UINT64_MAX, 0}, {UINT64_MAX, UINT64_MAX}};
    for (int a = 0; a < 7; a++)
        for (int b = 0; b < 7; b++) {
            int order = entry_id_compare(rising[a], rising[b]);
            cr_assert((order > 0) - (order < 0) == (a > b) - (a < b), "%d %d", a, b);
        }
    cr_assert(entry_id_compare(entry_id_after(rising[0]), rising[1]) == 0);
    cr_assert(entry_id_compare(entry_id_after(rising[2]), rising[3]) == 0);
    cr_assert(entry_id_compare(entry_id_after(rising[6]), rising[6]) == 0);
}
