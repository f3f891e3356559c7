/* Random intents that are right by every rule, from a seed. */
#ifndef TESTS_SCHEMA_RANDOM_INTENT_H
#define TESTS_SCHEMA_RANDOM_INTENT_H

#include <stdbool.h>
#include <stdint.h>

#include "schema/intent.h"

/* The next number of a generator whose state is never 0. */
uint64_t random_next(uint64_t *state);

/* TILL_TEST_SEED, or the clock; printed, so that a failure can be had again. */
uint64_t random_seed(const char *test);

/* Its `inner`, if it has one, stays until the next call. */
struct intent random_intent(uint64_t *state);

bool intents_equal(const struct intent *a, const struct intent *b);

#endif
