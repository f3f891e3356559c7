/* A library to be preloaded: to whoever loads it the clock is wrong by TILL_CLOCK_SHIFT_S seconds, and by as much in the other direction
 * in every other second; or, with TILL_CLOCK_SHIFT_WHILE, in one direction for as long as a file of that name is there. Time that only
 * passes (CLOCK_MONOTONIC) is left as it is. */
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static void set_wrong(time_t *now_s) {
    const char *shift = getenv("TILL_CLOCK_SHIFT_S"), *file = getenv("TILL_CLOCK_SHIFT_WHILE");
    if (!shift || (file && access(file, F_OK) != 0)) return;
    *now_s += (file || *now_s % 2 ? 1 : -1) * strtol(shift, NULL, 10);
}

__attribute__((visibility("default"))) int clock_gettime(clockid_t clock, struct timespec *now) {
    long failed = syscall(SYS_clock_gettime, clock, now);
    if (!failed && clock == CLOCK_REALTIME) set_wrong(&now->tv_sec);
    return (int)failed;
}

__attribute__((visibility("default"))) int gettimeofday(struct timeval *restrict now, void *restrict zone) {
    struct timespec time = {0};
    int failed = clock_gettime(CLOCK_REALTIME, &time);
    (void)zone;
    *now = (struct timeval){.tv_sec = time.tv_sec, .tv_usec = time.tv_nsec / 1000};
    return failed;
}
