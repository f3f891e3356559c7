/* The names of a book's keys, by one SCAN for all partitions. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "producer/cli/audit.h"
#include "producer/cli/pages.h"

enum { SCAN_COUNT = 1000 };

static void add_name(struct audit_names *names, char letter, const char *name) {
    size_t size = strlen(name) + 1;
    while (names->size + 1 + size > names->capacity) {
        names->capacity = names->capacity ? 2 * names->capacity : 4096;
        names->text = realloc(names->text, names->capacity);
        if (!names->text) abort();
    }
    names->text[names->size++] = letter;
    memcpy(names->text + names->size, name, size);
    names->size += size;
}

const char *audit_name_next(const struct audit_names *names, char letter, const char *at) {
    if (names->size == 0) return NULL;
    const char *end = names->text + names->size, *next = at ? at + strlen(at) + 1 : names->text;
    for (; next < end; next += strlen(next) + 1)
        if (*next == letter) return next + 1;
    return NULL;
}

/* "{B:p}:WORD:NAME" of a partition asked for. Orders and articles are looked at here, the others listed. */
static int take_key(struct audit *a, const char *key) {
    static const struct {
        const char *word;
        char letter;
    } kinds[] = {{"account:", 'a'}, {"bills:", 'b'}, {"responses:", 'r'}};
    const char *book = a->c->book.name;
    if (key[0] != '{' || strncmp(key + 1, book, strlen(book)) != 0 || key[1 + strlen(book)] != ':') return CLI_OK;
    char *end;
    unsigned long partition = strtoul(key + strlen(book) + 2, &end, 10);
    if (strncmp(end, "}:", 2) != 0 || partition < a->first || partition > a->last) return CLI_OK;
    if (strncmp(end + 2, "order:", 6) == 0) return audit_order_key(a, (unsigned)partition, false, end + 8);
    if (strncmp(end + 2, "sku:", 4) == 0) return audit_order_key(a, (unsigned)partition, true, end + 6);
    for (size_t n = 0; n < sizeof kinds / sizeof kinds[0]; n++) {
        size_t size = strlen(kinds[n].word);
        if (strncmp(end + 2, kinds[n].word, size) == 0) add_name(&a->names[partition], kinds[n].letter, end + 2 + size);
    }
    return CLI_OK;
}

static int by_text(const void *a, const void *b) { return strcmp(*(char *const *)a, *(char *const *)b); }

/* SCAN may give a key more than once. */
static void drop_repeated(struct audit_names *names) {
    size_t count = 0, n = 0;
    for (size_t at = 0; at < names->size; at += strlen(names->text + at) + 1) count++;
    char **list = malloc((count + 1) * sizeof *list), *text = names->text;
    if (!list) abort();
    for (size_t at = 0; at < names->size; at += strlen(text + at) + 1) list[n++] = text + at;
    qsort(list, count, sizeof *list, by_text);
    struct audit_names kept = {0};
    for (n = 0; n < count; n++)
        if (n == 0 || strcmp(list[n], list[n - 1]) != 0) add_name(&kept, list[n][0], list[n] + 1);
    free(list);
    free(text);
    *names = kept;
}

int audit_scan(struct audit *a) {
    char pattern[64];
    struct pages pages;
    struct reply keys;
    bool more = true;
    if (a->first == a->last) snprintf(pattern, sizeof pattern, "{%s:%u}:*", a->c->book.name, a->first);
    else snprintf(pattern, sizeof pattern, "{%s:*}:*", a->c->book.name);
    pages_keys(&pages, a->c, "listing the book's keys", pattern, SCAN_COUNT);
    int code = CLI_OK;
    while (!code && !(code = pages_next(&pages, &keys, &more)) && more)
        for (size_t n = 0; !code && n < reply_count(keys); n++) code = take_key(a, reply_text(reply_at(keys, n), NULL));
    pages_end(&pages);
    if (!code) code = audit_order_keys_end(a);
    for (unsigned p = a->first; !code && p <= a->last; p++) drop_repeated(&a->names[p]);
    return code;
}
