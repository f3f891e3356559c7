/* Waiting for a condition with a deadline, instead of sleeping. */
#include "tests/support/wait.h"

#include <stdlib.h>
#include <time.h>

int64_t wait_now_ms(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

int64_t wait_fair_ms(int64_t timeout_ms) {
    const char *slow = getenv("TILL_SLOW");
    long factor = slow ? strtol(slow, NULL, 10) : 1;
    return timeout_ms * (factor < 1 ? 1 : factor > 100 ? 100 : factor);
}

void wait_pass(int ms) { nanosleep(&(struct timespec){ms / 1000, ms % 1000 * 1000000L}, NULL); }

bool wait_more(int64_t deadline_ms) {
    if (wait_now_ms() >= deadline_ms) return false;
    nanosleep(&(struct timespec){.tv_nsec = 2000000}, NULL);
    return true;
}
