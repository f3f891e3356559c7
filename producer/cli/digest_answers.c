/* Writes answers, and finds the differences between two sets of them. */
#include "producer/cli/digest_answers.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "producer/cli/digest_read.h"
#include "producer/cli/json_out.h"
#include "schema/response.h"

enum { ID_COUNT = 4, TEXT_SIZE = 400 };

/* In a line, behind the partition: what tells an answer from the others comes first. */
static const enum response_field order[RESPONSE_TOLD_COUNT] = {
    RESPONSE_ENTRY,  RESPONSE_SOURCE,  RESPONSE_KEY,     RESPONSE_REPLAYED, RESPONSE_OP,   RESPONSE_CODE,   RESPONSE_REASON,
    RESPONSE_ACCOUNT, RESPONSE_AMOUNT, RESPONSE_CURRENCY, RESPONSE_BALANCE, RESPONSE_HELD, RESPONSE_BILL, RESPONSE_AT, RESPONSE_DETAIL,
};

void digest_answers_write(FILE *out, unsigned partition, const struct digest_element *e) {
    json_t *texts[RESPONSE_TOLD_COUNT] = {NULL}, *line = json_out_array();
    const char *text;
    size_t at = 0, size;
    if (!digest_element_next(e, &at, &text, &size)) return; /* the word */
    for (unsigned n = 0; n < RESPONSE_TOLD_COUNT; n++)
        texts[n] = digest_element_next(e, &at, &text, &size) ? json_out_string(text, size) : json_out_string("", 0);
    json_out_append(line, json_integer(partition));
    for (unsigned n = 0; n < RESPONSE_TOLD_COUNT; n++) json_out_append(line, texts[order[n]]);
    json_dumpf(line, out, JSON_COMPACT);
    fputc('\n', out);
    json_decref(line);
}

struct lines {
    char **list;
    size_t count, capacity;
};

static int by_text(const void *a, const void *b) { return strcmp(*(char *const *)a, *(char *const *)b); }

static bool read_lines(FILE *in, const bool *wanted, struct lines *lines) {
    char *line = NULL;
    size_t capacity = 0;
    while (getline(&line, &capacity, in) > 0) {
        unsigned long partition = strtoul(line + (*line == '['), NULL, 10);
        if (partition >= KEYS_PARTITIONS_MAX || !wanted[partition]) continue;
        if (lines->count == lines->capacity) {
            lines->capacity = lines->capacity ? 2 * lines->capacity : 1024;
            lines->list = realloc(lines->list, lines->capacity * sizeof *lines->list);
            if (!lines->list) abort();
        }
        line[strcspn(line, "\n")] = '\0';
        if (!(lines->list[lines->count++] = strdup(line))) abort();
    }
    free(line);
    if (lines->count) qsort(lines->list, lines->count, sizeof *lines->list, by_text);
    return !ferror(in);
}

static void free_lines(struct lines *lines) {
    for (size_t n = 0; n < lines->count; n++) free(lines->list[n]);
    free(lines->list);
}

static const char *text_at(const json_t *line, size_t n) {
    const char *text = json_string_value(json_array_get(line, n));
    return text ? text : "";
}

/* What two lines say about the same answer; false when they are about two. */
static bool describe(const json_t *was, const json_t *is, char out[TEXT_SIZE]) {
    if (!json_equal(json_array_get(was, 0), json_array_get(is, 0))) return false;
    for (unsigned n = 1; n <= ID_COUNT; n++)
        if (strcmp(text_at(was, n), text_at(is, n)) != 0) return false;
    int used = snprintf(out, TEXT_SIZE, "answer to %s, %s/%s:", text_at(was, 1), text_at(was, 2), text_at(was, 3));
    for (unsigned n = ID_COUNT + 1; n <= RESPONSE_TOLD_COUNT && used < TEXT_SIZE; n++)
        if (strcmp(text_at(was, n), text_at(is, n)) != 0)
            used += snprintf(out + used, (size_t)(TEXT_SIZE - used), " %s was '%s', is '%s'", response_field_name[order[n - 1]],
                             text_at(was, n), text_at(is, n));
    return true;
}

static void describe_one(const json_t *line, const char *what, char out[TEXT_SIZE]) {
    snprintf(out, TEXT_SIZE, "answer to %s, %s/%s, code %s: %s", text_at(line, 1), text_at(line, 2), text_at(line, 3), text_at(line, 6),
             what);
}

int64_t digest_answers_compare(const char *expected_file, FILE *got, const bool *wanted,
                               void (*differs)(void *context, unsigned partition, const char *text), void *context) {
    FILE *expected = fopen(expected_file, "r");
    struct lines a = {0}, b = {0};
    int64_t found = -1;
    rewind(got);
    if (!expected || !read_lines(expected, wanted, &a) || !read_lines(got, wanted, &b)) goto out;
    found = 0;
    for (size_t i = 0, j = 0; i < a.count || j < b.count;) {
        int side = i == a.count ? 1 : j == b.count ? -1 : strcmp(a.list[i], b.list[j]);
        char text[TEXT_SIZE];
        if (side == 0) {
            i++, j++;
            continue;
        }
        json_t *was = i < a.count ? json_loads(a.list[i], 0, NULL) : NULL, *is = j < b.count ? json_loads(b.list[j], 0, NULL) : NULL;
        bool both = was && is && describe(was, is, text);
        const json_t *one = side < 0 ? was : is;
        if (!both) describe_one(one, side < 0 ? "was given, but not any more" : "was not given before", text);
        differs(context, (unsigned)json_integer_value(json_array_get(one, 0)), text);
        found++;
        i += both || side < 0;
        j += both || side > 0;
        json_decref(was);
        json_decref(is);
    }
out:
    if (expected) fclose(expected);
    free_lines(&a);
    free_lines(&b);
    return found;
}
