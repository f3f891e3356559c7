/* Numbers with units, there and back. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/units.h"

struct row {
    const char *text;
    enum units_err err;
    uint64_t number;
};

static const struct row count_rows[] = {
    {"0", UNITS_OK, 0},
    {"7", UNITS_OK, 7},
    {"4096", UNITS_OK, 4096},
    {"1_000_000", UNITS_OK, 1000000},
    {"18446744073709551615", UNITS_OK, UINT64_MAX},
    {"18446744073709551616", UNITS_TOO_LARGE, 0},
    {"184467440737095516150", UNITS_TOO_LARGE, 0},
    {"99999999999999999999x", UNITS_NO_NUMBER, 0},
    {"", UNITS_NO_NUMBER, 0},
    {" 1", UNITS_NO_NUMBER, 0},
    {"1 ", UNITS_NO_NUMBER, 0},
    {"+1", UNITS_NO_NUMBER, 0},
    {"-", UNITS_NO_NUMBER, 0},
    {"-1", UNITS_NEGATIVE, 0},
    {"_1", UNITS_NO_NUMBER, 0},
    {"1_", UNITS_NO_NUMBER, 0},
    {"1__0", UNITS_NO_NUMBER, 0},
    {"0x10", UNITS_NO_NUMBER, 0},
    {"010", UNITS_LEADING_0, 0},
    {"00", UNITS_LEADING_0, 0},
    {"0_1", UNITS_LEADING_0, 0},
    {"1.5", UNITS_FRACTION, 0},
    {"1.", UNITS_NO_NUMBER, 0},
    {"1e3", UNITS_NO_NUMBER, 0},
    {"5s", UNITS_NO_NUMBER, 0},
};

static const struct row duration_rows[] = {
    {"0", UNITS_OK, 0},
    {"0s", UNITS_OK, 0},
    {"250ms", UNITS_OK, 250},
    {"3s", UNITS_OK, 3000},
    {"5m", UNITS_OK, 300000},
    {"24h", UNITS_OK, 86400000},
    {"180d", UNITS_OK, UINT64_C(15552000000)},
    {"1_500 ms", UNITS_OK, 1500},
    {"18446744073709551615ms", UNITS_OK, UINT64_MAX},
    {"18446744073709551616ms", UNITS_TOO_LARGE, 0},
    {"213503982335d", UNITS_TOO_LARGE, 0},
    {"213503982334d", UNITS_OK, UINT64_C(213503982334) * 86400000},
    {"3", UNITS_NO_UNIT, 0},
    {"3S", UNITS_WRONG_UNIT, 0},
    {"3M", UNITS_WRONG_UNIT, 0},
    {"3sec", UNITS_WRONG_UNIT, 0},
    {"3  s", UNITS_NO_NUMBER, 0},
    {"3 ", UNITS_NO_NUMBER, 0},
    {"3s ", UNITS_NO_NUMBER, 0},
    {"1h30m", UNITS_NO_NUMBER, 0},
    {"1.5s", UNITS_FRACTION, 0},
    {"-3s", UNITS_NEGATIVE, 0},
    {"s", UNITS_NO_NUMBER, 0},
    {"", UNITS_NO_NUMBER, 0},
};

static const struct row size_rows[] = {
    {"0", UNITS_OK, 0},
    {"4096", UNITS_OK, 4096},
    {"1B", UNITS_OK, 1},
    {"1kB", UNITS_OK, 1000},
    {"1KB", UNITS_OK, 1000},
    {"1KiB", UNITS_OK, 1024},
    {"64MiB", UNITS_OK, 67108864},
    {"64 mib", UNITS_OK, 67108864},
    {"1MB", UNITS_OK, 1000000},
    {"1GB", UNITS_OK, 1000000000},
    {"2GiB", UNITS_OK, UINT64_C(2147483648)},
    {"1TB", UNITS_OK, UINT64_C(1000000000000)},
    {"1TiB", UNITS_OK, UINT64_C(1099511627776)},
    {"16777216TiB", UNITS_TOO_LARGE, 0},
    {"64M", UNITS_WRONG_UNIT, 0},
    {"64k", UNITS_WRONG_UNIT, 0},
    {"5s", UNITS_WRONG_UNIT, 0},
    {"64MiB/s", UNITS_NO_NUMBER, 0},
    {"0.5GB", UNITS_FRACTION, 0},
};

static void check_rows(const struct row *rows, size_t count, enum units_err (*parse)(const char *, uint64_t *)) {
    for (size_t i = 0; i < count; i++) {
        uint64_t number = 4711;
        enum units_err err = parse(rows[i].text, &number);
        cr_expect(err == rows[i].err, "\"%s\": outcome %d, not %d", rows[i].text, (int)err, (int)rows[i].err);
        uint64_t wanted = rows[i].err == UNITS_OK ? rows[i].number : 4711;
        cr_expect(number == wanted, "\"%s\": %llu, not %llu", rows[i].text, (unsigned long long)number, (unsigned long long)wanted);
    }
}

Test(config_units, counts) {
    check_rows(count_rows, sizeof count_rows / sizeof count_rows[0], units_parse_count);
}

Test(config_units, durations) {
    check_rows(duration_rows, sizeof duration_rows / sizeof duration_rows[0], units_parse_duration);
}

Test(config_units, sizes) {
    check_rows(size_rows, sizeof size_rows / sizeof size_rows[0], units_parse_size);
}

Test(config_units, shown) {
    static const struct {
        uint64_t number;
        const char *duration, *size;
    } rows[] = {
        {0, "0", "0"},
        {1, "1ms", "1"},
        {250, "250ms", "250"},
        {1000, "1s", "1kB"},
        {1024, "1024ms", "1KiB"},
        {90000, "90s", "90kB"},
        {60000, "1m", "60kB"},
        {86400000, "1d", "84375KiB"},
        {67108864, "67108864ms", "64MiB"},
        {1000000000, "1000000s", "1GB"},
        {UINT64_MAX, "18446744073709551615ms", "18446744073709551615"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char duration[UNITS_SHOW_MAX], size[UNITS_SHOW_MAX];
        units_show_duration(rows[i].number, duration);
        units_show_size(rows[i].number, size);
        cr_expect(strcmp(duration, rows[i].duration) == 0, "%s, not %s", duration, rows[i].duration);
        cr_expect(strcmp(size, rows[i].size) == 0, "%s, not %s", size, rows[i].size);
    }
}

Test(config_units, what_is_shown_parses_back) {
    unsigned seed = (unsigned)(getenv("TILL_SEED") ? strtoul(getenv("TILL_SEED"), NULL, 10) : 20240611);
    fprintf(stderr, "config_units: TILL_SEED=%u\n", seed);
    static const uint64_t factors[] = {1, 1000, 1024, 60000, 1000000, 1048576, 3600000, 86400000, 1000000000};
    for (int i = 0; i < 20000; i++) {
        uint64_t number = (uint64_t)rand_r(&seed) * factors[(size_t)rand_r(&seed) % (sizeof factors / sizeof factors[0])], back = 0;
        char shown[UNITS_SHOW_MAX];
        units_show_duration(number, shown);
        cr_assert(units_parse_duration(shown, &back) == UNITS_OK && back == number, "duration %s", shown);
        units_show_size(number, shown);
        cr_assert(units_parse_size(shown, &back) == UNITS_OK && back == number, "size %s", shown);
    }
}
