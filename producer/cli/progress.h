/* A progress bar on stderr, only when that is a terminal; at most ten times a second. */
#ifndef CLI_PROGRESS_H
#define CLI_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>

struct progress {
    const char *what; /* "rows" */
    uint64_t total;   /* 0: unknown, then only counted */
    uint64_t done;
    int64_t started_ms, shown_ms;
    bool on;
};

void progress_start(struct progress *p, const char *what, uint64_t total);
void progress_add(struct progress *p, uint64_t count);
/* Wipes the line. */
void progress_end(struct progress *p);
/* A monotonic clock. */
int64_t progress_now_ms(void);

#endif
