/* From a lane's batches to spans. */
#include "worker/tracing.h"

#include <string.h>

#include "schema/code.h"
#include "worker/lane_apply.h"
#include "worker/spans.h"

/* What is rebuilt from an archive happened then. */
static bool is_on(const struct lane *lane) { return lane->shared->spans && !lane->replaying.on; }

static struct span span_of(const struct lane *lane, const struct entry *e, enum span_kind kind, uint64_t start_us, uint64_t end_us) {
    struct span span = {.kind = kind, .partition = lane->door.partition, .part = e->part, .start_us = start_us, .end_us = end_us};
    span.op = e->gist.op == OP_NONE ? "" : op_word(e->gist.op);
    memcpy(span.trace, e->trace, sizeof span.trace);
    memcpy(span.entry, e->text, sizeof span.entry);
    return span;
}

static void add(const struct lane *lane, const struct entry *e, enum span_kind kind, uint64_t start_us, uint64_t end_us) {
    struct span span = span_of(lane, e, kind, start_us, end_us);
    spans_add(lane->shared->spans, &span);
}

void tracing_note_read(struct lane *lane) {
    if (is_on(lane)) lane->read_at_us = lane_wall_us();
}

/* In the script that applied it: those whose answer did not have to wait. Follow-ups bring about the answers of others only. */
static bool was_answered(const struct entry *e) {
    return e->gist.op == OP_settled || e->gist.op == OP_bounce || (e->answerable && !op_is_follow_up(e->gist.op));
}

/* What is kept of an entry, if anything is: those taken last are in the order of the entries. */
static struct outbox_item *find_item(struct outbox *box, const struct entry *e, uint32_t *next) {
    struct outbox_item *item = *next < box->count ? &box->items[*next] : NULL;
    if (!item || entry_id_compare(item->id, e->id) != 0 || item->part != e->part) return NULL;
    ++*next;
    return item;
}

/* What waits is told of when it is sent. */
static void keep(struct lane *lane, const struct entry *e, struct outbox_item *item) {
    bool answers = was_answered(e) && item->code != CODE_in_progress;
    struct span span = span_of(lane, e, answers ? SPAN_ANSWER : SPAN_FORWARD, lane->applied_at_us, 0);
    outbox_keep_span(&lane->outbox, item, &span);
}

void tracing_note_applied(struct lane *lane, const struct entry *entries, uint32_t count, bool again) {
    uint32_t next = lane->outbox.taken;
    if (!is_on(lane)) return;
    lane->applied_at_us = lane_wall_us();
    for (uint32_t n = 0; n < count; n++) {
        const struct entry *e = &entries[n];
        struct outbox_item *item = find_item(&lane->outbox, e, &next);
        if (!trace_is_sampled(e->trace)) continue;
        if (item) keep(lane, e, item);
        if (again) continue;
        uint64_t added_us = e->id.ms * 1000, read_us = lane->read_at_us;
        add(lane, e, SPAN_WAIT, added_us < read_us ? added_us : read_us, read_us); /* clocks may differ */
        add(lane, e, SPAN_APPLY, lane->applied_at_us - lane->took_us, lane->applied_at_us);
        if (!item && was_answered(e)) add(lane, e, SPAN_ANSWER, lane->applied_at_us, lane->applied_at_us);
    }
}

void tracing_note_sent(struct lane *lane, uint32_t count) {
    struct outbox *box = &lane->outbox;
    struct span *span = box->spans;
    if (box->span_count == 0) return;
    uint64_t now_us = lane_wall_us();
    for (uint32_t n = 0; n < count; n++) {
        if (!box->items[n].traced) continue;
        span->end_us = now_us;
        if (!box->items[n].stays) spans_add(lane->shared->spans, span);
        span++;
    }
}
