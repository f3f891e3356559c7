/* Waiting for a condition with a deadline, instead of sleeping. */
#include "tests/support/wait.h"

#include <time.h>

int64_t wait_now_ms(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

bool wait_more(int64_t deadline_ms) {
    if (wait_now_ms() >= deadline_ms) return false;
    nanosleep(&(struct timespec){.tv_nsec = 2000000}, NULL);
    return true;
}
