/* The scripts as embedded, and the names of response fields. */
#include <criterion/criterion.h>
#include <string.h>

#include "schema/batch.h"
#include "schema/response.h"
#include "schema/script.h"

Test(script, all_are_there_and_start_as_redis_wants) {
    static const char *const names[] = {"apply", "answer", "claim", "suspect", "sweep", "lease", "heartbeat", "book", "requeue", "discard"};
    size_t count = 0;
    for (; script_all[count] != NULL; count++) {
        const struct script *s = script_all[count];
        cr_assert(count < 10);
        cr_assert_str_eq(s->name, names[count]);
        cr_assert(s->size == strlen(s->body) && s->size > 10, "%s", s->name);
        cr_assert(strncmp(s->body, "#!lua", 5) == 0, "%s", s->name);
        cr_assert(strspn(s->sha1, "0123456789abcdef") == 40 && s->sha1[40] == '\0', "%s", s->name);
        for (size_t other = 0; other < count; other++)
            cr_assert_str_neq(s->sha1, script_all[other]->sha1);
    }
    cr_assert(count == 10);
}

Test(script, no_line_is_empty_or_a_comment) {
    for (size_t i = 0; script_all[i] != NULL; i++)
        for (const char *line = script_all[i]->body; line != NULL && *line != '\0';
             line = strchr(line, '\n'), line = line ? line + 1 : NULL) {
            size_t blank = strspn(line, " \t");
            cr_assert(line[blank] != '\n' && strncmp(line + blank, "--", 2) != 0, "%s: %.40s", script_all[i]->name, line);
        }
}

Test(script, a_batch_has_the_same_columns_in_lua_and_c) {
    static const char *const columns[] = {
#define X(name, kind) #name,
#include "schema/batch.def"
#undef X
    };
    const char *at = strstr(script_apply.body, "\nlocal ENTRY, ");
    cr_assert_not_null(at);
    at += strlen("\nlocal ");
    for (int i = 0; i < BATCH_COLUMN_COUNT; i++) {
        cr_assert(strncmp(at, columns[i], strlen(columns[i])) == 0, "%s: %.30s", columns[i], at);
        at += strlen(columns[i]);
        cr_assert(strncmp(at, i + 1 < BATCH_COLUMN_COUNT ? ", " : " = unpack(", 2) == 0, "%s: %.30s", columns[i], at);
        at += 2;
    }
}

Test(script, codes_are_numbers_in_lua) {
    cr_assert_not_null(strstr(script_apply.body, "local REASON = { [0] = \"ok\", [1] = \"not_found\","));
    for (size_t i = 0; script_all[i] != NULL; i++)
        cr_assert_null(strstr(script_all[i]->body, "CODE."), "%s", script_all[i]->name);
}

Test(script, response_fields_are_as_published) {
    static const char *const published[] = {"key",     "source", "op",   "code", "reason", "account",  "amount", "currency",
                                            "balance", "held",   "bill", "at",   "entry",  "replayed", "detail"};
    cr_assert(RESPONSE_FIELD_COUNT == sizeof published / sizeof published[0]);
    for (int i = 0; i < RESPONSE_FIELD_COUNT; i++)
        cr_assert_str_eq(response_field_name[i], published[i]);
}
