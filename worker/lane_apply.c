/* The way of a page of entries through apply.lua. */
#include "worker/lane_apply.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "schema/bulk.h"
#include "schema/code.h"
#include "worker/durable.h"
#include "worker/failpoint.h"
#include "worker/log.h"
#include "worker/lookup.h"
#include "worker/outbox.h"
#include "worker/tracing.h"

static void reserve_entries(struct lane *lane, uint32_t count) {
    if (count <= lane->entry_capacity) return;
    lane->entries = realloc(lane->entries, count * sizeof *lane->entries);
    assert(lane->entries && "out of memory");
    lane->entry_capacity = count;
}

static bool is_suspect(const struct lane *lane, const struct entry *e) {
    return entry_id_compare(e->id, lane->suspect) == 0 || e->deliveries > atomic_load(&lane->shared->settings->max_attempts);
}

static bool page_is_done(const struct lane *lane) { return lane->page_next == reply_count(lane->page_entries); }

/* The next entries of the page: as many as make a batch. */
static enum redis_err take_some(struct lane *lane) {
    uint32_t max = atomic_load(&lane->shared->settings->batch);
    uint32_t first = lane->page_next;
    reserve_entries(lane, max + BULK_INTENTS_MAX);
    arena_reset(&lane->texts);
    for (lane->entry_count = 0; lane->entry_count < max && !page_is_done(lane); lane->page_next++) {
        struct entry *e = &lane->entries[lane->entry_count];
        if (!door_read(reply_at(lane->page_entries, lane->page_next), e)) return REDIS_GARBLED;
        bool told = lane->page_next < reply_count(lane->page_deliveries);
        e->deliveries = told ? (uint64_t)reply_integer(reply_at(lane->page_deliveries, lane->page_next)) : 0;
        if (is_suspect(lane, e)) door_skip(e); /* it is read once the attempt is counted: that may be deadly */
        lane->entry_count += is_suspect(lane, e) ? 1 : door_open(&lane->door, &lane->texts, e);
    }
    if (lane->page_next > first) lane->per_entry = lane->entry_count / (lane->page_next - first);
    return REDIS_OK;
}

/* As many entries as make a batch, if they are like those before: whole pages of bulk entries would be megabytes. */
static uint32_t page_size(const struct lane *lane) {
    uint32_t most = atomic_load(&lane->shared->settings->batch), size = lane->per_entry ? most / lane->per_entry : most;
    return size ? size : 1;
}

static void release_page(struct lane *lane) {
    reply_release(lane->page);
    lane->page = lane->page_entries = lane->page_deliveries = (struct reply){NULL};
    lane->page_next = 0;
}

enum redis_err lane_take_entries(struct lane *lane, struct reply entries, struct reply deliveries) {
    release_page(lane);
    lane->page = redis_detach(lane->redis);
    lane->page_entries = entries;
    lane->page_deliveries = deliveries;
    replaying_note_read(lane, entries);
    tracing_note_read(lane);
    return take_some(lane);
}

void lane_append_read(struct lane *lane) {
    struct command *c = &lane->batch.command;
    keys_buffer key;
    char behind[ENTRY_TEXT_MAX + 1] = ">";
    bool by_itself = replaying_reads_on(lane, behind);
    command_begin(c, by_itself ? "XREAD" : "XREADGROUP");
    if (!by_itself) {
        command_word(c, "GROUP");
        command_word(c, KEYS_GROUP);
        command_word(c, lane->shared->worker);
    }
    command_word(c, "COUNT");
    command_uint(c, page_size(lane));
    command_word(c, "BLOCK");
    command_uint(c, overdue_patience_ms(lane, atomic_load(&lane->shared->settings->block_ms)));
    command_word(c, "STREAMS");
    command_copy(c, key, keys_intents(key, &lane->door.book, lane->door.partition));
    command_word(c, behind);
    redis_append(lane->redis, c);
    lane->reading = true;
}

/* Counts a lone attempt before it is made; `tries` is how many there were before. */
static enum redis_err count_attempt(struct lane *lane, const struct entry *e, uint64_t *tries) {
    struct command *c = &lane->batch.command;
    struct reply reply;
    keys_buffer key;
    redis_script_begin(c, &script_suspect, 1);
    command_copy(c, key, keys_meta(key, &lane->door.book, lane->door.partition));
    command_word(c, lane->epoch_text);
    command_word(c, e->text);
    command_uint(c, entry_id_compare(e->id, lane->counted) == 0 ? lane->excused : 0);
    enum redis_err err = redis_script_call(lane->redis, &script_suspect, c, &reply);
    if (err) return err;
    lane->counted = e->id;
    lane->excused = 0;
    *tries = (uint64_t)reply_integer(reply);
    return REDIS_OK;
}

/* The last field of a log line about an entry, which is there when the entry is part of a trace. */
static struct log_field trace_field(const struct entry *e, char id[TRACE_ID_SIZE + 1]) {
    if (!e->trace[0]) return (struct log_field){0};
    trace_id(e->trace, id);
    return (struct log_field){"trace_id", LOG_S(id)};
}

/* An entry that had its share of attempts takes the way of the dead. The first time it is read for that, so that its sender can be told; if
 * even that failed, it goes unread. One that was applied is not given up: its answer is waiting. */
static uint32_t judge_suspect(struct lane *lane, struct entry *e, uint64_t tries) {
    uint64_t max = atomic_load(&lane->shared->settings->max_attempts);
    bool applied = entry_id_compare(e->id, lane->mark.applied) <= 0;
    char reason[DOOR_REASON_MAX], trace[TRACE_ID_SIZE + 1];
    uint32_t parts = 1;
    if (applied || tries <= max) parts = door_open(&lane->door, &lane->texts, e);
    else door_skip(e);
    if (applied || tries < max || (parts == 1 && e->door == CODE_dead)) return parts;
    bool known = entry_id_compare(e->id, lane->suspect) == 0;
    snprintf(reason, sizeof reason, "failed alone: %.150s", known ? lane->suspect_reason : "the worker died at it");
    for (uint32_t n = 0; n < parts; n++) e[n].answerable = e[n].answerable && !(known && lane->suspect_responses);
    door_give_up(e, parts, arena_text(&lane->texts, reason, strlen(reason)), tries);
    log_event(LOG_ERROR, "entry_dead", {"partition", LOG_N(lane->door.partition)}, {"entry", LOG_S(e->text)}, {"attempts", LOG_N(tries)},
              {"reason", LOG_S(reason)}, trace_field(e, trace));
    return parts;
}

/* "BROKEN n key reason script: ...": entry n of the batch cannot be applied; from now on it goes alone. n = 0: the partition itself is
 * broken. */
static enum redis_err note_broken(struct lane *lane, const struct entry *entries, uint32_t count) {
    const char *text = redis_error(lane->redis) + strlen("BROKEN ");
    char *end, trace[TRACE_ID_SIZE + 1];
    unsigned long n = strtoul(text, &end, 10);
    if (n == 0 || n > count) return REDIS_REFUSED;
    const char *reason = *end ? end + 1 : end, *tail = strstr(reason, " script: ");
    size_t size = tail ? (size_t)(tail - reason) : strlen(reason);
    if (size >= sizeof lane->suspect_reason) size = sizeof lane->suspect_reason - 1;
    if (entry_id_compare(lane->suspect, entries[n - 1].id) != 0)
        log_event(LOG_WARN, "entry_broken", {"partition", LOG_N(lane->door.partition)}, {"entry", LOG_S(entries[n - 1].text)},
                  {"reason", LOG_S(reason)}, trace_field(&entries[n - 1], trace));
    lane->suspect = entries[n - 1].id;
    memcpy(lane->suspect_reason, reason, size);
    lane->suspect_reason[size] = '\0';
    lane->suspect_responses = strstr(lane->suspect_reason, "}:responses:") != NULL;
    return REDIS_BROKEN;
}

/* What the lane keeps of what it applied: the watermark, what has come of time passing, whose copies are out of date. */
static void note_applied(struct lane *lane, const struct entry *entries, uint32_t count) {
    const struct entry *last = &entries[count - 1];
    uint32_t own = 0;
    for (uint32_t n = 0; n < count; n++) {
        const struct gist *g = &entries[n].gist;
        uint64_t not_before_ms = g->intent->not_before_ms;
        own += entries[n].own != ENTRY_PLAIN;
        if ((g->op == OP_hold || g->op == OP_order) && g->expires_ms) overdue_expect(lane, g->expires_ms);
        if (not_before_ms > entries[n].id.ms) overdue_expect(lane, not_before_ms - entries[n].id.ms);
        if (g->op == OP_policy) lane->policy_changed = true;
    }
    overdue_note(lane, own);
    credentials_note(&lane->credentials, entries, count);
    if (entry_id_compare(last->id, lane->mark.applied) > 0) lane->mark.applied = last->id;
    lane->mark.epoch = lane->epoch;
    uint32_t day = keys_day(last->id.ms);
    if (day > lane->keep.day) lane->keep.day = day;
}

bool lane_renewal_due(const struct lane *lane) { return lane_now_ms() - lane->renewed_at_ms >= lane->shared->lease_ttl_ms / 3; }

/* Renewing the lease rides along with other commands, so a busy lane keeps its partition without a round trip of its own. */
void lane_append_renewal(struct lane *lane, struct redis *redis, struct command *c) {
    keys_buffer key;
    redis_script_begin(c, &script_lease, 2);
    command_copy(c, key, keys_lease(key, &lane->door.book, lane->door.partition));
    command_copy(c, key, keys_meta(key, &lane->door.book, lane->door.partition));
    command_word(c, "renew");
    command_word(c, lane->shared->worker);
    command_uint(c, lane->shared->lease_ttl_ms);
    command_word(c, lane->epoch_text);
    redis_append(redis, c);
}

enum redis_err lane_next_renewal(struct lane *lane, struct redis *redis) {
    struct reply reply;
    uint64_t asked_at_ms = lane_now_ms();
    enum redis_err err = redis_next(redis, &reply);
    if (!err) lane->renewed_at_ms = asked_at_ms;
    if (!err) lane->paused = reply_integer(reply) == 0;
    lane->renewed |= !err;
    return err;
}

/* A transfer that did not say its currency: what travels must. */
static void name_currencies(struct lane *lane, struct entry *entries, uint32_t count) {
    for (uint32_t n = 0; n < count; n++)
        if (lane->batch.cells[n].away && !entries[n].gist.currency[0])
            gist_name_currency(&entries[n].gist, lane->referrals[n].currency, &lane->texts);
}

/* One call of apply.lua for entries[0..count), which are of one day, have been taken into the batch and looked up. */
static enum redis_err apply_call(struct lane *lane, struct entry *entries, uint32_t count, uint32_t cells, bool read_ahead) {
    struct reply reply;
    bool renew = lane_renewal_due(lane);
    bool durable = durable_wanted(lane) || outbox_waits(lane); /* in their order */
    enum redis_err err = durable ? durable_connect(lane) : REDIS_OK;
    if (err) return err;
    bool function = lane->function && !lane->replaying.on; /* feed.lua has the collector wait, of scripts only */
    struct batch_base base = {lane->epoch_text, lane->mark.applied, function, durable};
    batch_build(&lane->batch, lane->referrals, count, cells, &base, &lane->keep);
    name_currencies(lane, entries, count);
    FAILPOINT("before_apply");
    uint64_t sent_at_us = lane_now_us();
    redis_append(lane->redis, &lane->batch.command);
    if (renew) lane_append_renewal(lane, lane->redis, &lane->batch.command);
    if (read_ahead) lane_append_read(lane);
    err = redis_next(lane->redis, &reply);
    lane->took_us = lane_now_us() - sent_at_us;
    if (err == REDIS_BROKEN) err = note_broken(lane, entries, count);
    if (err) return err;
    FAILPOINT("after_apply");
    note_applied(lane, entries, count);
    metrics_note_batch(lane->metrics, entries, count, lane->took_us);
    err = outbox_take(lane, reply, entries, count, durable);
    tracing_note_applied(lane, entries, count, entry_id_compare(entries[0].id, base.applied) <= 0);
    if (renew && !err) err = lane_next_renewal(lane, lane->redis);
    return err || durable ? err : outbox_send(lane);
}

static uint32_t days_within(unsigned long days, uint32_t otherwise) {
    return days > 0 && days <= BATCH_BILLS_KEEP_DAYS_MAX ? (uint32_t)days : otherwise;
}

/* `lowered` is "DAY DAYS", or not there. */
void lane_keep_days(struct lane *lane, struct reply days, struct reply lowered) {
    int64_t keep = reply_integer(days);
    char *end = NULL;
    unsigned long day = strtoul(reply_text(lowered, NULL), &end, 10);
    lane->keep.days = days_within(keep > 0 ? (unsigned long)keep : 0, BATCH_BILLS_KEEP_DAYS);
    lane->keep.lowered_day = day < UINT32_MAX ? (uint32_t)day : 0;
    lane->keep.lowered_from = days_within(strtoul(end, NULL, 10), BATCH_BILLS_KEEP_DAYS_MAX);
    lane->policy_changed = false;
}

static enum redis_err read_policy(struct lane *lane) {
    struct command *c = &lane->batch.command;
    struct reply reply;
    keys_buffer key;
    command_begin(c, "HMGET");
    command_copy(c, key, keys_meta(key, &lane->door.book, lane->door.partition));
    command_word(c, "policy:bills_keep");
    command_word(c, "lowered");
    enum redis_err err = redis_call(lane->redis, c, &reply);
    if (!err) lane_keep_days(lane, reply_at(reply, 0), reply_at(reply, 1));
    return err;
}

/* Looks up and applies the first of entries[0..*count), which may become fewer. */
static enum redis_err apply_some(struct lane *lane, struct entry *entries, uint32_t *count, bool read_ahead) {
    uint32_t asked = *count, looked_up, cells = 0;
    enum redis_err err = lane->policy_changed ? read_policy(lane) : REDIS_OK;
    if (!err) err = credentials_check(&lane->credentials, lane->redis, &lane->door, entries, count);
    do {
        looked_up = *count;
        cells = batch_take(&lane->batch, entries, *count);
        *count = batch_cut(&lane->batch, *count);
        if (!err && *count == looked_up)
            err = lookup_referrals(lane->redis, &lane->door, lane->batch.cells, cells, lane->keep.days, lane->referrals,
                                   &lane->batch.shelf, count);
    } while (!err && *count < looked_up);
    return err ? err : apply_call(lane, entries, *count, cells, read_ahead && *count == asked);
}

/* One lone attempt at a suspect, counted before it is made. In one lane at a time: an entry that kills the process would otherwise be
 * counted against the suspects of all its lanes, and innocent ones would be given up with it. */
static enum redis_err apply_suspect(struct lane *lane, const struct entry *entry, bool read_ahead) {
    static pthread_mutex_t one_attempt = PTHREAD_MUTEX_INITIALIZER;
    uint64_t tries;
    if (!lane->lone) lane->lone = malloc(BULK_INTENTS_MAX * sizeof *lane->lone);
    assert(lane->lone && "out of memory");
    lane->lone[0] = *entry;
    pthread_mutex_lock(&one_attempt);
    enum redis_err err = count_attempt(lane, entry, &tries);
    if (!err) {
        FAILPOINT("after_count");
        uint32_t count = judge_suspect(lane, lane->lone, tries);
        err = apply_some(lane, lane->lone, &count, read_ahead);
        if (err && err != REDIS_BROKEN) lane->excused++;
    }
    pthread_mutex_unlock(&one_attempt);
    return err;
}

/* Those that were applied before go without the others: what is kept for them is answered before anything that came after them is. */
static uint32_t applied_extent(const struct lane *lane, const struct entry *entries, uint32_t count) {
    bool before = entry_id_compare(entries[0].id, lane->mark.applied) <= 0;
    uint32_t n = 1;
    while (n < count && before == (entry_id_compare(entries[n].id, lane->mark.applied) <= 0)) n++;
    return n;
}

/* A batch that had to end early is followed by smaller ones, growing again: looking up what does not come along is wasted. */
static enum redis_err apply_taken(struct lane *lane, bool read_ahead) {
    uint32_t done = 0, max = atomic_load(&lane->shared->settings->batch), most = max;
    while (done < lane->entry_count) {
        struct entry *rest = lane->entries + done;
        uint32_t count = applied_extent(lane, rest, batch_extent(rest, lane->entry_count - done, most));
        for (uint32_t n = 0; n < count; n++) {
            if (!is_suspect(lane, &rest[n])) continue;
            count = n ? n : 1; /* those before it together, the suspect alone */
            break;
        }
        uint32_t asked = count;
        bool last = read_ahead && done + count == lane->entry_count;
        enum redis_err err = is_suspect(lane, &rest[0]) ? apply_suspect(lane, &rest[0], last) : apply_some(lane, rest, &count, last);
        if (!err) err = outbox_send(lane); /* what waits for durability, while nobody else is kept from trying */
        if (err) return err;
        done += count;
        most = 2 * (count < asked ? count : most);
        if (most > max) most = max;
    }
    return REDIS_OK;
}

enum redis_err lane_apply_entries(struct lane *lane, bool read_ahead) {
    enum redis_err err = apply_taken(lane, read_ahead && page_is_done(lane));
    while (!err && !page_is_done(lane)) {
        err = take_some(lane);
        if (!err) err = lane_note_sources(lane);
        if (!err) err = apply_taken(lane, read_ahead && page_is_done(lane));
    }
    if (!err) release_page(lane); /* before the next one is there as well */
    return err;
}
