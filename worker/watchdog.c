/* The watchdog, by what systemd put into the environment. */
#include "worker/watchdog.h"

#include <systemd/sd-daemon.h>

void watchdog_init(struct watchdog *w) {
    uint64_t limit_us = 0;
    *w = (struct watchdog){.every_ms = sd_watchdog_enabled(0, &limit_us) > 0 ? limit_us / 4000 : 0};
}

void watchdog_beat(struct watchdog *w, uint64_t now_ms) {
    if (w->every_ms == 0 || now_ms - w->beaten_at_ms < w->every_ms) return;
    w->beaten_at_ms = now_ms;
    sd_notify(0, "WATCHDOG=1"); /* one that is lost is followed by the next in good time */
}
