/* Tells systemd that the loop of main still turns (WatchdogSec of the unit): who is stuck is killed and started again, and what it held is
 * taken over. Beaten once a turn, so behind a look at Redis that has an end even when Redis has none; lanes that wait are no reason. */
#ifndef WORKER_WATCHDOG_H
#define WORKER_WATCHDOG_H

#include <stdint.h>

struct watchdog {
    uint64_t every_ms; /* a quarter of what systemd waits; 0: it does not want to know */
    uint64_t beaten_at_ms;
};

void watchdog_init(struct watchdog *w);
/* Once a turn; tells when it is time to. */
void watchdog_beat(struct watchdog *w, uint64_t now_ms);

#endif
