/* The contract in schema/README.md says the same as the tables the code is made from. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "schema/code.h"
#include "schema/intent.h"

static char *readme(void) {
    FILE *file = fopen(TILL_SOURCE_DIR "/schema/README.md", "r");
    char *text = calloc(1, 131072);
    cr_assert(file != NULL && text != NULL);
    size_t size = fread(text, 1, 131071, file);
    cr_assert(size > 1000 && size < 131071);
    fclose(file);
    return text;
}

/* The line that starts so; the test fails when there is none. */
static const char *line_of(const char *text, const char *start) {
    const char *line = text;
    while (line != NULL && strncmp(line, start, strlen(start)) != 0)
        line = (line = strchr(line, '\n')) != NULL ? line + 1 : NULL;
    cr_assert(line != NULL, "no line starts with: %s", start);
    return line;
}

Test(readme, has_every_code) {
    char *text = readme();
    static const char *const classes[] = {
        [CODE_CLASS_DECIDED] = "decided",
        [CODE_CLASS_MALFORMED] = "malformed",
        [CODE_CLASS_NOT_NOW] = "not now",
        [CODE_CLASS_CLIENT] = "client",
    };
    for (int code = -3; code <= 20; code++) {
        char row[256];
        snprintf(row, sizeof row, "| %d | %s | %s | %s |\n", code, code_word(code), classes[code_class(code)], code_sentence(code));
        line_of(text, row);
    }
    free(text);
}

/* "`a` `b`" of the fields in a set, in field order. */
static void fields_text(uint64_t fields, char *out, size_t capacity) {
    size_t size = 0;
    out[0] = '\0';
    for (enum field field = 0; field < FIELD_COUNT; field++)
        if (fields & FIELD_BIT(field))
            size += (size_t)snprintf(out + size, capacity - size, "%s`%s`", size > 0 ? " " : "", field_name(field));
}

static uint64_t fields_in(const char *cell, const char *end) {
    uint64_t fields = 0;
    for (const char *at = cell; (at = memchr(at, '`', (size_t)(end - at))) != NULL; at++) {
        const char *close = memchr(at + 1, '`', (size_t)(end - at - 1));
        cr_assert(close != NULL);
        fields |= FIELD_BIT(field_of_name(at + 1, (size_t)(close - at - 1)));
        at = close;
    }
    return fields;
}

Test(readme, has_every_operation_with_its_fields) {
    char *text = readme();
    static const enum op pairs[] = {OP_freeze, OP_thaw};
    for (enum op op = OP_NONE + 1; op < OP_COUNT; op++) {
        char start[64], needs[256], may[256];
        snprintf(start, sizeof start, "| `%s` |", op_word(op));
        if (op == pairs[0] || op == pairs[1])
            snprintf(start, sizeof start, "| `%s` `%s` |", op_word(pairs[0]), op_word(pairs[1]));
        const char *table = strstr(text, "### Operations"), *cell = line_of(table, start) + strlen(start);
        const char *bar = strchr(cell, '|'), *last = strchr(bar + 1, '|');
        uint64_t always = op_fields_needed(OP_NONE), needed = op_fields_needed(op) & ~always;
        uint64_t allowed = op_fields_allowed(op) & ~op_fields_needed(op) & ~FIELD_BIT(FIELD_note);
        fields_text(needed, needs, sizeof needs);
        fields_text(allowed, may, sizeof may);
        cr_assert(fields_in(cell, bar) == needed, "%s needs %s", op_word(op), needs);
        cr_assert(fields_in(bar + 1, last) == allowed, "%s may have %s", op_word(op), may);
    }
    free(text);
}

Test(readme, has_every_setting_with_its_range) {
    static const struct { const char *word, *min, *max; } settings[] = {
#define X(word, min, max) {#word, #min, #max},
#include "schema/setting.def"
#undef X
    };
    char *text = readme();
    for (size_t i = 0; i < SETTING_COUNT; i++) {
        bool largest = strcmp(settings[i].max, "9007199254740991") == 0;
        char start[128];
        snprintf(start, sizeof start, "| `%s` | %s .. %s |", settings[i].word, settings[i].min, largest ? "2^53 - 1" : settings[i].max);
        line_of(text, start);
    }
    free(text);
}

Test(readme, has_every_follow_up_in_its_table) {
    char *text = readme();
    const char *table = strstr(text, "## Follow-up intents");
    cr_assert_not_null(table);
    for (enum op op = OP_NONE + 1; op < OP_COUNT; op++) {
        char cell[64];
        snprintf(cell, sizeof cell, "| `%s`, key `...>", op_word(op));
        cr_assert((strstr(table, cell) != NULL) == op_is_follow_up(op), "%s", op_word(op));
    }
    free(text);
}

Test(readme, has_every_field_in_order) {
    char *text = readme();
    const char *at = strstr(text, "### The map");
    for (enum field field = 0; field < FIELD_COUNT; field++) {
        char start[64];
        snprintf(start, sizeof start, "| `%s` |", field_name(field));
        const char *line = line_of(at, start);
        cr_assert(line > at, "%s", field_name(field));
        at = line;
    }
    free(text);
}
