/* How many entries wait for their answers, without reading those. */
#ifndef TESTS_TRAFFIC_WAITING_H
#define TESTS_TRAFFIC_WAITING_H

#include "producer/traffic/play.h"

/* For play->waiting, over a connection of its own, to a unix:PATH url; ends the program when that fails. */
uint64_t waiting_count(struct play *play);

#endif
