/* Replies that lie whole in the buffer: looked over first, as far as there is of them, then copied in one piece and cut up there. */
#include "producer/redis_whole.h"

#include <hiredis/hiredis.h>

#include <stdint.h>
#include <string.h>

#include "producer/redis_tree.h"

enum { REPLY_MOST = 512 * 1024, TRIM_FROM = 64 * 1024, DIGITS_MOST = 18, DEPTH_MOST = 7 };
#define NUMBER_MOST INT32_MAX

enum seen { SEEN_WHOLE, SEEN_PART, SEEN_ODD };

/* A decimal and the end of its line. */
static enum seen see_number(const char **at, const char *end, int64_t *number) {
    const char *p = *at;
    bool negative = p < end && *p == '-';
    const char *first = p += negative;
    int64_t n = 0;
    while (p < end && *p >= '0' && *p <= '9' && p - first < DIGITS_MOST) n = n * 10 + (*p++ - '0');
    if (end - p < 2) return p == end || *p == '\r' ? SEEN_PART : SEEN_ODD;
    if (p == first || p[0] != '\r' || p[1] != '\n') return SEEN_ODD;
    *number = negative ? -n : n;
    *at = p + 2;
    return SEEN_WHOLE;
}

static enum seen see_text(const char **at, const char *end) {
    int64_t size;
    enum seen seen = see_number(at, end, &size);
    if (seen != SEEN_WHOLE || size == -1) return seen;
    if (size < 0 || size > NUMBER_MOST) return SEEN_ODD;
    if (end - *at < size + 2) return SEEN_PART;
    *at += size;
    if ((*at)[0] != '\r' || (*at)[1] != '\n') return SEEN_ODD;
    *at += 2;
    return SEEN_WHOLE;
}

static enum seen see_line(const char **at, const char *end) {
    const char *last = memchr(*at, '\n', (size_t)(end - *at));
    if (!last) return SEEN_PART;
    if (last == *at || last[-1] != '\r') return SEEN_ODD;
    *at = last + 1;
    return SEEN_WHOLE;
}

/* One value; of an array the line that says how many are in it, which are `left` from then on. */
static enum seen see_value(const char **at, const char *end, size_t *left) {
    int64_t number;
    enum seen seen;
    switch (*(*at)++) {
    case '$': return see_text(at, end);
    case ':': return see_number(at, end, &number);
    case '+':
    case '-': return see_line(at, end);
    case '*':
        seen = see_number(at, end, &number);
        if (seen != SEEN_WHOLE || number == -1) return seen;
        if (number < 0 || number > NUMBER_MOST) return SEEN_ODD;
        *left += (size_t)number;
        return seen;
    default: return SEEN_ODD;
    }
}

/* A text of up to 99 bytes, as nearly all are: in front of the others, for speed. False: it is none, or there may be more of it to come. */
static inline bool see_short(const char **at, const char *end) {
    const char *p = *at;
    if (end - p < 8 || p[0] != '$') return false;
    unsigned size = (unsigned)p[1] - '0', second = (unsigned)p[2] - '0';
    if (size > 9) return false;
    p += 2;
    if (second <= 9) size = 10 * size + second, p++;
    if (p[0] != '\r' || p[1] != '\n' || end - p < (ptrdiff_t)size + 4) return false;
    p += 2 + size;
    if (p[0] != '\r' || p[1] != '\n') return false;
    *at = p + 2;
    return true;
}

static enum seen see_reply(const redisReader *reader, struct reply_scan *scan) {
    const char *begin = reader->buf + reader->pos, *end = reader->buf + reader->len, *at = begin + scan->offset, *next = at;
    size_t values = scan->values, left = values == 0 ? 1 : scan->left;
    enum seen seen = SEEN_WHOLE;
    for (; left > 0 && seen == SEEN_WHOLE && next < end; at = seen == SEEN_WHOLE ? next : at) {
        size_t more = 0;
        if (!see_short(&next, end)) seen = see_value(&next, end, &more);
        values += seen == SEEN_WHOLE;
        left += more - (seen == SEEN_WHOLE);
    }
    *scan = (struct reply_scan){.offset = (size_t)(at - begin), .values = values, .left = left};
    return left > 0 && seen == SEEN_WHOLE ? SEEN_PART : seen;
}

/* --- of what was seen whole --- */

struct cut {
    char *at;                  /* in the copy */
    struct reply_node *nodes;  /* free ones */
};

static inline int64_t cut_number(struct cut *c) {
    const char *p = c->at;
    bool negative = *p == '-';
    int64_t n = 0;
    for (p += negative; *p != '\r'; p++) n = n * 10 + (*p - '0');
    c->at += p - c->at + 2;
    return negative ? -n : n;
}

static inline void cut_text(struct cut *c, struct reply_node *node, enum reply_type type, size_t size) {
    node->type = type;
    node->size = (uint32_t)size;
    node->text = c->at;
    c->at[size] = '\0';
    c->at += size + 2;
}

static size_t line_size(const struct cut *c) { return (size_t)((char *)rawmemchr(c->at, '\n') - c->at) - 1; }

static bool cut_array(struct cut *c, struct reply_node *node, size_t count, unsigned depth);

/* False: it is too deep. */
static inline bool cut_value(struct cut *c, struct reply_node *node, unsigned depth) {
    char type = *c->at++;
    if (type == '+' || type == '-') {
        cut_text(c, node, type == '+' ? REPLY_TEXT : REPLY_ERROR, line_size(c));
        return true;
    }
    int64_t number = cut_number(c);
    if (type == '$' && number >= 0) cut_text(c, node, REPLY_TEXT, (size_t)number);
    else if (type == ':') *node = (struct reply_node){.type = REPLY_INTEGER, .integer = number};
    else if (number < 0) *node = (struct reply_node){.type = REPLY_NIL};
    else return cut_array(c, node, (size_t)number, depth);
    return true;
}

static bool cut_array(struct cut *c, struct reply_node *node, size_t count, unsigned depth) {
    struct reply_node *elements = c->nodes;
    *node = (struct reply_node){.type = REPLY_ARRAY, .size = (uint32_t)count, .elements = elements};
    c->nodes += count;
    for (size_t n = 0; n < count; n++)
        if (depth == DEPTH_MOST || !cut_value(c, &elements[n], depth + 1)) return false;
    return true;
}

static struct reply_node *cut_reply(const redisReader *reader, const struct reply_scan *scan) {
    struct cut c;
    struct reply_node *root = redis_tree_make(scan->values - 1, scan->offset, &c.nodes, &c.at);
    if (!root) return NULL;
    memcpy(c.at, reader->buf + reader->pos, scan->offset);
    if (cut_value(&c, root, 0)) return root;
    redis_tree_free(root);
    return NULL;
}

/* --- both --- */

/* hiredis throws away what was read when it is asked for more. */
static bool take_away(redisReader *reader, size_t size) {
    void *none = NULL;
    reader->pos += size;
    return reader->pos < reader->len || redisReaderGetReply(reader, &none) == REDIS_OK;
}

bool redis_whole_next(struct redisContext *context, struct reply_scan *scan, void **node) {
    redisReader *reader = context->reader;
    enum seen seen = scan->theirs || reader->pos > TRIM_FROM ? SEEN_ODD : see_reply(reader, scan);
    *node = NULL;
    if (seen == SEEN_PART && scan->offset < REPLY_MOST) return true;
    struct reply_node *root = seen == SEEN_WHOLE ? cut_reply(reader, scan) : NULL;
    if (root) {
        size_t size = scan->offset;
        *scan = (struct reply_scan){0};
        *node = root;
        return take_away(reader, size);
    }
    scan->theirs = true;
    if (redisGetReplyFromReader(context, node) != REDIS_OK) return false;
    if (*node) *scan = (struct reply_scan){0};
    return true;
}
