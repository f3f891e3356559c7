/* The rows of the bench: what is done in each, and the payments beside it that it is compared with. */
#ifndef TESTS_TRAFFIC_KINDS_H
#define TESTS_TRAFFIC_KINDS_H

#include <stdbool.h>
#include <stdint.h>

#include "tests/traffic/pour.h"

enum { KIND_SETTLE_SHARE = 64 };

struct kind {
    const char *name, *unit;
    unsigned parts;          /* of a unit: two for a hold and its capture */
    unsigned share;          /* one unit for so many payments beside it */
    enum task_what stages[2]; /* a round does the first for all units, then the second for each of them */
    unsigned stage_count;
};

struct row {
    const struct kind *kind;
    struct pour pour;
    uint32_t before;                    /* payments that are made before */
    uint32_t count, waiting, rounds;    /* payments beside it, and rounds they are done in; intents that wait, where any do */
    struct meter payments, units;
    struct meter put_off, taken_back;   /* where intents wait */
    struct meter held, calm, rough;     /* where holds lapse: making them; small bursts of payments before, and while they lapse */
    double lapsed_s;                    /* from the deadline until nothing was held any more */
};

/* NULL: no such kind. */
const struct kind *kind_find(const char *name);

/* Opens the cast, runs the row and looks at the balances. The pour is open. False: see its error. */
bool kind_run(struct row *row);

#endif
