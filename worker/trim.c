/* Goes through a partition's streams and has each trimmed. */
#include "worker/trim.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "config/config.h"
#include "worker/door.h"
#include "worker/failpoint.h"
#include "worker/lane_apply.h"
#include "worker/log.h"

enum {
    LOOK_MS = 1000,         /* between two looks at a partition, but */
    LOOK_MORE_MS = 10,      /* at least so much for each partition of the book: a look costs Redis some 0.1 ms */
    REFUSED_MS = 10000,
    BITES = 10,             /* at most of a stream in one turn */
    BITE_PAUSE_US = 1000,   /* Redis has others to serve */
    TELL_AGAIN_MS = 3600000,
    STREAMS_MAX = STREAM_RESPONSES + SOURCES_MAX,
};

static const char responses[] = "responses:";
/* Entries at most in one bite: those of the ledger are hundreds of rows each. */
static const unsigned bite[STREAM_COUNT] = {1000, 100, 1000, 1000, 1000};

static void add_stream(struct trim *t, enum settings_stream kind, const char *name) {
    for (size_t n = 0; n < t->count; n++)
        if (strcmp(t->streams[n].name, name) == 0) return;
    if (t->count == STREAMS_MAX) return;
    if (t->count == t->capacity) {
        t->capacity = t->capacity ? 2 * t->capacity : 8;
        t->streams = realloc(t->streams, t->capacity * sizeof *t->streams);
        assert(t->streams && "out of memory");
    }
    struct trim_stream *s = &t->streams[t->count++];
    *s = (struct trim_stream){.kind = kind};
    snprintf(s->name, sizeof s->name, "%s", name);
}

void trim_init(struct trim *t, unsigned partition) {
    *t = (struct trim){.partition = partition};
    add_stream(t, STREAM_INTENTS, "intents");
    add_stream(t, STREAM_LEDGER, "ledger");
    add_stream(t, STREAM_DEAD, "dead");
    add_stream(t, STREAM_DISCARDED, "discarded");
}

void trim_clear(struct trim *t) {
    free(t->streams);
    *t = (struct trim){0};
}

/* The sources that the lane has heard of since the last look. */
static void add_noted(struct trim *t, struct sources *sources) {
    unsigned count = atomic_load_explicit(&sources->count, memory_order_acquire);
    for (; t->sources_seen < count; t->sources_seen++) {
        char name[TRIM_NAME_MAX + 1];
        snprintf(name, sizeof name, "%s%s", responses, sources->name[t->sources_seen]);
        add_stream(t, STREAM_RESPONSES, name);
    }
}

/* Those that this or another worker has heard of before: each has a field cut:responses:SOURCE. */
static enum redis_err list_known(struct trim *t, const struct trim_view *v) {
    struct reply reply;
    keys_buffer key;
    command_begin(v->command, "HKEYS");
    command_copy(v->command, key, keys_trimmed(key, v->book, t->partition));
    enum redis_err err = redis_call(v->redis, v->command, &reply);
    for (size_t n = 0; !err && n < reply_count(reply); n++) {
        size_t size;
        const char *field = reply_text(reply_at(reply, n), &size);
        if (strncmp(field, "cut:responses:", 14) == 0 && size <= 4 + TRIM_NAME_MAX) add_stream(t, STREAM_RESPONSES, field + 4);
    }
    t->listed = !err;
    return err;
}

static size_t stream_key(keys_buffer out, const struct trim_view *v, unsigned partition, const struct trim_stream *s) {
    switch (s->kind) {
    case STREAM_INTENTS: return keys_intents(out, v->book, partition);
    case STREAM_LEDGER: return keys_ledger(out, v->book, partition);
    case STREAM_DEAD: return keys_dead(out, v->book, partition);
    case STREAM_DISCARDED: return keys_discarded(out, v->book, partition);
    case STREAM_RESPONSES:
    case STREAM_COUNT: break;
    }
    return keys_responses(out, v->book, partition, s->name + strlen(responses));
}

enum redis_err trim_note_source(struct redis *redis, struct command *c, const struct door *door, const char *epoch, const char *source) {
    static const char *const nothing[] = {"keep", "keep", "", "", "-", "0"};
    struct reply reply;
    keys_buffer key;
    char name[TRIM_NAME_MAX + 1];
    redis_script_begin(c, &script_trim, 3);
    command_copy(c, key, keys_meta(key, &door->book, door->partition));
    command_copy(c, key, keys_trimmed(key, &door->book, door->partition));
    command_copy(c, key, keys_responses(key, &door->book, door->partition, source));
    command_word(c, epoch);
    command_copy(c, name, (size_t)snprintf(name, sizeof name, "%s%s", responses, source));
    for (size_t n = 0; n < sizeof nothing / sizeof nothing[0]; n++) command_word(c, nothing[n]);
    enum redis_err err = redis_script_call(redis, &script_trim, c, &reply);
    return err == REDIS_REFUSED ? REDIS_OK : err;
}

static void add_length(struct command *c, uint64_t ms) {
    if (ms == CONFIG_KEEP) command_word(c, "keep");
    else command_uint(c, ms);
}

static void add_archived(struct command *c, const struct trim_view *v, enum settings_stream kind) {
    char last[ENTRY_TEXT_MAX + 1];
    const struct archive_mark *mark = kind == STREAM_INTENTS ? &v->intents : kind == STREAM_LEDGER ? &v->ledger : NULL;
    if (v->archiving && mark) {
        command_copy(c, last, entry_id_format(mark->last, last));
        command_uint(c, mark->entries + mark->missing);
    } else {
        command_word(c, "");
        command_word(c, "");
    }
    command_word(c, v->archive_fault);
}

static enum redis_err call_trim(const struct trim *t, const struct trim_view *v, const struct trim_stream *s, struct reply *reply) {
    struct command *c = v->command;
    keys_buffer key;
    char epoch[24];
    redis_script_begin(c, &script_trim, 3);
    command_copy(c, key, keys_meta(key, v->book, t->partition));
    command_copy(c, key, keys_trimmed(key, v->book, t->partition));
    command_copy(c, key, stream_key(key, v, t->partition, s));
    command_copy(c, epoch, (size_t)snprintf(epoch, sizeof epoch, "%llu", (unsigned long long)v->epoch));
    command_word(c, s->name);
    add_length(c, atomic_load(&v->settings->kept_ms[s->kind]));
    add_length(c, atomic_load(&v->settings->readers_ms));
    add_archived(c, v, s->kind);
    command_uint(c, bite[s->kind]);
    return redis_script_call(v->redis, &script_trim, c, reply);
}

/* Who holds a stream up is said when it begins and when it is over. */
static void note_holder(const struct trim *t, struct trim_stream *s, const char *holder) {
    if (strncmp(s->holder, holder, TRIM_HOLDER_MAX) == 0) return;
    if (*holder)
        log_event(LOG_WARN, "trim_held", {"partition", LOG_N(t->partition)}, {"stream", LOG_S(s->name)}, {"group", LOG_S(holder)});
    else
        log_event(LOG_INFO, "trim_resumes", {"partition", LOG_N(t->partition)}, {"stream", LOG_S(s->name)}, {"group", LOG_S(s->holder)});
    snprintf(s->holder, sizeof s->holder, "%s", holder);
}

/* At first, and then a sum once an hour. */
static void tell(const struct trim *t, struct trim_stream *s) {
    uint64_t now_ms = lane_now_ms();
    if (s->unread && (!s->told_unread_at_ms || now_ms - s->told_unread_at_ms >= TELL_AGAIN_MS)) {
        log_event(LOG_WARN, "unread_cut", {"partition", LOG_N(t->partition)}, {"stream", LOG_S(s->name)}, {"group", LOG_S(s->holder)},
                  {"entries", LOG_N(s->unread)});
        s->unread = 0;
        s->told_unread_at_ms = now_ms;
    }
    if (s->cut && (!s->told_at_ms || now_ms - s->told_at_ms >= TELL_AGAIN_MS)) {
        log_event(LOG_INFO, "trimmed", {"partition", LOG_N(t->partition)}, {"stream", LOG_S(s->name)}, {"entries", LOG_N(s->cut)});
        s->cut = 0;
        s->told_at_ms = now_ms;
    }
}

static bool is_wanted(const struct trim_view *v, const struct trim_stream *s) {
    bool archived = v->archiving && (s->kind == STREAM_INTENTS || s->kind == STREAM_LEDGER); /* how far is to be noted */
    return archived || atomic_load(&v->settings->kept_ms[s->kind]) != CONFIG_KEEP;
}

static enum redis_err trim_stream(struct trim *t, const struct trim_view *v, struct trim_stream *s, bool *more) {
    struct reply reply;
    int64_t cut = 1;
    for (unsigned n = 0; cut > 0 && n < BITES; n++) {
        enum redis_err err = call_trim(t, v, s, &reply);
        if (err) return err;
        cut = reply_integer(reply_at(reply, 0));
        s->cut += (uint64_t)cut;
        s->unread += (uint64_t)reply_integer(reply_at(reply, 1));
        note_holder(t, s, reply_text(reply_at(reply, 2), NULL));
        if (cut > 0) {
            FAILPOINT("after_trim");
            nanosleep(&(struct timespec){0, BITE_PAUSE_US * 1000L}, NULL);
        }
    }
    tell(t, s);
    *more = *more || cut > 0;
    return REDIS_OK;
}

/* A stream of a wrong type, or rights that are missing, concern nothing else. */
static enum redis_err note_refusal(struct trim *t, const struct trim_view *v, const char *name, enum redis_err err) {
    if (err != REDIS_REFUSED) return err;
    if (!t->refused)
        log_event(LOG_ERROR, "trim_refused", {"partition", LOG_N(t->partition)}, {"stream", LOG_S(name)},
                  {"error", LOG_S(redis_error(v->redis))});
    t->refused = true;
    t->look_at_ms = lane_now_ms() + REFUSED_MS;
    return REDIS_OK;
}

enum redis_err trim_turn(struct trim *t, const struct trim_view *v, bool *more) {
    uint64_t now_ms = lane_now_ms(), pause_ms = (uint64_t)LOOK_MORE_MS * v->book->partitions;
    bool rest = false, before = t->refused;
    if (now_ms < t->look_at_ms) return REDIS_OK;
    t->look_at_ms = now_ms + (pause_ms > LOOK_MS ? pause_ms : LOOK_MS);
    enum redis_err err = t->listed ? REDIS_OK : note_refusal(t, v, "trimmed", list_known(t, v));
    add_noted(t, v->sources);
    bool refused = false;
    for (size_t n = 0; n < t->count && !err; n++) {
        if (!is_wanted(v, &t->streams[n])) continue;
        err = trim_stream(t, v, &t->streams[n], &rest);
        refused = refused || err == REDIS_REFUSED;
        err = note_refusal(t, v, t->streams[n].name, err);
    }
    if (before && !refused && !err) t->refused = false;
    if (rest) t->look_at_ms = now_ms;
    *more = *more || rest;
    return err;
}
