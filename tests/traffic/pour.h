/* Sends planned tasks at full speed over one handle, reads their answers between, checks each, and measures. */
#ifndef TESTS_TRAFFIC_POUR_H
#define TESTS_TRAFFIC_POUR_H

#include <stdbool.h>
#include <stdint.h>

#include "producer/traffic/measure.h"
#include "tests/traffic/task.h"

/* Time and CPU so far, of what was poured under it. */
struct meter {
    uint32_t units, pours;
    double seconds, redis_us, workers_us, own_us;
    double longest_s;    /* of one pouring */
};

struct pour {
    struct task_list *list;
    struct till *till;
    struct till_reader *reader;
    struct measure_pids redis, workers;
    unsigned window;     /* most unanswered ones */
    uint32_t sent, awaited;
    char error[700];     /* "" or the first thing that was wrong */
};

/* Opens the reader of the list's source; the rest is the caller's. False: see error. */
bool pour_open(struct pour *pour);
void pour_close(struct pour *pour);
/* Sends all tasks that were planned and not sent, and returns when all that have an answer have it. What it took is added to the meter
 * (NULL is fine), as that of so many units. False: see error. */
bool pour_all(struct pour *pour, struct meter *meter, uint32_t units);
/* Whether no answer is one too many, and every account and merchant has what the model says. False: see error. */
bool pour_check_end(struct pour *pour);

#endif
