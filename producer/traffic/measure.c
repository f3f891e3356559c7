/* Clocks, percentiles and the CPU time of processes. */
#include "producer/traffic/measure.h"

#include <stdlib.h>
#include <sys/resource.h>
#include <time.h>

int64_t measure_now_ns(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

void measure_sleep_until(int64_t ns) {
    struct timespec t = {.tv_sec = ns / 1000000000, .tv_nsec = ns % 1000000000};
    clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL);
}

static int compare(const void *a, const void *b) {
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

void measure_sort(int64_t *values, size_t count) { qsort(values, count, sizeof *values, compare); }

int64_t measure_percentile(const int64_t *sorted, size_t count, double part) {
    if (count == 0) return 0;
    size_t place = (size_t)(part * (double)count);
    return sorted[place < count ? place : count - 1];
}

void measure_pids_parse(const char *text, struct measure_pids *pids) {
    pids->count = 0;
    while (*text && pids->count < MEASURE_PIDS_MAX) {
        char *end;
        long pid = strtol(text, &end, 10);
        if (end == text) return;
        pids->pids[pids->count++] = (int)pid;
        text = *end == ',' ? end + 1 : end;
    }
}

static double one_cpu_us(int pid) {
    clockid_t clock;
    struct timespec t;
    if (clock_getcpuclockid(pid, &clock) || clock_gettime(clock, &t)) return 0;
    return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

double measure_thread_cpu_us(pthread_t thread) {
    clockid_t clock;
    struct timespec t;
    if (pthread_getcpuclockid(thread, &clock) || clock_gettime(clock, &t)) return 0;
    return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

double measure_cpu_us(const struct measure_pids *pids) {
    double total = 0;
    for (size_t i = 0; i < pids->count; i++) total += one_cpu_us(pids->pids[i]);
    return total;
}

double measure_own_cpu_us(void) {
    struct rusage u;
    getrusage(RUSAGE_SELF, &u);
    return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) * 1e6 + (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec);
}
