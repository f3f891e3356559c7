/* Reads the answers of a source from the response streams of all partitions. */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "producer/client_answer.h"
#include "producer/client_streams.h"
#include "schema/trace.h"

enum { LOOK_FIRST_US = 100, LOOK_LAST_US = 2000, READ_AHEAD = 1024, READ_LEAST = 16 };

struct till_reader {
    struct till *till;
    char source[TILL_SOURCE_SIZE];
    struct entry_id *last;   /* per partition: the last entry all of whose answers were given out */
    keys_buffer *keys;       /* per partition */
    char (*froms)[ENTRY_TEXT_MAX + 1]; /* scratch of a command */
    char *position;
    char trace[TRACE_SIZE + 1]; /* of the last answer given out */
    char left_out[160];      /* the last entry that was, or one of its answers, and why */
    struct reply page;       /* kept beyond other calls with the handle; node NULL: none */
    size_t stream, entry;    /* next one in the page */
    unsigned partition;      /* of that stream */
    struct reply at_hand;    /* the entry before that one, of which there may be more answers */
    struct entry_id at;      /* its ID */
    struct answers walk;     /* its answers */
    int block_ms;            /* of the read under way */
    bool once;               /* it only looks */
    struct client_streams *streams; /* in a Redis Cluster, where one read cannot have all; else NULL */
    unsigned turn;           /* there: the partition to look at first */
};

static void *allocate(size_t count, size_t size) {
    void *memory = calloc(count, size);
    if (memory == NULL)
        abort();
    return memory;
}

static void page_drop(struct till_reader *r) {
    if (r->page.node != NULL)
        reply_release(r->page);
    r->page = r->at_hand = (struct reply){0};
    r->stream = r->entry = 0;
}

/* "$": where every stream ends now. */
static enum redis_err read_ends(struct till *till, int64_t deadline_ms, void *context) {
    struct till_reader *r = context;
    for (unsigned p = 0; p < till->book.partitions; p++)
        client_last_append(till, r->keys[p], strlen(r->keys[p]));
    enum redis_err worst = REDIS_OK;
    for (unsigned p = 0; p < till->book.partitions && till->redis != NULL; p++) {
        enum redis_err err = client_last_next(till, deadline_ms, &r->last[p]);
        worst = err != REDIS_OK ? err : worst;
    }
    return worst;
}

/* A saved position: an ID for each partition, or one for all. */
static int position_parse(struct till_reader *r, const char *text) {
    unsigned partitions = r->till->book.partitions, count = 0;
    for (const char *at = text;; count++) {
        size_t size = strcspn(at, ",");
        if (count == partitions || !entry_id_parse(at, size, &r->last[count]))
            break;
        at += size;
        if (*at++ == '\0' && count + 1 == partitions)
            return TILL_OK;
        if (at[-1] == '\0' && count == 0) {
            for (unsigned p = 1; p < partitions; p++)
                r->last[p] = r->last[0];
            return TILL_OK;
        }
        if (at[-1] == '\0')
            break;
    }
    client_fail(r->till, "from must be 0, $, an entry ID MS-SEQ, or a position with an ID for each of the %u partitions", partitions);
    return TILL_INVALID;
}

static int reader_place(struct till_reader *r, const char *from) {
    if (from != NULL && strcmp(from, "$") != 0)
        return position_parse(r, from);
    return client_retry(r->till, client_now_ms() + r->till->timeout_ms, read_ends, r);
}

int till_reader_open(struct till *till, const char *source, const char *from, struct till_reader **out) {
    struct intent checked = {0};
    *out = NULL;
    const char *why = intent_set_text(&checked, FIELD_source, source != NULL ? source : "", source != NULL ? strlen(source) : 0);
    if (why != NULL) {
        client_fail(till, "source %s", why);
        return TILL_INVALID;
    }
    struct till_reader *r = allocate(1, sizeof *r);
    unsigned partitions = till->book.partitions;
    r->till = till;
    memcpy(r->source, checked.source, sizeof r->source);
    r->last = allocate(partitions, sizeof *r->last);
    r->keys = allocate(partitions, sizeof *r->keys);
    r->froms = allocate(partitions, sizeof *r->froms);
    r->position = allocate(partitions, ENTRY_TEXT_MAX + 1);
    for (unsigned p = 0; p < partitions; p++)
        keys_responses(r->keys[p], &till->book, p, r->source);
    if (till->redis_options.url.kind == REDIS_URL_CLUSTER)
        r->streams = client_streams_new(till, (const keys_buffer *)r->keys);
    int code = reader_place(r, from);
    if (code != TILL_OK)
        till_reader_close(r);
    else
        *out = r;
    return code;
}

void till_reader_close(struct till_reader *r) {
    if (r == NULL)
        return;
    page_drop(r);
    client_streams_free(r->streams);
    free(r->last);
    free(r->keys);
    free(r->froms);
    free(r->position);
    free(r);
}

const char *till_reader_traceparent(const struct till_reader *r) {
    return r->trace;
}

const char *till_reader_left_out(const struct till_reader *r) {
    return r->left_out;
}

const char *till_reader_position(struct till_reader *r) {
    char *at = r->position;
    for (unsigned p = 0; p < r->till->book.partitions; p++) {
        if (p > 0)
            *at++ = ',';
        at += entry_id_format(r->last[p], at);
    }
    return r->position;
}

/* The partition of a stream in the page: the streams come in the order they were asked for. */
static unsigned page_partition(const struct till_reader *r, struct reply stream) {
    size_t size, prefix = 1 + strlen(r->till->book.name) + 1; /* "{B:" */
    const char *key = reply_text(reply_at(stream, 0), &size);
    unsigned p = size > prefix ? (unsigned)strtoul(key + prefix, NULL, 10) : 0;
    return p < r->till->book.partitions ? p : 0;
}

/* Comes to the next entry of the page. False: there is none left. */
static bool page_entry(struct till_reader *r) {
    while (r->page.node != NULL && r->stream < reply_count(r->page)) {
        struct reply stream = reply_at(r->page, r->stream), entries = reply_at(stream, 1);
        if (r->entry >= reply_count(entries)) {
            r->stream++;
            r->entry = 0;
            continue;
        }
        if (r->entry == 0)
            r->partition = page_partition(r, stream);
        r->at_hand = reply_at(entries, r->entry++);
        size_t size;
        const char *id = reply_text(reply_at(r->at_hand, 0), &size);
        if (!entry_id_parse(id, size, &r->at) || entry_id_compare(r->at, r->last[r->partition]) <= 0)
            continue; /* asked for before it was read otherwise */
        client_answers_begin(&r->walk, r->at_hand);
        return true;
    }
    page_drop(r);
    return false;
}

static void leave_out(struct till_reader *r, const char *why) {
    char id[ENTRY_TEXT_MAX + 1];
    entry_id_format(r->at, id);
    snprintf(r->left_out, sizeof r->left_out, "entry %s of partition %u: %s", id, r->partition, why);
}

/* The next answer of the page. Its place is behind an entry once the last of that is given out, or none more can be read. */
static bool page_next(struct till_reader *r, struct till_answer *answer) {
    do {
        while (r->at_hand.node != NULL && answers_next(&r->walk)) {
            if (answers_is_last(&r->walk))
                r->last[r->partition] = r->at;
            if (!client_answer_take(&r->walk, r->at_hand, r->partition, answer)) {
                leave_out(r, "an answer has a value that cannot be");
                continue;
            }
            trace_read(r->walk.trace.text, r->walk.trace.size, r->trace);
            return true;
        }
        if (r->at_hand.node != NULL && r->walk.fault != NULL)
            leave_out(r, r->walk.fault);
        if (r->at_hand.node != NULL)
            r->last[r->partition] = r->at;
    } while (page_entry(r));
    return false;
}

static unsigned read_count(const struct till_reader *r) {
    unsigned partitions = r->till->book.partitions;
    return READ_AHEAD / partitions > READ_LEAST ? READ_AHEAD / partitions : READ_LEAST;
}

/* Partitions first .. last. */
static void read_build(struct till_reader *r, unsigned first, unsigned last) {
    struct command *c = &r->till->command;
    command_begin(c, "XREAD");
    command_word(c, "COUNT");
    command_uint(c, read_count(r));
    if (r->block_ms > 0) {
        command_word(c, "BLOCK");
        command_uint(c, (uint64_t)r->block_ms);
    }
    command_word(c, "STREAMS");
    for (unsigned p = first; p <= last; p++)
        command_word(c, r->keys[p]);
    for (unsigned p = first; p <= last; p++)
        command_borrow(c, r->froms[p], entry_id_format(r->last[p], r->froms[p]));
}

/* One look at each partition of a cluster, until there is something; a node that is away has nothing. */
static enum redis_err look_around(struct till_reader *r, int64_t deadline_ms) {
    unsigned partitions = r->till->book.partitions, first = r->turn;
    struct reply reply;
    for (unsigned n = 0; n < partitions; n++) {
        unsigned p = (first + n) % partitions;
        read_build(r, p, p);
        enum redis_err err = client_call(r->till, deadline_ms, &reply);
        if (err != REDIS_OK && err != REDIS_AWAY)
            return err;
        if (err != REDIS_OK || reply_count(reply) == 0)
            continue;
        r->page = redis_detach(r->till->redis);
        r->turn = p + 1;
        break;
    }
    return REDIS_OK;
}

static enum redis_err read_page(struct till *till, int64_t deadline_ms, void *context) {
    struct till_reader *r = context;
    struct reply reply;
    r->block_ms = r->once ? 0 : client_block_ms(till, deadline_ms);
    if (r->streams != NULL && r->once)
        return look_around(r, deadline_ms);
    if (r->streams != NULL)
        return client_streams_next(r->streams, r->last, read_count(r), deadline_ms, &r->page);
    read_build(r, 0, till->book.partitions - 1);
    enum redis_err err = client_call(till, deadline_ms, &reply);
    if (err == REDIS_OK && reply_count(reply) > 0)
        r->page = redis_detach(till->redis);
    return err;
}

int till_reader_next(struct till_reader *r, int timeout_ms, struct till_answer *answer) {
    bool once = timeout_ms <= 0;
    int64_t deadline_ms = client_now_ms() + (once ? r->till->timeout_ms : timeout_ms);
    int64_t pause_us = LOOK_FIRST_US;
    for (bool empty = false; !page_next(r, answer); empty = r->page.node == NULL) {
        r->once = once;
        if (empty && (once || !client_may_look(deadline_ms)))
            return TILL_NOT_FOUND;
        if (client_retry(r->till, deadline_ms, read_page, r) != TILL_OK)
            return TILL_READ_FAILED;
        if (r->page.node == NULL && r->block_ms == 0 && !once && r->streams == NULL) {
            client_pause_us(pause_us, deadline_ms); /* too little time for Redis' clock: what comes soon is seen soon */
            pause_us = 2 * pause_us < LOOK_LAST_US ? 2 * pause_us : LOOK_LAST_US;
        }
    }
    return TILL_OK;
}
