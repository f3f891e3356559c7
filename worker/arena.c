/* Chunks, the newest first. */
#include "worker/arena.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum { CHUNK_SIZE = 64 * 1024, ALIGN = sizeof(void *) };

struct arena_chunk {
    struct arena_chunk *before;
    size_t used;
    char bytes[CHUNK_SIZE - sizeof(void *) - sizeof(size_t)];
};

static void free_down_to(struct arena *arena, const struct arena_chunk *stop) {
    while (arena->last != stop) {
        struct arena_chunk *chunk = arena->last;
        arena->last = chunk->before;
        free(chunk);
    }
}

void arena_clear(struct arena *arena) { free_down_to(arena, NULL); }

void arena_reset(struct arena *arena) {
    struct arena_chunk *first = arena->last;
    while (first && first->before) first = first->before;
    free_down_to(arena, first);
    if (first) first->used = 0;
}

static struct arena_chunk *add_chunk(struct arena *arena) {
    struct arena_chunk *chunk = malloc(sizeof *chunk);
    assert(chunk && "out of memory");
    chunk->before = arena->last;
    chunk->used = 0;
    arena->last = chunk;
    return chunk;
}

void *arena_take(struct arena *arena, size_t size) {
    struct arena_chunk *chunk = arena->last;
    size = (size + ALIGN - 1) / ALIGN * ALIGN;
    assert(size <= ARENA_TAKE_MAX);
    if (!chunk || size > sizeof chunk->bytes - chunk->used) chunk = add_chunk(arena);
    void *taken = chunk->bytes + chunk->used;
    chunk->used += size;
    return taken;
}

const char *arena_text(struct arena *arena, const char *text, size_t size) {
    if (size == 0) return "";
    char *copy = arena_take(arena, size + 1);
    memcpy(copy, text, size);
    copy[size] = '\0';
    return copy;
}
