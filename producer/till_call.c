/* Sends one intent and waits for its answer.
 *
 *     where does the response stream end?  \  one exchange, so that the answer
 *     XADD the intent                      /  can only lie after that end
 *     XREAD from there on, until it is the answer to us; on a lost connection all of it again.
 *     Told that the same intent is in progress: further on, until the answer to that copy comes
 */
#include <string.h>

#include "producer/client_answer.h"
#include "producer/client_durable.h"
#include "producer/client_guard.h"
#include "producer/client_intent.h"
#include "producer/client_source.h"

enum { LOOK_PAUSE_MS = 2, READ_COUNT = 64, COPIES_MAX = 8 };

struct call {
    struct till *till;
    const struct till_intent *intent;
    struct till_result result;   /* key and time for all copies; entry of the newest copy known */
    struct till_answer *answer;
    int64_t deadline_ms;
    unsigned partition;
    struct entry_id last;        /* response read last */
    bool placed;                 /* `last` is known */
    bool written;                /* a copy may be in the stream */
    bool written_before;         /* one may have been before the copy under way */
    bool undurable;              /* it is enqueued, but not as safe as it must be */
    bool awaits_other;           /* one copy was told that another is in progress: that one's answer is ours */
    struct till_answer in_progress; /* what it was told */
    unsigned copies;             /* enqueued for certain */
    char entries[COPIES_MAX][TILL_ENTRY_SIZE];
};

static int finish(struct call *c, int code, const char *detail) {
    struct till_answer *a = c->answer;
    memset(a, 0, sizeof *a);
    a->code = code;
    a->partition = c->partition;
    a->at_ms = c->result.at_ms;
    memcpy(a->key, c->result.key, sizeof a->key);
    memcpy(a->entry, c->result.entry, sizeof a->entry);
    client_copy(a->reason, sizeof a->reason, till_code_word(code));
    client_copy(a->source, sizeof a->source, c->till->intent.source);
    client_copy(a->account, sizeof a->account, c->till->intent.account);
    client_copy(a->op, sizeof a->op, c->till->intent.op != OP_NONE ? op_word(c->till->intent.op) : "");
    client_copy(a->detail, sizeof a->detail, detail);
    return code;
}

/* The time is over, or nothing helps. */
static int give_up(struct call *c, int code_unwritten) {
    char why[CLIENT_ERROR_SIZE];
    if (c->awaits_other) {
        *c->answer = c->in_progress;
        return TILL_IN_PROGRESS;
    }
    memcpy(why, c->till->error, sizeof why);
    if (!c->written)
        return finish(c, code_unwritten, why);
    if (c->result.entry[0] != '\0')
        client_fail(c->till, "enqueued as %s and still waiting for its answer%s%s", c->result.entry, why[0] != '\0' ? ": " : "", why);
    else
        client_fail(c->till, "unknown whether it was enqueued: %s", why);
    return finish(c, TILL_WRITE_FAILED, c->till->error);
}

static enum redis_err send_append(struct call *c) {
    keys_buffer key;
    if (!c->placed)
        client_last_append(c->till, key, keys_responses(key, &c->till->book, c->partition, c->till->intent.source));
    client_intent_append(c->till, c->partition);
    client_guard_ask_ahead(c->till, c->intent, 1);
    client_durable_append(c->till, c->deadline_ms);
    c->written_before = c->written;
    c->written = true;
    return client_flush(c->till, c->deadline_ms);
}

static enum redis_err wait_durable(struct call *c) {
    bool reached = true;
    enum redis_err err = client_durable_next(c->till, c->deadline_ms, &reached);
    c->undurable = !reached;
    return err;
}

/* Reads where to look for the answer, and the entry ID. */
static enum redis_err send_collect(struct call *c) {
    struct reply reply;
    size_t size;
    enum redis_err err = REDIS_OK;
    if (!c->placed) {
        err = client_last_next(c->till, c->deadline_ms, &c->last);
        if (err == REDIS_LOST || err == REDIS_GARBLED)
            return err;
        c->placed = err == REDIS_OK;
    }
    enum redis_err err_add = client_next(c->till, c->deadline_ms, &reply);
    if (err_add == REDIS_LOST || err_add == REDIS_GARBLED)
        return err_add;
    const char *entry = err_add == REDIS_OK ? reply_text(reply, &size) : NULL; /* before the next reply is read */
    if (entry != NULL && size < sizeof c->result.entry) {
        memcpy(c->result.entry, entry, size + 1);
        memcpy(c->entries[c->copies % COPIES_MAX], entry, size + 1);
        c->copies++;
    }
    char why[CLIENT_ERROR_SIZE];
    client_copy(why, sizeof why, c->till->error);
    enum redis_err err_wait = wait_durable(c);
    if (err_add != REDIS_OK) {
        client_fail(c->till, "%s", why);
        if (!c->written_before)
            client_source_count(c->till, c->partition, c->till->intent.source, -1);
        c->written = c->written_before;
        c->undurable = false;
        return err_add;
    }
    return err != REDIS_OK ? err : err_wait;
}

static bool is_ours(const struct call *c, const char *entry) {
    for (unsigned i = 0; i < c->copies && i < COPIES_MAX; i++)
        if (strcmp(c->entries[i], entry) == 0)
            return true;
    return false;
}

/* Is this the answer? A replayed one carries the entry of the copy that was decided, which need not be ours: then operation and amount
 * must be ours too, lest the answer to an earlier use of the key be taken for one to us (ours will say that the key was reused). */
static bool is_answer(struct call *c, const struct till_answer *a) {
    const struct intent *intent = &c->till->intent;
    if (strcmp(a->key, intent->key) != 0 || strcmp(a->account, intent->account) != 0 || strcmp(a->source, intent->source) != 0)
        return false;
    if (is_ours(c, a->entry)) {
        c->awaits_other = a->code == TILL_IN_PROGRESS;
        if (c->awaits_other)
            c->in_progress = *a;
        return !c->awaits_other;
    }
    if (!a->replayed && !c->awaits_other)
        return false;
    bool moved = a->code == TILL_OK && a->has_amount && (intent->present & FIELD_BIT(FIELD_amount));
    return strcmp(a->op, op_word(intent->op)) == 0 && (!moved || a->amount_minor == (int64_t)intent->amount_minor);
}

static void read_append(struct call *c, keys_buffer key, char from[ENTRY_TEXT_MAX + 1], int block_ms) {
    struct command *command = &c->till->command;
    command_begin(command, "XREAD");
    command_word(command, "COUNT");
    command_uint(command, READ_COUNT);
    if (block_ms > 0) {
        command_word(command, "BLOCK");
        command_uint(command, (uint64_t)block_ms);
    }
    command_word(command, "STREAMS");
    command_borrow(command, key, keys_responses(key, &c->till->book, c->partition, c->till->intent.source));
    command_borrow(command, from, entry_id_format(c->last, from));
}

static bool is_in_entry(struct call *c, struct reply entry) {
    struct answers walk;
    client_answers_begin(&walk, entry);
    while (answers_next(&walk))
        if (client_answer_take(&walk, entry, c->partition, c->answer) && is_answer(c, c->answer))
            return true;
    return false;
}

/* One look. REDIS_OK with *found set when the answer is there. */
static enum redis_err look(struct call *c, int block_ms, bool *found, bool *empty) {
    keys_buffer key;
    char from[ENTRY_TEXT_MAX + 1];
    struct reply reply;
    read_append(c, key, from, block_ms);
    enum redis_err err = client_call(c->till, c->deadline_ms, &reply);
    if (err != REDIS_OK)
        return err;
    struct reply entries = reply_at(reply_at(reply, 0), 1);
    *empty = reply_count(entries) == 0;
    for (size_t i = 0; i < reply_count(entries) && !*found; i++) {
        size_t size;
        const char *id = reply_text(reply_at(reply_at(entries, i), 0), &size);
        struct entry_id at;
        if (entry_id_parse(id, size, &at))
            c->last = at;
        *found = is_in_entry(c, reply_at(entries, i));
    }
    return REDIS_OK;
}

static enum redis_err await(struct call *c, bool *found) {
    bool empty = false;
    while (!*found && client_may_look(c->deadline_ms)) {
        int block_ms = client_block_ms(c->till, c->deadline_ms);
        enum redis_err err = look(c, block_ms, found, &empty);
        if (err != REDIS_OK)
            return err;
        if (!*found && empty && block_ms == 0)
            client_pause(LOOK_PAUSE_MS, c->deadline_ms);
    }
    return REDIS_OK;
}

/* One try on one connection: REDIS_OK when the answer was found or the time is over. */
static enum redis_err call_try(struct call *c, bool *found, bool *refused) {
    enum redis_err err = c->written ? REDIS_OK : client_guard_ask(c->till, c->intent, 1, c->deadline_ms);
    if (err != REDIS_OK)
        return err;
    char text[CLIENT_ERROR_SIZE];
    *refused = !c->written && client_guard_refuses(c->till, c->partition, c->till->intent.source, text, sizeof text) != NULL;
    if (*refused) {
        client_fail(c->till, "%s", text);
        return REDIS_OK;
    }
    err = send_append(c);
    if (err == REDIS_OK)
        err = send_collect(c);
    if (err != REDIS_OK || c->undurable)
        return err;
    c->till->error[0] = '\0';
    return await(c, found);
}

static int call_run(struct call *c) {
    for (;;) {
        bool found = false, refused = false;
        int code = client_reconnect(c->till, c->deadline_ms);
        if (code != TILL_OK)
            return give_up(c, TILL_READ_FAILED);
        enum redis_err err = call_try(c, &found, &refused);
        if (found) {
            c->till->failures = 0;
            return c->answer->code;
        }
        if (c->undurable)
            return give_up(c, TILL_WRITE_FAILED);
        if (refused)
            return finish(c, TILL_BUSY, c->till->error);
        if ((err != REDIS_LOST && err != REDIS_AWAY) || !client_back_off(c->till, err, c->deadline_ms))
            return give_up(c, client_is_busy(err) ? TILL_BUSY : TILL_READ_FAILED);
    }
}

/* One partition after the other; the first that does not say yes has the word. */
static int call_everywhere(const struct call *c, unsigned partitions) {
    int code = TILL_OK;
    for (unsigned p = 0; p < partitions && code == TILL_OK; p++) {
        struct call one = *c;
        one.partition = p;
        code = call_run(&one);
    }
    return code;
}

int till_call(struct till *till, const struct till_intent *intent, int timeout_ms, struct till_answer *answer) {
    struct call c = {.till = till, .intent = intent, .answer = answer, .deadline_ms = client_now_ms() + timeout_ms};
    client_intent_begin(intent, client_wall_ms(), &c.result);
    till->error[0] = '\0';
    if (!client_intent_take(till, intent, &c.result)) {
        client_fail(till, "%s", c.result.text);
        return finish(&c, TILL_INVALID, c.result.field);
    }
    unsigned copies = client_intent_copies(till, intent);
    c.partition = client_intent_partition(till, intent);
    int code = copies == 1 ? call_run(&c) : call_everywhere(&c, copies);
    client_intent_wipe(till);
    return code;
}
