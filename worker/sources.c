/* Collects the names of sources. */
#include "worker/sources.h"

#include <stdio.h>
#include <string.h>

#include "worker/door.h"

static void add(struct sources *s, const char *name) {
    unsigned count = atomic_load_explicit(&s->count, memory_order_relaxed), n = 0;
    while (n < count && strcmp(s->name[n], name) != 0) n++;
    if (n < count || count == SOURCES_MAX) return;
    snprintf(s->name[count], sizeof s->name[count], "%s", name);
    atomic_store_explicit(&s->count, count + 1, memory_order_release);
}

void sources_note(struct sources *s, const struct entry *entries, uint32_t count) {
    const char *last = "";
    if (!s) return;
    for (uint32_t n = 0; n < count; n++) {
        const char *name = entries[n].gist.source;
        if (!entries[n].answerable || strcmp(name, last) == 0) continue;
        add(s, name);
        last = name;
    }
}
