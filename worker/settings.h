/* What a running worker may be told to change (SIGHUP): read by the lanes at every batch, written by main. */
#ifndef WORKER_SETTINGS_H
#define WORKER_SETTINGS_H

#include <stdatomic.h>
#include <stdint.h>

struct config;

/* The streams of a partition that are trimmed; of responses there is one for each source. */
enum settings_stream { STREAM_INTENTS, STREAM_LEDGER, STREAM_DEAD, STREAM_DISCARDED, STREAM_RESPONSES, STREAM_COUNT };

struct settings {
    atomic_uint batch;         /* most intents in one script call */
    atomic_uint block_ms;      /* longest wait for new intents */
    atomic_uint max_attempts;  /* lone attempts before an entry is given up */
    atomic_bool halt_on_loss;
    _Atomic uint64_t kept_ms[STREAM_COUNT]; /* how long entries stay; CONFIG_KEEP: for ever */
    _Atomic uint64_t readers_ms; /* and so much longer while somebody's group is behind */
    atomic_uint durable_replicas; /* answers leave when so many replicas have what they tell */
    atomic_bool durable_aof;      /* and the master's disk has */
    atomic_uint durable_timeout_ms; /* longer than this is worth a line in the log */
    atomic_bool settle_auto;   /* settle months that are over */
    atomic_bool sweep_due;     /* put what has fallen due on the stream; false only in tests that own the clock */
};

void settings_apply(struct settings *settings, const struct config *config);

#endif
