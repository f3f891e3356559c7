/* How elements of a digest are made from what Redis replies. */
#include "producer/cli/digest_reader.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "producer/cli/digest_answers.h"

void digest_reader_answer(struct digest_reader *r) {
    digest_bag_add(&r->answers, &r->element);
    if (r->said) digest_answers_write(r->said, r->partition, &r->element);
}

void digest_reader_key(struct digest_reader *r, unsigned partition, const char *name) {
    char key[256];
    int size = snprintf(key, sizeof key, "{%s:%u}:%s", r->c->book.name, partition, name);
    command_copy(&r->c->command, key, (size_t)size < sizeof key ? (size_t)size : sizeof key - 1);
}

void digest_reader_text(struct digest_reader *r, struct reply text) {
    size_t size;
    const char *bytes = reply_text(text, &size);
    digest_text(&r->element, bytes, size);
}

struct pair {
    const char *name;
    size_t size;
    struct reply value;
};

static int by_name(const void *a, const void *b) {
    const struct pair *x = a, *y = b;
    int order = memcmp(x->name, y->name, x->size < y->size ? x->size : y->size);
    return order ? order : (x->size > y->size) - (x->size < y->size);
}

void digest_reader_hash(struct digest_reader *r, const char *word, const char *name, struct reply fields,
                        bool (*wanted)(const char *field)) {
    size_t count = reply_count(fields) / 2, kept = 0;
    struct pair *list = malloc((count + 1) * sizeof *list);
    if (!list) abort();
    for (size_t n = 0; n < count; n++) {
        struct pair *f = &list[kept];
        f->name = reply_text(reply_at(fields, 2 * n), &f->size);
        f->value = reply_at(fields, 2 * n + 1);
        kept += !wanted || wanted(f->name);
    }
    qsort(list, kept, sizeof *list, by_name);
    digest_begin(&r->element, word);
    digest_text(&r->element, name, strlen(name));
    for (size_t n = 0; n < kept; n++) {
        digest_text(&r->element, list[n].name, list[n].size);
        digest_reader_text(r, list[n].value);
    }
    free(list);
}

const char *digest_reader_name_behind(const char *name, const char *prefix) {
    size_t size = strlen(prefix);
    return strncmp(name, prefix, size) == 0 ? name + size : NULL;
}
