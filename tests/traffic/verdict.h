/* The end of a run, for a person and for a program. */
#ifndef TESTS_TRAFFIC_VERDICT_H
#define TESTS_TRAFFIC_VERDICT_H

#include <stdbool.h>

#include "tests/traffic/judge.h"

struct latency {
    uint32_t count; /* of the steady stage, without the time between the kill and the end of its consequences */
    int64_t p50_ns, p99_ns, p999_ns, most_ns;
};

struct report {
    const struct play *play;
    struct judgement judgement;
    struct recovery recovery;
    struct outage outage;
    struct latency latency;
    bool sound;
};
/* Judges a play and measures it; asks the book for the balances. */
void verdict_make(struct report *report, const struct play *play);
void verdict_print(const struct report *report);
/* One JSON object in one line. */
bool verdict_write_json(const struct report *report, const char *path);

#endif
