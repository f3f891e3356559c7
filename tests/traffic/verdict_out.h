/* The end of a run, for a person and for a program. */
#ifndef TESTS_TRAFFIC_VERDICT_OUT_H
#define TESTS_TRAFFIC_VERDICT_OUT_H

#include "producer/traffic/verdict.h"
#include "tests/traffic/turns.h"

void verdict_out_print(const struct report *report);
/* One JSON object in one line. */
bool verdict_out_json(const struct report *report, const struct turns *turns, const char *path);

#endif
