/* Distances between words, how near is near enough, and what counts as UTF-8. */
#include <criterion/criterion.h>
#include <string.h>

#include "config/suggest.h"
#include "config/utf8.h"

Test(config_suggest, distances) {
    static const struct {
        const char *a, *b;
        unsigned distance;
    } rows[] = {
        {"", "", 0},          {"batch", "batch", 0}, {"batch", "bathc", 1},     {"batch", "bach", 1}, {"batch", "batchs", 1},
        {"batch", "bitch", 1}, {"", "abc", 3},        {"abc", "", 3},            {"Batch", "bATCH", 0}, {"lease-ttl", "lease_ttl", 0},
        {"kitten", "sitting", 3}, {"ab", "ba", 1},    {"ca", "abc", 3},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        unsigned distance = suggest_distance(rows[i].a, rows[i].b);
        cr_expect(distance == rows[i].distance, "%s to %s: %u, not %u", rows[i].a, rows[i].b, distance, rows[i].distance);
    }
}

Test(config_suggest, nearest_or_none) {
    static const struct {
        const char *word, *best;
    } rows[] = {
        {"bathc", "batch"}, {"BATCH", "batch"},   {"leasettl", "lease_ttl"}, {"on_dataloss", "on_data_loss"}, {"blok", "block"},
        {"max_attempt", "max_attempts"}, {"leas", "lease_ttl"}, {"zebra", NULL}, {"x", NULL}, {"", NULL}, {"nam", "name"},
    };
    static const char *const known[] = {"name", "batch", "lease_ttl", "block", "max_attempts", "on_data_loss"};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct suggest suggest;
        suggest_init(&suggest, rows[i].word);
        for (size_t k = 0; k < sizeof known / sizeof known[0]; k++) suggest_offer(&suggest, known[k]);
        const char *best = suggest_best(&suggest);
        bool right = rows[i].best ? best && strcmp(best, rows[i].best) == 0 : best == NULL;
        cr_expect(right, "%s: %s", rows[i].word, best ? best : "none");
    }
}

Test(config_suggest, words_too_long_are_far_from_everything) {
    char word[SUGGEST_WORD_MAX + 2];
    memset(word, 'a', sizeof word);
    word[sizeof word - 1] = '\0';
    cr_expect_eq(suggest_distance(word, "a"), SUGGEST_FAR);
    cr_expect_eq(suggest_distance("a", word), SUGGEST_FAR);
    cr_expect_eq(suggest_distance(word + 1, word + 1), 0);
}

Test(config_utf8, what_is_and_what_is_not) {
    static const struct {
        const char *text;
        bool is;
    } rows[] = {
        {"", true},             {"abc", true},          {"caf\xc3\xa9", true},      {"\xe2\x82\xac", true},     {"\xf0\x9f\x98\x80", true},
        {"\xf4\x8f\xbf\xbf", true}, {"\xed\x9f\xbf", true}, {"caf\xe9", false},       {"\x80", false},            {"\xc3", false},
        {"\xe2\x82", false},    {"\xc0\xaf", false},    {"\xe0\x80\x80", false},    {"\xf0\x80\x80\x80", false}, {"\xed\xa0\x80", false},
        {"\xf4\x90\x80\x80", false}, {"\xf5\x80\x80\x80", false}, {"\xff", false},  {"\xc3(", false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        cr_expect(utf8_check(rows[i].text, strlen(rows[i].text)) == rows[i].is, "row %zu: %s", i, rows[i].is ? "is UTF-8" : "is not");
}
