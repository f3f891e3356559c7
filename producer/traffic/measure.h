/* Clocks, percentiles and the CPU time of processes. */
#ifndef PRODUCER_TRAFFIC_MEASURE_H
#define PRODUCER_TRAFFIC_MEASURE_H

#include <pthread.h>
#include <stddef.h>
#include <stdint.h>

int64_t measure_now_ns(void);
void measure_sleep_until(int64_t ns);

/* Sorts the values. `part` is 0..1; 0 without values. */
void measure_sort(int64_t *values, size_t count);
int64_t measure_percentile(const int64_t *sorted, size_t count, double part);

enum { MEASURE_PIDS_MAX = 64 };
/* Processes given as "12,34". */
struct measure_pids {
    int pids[MEASURE_PIDS_MAX];
    size_t count;
};
void measure_pids_parse(const char *text, struct measure_pids *pids);
/* User and system time of them all so far, in microseconds. Those that are gone count nothing. */
double measure_cpu_us(const struct measure_pids *pids);
double measure_own_cpu_us(void);

/* CPU time of a thread of this process; it must not have been joined. */
double measure_thread_cpu_us(pthread_t thread);

#endif
