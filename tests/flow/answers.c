/* The answers of a response entry, each as if it had come by itself. */
#include <stdio.h>
#include <string.h>

#include "producer/client_answer.h"
#include "tests/flow/flow.h"
#include "tests/support/process.h"

enum { TRACE_AT = RESPONSE_FIELD_COUNT, FIELDS = RESPONSE_FIELD_COUNT + 1, VALUE_MAX = 400 };

/* A plain entry's fields, of texts with a NUL behind them. */
struct plain {
    struct reply_node nodes[2 * FIELDS], list;
    char values[FIELDS][VALUE_MAX];
};

static struct reply_node text_node(const char *text) { return (struct reply_node){REPLY_TEXT, (uint32_t)strlen(text), {.text = text}}; }

static struct reply fields_of(const struct answers *a, struct plain *p) {
    for (unsigned n = 0; n < FIELDS; n++) {
        struct answers_text value = n == TRACE_AT ? a->trace : a->value[n];
        if (value.size >= VALUE_MAX) process_die(NULL, "an answer with a value of %zu", value.size);
        snprintf(p->values[n], VALUE_MAX, "%.*s", (int)value.size, value.text);
        p->nodes[2 * n] = text_node(n == TRACE_AT ? "traceparent" : response_field_name[n]);
        p->nodes[2 * n + 1] = text_node(p->values[n]);
    }
    p->list = (struct reply_node){REPLY_ARRAY, 2 * (a->trace.size ? FIELDS : RESPONSE_FIELD_COUNT), {.elements = p->nodes}};
    return (struct reply){&p->list};
}

void flow_each_in(struct reply fields, void (*visit)(void *context, struct reply fields), void *context) {
    struct reply_node pair[] = {text_node(""), *fields.node}, entry = {REPLY_ARRAY, 2, {.elements = pair}};
    struct plain plain;
    struct answers a;
    client_answers_begin(&a, (struct reply){&entry});
    while (answers_next(&a)) visit(context, a.bulk ? fields_of(&a, &plain) : fields);
    if (a.fault) process_die(NULL, "a response: %s", a.fault);
}
