/* Commands: arguments stay true while the arrays and the arena grow, and the second use allocates nothing. */
#include "producer/command.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

static void expect_argument(struct command *c, int index, const char *text, size_t size) {
    const char **argv;
    const size_t *sizes;
    int count = command_argv(c, &argv, &sizes);
    cr_assert(index < count, "argument %d of %d", index, count);
    cr_expect_eq(sizes[index], size, "argument %d has %zu bytes, not %zu", index, sizes[index], size);
    cr_expect(sizes[index] == size && memcmp(argv[index], text, size) == 0, "argument %d differs", index);
}

/* Even ones copied from a buffer that changes, odd ones borrowed. */
static void fill(struct command *c, int rounds) {
    command_begin(c, "MSET");
    for (int i = 0; i < rounds; i++) {
        char text[32];
        int size = snprintf(text, sizeof text, "copied argument %d", i);
        command_copy(c, text, (size_t)size);
        command_word(c, "borrowed");
        memset(text, 'x', sizeof text);
    }
}

Test(command, arguments_stay_true_while_it_grows) {
    struct command c;
    command_init(&c);
    enum { ROUNDS = 5000 };
    fill(&c, ROUNDS);
    cr_expect_eq(c.count, 1 + 2 * ROUNDS);
    expect_argument(&c, 0, "MSET", 4);
    for (int i = 0; i < ROUNDS; i++) {
        char text[32];
        int size = snprintf(text, sizeof text, "copied argument %d", i);
        expect_argument(&c, 1 + 2 * i, text, (size_t)size);
        expect_argument(&c, 2 + 2 * i, "borrowed", 8);
    }
    command_clear(&c);
}

Test(command, second_use_allocates_nothing) {
    struct command c;
    command_init(&c);
    fill(&c, 1000);
    const char **argv = c.argv;
    const size_t *sizes = c.sizes;
    const char *arena = c.arena;
    fill(&c, 1000);
    cr_expect(c.argv == argv && c.sizes == sizes && c.arena == arena);
    cr_expect_eq(c.count, 2001);
    command_clear(&c);
}

Test(command, copies_keep_nul_bytes_and_empty_texts) {
    struct command c;
    command_init(&c);
    command_begin(&c, "SET");
    command_copy(&c, "a\0b", 3);
    command_copy(&c, "", 0);
    command_copy(&c, NULL, 0);
    command_borrow(&c, NULL, 0);
    command_borrow(&c, "c\0d", 3);
    expect_argument(&c, 1, "a\0b", 3);
    for (int i = 2; i <= 4; i++) expect_argument(&c, i, "", 0);
    expect_argument(&c, 5, "c\0d", 3);
    command_clear(&c);
}

Test(command, one_copy_larger_than_any_growth_step) {
    static char large[100000];
    struct command c;
    memset(large, 'L', sizeof large);
    command_init(&c);
    command_begin(&c, "SET");
    command_copy(&c, "small", 5);
    command_copy(&c, large, sizeof large);
    expect_argument(&c, 1, "small", 5);
    expect_argument(&c, 2, large, sizeof large);
    command_clear(&c);
}

Test(command, numbers) {
    static const struct {
        uint64_t n;
        const char *text;
    } rows[] = {{0, "0"}, {7, "7"}, {10, "10"}, {9007199254740991, "9007199254740991"}, {UINT64_MAX, "18446744073709551615"}};
    struct command c;
    command_init(&c);
    command_begin(&c, "X");
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) command_uint(&c, rows[i].n);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) expect_argument(&c, (int)i + 1, rows[i].text, strlen(rows[i].text));
    command_clear(&c);
}

Test(command, clear_takes_null_and_twice) {
    struct command c;
    command_init(&c);
    command_clear(NULL);
    command_clear(&c);
    command_begin(&c, "PING");
    command_clear(&c);
    command_clear(&c);
    cr_expect_eq(c.count, 0);
}

Test(command, wire) {
    static char out[4096];
    char large[1000];
    struct command c;
    memset(large, 'x', sizeof large);
    command_init(&c);
    command_begin(&c, "SET");
    command_copy(&c, "a\0b", 3);
    command_word(&c, "");
    command_borrow(&c, large, sizeof large);
    command_uint(&c, UINT64_MAX);
    cr_assert_leq(command_wire_room(&c), sizeof out);
    size_t size = command_wire(&c, out);
    static const char head[] = "*5\r\n$3\r\nSET\r\n$3\r\na\0b\r\n$0\r\n\r\n$1000\r\nx", tail[] = "x\r\n$20\r\n18446744073709551615\r\n";
    cr_assert_leq(size, command_wire_room(&c));
    cr_assert_eq(size, sizeof head - 1 + sizeof large - 2 + sizeof tail - 1);
    cr_expect(memcmp(out, head, sizeof head - 1) == 0);
    cr_expect(memcmp(out + size - (sizeof tail - 1), tail, sizeof tail - 1) == 0);
    command_clear(&c);
}
