/* Names of keys, by partition, in chained blocks of a temporary file. */
#include "producer/cli/digest_names.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "producer/cli/pages.h"

enum { SCAN_COUNT = 1000, ROOM = DIGEST_NAMES_BLOCK - (int)sizeof(size_t) };

/* A block: the number of the one before, counted from 1, then names with a NUL behind each, then zeros. */
struct block {
    size_t before;
    char text[ROOM];
};

struct names_place {
    size_t last;         /* the last block written; 0: none */
    size_t used;         /* of the one being filled */
    struct block *block; /* that one; NULL: none yet */
};

static bool open_file(struct digest_names *names) {
    FILE *file = tmpfile();
    if (!file) return false;
    names->fd = dup(fileno(file));
    fclose(file);
    return names->fd >= 0;
}

static bool write_block(struct digest_names *names, struct names_place *place) {
    const char *bytes = (const char *)place->block;
    place->block->before = place->last;
    for (size_t done = 0; done < sizeof *place->block;) {
        ssize_t wrote = pwrite(names->fd, bytes + done, sizeof *place->block - done, (off_t)(names->blocks * sizeof *place->block + done));
        if (wrote < 0 && errno != EINTR) return false;
        if (wrote > 0) done += (size_t)wrote;
    }
    place->last = ++names->blocks;
    place->used = 0;
    memset(place->block, 0, sizeof *place->block);
    return true;
}

static bool add(struct digest_names *names, unsigned partition, const char *name) {
    struct names_place *place = &names->places[partition];
    size_t size = strlen(name) + 1;
    if (size > ROOM) return true; /* no key of ours */
    if (!place->block && !(place->block = calloc(1, sizeof *place->block))) abort();
    if (place->used + size > ROOM && !write_block(names, place)) return false;
    memcpy(place->block->text + place->used, name, size);
    place->used += size;
    return true;
}

/* "{B:p}:NAME" of a partition asked for. */
static bool take_key(struct digest_names *names, const struct connection *c, const bool *wanted, const char *key) {
    size_t size = strlen(c->book.name);
    char *end;
    if (key[0] != '{' || strncmp(key + 1, c->book.name, size) != 0 || key[1 + size] != ':') return true;
    unsigned long partition = strtoul(key + size + 2, &end, 10);
    if (strncmp(end, "}:", 2) != 0 || partition >= names->partitions || !wanted[partition]) return true;
    return add(names, (unsigned)partition, end + 2);
}

int digest_names_scan(struct digest_names *names, struct connection *c, const bool *wanted) {
    char pattern[64];
    struct pages pages;
    struct reply keys;
    bool more = true, kept = true;
    int code = CLI_OK;
    *names = (struct digest_names){.partitions = c->book.partitions, .fd = -1};
    names->places = calloc(names->partitions, sizeof *names->places);
    if (!names->places) abort();
    kept = open_file(names);
    snprintf(pattern, sizeof pattern, "{%s:*}:*", c->book.name);
    pages_keys(&pages, c, "listing the book's keys", pattern, SCAN_COUNT);
    while (kept && !(code = pages_next(&pages, &keys, &more)) && more)
        for (size_t n = 0; kept && n < reply_count(keys); n++) kept = take_key(names, c, wanted, reply_text(reply_at(keys, n), NULL));
    if (!kept) code = cli_usage(c->cli, "cannot write a temporary file: %s", strerror(errno));
    pages_end(&pages);
    return code;
}

/* All blocks of a partition into one piece of memory. */
static bool read_blocks(const struct digest_names *names, const struct names_place *place, struct digest_list_of_names *list,
                        size_t *size) {
    size_t capacity = place->used + 1;
    struct block block;
    list->text = malloc(capacity);
    if (!list->text) abort();
    if (place->used) memcpy(list->text, place->block->text, place->used);
    *size = place->used;
    for (size_t number = place->last; number; number = block.before) {
        if (pread(names->fd, &block, sizeof block, (off_t)((number - 1) * sizeof block)) != (ssize_t)sizeof block) return false;
        if (capacity < *size + ROOM) {
            capacity = 2 * capacity + ROOM;
            list->text = realloc(list->text, capacity);
            if (!list->text) abort();
        }
        memcpy(list->text + *size, block.text, ROOM);
        *size += ROOM;
    }
    return true;
}

static int by_text(const void *a, const void *b) { return strcmp(*(const char *const *)a, *(const char *const *)b); }

bool digest_names_of(const struct digest_names *names, unsigned partition, struct digest_list_of_names *list) {
    size_t size, count = 0, kept = 0;
    *list = (struct digest_list_of_names){0};
    if (!read_blocks(names, &names->places[partition], list, &size)) return false;
    for (size_t at = 0; at < size; at++) count += list->text[at] && (at == 0 || !list->text[at - 1]);
    list->names = malloc((count + 1) * sizeof *list->names);
    if (!list->names) abort();
    count = 0;
    for (size_t at = 0; at < size; at++)
        if (list->text[at] && (at == 0 || !list->text[at - 1])) list->names[count++] = list->text + at;
    qsort(list->names, count, sizeof *list->names, by_text);
    for (size_t n = 0; n < count; n++) /* SCAN may give a key more than once */
        if (n == 0 || strcmp(list->names[n], list->names[kept - 1]) != 0) list->names[kept++] = list->names[n];
    list->count = kept;
    return true;
}

void digest_names_free(struct digest_list_of_names *list) {
    free(list->text);
    free(list->names);
    *list = (struct digest_list_of_names){0};
}

void digest_names_clear(struct digest_names *names) {
    for (unsigned p = 0; names->places && p < names->partitions; p++) free(names->places[p].block);
    free(names->places);
    if (names->fd >= 0) close(names->fd);
    *names = (struct digest_names){.fd = -1};
}
