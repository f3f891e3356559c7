/* The progress bar. */
#include "producer/cli/progress.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { SHOW_EVERY_MS = 100, BAR_WIDTH = 30 };

int64_t progress_now_ms(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

void progress_start(struct progress *p, const char *what, uint64_t total) {
    const char *term = getenv("TERM");
    *p = (struct progress){.what = what, .total = total, .started_ms = progress_now_ms()};
    p->on = isatty(STDERR_FILENO) && term && strcmp(term, "dumb") != 0;
}

static void show(const struct progress *p, int64_t now_ms) {
    int64_t spent_ms = now_ms - p->started_ms;
    unsigned long long rate = spent_ms > 0 ? p->done * 1000 / (uint64_t)spent_ms : 0;
    char bar[BAR_WIDTH + 1] = "";
    if (p->total) {
        uint64_t filled = p->done >= p->total ? BAR_WIDTH : p->done * BAR_WIDTH / p->total;
        memset(bar, '-', BAR_WIDTH);
        memset(bar, '#', filled);
        bar[BAR_WIDTH] = '\0';
        fprintf(stderr, "\r\x1b[K[%s] %3llu%%  %llu of %llu %s, %llu/s", bar,
                (unsigned long long)(p->done >= p->total ? 100 : p->done * 100 / p->total), (unsigned long long)p->done,
                (unsigned long long)p->total, p->what, rate);
    } else {
        fprintf(stderr, "\r\x1b[K%llu %s, %llu/s", (unsigned long long)p->done, p->what, rate);
    }
    fflush(stderr);
}

void progress_add(struct progress *p, uint64_t count) {
    p->done += count;
    if (!p->on) return;
    int64_t now_ms = progress_now_ms();
    if (now_ms - p->shown_ms < SHOW_EVERY_MS) return;
    p->shown_ms = now_ms;
    show(p, now_ms);
}

void progress_end(struct progress *p) {
    if (p->on) fputs("\r\x1b[K", stderr);
    p->on = false;
}
