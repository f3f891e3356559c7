/* Buckets of rows: each fills a block of its own, and full blocks go behind one another into one file. */
#include "producer/cli/reconcile_spool.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* A block is: how much of it is used, then rows, each at a multiple of 8. */
enum { HEAD = 8 };

size_t spool_row_size(const struct spool_row *row) {
    return offsetof(struct spool_row, text) + row->account_size + row->key_size;
}

static size_t padded(size_t size) { return (size + 7) & ~(size_t)7; }

void spool_init(struct spool *s) {
    memset(s, 0, sizeof *s);
    s->fd = -1;
}

void spool_clear(struct spool *s) {
    for (unsigned n = 0; n < SPOOL_BUCKETS; n++) {
        free(s->bucket[n].buffer);
        free(s->bucket[n].blocks);
    }
    free(s->block);
    if (s->fd >= 0) close(s->fd);
    spool_init(s);
}

static void *need(void *memory) {
    if (!memory) abort();
    return memory;
}

static const char *directory(void) {
    const char *named = getenv("TMPDIR");
    return named && *named ? named : "/tmp";
}

static bool failed(struct spool *s, const char *doing) {
    const char *why = strerror(errno);
    snprintf(s->error, sizeof s->error, "%s a temporary file in %.80s: %s; TMPDIR names another place", doing, directory(), why);
    return false;
}

static bool open_file(struct spool *s) {
    char name[4096];
    int size = snprintf(name, sizeof name, "%s/till-reconcile-XXXXXX", directory());
    if (size < 0 || (size_t)size >= sizeof name) {
        errno = ENAMETOOLONG;
        return failed(s, "making");
    }
    s->fd = mkostemp(name, O_CLOEXEC);
    if (s->fd < 0) return failed(s, "making");
    unlink(name);
    return true;
}

static bool write_block(struct spool *s, struct spool_bucket *b) {
    uint64_t used = b->used;
    if (s->fd < 0 && !open_file(s)) return false;
    memcpy(b->buffer, &used, sizeof used);
    for (size_t done = 0; done < SPOOL_BLOCK;) {
        ssize_t put = pwrite(s->fd, b->buffer + done, SPOOL_BLOCK - done, (off_t)s->block_count * SPOOL_BLOCK + (off_t)done);
        if (put < 0 && errno == EINTR) continue;
        if (put <= 0) return failed(s, "writing");
        done += (size_t)put;
    }
    if (b->block_count == b->block_capacity) {
        b->block_capacity = b->block_capacity ? 2 * b->block_capacity : 16;
        b->blocks = need(realloc(b->blocks, b->block_capacity * sizeof *b->blocks));
    }
    b->blocks[b->block_count++] = s->block_count++;
    b->used = HEAD;
    return true;
}

bool spool_put(struct spool *s, uint32_t hash, const struct spool_row *row) {
    struct spool_bucket *b = &s->bucket[hash >> 24];
    size_t size = spool_row_size(row);
    if (!b->buffer) {
        b->buffer = need(calloc(1, SPOOL_BLOCK));
        b->used = HEAD;
    }
    if (b->used + padded(size) > SPOOL_BLOCK && !write_block(s, b)) return false;
    memcpy(b->buffer + b->used, row, size);
    b->used += padded(size);
    s->rows++;
    return true;
}

static bool read_block(struct spool *s, uint32_t block) {
    if (!s->block) s->block = need(malloc(SPOOL_BLOCK));
    for (size_t done = 0; done < SPOOL_BLOCK;) {
        ssize_t got = pread(s->fd, s->block + done, SPOOL_BLOCK - done, (off_t)block * SPOOL_BLOCK + (off_t)done);
        if (got < 0 && errno == EINTR) continue;
        if (got == 0) errno = EIO;
        if (got <= 0) return failed(s, "reading");
        done += (size_t)got;
    }
    return true;
}

/* The blocks in the file first, the one in the buffer last. */
bool spool_next(struct spool *s, unsigned bucket, const struct spool_row **row) {
    struct spool_bucket *b = &s->bucket[bucket];
    *row = NULL;
    while (b->at == b->end) {
        if (b->next > b->block_count || !b->buffer) return true;
        bool written = b->next < b->block_count;
        if (written && !read_block(s, b->blocks[b->next])) return false;
        uint64_t used = b->used;
        if (written) memcpy(&used, s->block, sizeof used);
        b->at = HEAD;
        b->end = (size_t)used;
        b->next++;
    }
    const char *from = b->next <= b->block_count ? s->block : b->buffer;
    *row = (const struct spool_row *)(const void *)(from + b->at);
    b->at += padded(spool_row_size(*row));
    assert(b->at <= b->end);
    return true;
}
