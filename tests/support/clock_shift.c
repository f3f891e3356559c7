/* A library to be preloaded: to whoever loads it the clock is wrong by TILL_CLOCK_SHIFT_S seconds, and by as much in the other direction
 * in every other second. Time that only passes (CLOCK_MONOTONIC) is left as it is. */
#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

__attribute__((visibility("default"))) int clock_gettime(clockid_t clock, struct timespec *now) {
    long failed = syscall(SYS_clock_gettime, clock, now);
    const char *shift = getenv("TILL_CLOCK_SHIFT_S");
    if (!failed && clock == CLOCK_REALTIME && shift) now->tv_sec += (now->tv_sec % 2 ? 1 : -1) * strtol(shift, NULL, 10);
    return (int)failed;
}
