/* How many answers lie in Redis, without reading them. */
#ifndef TESTS_TRAFFIC_WRITTEN_H
#define TESTS_TRAFFIC_WRITTEN_H

#include "producer/traffic/play.h"

/* For play->answers_written, over a connection of its own, to a unix:PATH url; ends the program when that fails. */
uint64_t written_count(struct play *play);

#endif
