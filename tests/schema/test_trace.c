/* Trace context: what is a traceparent, and what is made of one. */
#include <criterion/criterion.h>
#include <string.h>

#include "schema/trace.h"

#define ID "4bf92f3577b34da6a3ce929d0e0e4736"
#define PARENT "00f067aa0ba902b7"
#define GOOD "00-" ID "-" PARENT "-01"

static const struct { const char *text; bool good; } rows[] = {
    {GOOD, true},
    {"00-" ID "-" PARENT "-00", true},
    {"00-" ID "-" PARENT "-ff", true},
    {"cc-" ID "-" PARENT "-01", true},
    {"cc-" ID "-" PARENT "-01-what-comes-later", true},
    {"cc-" ID "-" PARENT "-01.what-comes-later", false},
    {"00-" ID "-" PARENT "-01-more", false},
    {"ff-" ID "-" PARENT "-01", false},
    {"0x-" ID "-" PARENT "-01", false},
    {"00-4BF92F3577B34DA6A3CE929D0E0E4736-" PARENT "-01", false},
    {"00-" ID "-00F067AA0BA902B7-01", false},
    {"00-" ID "-" PARENT "-0A", false},
    {"00-00000000000000000000000000000000-" PARENT "-01", false},
    {"00-" ID "-0000000000000000-01", false},
    {"00_" ID "-" PARENT "-01", false},
    {"00-" ID "_" PARENT "-01", false},
    {"00-" ID "-" PARENT "_01", false},
    {"00-" ID "-" PARENT "-0", false},
    {"00-" ID "-" PARENT, false},
    {"00", false},
    {"", false},
};

Test(trace, what_is_a_traceparent) {
    for (size_t n = 0; n < sizeof rows / sizeof *rows; n++) {
        char out[TRACE_SIZE + 1] = "x";
        cr_expect_eq(trace_read(rows[n].text, strlen(rows[n].text), out), rows[n].good, "%s", rows[n].text);
        if (!rows[n].good) cr_expect_str_eq(out, "", "%s", rows[n].text);
        else cr_expect(strncmp(out, "00", 2) == 0 && strncmp(out + 2, rows[n].text + 2, TRACE_SIZE - 2) == 0, "%s: %s", rows[n].text, out);
    }
}

Test(trace, its_parts) {
    char id[TRACE_ID_SIZE + 1], parent[TRACE_SPAN_SIZE + 1];
    trace_id(GOOD, id);
    trace_parent(GOOD, parent);
    cr_expect_str_eq(id, ID);
    cr_expect_str_eq(parent, PARENT);
    cr_expect(trace_is_sampled(GOOD));
    cr_expect(trace_is_sampled("00-" ID "-" PARENT "-0b"));
    cr_expect_not(trace_is_sampled("00-" ID "-" PARENT "-10"));
    cr_expect_not(trace_is_sampled(""));
}

/* Fixed: whoever takes over derives the same follow-up as who died. */
Test(trace, a_span_is_made_of_its_place_alone) {
    char span[TRACE_SPAN_SIZE + 1], other[TRACE_SPAN_SIZE + 1], child[TRACE_SIZE + 1], again[TRACE_SIZE + 1];
    trace_span(GOOD, trace_apply, 3, "1-1", 0, span);
    trace_child(GOOD, 3, "1-1", 0, child);
    cr_expect(trace_read(child, strlen(child), again), "%s", child);
    cr_expect(strncmp(child, GOOD, 36) == 0 && strncmp(child + 36, span, TRACE_SPAN_SIZE) == 0, "%s", child);
    cr_expect_str_eq(child + 52, "-01");
    cr_expect_str_eq(span, "77f0351c3449a8a9", "others make it too: it may not change");
    static const struct { const char *what; unsigned partition; const char *entry; unsigned part; } others[] = {
        {"wait", 3, "1-1", 0}, {"apply", 4, "1-1", 0}, {"apply", 3, "1-2", 0}, {"apply", 3, "1-1", 1},
    };
    for (size_t n = 0; n < 4; n++) {
        trace_span(GOOD, others[n].what, others[n].partition, others[n].entry, others[n].part, other);
        cr_expect_str_neq(other, span, "row %zu", n);
    }
    trace_child("", 3, "1-1", 0, child);
    cr_expect_str_eq(child, "");
}
