/* From a lane's batches to spans. */
#include "worker/tracing.h"

#include <string.h>

#include "schema/code.h"
#include "worker/lane_apply.h"
#include "worker/spans.h"

/* What is rebuilt from an archive happened then. */
static bool is_on(const struct lane *lane) { return lane->shared->spans && !lane->replaying.on; }

static void add(const struct lane *lane, const struct entry *e, enum span_kind kind, uint64_t start_us, uint64_t end_us) {
    struct span span = {.kind = kind, .partition = lane->door.partition, .part = e->part, .start_us = start_us, .end_us = end_us};
    span.op = e->gist.op == OP_NONE ? "" : op_word(e->gist.op);
    memcpy(span.trace, e->trace, sizeof span.trace);
    memcpy(span.entry, e->text, sizeof span.entry);
    spans_add(lane->shared->spans, &span);
}

void tracing_note_read(struct lane *lane) {
    if (is_on(lane)) lane->read_at_us = lane_wall_us();
}

/* In the script that applied it: those whose answer did not have to wait. Follow-ups bring about the answers of others only. */
static bool was_answered(const struct entry *e) {
    return e->gist.op == OP_settled || e->gist.op == OP_bounce || (e->answerable && !op_is_follow_up(e->gist.op));
}

static bool owes(const struct outbox *box, const struct entry *e, uint32_t *next) {
    while (*next < box->count && box->items[*next].entry < e) ++*next;
    return *next < box->count && box->items[*next].entry == e;
}

void tracing_note_applied(struct lane *lane, const struct entry *entries, uint32_t count, bool again) {
    uint32_t next = 0;
    if (!is_on(lane)) return;
    lane->applied_at_us = lane_wall_us();
    for (uint32_t n = 0; n < count && !again; n++) {
        const struct entry *e = &entries[n];
        if (!trace_is_sampled(e->trace)) continue;
        uint64_t added_us = e->id.ms * 1000, read_us = lane->read_at_us;
        add(lane, e, SPAN_WAIT, added_us < read_us ? added_us : read_us, read_us); /* clocks may differ */
        add(lane, e, SPAN_APPLY, lane->applied_at_us - lane->took_us, lane->applied_at_us);
        if (!owes(&lane->outbox, e, &next) && was_answered(e)) add(lane, e, SPAN_ANSWER, lane->applied_at_us, lane->applied_at_us);
    }
}

void tracing_note_sent(struct lane *lane) {
    const struct outbox *box = &lane->outbox;
    if (!is_on(lane)) return;
    uint64_t now_us = lane_wall_us();
    for (uint32_t n = 0; n < box->count; n++) {
        const struct entry *e = box->items[n].entry;
        if (!trace_is_sampled(e->trace)) continue;
        bool answers = was_answered(e) && box->items[n].code != CODE_in_progress;
        add(lane, e, answers ? SPAN_ANSWER : SPAN_FORWARD, lane->applied_at_us, now_us);
    }
}
