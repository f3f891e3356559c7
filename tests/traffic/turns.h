/* What each turn at full speed took, and as many payments by the native floor right behind it: of these are the ratios of tests/bench. */
#ifndef TESTS_TRAFFIC_TURNS_H
#define TESTS_TRAFFIC_TURNS_H

#include <stdio.h>

#include "producer/traffic/play.h"
#include "tests/traffic/floor.h"

struct turns {
    bool with_floor;
    struct turn { enum play_way way; struct play_took took; struct floor_took floor; } *list;
    size_t count;
};

/* play->after_turn; play->context is a struct turns. */
void turns_note(struct play *play, enum play_way way, const struct play_took *took);
/* The word for a way. */
const char *turns_word(enum play_way way);
/* As members of an object under way: "floor" (null without one), "turns". */
void turns_write(FILE *out, const struct turns *turns);
void turns_clear(struct turns *turns);

#endif
