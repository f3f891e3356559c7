/* A bulk entry: several intents of one partition in one stream entry. Its field `intents` is a msgpack array of what the field `intent` has
 * otherwise, its field `sigs`, when any of them is signed, an array of as many signatures, nil for none; `traceparents` likewise. Each is
 * decided and answered as if it came alone, in this order; the entry's ID is that of all of them. Pure and thread-safe. */
#ifndef SCHEMA_BULK_H
#define SCHEMA_BULK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "schema/intent.h"
#include "schema/sign.h"
#include "schema/trace.h"

enum {
    BULK_INTENTS_MIN = 2, /* one alone goes by itself */
    BULK_INTENTS_MAX = 64,
    BULK_SIZE_MAX = 16384, /* of `intents` and `sigs` together */
};

/* One of them, as bytes that nobody has read yet. */
struct bulk_part {
    const void *bytes, *sig; /* sig NULL: none */
    size_t size, sig_size;
    const char *trace;       /* as it came, NULL: none */
    size_t trace_size;
};

/* May this intent stand in a bulk entry? Only what one script decides and answers by itself: the operations that op.def says, none put off
 * (not_before), no payment of an order. */
bool bulk_takes(const struct intent *intent);

/* Takes an entry apart; the parts borrow its bytes. `sigs` NULL: it has no such field. NULL, or why not even one intent of it can be told
 * from the others: a static sentence. */
const char *bulk_split(const void *intents, size_t size, const void *sigs, size_t sigs_size, struct bulk_part parts[BULK_INTENTS_MAX],
                       unsigned *count) __attribute__((warn_unused_result));

/* Gives the parts what `traceparents` says of them; nothing when it is no array of as many texts (or nil). */
void bulk_split_traces(const void *traces, size_t size, struct bulk_part *parts, unsigned count);

/* Puts one together. Some 25 KiB: not for the stack. */
struct bulk_writer {
    unsigned count, signed_count, traced_count;
    size_t size;
    uint8_t bytes[BULK_SIZE_MAX];
    uint8_t sigs[BULK_INTENTS_MAX][SIGN_SIZE];
    bool is_signed[BULK_INTENTS_MAX];
    uint8_t packed_sigs[4 + BULK_INTENTS_MAX * (SIGN_SIZE + 2)];
    char traces[BULK_INTENTS_MAX][TRACE_SIZE + 1];
    uint8_t packed_traces[4 + BULK_INTENTS_MAX * (TRACE_SIZE + 2)];
};

void bulk_begin(struct bulk_writer *writer);
/* Adds an encoded intent that bulk_takes and its signature (NULL: none). False, and nothing added, when the entry would be too large. */
bool bulk_add(struct bulk_writer *writer, const void *bytes, size_t size, const uint8_t *sig) __attribute__((warn_unused_result));
/* The traceparent of the intent added last, as trace_read gives it. */
void bulk_trace(struct bulk_writer *writer, const char *trace);
/* The values of the fields of at least one intent; that of `sigs` is NULL when none is signed, that of `traceparents` when none has one.
 * Valid until the next bulk_begin. */
const void *bulk_intents(struct bulk_writer *writer, size_t *size);
const void *bulk_sigs(struct bulk_writer *writer, size_t *size);
const void *bulk_traces(struct bulk_writer *writer, size_t *size);

#endif
