/* Memory for many small things that end together: those of a page of entries, those of a batch. Grows in chunks, which never move. One
 * thread. All zeros is an empty one. */
#ifndef WORKER_ARENA_H
#define WORKER_ARENA_H

#include <stddef.h>

enum { ARENA_TAKE_MAX = 32 * 1024 };

struct arena {
    struct arena_chunk *last;
};

void arena_clear(struct arena *arena); /* frees */
void arena_reset(struct arena *arena); /* empties, keeps one chunk: what a burst took is given back */

/* `size` bytes, at most ARENA_TAKE_MAX, aligned for pointers and numbers. */
void *arena_take(struct arena *arena, size_t size);

/* A copy with NUL behind it. "" takes nothing. */
const char *arena_text(struct arena *arena, const char *text, size_t size);

#endif
