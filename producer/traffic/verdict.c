/* The end of a run: judged, and measured. */
#include "producer/traffic/verdict.h"

#include <stdlib.h>
#include <string.h>

static void measure_latency(struct report *r) {
    const struct play *play = r->play;
    const struct plan *plan = play->plan;
    int64_t *values = calloc(play->steady + 1, sizeof *values);
    size_t count = 0;
    if (!values) abort();
    for (uint32_t n = plan->count - play->steady; n < plan->count; n++) {
        const struct shot *s = &plan->shots[n];
        if (s->answered && judge_was_calm(play, &r->outage, s)) values[count++] = s->answered_ns - s->due_ns;
    }
    measure_sort(values, count);
    r->latency = (struct latency){
        .count = (uint32_t)count,
        .p50_ns = measure_percentile(values, count, 0.5),
        .p99_ns = measure_percentile(values, count, 0.99),
        .p999_ns = measure_percentile(values, count, 0.999),
        .most_ns = count ? values[count - 1] : 0,
    };
    free(values);
}

void verdict_make(struct report *r, const struct play *play) {
    memset(r, 0, sizeof *r);
    r->play = play;
    judge_answers(play, &r->judgement);
    bool asked = judge_balances(play, &r->judgement);
    judge_recovery(play, &r->outage, &r->recovery);
    measure_latency(r);
    r->sound = asked && judge_is_sound(&r->judgement);
}

double verdict_per_s(const struct play_took *took) { return took->seconds > 0 ? took->count / took->seconds : 0; }
