/* Shows progress while the plan is played. */
#include "tests/traffic/screen.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { BAR = 30, TERMINAL_MS = 100, PLAIN_MS = 2000, SLICE_MS = 50 };

static const char *stage_word(enum stage stage) {
    switch (stage) {
    case STAGE_OPEN: return "opening accounts";
    case STAGE_RUSH: return "at full speed";
    case STAGE_UNREAD: return "at full speed, answers unread";
    case STAGE_STEADY: return "at a steady rate";
    case STAGE_END: return "done";
    }
    return "";
}

static void draw(const struct play *play, unsigned per_s, int terminal) {
    unsigned total = play->plan->count, sent = atomic_load(&play->sent), answered = atomic_load(&play->answered);
    unsigned filled = total ? (unsigned)((uint64_t)answered * BAR / total) : 0;
    char bar[BAR + 1];
    memset(bar, '.', BAR);
    memset(bar, '#', filled < BAR ? filled : BAR);
    bar[BAR] = '\0';
    printf("%s  [%s] %u of %u answered, %u waiting, %u/s, %s%s", terminal ? "\r" : "", bar, answered, total,
           sent > answered ? sent - answered : 0, per_s, stage_word(atomic_load(&play->stage)), terminal ? "\x1b[K" : "\n");
    fflush(stdout);
}

static void *show(void *context) {
    struct screen *screen = context;
    int terminal = isatty(STDOUT_FILENO);
    unsigned before = 0;
    int64_t then = measure_now_ns();
    while (!atomic_load(&screen->stopping)) {
        int64_t now = measure_now_ns();
        if (now - then >= (int64_t)(terminal ? TERMINAL_MS : PLAIN_MS) * 1000000) {
            unsigned answered = atomic_load(&screen->play->answered);
            draw(screen->play, (unsigned)((int64_t)(answered - before) * 1000000000 / (now - then)), terminal);
            before = answered;
            then = now;
        }
        measure_sleep_until(now + (int64_t)SLICE_MS * 1000000);
    }
    if (terminal) printf("\r\x1b[K");
    fflush(stdout);
    return NULL;
}

void screen_begin(struct screen *screen, const struct play *play) {
    *screen = (struct screen){.play = play};
    screen->running = pthread_create(&screen->thread, NULL, show, screen) == 0;
}

void screen_end(struct screen *screen) {
    atomic_store(&screen->stopping, true);
    if (screen->running) pthread_join(screen->thread, NULL);
    screen->running = 0;
}
