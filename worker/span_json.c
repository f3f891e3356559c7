/* The JSON of OTLP: IDs are hex, times are decimal texts of nanoseconds, enums are numbers. */
#include "worker/span_json.h"

#include <assert.h>
#include <inttypes.h>
#include <jansson.h>
#include <string.h>

enum { INTERNAL = 1, PRODUCER = 4, CONSUMER = 5 }; /* SpanKind */

static const struct { const char *what, *name; int kind; } kinds[SPAN_KIND_COUNT] = {
    [SPAN_WAIT] = {"wait", "till.wait", INTERNAL},
    [SPAN_APPLY] = {trace_apply, "till.apply", CONSUMER},
    [SPAN_ANSWER] = {"answer", "till.answer", PRODUCER},
    [SPAN_FORWARD] = {"forward", "till.forward", PRODUCER},
};

static json_t *text_attribute(const char *key, const char *text) {
    return json_pack("{s:s, s:{s:s}}", "key", key, "value", "stringValue", text);
}

static json_t *number_attribute(const char *key, unsigned number) {
    char text[16];
    snprintf(text, sizeof text, "%u", number); /* 64-bit integers are texts */
    return json_pack("{s:s, s:{s:s}}", "key", key, "value", "intValue", text);
}

static void set_time(json_t *span, const char *name, uint64_t us) {
    char text[32];
    snprintf(text, sizeof text, "%" PRIu64 "000", us);
    json_object_set_new(span, name, json_string(text));
}

static json_t *span_object(const struct span *s) {
    char id[TRACE_ID_SIZE + 1], own[TRACE_SPAN_SIZE + 1], parent[TRACE_SPAN_SIZE + 1];
    trace_id(s->trace, id);
    trace_span(s->trace, kinds[s->kind].what, s->partition, s->entry, s->part, own);
    if (s->kind == SPAN_ANSWER || s->kind == SPAN_FORWARD) trace_span(s->trace, trace_apply, s->partition, s->entry, s->part, parent);
    else trace_parent(s->trace, parent);
    json_t *object = json_pack("{s:s, s:s, s:s, s:s, s:i, s:i}", "traceId", id, "spanId", own, "parentSpanId", parent, "name",
                               kinds[s->kind].name, "kind", kinds[s->kind].kind, "flags", 1);
    json_t *attributes = json_array();
    set_time(object, "startTimeUnixNano", s->start_us);
    set_time(object, "endTimeUnixNano", s->end_us > s->start_us ? s->end_us : s->start_us);
    json_array_append_new(attributes, text_attribute("till.entry", s->entry));
    json_array_append_new(attributes, text_attribute("till.op", s->op));
    json_object_set_new(object, "attributes", attributes);
    return object;
}

/* {"resource": ..., "scopeSpans": [{..., "spans": `list`}]}; takes the list over. */
static json_t *resource(unsigned partition, const char *worker, const char *version, json_t *list) {
    json_t *attributes = json_array();
    json_array_append_new(attributes, text_attribute("service.name", "till-worker"));
    json_array_append_new(attributes, text_attribute("service.version", version));
    json_array_append_new(attributes, text_attribute("service.instance.id", worker));
    json_array_append_new(attributes, number_attribute("till.partition", partition));
    return json_pack("{s:{s:o}, s:[{s:{s:s, s:s}, s:o}]}", "resource", "attributes", attributes, "scopeSpans", "scope", "name", "till",
                     "version", version, "spans", list);
}

char *span_json_line(const struct span *spans, size_t count, const char *worker, const char *version) {
    json_t *resources = json_array();
    for (size_t first = 0; first < count; first++) {
        bool begun = false;
        for (size_t n = 0; n < first && !begun; n++) begun = spans[n].partition == spans[first].partition;
        if (begun) continue;
        json_t *list = json_array();
        for (size_t n = first; n < count; n++)
            if (spans[n].partition == spans[first].partition) json_array_append_new(list, span_object(&spans[n]));
        json_array_append_new(resources, resource(spans[first].partition, worker, version, list));
    }
    json_t *request = json_pack("{s:o}", "resourceSpans", resources);
    char *text = json_dumps(request, JSON_COMPACT);
    assert(text && "out of memory");
    size_t size = strlen(text);
    char *line = malloc(size + 2);
    assert(line && "out of memory");
    memcpy(line, text, size);
    memcpy(line + size, "\n", 2);
    free(text);
    json_decref(request);
    return line;
}
