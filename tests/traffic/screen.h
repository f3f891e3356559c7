/* Shows progress while the plan is played: one line that is rewritten on a terminal, a line every two seconds otherwise. */
#ifndef TESTS_TRAFFIC_SCREEN_H
#define TESTS_TRAFFIC_SCREEN_H

#include <pthread.h>
#include <stdatomic.h>

#include "producer/traffic/play.h"

struct screen {
    const struct play *play;
    atomic_bool stopping;
    pthread_t thread;
    int running;
};
void screen_begin(struct screen *screen, const struct play *play);
void screen_end(struct screen *screen);

#endif
