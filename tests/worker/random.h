/* Random intents from a seed: few accounts, few keys, much that refers to what was sent before, so that everything collides. The same seed
 * gives the same intents. One stream of them at a time. */
#ifndef TESTS_WORKER_RANDOM_H
#define TESTS_WORKER_RANDOM_H

#include "schema/intent.h"
#include "schema/sign.h"

enum { RANDOM_SOURCES = 2 };
extern const char *const random_sources[RANDOM_SOURCES];

void random_start(uint64_t seed);
uint64_t random_below(uint64_t bound); /* 0 .. bound - 1 */
bool random_one_in(uint64_t n);

/* The next intent as of that time: a new one, or one sent before, as it was or almost. `key` is filled with what it is signed with; false:
 * it is not signed. */
bool random_intent(uint64_t clock_ms, struct intent *intent, uint8_t key[SIGN_KEY_SIZE]);
/* How far the clock moves before the next one. `months`: now and then by months, past what is kept of bills. */
uint64_t random_pause_ms(bool months);

#endif
