/* A blocking XREAD on each of many connections, and one poll for all. */
#include "producer/client_streams.h"

#include <stdlib.h>
#include <string.h>

enum { BLOCK_MS = 1000, OPEN_MS = 300, TURN_MS = 100 };

struct stream {
    bool asked;             /* a read is under way */
    int64_t asked_ms, retry_ms;
    unsigned failures;      /* in a row */
};

struct client_streams {
    struct till *till;
    const keys_buffer *keys;
    unsigned count, first;  /* first: whose turn it is, so that a busy stream does not hide the others */
    struct stream *streams;
    struct redis **redis;   /* of each; NULL: not opened yet */
    struct redis **waiting; /* scratch: those on which a read is under way */
    struct redis_options options;
};

struct client_streams *client_streams_new(struct till *till, const keys_buffer *keys) {
    struct client_streams *s = calloc(1, sizeof *s);
    if (s == NULL)
        abort();
    *s = (struct client_streams){.till = till, .keys = keys, .count = till->book.partitions, .options = till->redis_options};
    s->options.client_name = till->client_name;
    s->options.timeout_ms = BLOCK_MS + till->timeout_ms;
    s->options.connect_timeout_ms = till->connect_timeout_ms < OPEN_MS ? till->connect_timeout_ms : OPEN_MS;
    s->streams = calloc(s->count, sizeof *s->streams);
    s->redis = calloc(s->count, sizeof *s->redis);
    s->waiting = calloc(s->count, sizeof *s->waiting);
    if (s->streams == NULL || s->redis == NULL || s->waiting == NULL)
        abort();
    return s;
}

void client_streams_free(struct client_streams *s) {
    if (s == NULL)
        return;
    for (unsigned p = 0; p < s->count; p++)
        redis_close(s->redis[p]);
    explicit_bzero(&s->options, sizeof s->options); /* the password */
    free(s->redis);
    free(s->waiting);
    free(s->streams);
    free(s);
}

static void note_failure(struct client_streams *s, unsigned p, enum redis_err err) {
    struct stream *stream = &s->streams[p];
    client_fail(s->till, "%s", redis_error(s->redis[p]));
    stream->asked = false;
    stream->retry_ms = client_now_ms() + redis_err_wait_ms(err, ++stream->failures);
}

static enum redis_err open_stream(struct client_streams *s, unsigned p) {
    enum redis_err err = REDIS_OK;
    if (s->redis[p] == NULL)
        err = redis_open(&s->redis[p], &s->options);
    else if (redis_is_lost(s->redis[p]))
        err = redis_reopen(s->redis[p]);
    return err != REDIS_OK ? err : redis_home(s->redis[p], s->keys[p], strlen(s->keys[p]));
}

static enum redis_err ask_stream(struct client_streams *s, unsigned p, struct entry_id last, unsigned count) {
    struct command *c = &s->till->command;
    char from[ENTRY_TEXT_MAX + 1];
    enum redis_err err = open_stream(s, p);
    if (err != REDIS_OK)
        return err;
    command_begin(c, "XREAD");
    command_word(c, "COUNT");
    command_uint(c, count);
    command_word(c, "BLOCK");
    command_uint(c, BLOCK_MS);
    command_word(c, "STREAMS");
    command_word(c, s->keys[p]);
    command_borrow(c, from, entry_id_format(last, from));
    redis_append(s->redis[p], c);
    s->streams[p].asked = true;
    s->streams[p].asked_ms = client_now_ms();
    return redis_flush(s->redis[p]);
}

/* Sends the reads that are missing; how many are under way. After one connection that failed the others wait for the next turn: nobody
 * should wait for many dead nodes in a row. */
static unsigned ask_all(struct client_streams *s, const struct entry_id *last, unsigned count) {
    unsigned asked = 0;
    bool failed = false;
    for (unsigned p = 0; p < s->count; p++) {
        bool due = !s->streams[p].asked && !failed && client_now_ms() >= s->streams[p].retry_ms;
        enum redis_err err = due ? ask_stream(s, p, last[p], count) : REDIS_OK;
        if (err != REDIS_OK)
            note_failure(s, p, err);
        failed = failed || err != REDIS_OK;
        asked += s->streams[p].asked;
        s->waiting[p] = s->streams[p].asked ? s->redis[p] : NULL;
    }
    return asked;
}

/* A server that froze keeps its connection, and says nothing. */
static void drop_silent(struct client_streams *s, unsigned p) {
    if (client_now_ms() - s->streams[p].asked_ms <= s->options.timeout_ms)
        return;
    redis_close(s->redis[p]);
    s->redis[p] = NULL;
    s->streams[p].asked = false;
}

static void take_reply(struct client_streams *s, unsigned p, struct reply *page) {
    struct reply reply;
    enum redis_err err = redis_next(s->redis[p], &reply);
    s->streams[p].asked = false;
    if (err != REDIS_OK) {
        note_failure(s, p, err);
        return;
    }
    s->streams[p].failures = 0;
    if (reply_count(reply) > 0)
        *page = redis_detach(s->redis[p]);
}

static void take_any(struct client_streams *s, struct reply *page) {
    for (unsigned n = 0; n < s->count && page->node == NULL; n++) {
        unsigned p = (s->first + n) % s->count;
        if (!s->streams[p].asked)
            continue;
        if (redis_is_readable(s->redis[p]))
            take_reply(s, p, page);
        else
            drop_silent(s, p);
        if (page->node != NULL)
            s->first = p + 1;
    }
}

enum redis_err client_streams_next(struct client_streams *s, const struct entry_id *last, unsigned count, int64_t deadline_ms,
                                   struct reply *page) {
    unsigned asked;
    *page = (struct reply){NULL};
    do {
        asked = ask_all(s, last, count);
        int64_t left_ms = deadline_ms - client_now_ms(), wait_ms = left_ms < TURN_MS ? left_ms : TURN_MS;
        if (redis_wait_any(s->waiting, s->count, wait_ms > 0 ? (int)wait_ms : 0))
            take_any(s, page);
    } while (page->node == NULL && client_now_ms() < deadline_ms);
    return page->node == NULL && asked == 0 ? REDIS_LOST : REDIS_OK;
}
