/* Spans as one line of JSON: an ExportTraceServiceRequest of OTLP. */
#ifndef WORKER_SPAN_JSON_H
#define WORKER_SPAN_JSON_H

#include <stddef.h>

#include "worker/spans.h"

/* The caller's to free; it ends with a newline. One resource per partition. */
char *span_json_line(const struct span *spans, size_t count, const char *worker, const char *version);

#endif
