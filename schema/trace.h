/* W3C trace context, as far as Till carries it: the stream field `traceparent` of an intent's entry goes on to its answer, to its
 * follow-ups as a child, to the dead stream and to the log. Nothing is ever decided by it. A text "" is none. Pure and thread-safe. */
#ifndef SCHEMA_TRACE_H
#define SCHEMA_TRACE_H

#include <stdbool.h>
#include <stddef.h>

enum { TRACE_SIZE = 55, TRACE_ID_SIZE = 32, TRACE_SPAN_SIZE = 16 };

/* Copies a traceparent, one of a later version as what it says by the rules of version 00. False, and "", when it is none. */
bool trace_read(const char *text, size_t size, char out[TRACE_SIZE + 1]);

/* The parts of a traceparent. */
void trace_id(const char *trace, char out[TRACE_ID_SIZE + 1]);
void trace_parent(const char *trace, char out[TRACE_SPAN_SIZE + 1]);
bool trace_is_sampled(const char *trace);

/* The ID of one of our spans under `trace`: made of `what` it is ("apply") and of the intent's place "p:ENTRY-ID" and part of a bulk entry
 * alone, so that whoever does the same again after a crash gives it the same. */
void trace_span(const char *trace, const char *what, unsigned partition, const char *entry, unsigned part, char out[TRACE_SPAN_SIZE + 1]);

/* What a follow-up carries: the same trace, with the span that applied the intent as its parent. "" when `trace` is "". */
void trace_child(const char *trace, unsigned partition, const char *entry, unsigned part, char out[TRACE_SIZE + 1]);
extern const char trace_apply[]; /* the `what` of that span */

#endif
