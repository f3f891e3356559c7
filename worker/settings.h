/* What a running worker may be told to change (SIGHUP): read by the lanes at every batch, written by main. */
#ifndef WORKER_SETTINGS_H
#define WORKER_SETTINGS_H

#include <stdatomic.h>

struct config;

struct settings {
    atomic_uint batch;         /* most intents in one script call */
    atomic_uint block_ms;      /* longest wait for new intents */
    atomic_uint max_attempts;  /* lone attempts before an entry is given up */
    atomic_bool halt_on_loss;
    atomic_bool sweep_due;     /* put what has fallen due on the stream; false only in tests that own the clock */
};

void settings_apply(struct settings *settings, const struct config *config);

#endif
