/* A reply, or a part of one, read in place. Valid until the next redis_next/redis_call/redis_reopen/redis_close on its connection: the
 * connection owns the last reply it gave out. Shapes are checked: asking a reply for what it is not gives 0, "" or a nil reply, never a
 * crash. hiredis would allocate every value by itself, thirty-four of them for one answer of Till; here all of a reply lie in a few blocks
 * (redis_tree.c), which end together. */
#ifndef PRODUCER_REDIS_REPLY_H
#define PRODUCER_REDIS_REPLY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum reply_type { REPLY_NIL, REPLY_TEXT, REPLY_INTEGER, REPLY_ARRAY, REPLY_ERROR };

struct reply_node {
    enum reply_type type; /* first: hiredis 1.x looks there whether it is a push, which is none of ours */
    uint32_t size;        /* of the text, or how many elements; of nil: 1 when it was of a type that we do not know */
    union {
        int64_t integer;
        const char *text; /* NUL behind it */
        const struct reply_node *elements;
    };
};

struct reply { const struct reply_node *node; };

static inline enum reply_type reply_type(struct reply r) { return r.node ? r.node->type : REPLY_NIL; }

/* Elements of an array. */
static inline size_t reply_count(struct reply r) { return reply_type(r) == REPLY_ARRAY ? r.node->size : 0; }

static inline struct reply reply_at(struct reply r, size_t index) {
    return (struct reply){index < reply_count(r) ? &r.node->elements[index] : NULL};
}

/* NUL-terminated; size may be NULL. Text, status and error. */
static inline const char *reply_text(struct reply r, size_t *size) {
    bool has_text = reply_type(r) == REPLY_TEXT || reply_type(r) == REPLY_ERROR;
    if (size) *size = has_text ? r.node->size : 0;
    return has_text ? r.node->text : "";
}

bool reply_is(struct reply r, const char *text);
struct reply reply_field(struct reply pairs, const char *name); /* of a flat array of names and values; nil when it is not there */
int64_t reply_integer(struct reply r); /* an integer, or text that is one */

#endif
