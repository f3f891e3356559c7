/* Spans of traced intents on their way to a file: OTLP as JSON, one ExportTraceServiceRequest a line. A thread of its own writes; lanes
 * leave spans in a buffer of fixed size and go on. What does not fit, or what the disk does not take, is dropped and counted: payments
 * never wait.
 *
 *     main:    spans_open -> { spans_reopen }* -> spans_close           lanes:  spans_add
 *     thread:  { wait a moment -> take all that is there -> write it, a line for some hundred }*
 */
#ifndef WORKER_SPANS_H
#define WORKER_SPANS_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "schema/entry.h"
#include "schema/trace.h"

/* An intent waits in its stream, is applied, and is answered, or (FORWARD) what follows from it leaves for another partition. */
enum span_kind { SPAN_WAIT, SPAN_APPLY, SPAN_ANSWER, SPAN_FORWARD, SPAN_KIND_COUNT };

struct span {
    enum span_kind kind;
    char trace[TRACE_SIZE + 1]; /* the intent's traceparent */
    char entry[ENTRY_TEXT_MAX + 1];
    unsigned partition, part;
    const char *op;             /* a static text */
    uint64_t start_us, end_us;  /* since the epoch */
};

struct spans;

/* Opens the file, to add to it, and starts the thread. NULL, and why not. Texts are borrowed until spans_close. */
struct spans *spans_open(const char *path, const char *worker, const char *version, const char **wrong);
/* Thread-safe; returns at once. */
void spans_add(struct spans *spans, const struct span *span);
/* The file was renamed: goes on in a new one. NULL is fine, here and below. */
void spans_reopen(struct spans *spans);
/* Writes what is left and ends; by `deadline_ms` (lane_now_ms clock). False when the thread hangs in the disk: nothing is freed then. */
bool spans_close(struct spans *spans, uint64_t deadline_ms);

/* For the admin endpoint. */
void spans_print(const struct spans *spans, FILE *out);

#endif
