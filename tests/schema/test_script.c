/* The scripts as embedded, and the names of response fields. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "schema/batch.h"
#include "schema/response.h"
#include "schema/script.h"

Test(script, all_are_there_and_start_as_redis_wants) {
    static const char *const names[] = {"apply", "answer",    "enqueue", "overdue", "claim",   "suspect",
                                        "sweep", "lease", "heartbeat", "book",    "requeue", "discard", "trim", "aside", "recall",
                                        "rebuild", "feed", "close", "own", "move"};
    size_t count = 0;
    for (; script_all[count] != NULL; count++) {
        const struct script *s = script_all[count];
        cr_assert(count < 20);
        cr_assert_str_eq(s->name, names[count]);
        cr_assert(s->size == strlen(s->body) && s->size > 10, "%s", s->name);
        cr_assert(strncmp(s->body, "#!lua", 5) == 0, "%s", s->name);
        cr_assert(strspn(s->sha1, "0123456789abcdef") == 40 && s->sha1[40] == '\0', "%s", s->name);
        for (size_t other = 0; other < count; other++)
            cr_assert_str_neq(s->sha1, script_all[other]->sha1);
    }
    cr_assert(count == 20);
}

Test(script, no_line_is_empty_or_a_comment) {
    for (size_t i = 0; script_all[i] != NULL; i++)
        for (const char *line = script_all[i]->body; line != NULL && *line != '\0';
             line = strchr(line, '\n'), line = line ? line + 1 : NULL) {
            size_t blank = strspn(line, " \t");
            cr_assert(line[blank] != '\n' && strncmp(line + blank, "--", 2) != 0, "%s: %.40s", script_all[i]->name, line);
        }
}

static const char *expect_text(const char *at, const char *text) {
    cr_assert(strncmp(at, text, strlen(text)) == 0, "%.40s, not %s", at, text);
    return at + strlen(text);
}

/* "local ENTRY = spread(batch[7])" as part of a list, or " KIND = spread(batch[31]),". */
Test(script, a_batch_has_the_same_columns_in_lua_and_c) {
    enum where { LOCAL, REST, MORE };
    static const struct { const char *name; enum where where; } columns[] = {
#define X(name, kind, where) {#name, where},
#include "schema/batch.def"
#undef X
    };
    static const char *const heads[] = {"\nlocal ENTRY, ", "\nlocal DETAIL, ", "\nlocal MORE = {"};
    const char *at = NULL, *value = NULL;
    char text[64];
    for (int i = 0; i < BATCH_COLUMN_COUNT; i++) {
        enum where where = columns[i].where;
        cr_assert(i == 0 || where >= columns[i - 1].where, "%s stands behind its kind", columns[i].name);
        if (i == 0 || where != columns[i - 1].where) {
            at = strstr(script_apply.body, heads[where]);
            cr_assert_not_null(at, "%s", heads[where]);
            at += where == MORE ? strlen(heads[where]) : strlen("\nlocal ");
            value = where == MORE ? NULL : strstr(at, " = ") + strlen(" = ");
        }
        bool last = i + 1 == BATCH_COLUMN_COUNT || columns[i + 1].where != where;
        if (where == MORE) {
            snprintf(text, sizeof text, " %s = spread(batch[%d]),", columns[i].name, i + 7); /* from 1, behind the six of the head */
            at = expect_text(at, text);
        } else {
            at = expect_text(expect_text(at, columns[i].name), last ? " = " : ", ");
            snprintf(text, sizeof text, "spread(batch[%d])%s", i + 7, last ? "\n" : ", ");
            value = expect_text(value, text);
        }
    }
    expect_text(at, " }");
}

Test(script, codes_are_numbers_in_lua) {
    cr_assert_not_null(strstr(script_apply.body, "local REASON = { [0] = \"ok\", \"not_found\","));
    for (size_t i = 0; script_all[i] != NULL; i++)
        cr_assert_null(strstr(script_all[i]->body, "CODE."), "%s", script_all[i]->name);
}

Test(script, response_fields_are_as_published) {
    static const char *const published[] = {"key",     "source", "op",   "code", "reason", "account",  "amount", "currency",
                                            "balance", "held",   "bill", "at",   "entry",  "replayed", "detail",   "durable"};
    cr_assert(RESPONSE_FIELD_COUNT == sizeof published / sizeof published[0]);
    for (int i = 0; i < RESPONSE_FIELD_COUNT; i++)
        cr_assert_str_eq(response_field_name[i], published[i]);
}
