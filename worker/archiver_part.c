/* Rounds of one partition's archive, and what becomes of its failures. */
#include "worker/archiver_part.h"

#include <assert.h>
#include <stdalign.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "worker/failpoint.h"
#include "worker/lane_apply.h"
#include "worker/log.h"

enum {
    RETRY_FIRST_MS = 1000,
    RETRY_LAST_MS = 30000,
    TAKEN_RETRY_MS = 100,  /* whoever had the partition before gives the lock back any moment */
    TAKEN_TELL_MS = 5000,
    REFUSED_MS = 10000,
    PAGES = 8,             /* of a stream in one turn */
};

struct archiver_part *archiver_part_new(unsigned partition, uint64_t epoch) {
    struct archiver_part *part = aligned_alloc(alignof(struct archiver_part), sizeof *part);
    assert(part && "out of memory");
    memset(part, 0, sizeof *part);
    part->partition = partition;
    part->epoch = epoch;
    part->archive.lock = part->archive.intents.fd = part->archive.ledger.fd = -1;
    trim_init(&part->trim, partition);
    return part;
}

static void tell_fault(struct archiver_part *part, const struct archive_fault *fault) {
    uint64_t now_ms = lane_now_ms();
    bool taken = fault->err == ARCHIVE_TAKEN;
    if (part->told || (taken && now_ms - part->failing_since_ms < TAKEN_TELL_MS)) return;
    log_event(LOG_ERROR, "archive_waits", {"partition", LOG_N(part->partition)}, {"file", LOG_S(fault->file)},
              {"offset", LOG_N(fault->placed ? fault->offset : 0)}, {"error", LOG_S(fault->text)},
              {"next", LOG_S("payments go on; trying again, and trimming waits for it")});
    part->told = true;
}

/* The archive is closed, and opened again later: then it goes on from what is on the disk. */
static void fail(struct archiver_part *part, const struct archive_fault *fault) {
    uint64_t now_ms = lane_now_ms();
    if (part->failing != fault->err) {
        part->told = false;
        part->retry_ms = 0;
    }
    if (!part->failing) part->failing_since_ms = now_ms;
    part->failing = fault->err;
    part->failures++;
    snprintf(part->fault, sizeof part->fault, "%.150s: %s", fault->file, fault->text);
    tell_fault(part, fault);
    part->retry_ms = fault->err == ARCHIVE_TAKEN ? TAKEN_RETRY_MS : part->retry_ms ? 2 * part->retry_ms : RETRY_FIRST_MS;
    if (part->retry_ms > RETRY_LAST_MS) part->retry_ms = RETRY_LAST_MS;
    part->retry_at_ms = now_ms + part->retry_ms;
    archive_close(&part->archive);
    part->open = false;
}

static void recover(struct archiver_part *part) {
    if (!part->failing) return;
    log_event(part->told ? LOG_INFO : LOG_DEBUG, "archive_resumes", {"partition", LOG_N(part->partition)},
              {"failures", LOG_N(part->failures)}, {"after_ms", LOG_N(lane_now_ms() - part->failing_since_ms)});
    part->failing = ARCHIVE_OK;
    part->failures = part->retry_ms = 0;
    part->told = false;
    part->fault[0] = '\0';
}

static void note_durable(struct archiver_part *part) {
    part->intents = part->archive.manifest.intents;
    part->ledger = part->archive.manifest.ledger;
}

static void open_part(struct archiver_part *part, const struct archiver_common *x) {
    struct archive_fault fault;
    enum archive_err err = archive_open(&part->archive, x->dir, x->options, x->book, part->partition, &fault);
    if (err) {
        fail(part, &fault);
        return;
    }
    struct archive_writer *writers[ARCHIVER_STREAMS] = {&part->archive.intents, &part->archive.ledger};
    for (unsigned n = 0; n < ARCHIVER_STREAMS; n++) {
        archive_tail_init(&part->tail[n], writers[n], x->book);
        if (writers[n]->torn)
            log_event(LOG_WARN, "archive_tail_cut", {"partition", LOG_N(part->partition)}, {"file", LOG_S(writers[n]->file)},
                      {"offset", LOG_N(writers[n]->size)}, {"bytes", LOG_N(writers[n]->torn)});
    }
    part->open = true;
    part->ask_at_ms = 0;
    note_durable(part);
    FAILPOINT("archive_open");
}

static void tell_gap(const struct archiver_part *part, const struct archive_tail *t, uint64_t before) {
    char after[ENTRY_TEXT_MAX + 1], upto[ENTRY_TEXT_MAX + 1];
    if (t->gap_count == before) return;
    entry_id_format(t->gap.after, after);
    entry_id_format(t->gap.upto, upto);
    log_event(LOG_ERROR, "archive_gap", {"partition", LOG_N(part->partition)}, {"stream", LOG_S(t->key)},
              {"missing", LOG_N(t->gap.missing)}, {"after", LOG_S(after)}, {"upto", LOG_S(upto)},
              {"reason", LOG_S("removed from the stream before it was archived")});
}

/* Missing rights and keys of a wrong type; nothing is wrong with what is on the disk. */
static enum redis_err refuse(struct archiver_part *part, const struct archiver_common *x, enum redis_err err) {
    struct archive_fault fault;
    if (err != REDIS_REFUSED) return err;
    archive_fail(&fault, ARCHIVE_SYSTEM, "Redis", "%s", redis_error(x->redis));
    fail(part, &fault);
    part->retry_at_ms = lane_now_ms() + REFUSED_MS;
    return REDIS_OK;
}

/* Begins a round of one stream. */
static enum redis_err ask(struct archiver_part *part, struct archiver_common *x, struct archive_tail *t) {
    struct archive_fault fault;
    struct reply reply;
    uint64_t gaps = t->gap_count;
    archive_tail_ask(t, &x->command);
    enum redis_err err = redis_call(x->redis, &x->command, &reply);
    if (err && !archive_tail_is_answer(reply)) return refuse(part, x, err);
    if (archive_tail_info(t, reply, &fault) != ARCHIVE_OK) fail(part, &fault);
    else tell_gap(part, t, gaps);
    return REDIS_OK;
}

static enum redis_err read_pages(struct archiver_part *part, struct archiver_common *x, struct archive_tail *t, unsigned pages) {
    struct archive_fault fault;
    struct reply reply;
    for (; pages > 0 && part->open && archive_tail_behind(t); pages--) {
        uint64_t gaps = t->gap_count;
        archive_tail_want(t, &x->command);
        enum redis_err err = redis_call(x->redis, &x->command, &reply);
        if (err) return refuse(part, x, err);
        if (archive_tail_page(t, reply, &fault) != ARCHIVE_OK) fail(part, &fault);
        else tell_gap(part, t, gaps);
        FAILPOINT("archive_page");
    }
    return REDIS_OK;
}

static bool is_behind(const struct archiver_part *part) {
    return part->open && (archive_tail_behind(&part->tail[0]) || archive_tail_behind(&part->tail[1]));
}

static void tick(struct archiver_part *part) {
    struct archive_fault fault;
    if (!part->open) return;
    if (archive_tick(&part->archive, &fault) != ARCHIVE_OK) {
        fail(part, &fault);
        return;
    }
    note_durable(part);
    FAILPOINT("archive_tick");
    if (!is_behind(part)) recover(part);
}

enum redis_err archiver_part_turn(struct archiver_part *part, struct archiver_common *x, bool *more) {
    uint64_t now_ms = lane_now_ms();
    enum redis_err err = REDIS_OK;
    bool asks = now_ms >= part->ask_at_ms && !is_behind(part);
    if (!part->open && now_ms >= part->retry_at_ms) {
        open_part(part, x);
        asks = true;
    }
    if (asks) part->ask_at_ms = now_ms + x->pause_ms;
    for (unsigned n = 0; n < ARCHIVER_STREAMS && part->open && !err; n++) {
        if (asks) err = ask(part, x, &part->tail[n]);
        if (!err) err = read_pages(part, x, &part->tail[n], PAGES);
    }
    tick(part); /* also when Redis went away: what came is kept */
    *more = *more || is_behind(part);
    return err;
}

static void read_rest(struct archiver_part *part, struct archiver_common *x, uint64_t until_ms) {
    enum redis_err err = REDIS_OK;
    for (unsigned n = 0; n < ARCHIVER_STREAMS && part->open && !err && lane_now_ms() < until_ms; n++) {
        err = ask(part, x, &part->tail[n]);
        while (!err && part->open && archive_tail_behind(&part->tail[n]) && lane_now_ms() < until_ms)
            err = read_pages(part, x, &part->tail[n], 1);
    }
}

void archiver_part_free(struct archiver_part *part, struct archiver_common *x, uint64_t until_ms) {
    struct archive_fault fault;
    if (!part) return;
    if (x->redis && !redis_is_lost(x->redis) && lane_now_ms() < until_ms) {
        if (!part->open && !part->failing && x->dir[0]) open_part(part, x); /* its first turn had not come yet */
        read_rest(part, x, until_ms);
    }
    if (part->open && lane_now_ms() < until_ms && archive_settle(&part->archive, &fault) != ARCHIVE_OK) fail(part, &fault);
    archive_close(&part->archive);
    trim_clear(&part->trim);
    free(part);
}
