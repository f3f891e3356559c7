/* The end of a run: judged, and measured. */
#ifndef PRODUCER_TRAFFIC_VERDICT_H
#define PRODUCER_TRAFFIC_VERDICT_H

#include <stdbool.h>

#include "producer/traffic/judge.h"

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
/* Of what was sent at full speed. */
double verdict_per_s(const struct play_took *took);

#endif
