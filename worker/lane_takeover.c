/* Takeover and recovery. */
#include "worker/lane_takeover.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "worker/failpoint.h"
#include "worker/lane_apply.h"
#include "worker/log.h"
#include "worker/loss.h"

static enum redis_err renew_lease(struct lane *lane) {
    lane_append_renewal(lane, lane->redis, &lane->batch.command);
    return lane_next_renewal(lane, lane->redis);
}

/* From 0: after a lost group everything is delivered again, and the watermark sees to it that nothing happens twice. */
static enum redis_err ensure_group(struct lane *lane) {
    struct command *c = &lane->batch.command;
    struct reply reply;
    keys_buffer key;
    command_begin(c, "XGROUP");
    command_word(c, "CREATE");
    command_copy(c, key, keys_intents(key, &lane->door.book, lane->door.partition));
    command_word(c, KEYS_GROUP);
    command_word(c, "0");
    command_word(c, "MKSTREAM");
    enum redis_err err = redis_call(lane->redis, c, &reply);
    return err == REDIS_REFUSED && strncmp(redis_error(lane->redis), "BUSYGROUP", 9) == 0 ? REDIS_OK : err;
}

/* Is anything missing that was not accepted? Against the highest this worker saw, and against what an owner before it left in meta. */
static void judge_loss(struct lane *lane, struct entry_id applied, uint64_t bill, const char *halted, uint64_t halted_epoch, bool gone) {
    bool missing = mark_missing(&lane->mark, applied, bill, lane->loss, sizeof lane->loss);
    if (gone && !missing) loss_describe(&lane->mark, lane->loss, sizeof lane->loss);
    missing |= gone;
    uint64_t epoch = lane->mark.epoch ? lane->mark.epoch : lane->epoch; /* whoever accepts names the current one */
    lane->halted = *halted != '\0';
    if (missing && lane->loss_accepted < epoch) return;
    if (lane->halted && lane->loss_accepted < halted_epoch) {
        snprintf(lane->loss, sizeof lane->loss, "%s", halted);
        return;
    }
    lane->loss[0] = '\0';
    lane->mark = (struct mark){applied, bill, false, lane->epoch};
}

/* What Redis has now, against what it had. */
static enum redis_err compare_mark(struct lane *lane) {
    static const char *const fields[] = {"applied", "bill", "loss_accepted", "halted", "halted_epoch",
                                         "policy:bills_keep", "replaying", "lowered"};
    struct command *c = &lane->batch.command;
    struct reply reply;
    keys_buffer key;
    struct entry_id applied = {0, 0};
    size_t size;
    bool gone;
    enum redis_err err = loss_find(lane->redis, c, &lane->door.book, lane->door.partition, &lane->mark, &gone);
    if (err) return err;
    command_begin(c, "HMGET");
    command_copy(c, key, keys_meta(key, &lane->door.book, lane->door.partition));
    for (size_t n = 0; n < sizeof fields / sizeof *fields; n++) command_word(c, fields[n]);
    err = redis_call(lane->redis, c, &reply);
    if (err) return err;
    const char *text = reply_text(reply_at(reply, 0), &size);
    if (size && !entry_id_parse_whole(text, size, &applied)) return REDIS_GARBLED;
    lane->loss_accepted = (uint64_t)reply_integer(reply_at(reply, 2));
    lane->keep.day = keys_day(applied.ms);
    lane_keep_days(lane, reply_at(reply, 5), reply_at(reply, 7));
    judge_loss(lane, applied, (uint64_t)reply_integer(reply_at(reply, 1)), reply_text(reply_at(reply, 3), NULL),
               (uint64_t)reply_integer(reply_at(reply, 4)), gone);
    return replaying_read(lane, reply_at(reply, 6));
}

/* So that an owner after this one, which saw nothing of what is missing, is halted too. */
static enum redis_err write_halted(struct lane *lane, const char *text) {
    struct command *c = &lane->batch.command;
    struct reply reply;
    keys_buffer key;
    redis_script_begin(c, &script_lease, 2);
    command_copy(c, key, keys_lease(key, &lane->door.book, lane->door.partition));
    command_copy(c, key, keys_meta(key, &lane->door.book, lane->door.partition));
    command_word(c, "halt");
    command_word(c, lane->shared->worker);
    command_word(c, "0");
    command_word(c, lane->epoch_text);
    command_word(c, text);
    enum redis_err err = redis_script_call(lane->redis, &script_lease, c, &reply);
    if (!err) lane->halted = *text != '\0';
    return err;
}

/* Keeps the lease and touches nothing else until an operator accepts the loss. */
static enum redis_err wait_for_acceptance(struct lane *lane) {
    enum redis_err err = REDIS_OK;
    if (lane->loss[0]) {
        log_event(LOG_ERROR, "data_loss_suspected", {"partition", LOG_N(lane->door.partition)}, {"what", LOG_S(lane->loss)},
                  {"next", LOG_S(atomic_load(&lane->shared->settings->halt_on_loss) ? "halted until `till accept-loss`" : "going on")});
        if (!lane->halted) err = write_halted(lane, lane->loss);
    }
    while (!err && lane->loss[0] && !atomic_load(&lane->stop)) {
        if (!atomic_load(&lane->shared->settings->halt_on_loss)) {
            lane->mark = (struct mark){{0, 0}, 0, false, lane->epoch};
            err = write_halted(lane, "");
        } else {
            nanosleep(&(struct timespec){0, 200 * 1000000L}, NULL);
        }
        if (!err && lane_renewal_due(lane)) err = renew_lease(lane);
        if (!err) err = compare_mark(lane);
    }
    return err || lane->loss[0] || !lane->halted ? err : write_halted(lane, "");
}

/* Who paused the partition, when and why, for people. */
static enum redis_err tell_paused(struct lane *lane) {
    struct command *c = &lane->batch.command;
    struct reply reply;
    keys_buffer key;
    command_begin(c, "HMGET");
    command_copy(c, key, keys_meta(key, &lane->door.book, lane->door.partition));
    command_word(c, "paused");
    command_word(c, "paused_by");
    command_word(c, "paused_reason");
    enum redis_err err = redis_call(lane->redis, c, &reply);
    if (!err)
        log_event(LOG_INFO, "partition_paused", {"partition", LOG_N(lane->door.partition)},
                  {"since_ms", LOG_S(reply_text(reply_at(reply, 0), NULL))}, {"by", LOG_S(reply_text(reply_at(reply, 1), NULL))},
                  {"reason", LOG_S(reply_text(reply_at(reply, 2), NULL))});
    return err;
}

/* Keeps the lease, and with it the place of a partition that somebody else would only pause at too. What is pending stays so. */
static enum redis_err wait_while_paused(struct lane *lane) {
    if (!lane->paused) return REDIS_OK;
    enum redis_err err = tell_paused(lane);
    while (!err && lane->paused && !atomic_load(&lane->stop)) {
        nanosleep(&(struct timespec){0, 200 * 1000000L}, NULL);
        err = renew_lease(lane);
    }
    if (!err && !lane->paused) log_event(LOG_INFO, "partition_goes_on", {"partition", LOG_N(lane->door.partition)});
    return err;
}

static void report_lost(const struct lane *lane, struct reply lost) {
    for (size_t n = 0; n < reply_count(lost); n++)
        log_event(LOG_ERROR, "entry_lost", {"partition", LOG_N(lane->door.partition)},
                  {"entry", LOG_S(reply_text(reply_at(lost, n), NULL))},
                  {"reason", LOG_S("trimmed while pending")});
}

/* Claims and applies one page; `cursor` moves on, to "0-0" behind the last. */
static enum redis_err claim_page(struct lane *lane, char cursor[ENTRY_TEXT_MAX + 1]) {
    struct command *c = &lane->batch.command;
    struct reply reply;
    keys_buffer key;
    redis_script_begin(c, &script_claim, 3);
    command_copy(c, key, keys_meta(key, &lane->door.book, lane->door.partition));
    command_copy(c, key, keys_intents(key, &lane->door.book, lane->door.partition));
    command_copy(c, key, keys_dead(key, &lane->door.book, lane->door.partition));
    command_word(c, lane->epoch_text);
    command_word(c, lane->shared->worker);
    command_word(c, cursor);
    command_uint(c, atomic_load(&lane->shared->settings->batch));
    enum redis_err err = redis_script_call(lane->redis, &script_claim, c, &reply);
    if (err) return err;
    size_t size;
    const char *next = reply_text(reply_at(reply, 0), &size);
    if (size == 0 || size > ENTRY_TEXT_MAX) return REDIS_GARBLED;
    memcpy(cursor, next, size + 1);
    report_lost(lane, reply_at(reply, 3));
    struct reply entries = reply_at(reply, 1);
    lane->recovered += reply_count(entries);
    FAILPOINT("after_claim");
    if (reply_count(entries) == 0) return REDIS_OK;
    err = lane_take_entries(lane, entries, reply_at(reply, 2));
    if (!err) err = lane_note_sources(lane);
    return err ? err : lane_apply_entries(lane, false);
}

static enum redis_err claim_everything(struct lane *lane) {
    char cursor[ENTRY_TEXT_MAX + 1] = "0-0";
    do {
        enum redis_err err = claim_page(lane, cursor);
        if (err) return err;
    } while (strcmp(cursor, "0-0") != 0 && !atomic_load(&lane->stop));
    return REDIS_OK;
}

static void append_sweep(struct lane *lane) {
    struct command *c = &lane->batch.command;
    keys_buffer key;
    redis_script_begin(c, &script_sweep, 2);
    command_copy(c, key, keys_meta(key, &lane->door.book, lane->door.partition));
    command_copy(c, key, keys_intents(key, &lane->door.book, lane->door.partition));
    command_word(c, lane->epoch_text);
    command_word(c, lane->shared->worker);
    redis_append(lane->redis, c);
}

static enum redis_err sweep_consumers(struct lane *lane) {
    struct reply reply;
    append_sweep(lane);
    return redis_next(lane->redis, &reply);
}

enum redis_err lane_take_over(struct lane *lane) {
    uint64_t since_ms = lane_now_ms(), before = lane->recovered;
    outbox_release(lane);
    credentials_clear(&lane->credentials); /* an apply whose reply was lost may have changed them, and left nothing pending that says so */
    enum redis_err err = renew_lease(lane);
    FAILPOINT("after_renewal");
    if (!err) err = ensure_group(lane);
    FAILPOINT("after_group");
    if (!err) err = compare_mark(lane);
    if (!err) metrics_note_served(lane->metrics, lane->loss[0]);
    if (!err) err = wait_for_acceptance(lane);
    if (!err) metrics_note_served(lane->metrics, lane->loss[0]);
    if (!err) err = wait_while_paused(lane);
    if (!err) err = replaying_recall(lane);
    if (!err && !atomic_load(&lane->stop)) err = claim_everything(lane);
    FAILPOINT("before_sweep");
    if (!err && !atomic_load(&lane->stop)) err = sweep_consumers(lane);
    FAILPOINT("after_sweep");
    if (!err) metrics_note_take_over(lane->metrics, lane->recovered - before);
    if (!err && lane->recovered > before)
        log_event(lane->outbox.holding ? LOG_DEBUG : LOG_INFO, "recovered", {"partition", LOG_N(lane->door.partition)},
                  {"entries", LOG_N(lane->recovered - before)}, {"ms", LOG_N(lane_now_ms() - since_ms)});
    return err;
}

enum redis_err lane_rest(struct lane *lane) {
    struct reply reply;
    lane_append_renewal(lane, lane->redis, &lane->batch.command);
    append_sweep(lane);
    enum redis_err err = lane_next_renewal(lane, lane->redis);
    if (!err) err = redis_next(lane->redis, &reply);
    return !err && reply_integer(reply) > (int64_t)lane->outbox.staying ? lane_take_over(lane) : err;
}
