/* Reads something big page by page: a stream, the fields of a hash, the members of a set or a sorted set, the
 * keyspace. The next page is on its way while one is worked on, so nothing else may be sent on that connection until pages_end. */
#ifndef CLI_PAGES_H
#define CLI_PAGES_H

#include "producer/cli/connect.h"
#include "schema/entry.h"

enum pages_kind { PAGES_STREAM, PAGES_HASH, PAGES_SET, PAGES_MEMBERS, PAGES_KEYS };

struct pages {
    struct connection *c;
    const char *doing; /* for messages */
    enum pages_kind kind;
    char key[256]; /* PAGES_KEYS: the pattern */
    size_t key_size;
    unsigned count;
    char from[ENTRY_TEXT_MAX + 2], to[ENTRY_TEXT_MAX + 2]; /* of a stream */
    struct entry_id last;                                  /* of a stream: the last entry given out */
    char cursor[24];
    unsigned node;                                         /* of PAGES_KEYS: a cluster's keyspace lies in several */
    bool flying, ended;
    struct reply page;
};

/* A stream from after `after` (0-0: from the beginning) to `to` ("+": to the end). */
void pages_stream(struct pages *p, struct connection *c, const char *doing, const char *key, struct entry_id after, const char *to,
                  unsigned count);
void pages_hash(struct pages *p, struct connection *c, const char *doing, const char *key, unsigned count);
void pages_set(struct pages *p, struct connection *c, const char *doing, const char *key, unsigned count);
void pages_members(struct pages *p, struct connection *c, const char *doing, const char *key, unsigned count);
void pages_keys(struct pages *p, struct connection *c, const char *doing, const char *pattern, unsigned count);

/* The next page: entries of a stream; field, value, ... of a hash; member, score, ... of a sorted set; members of a
 * set; names of keys. An array, valid until
 * the next call. *more is false, and the array empty, behind the last page. CLI_OK or an exit code, said. */
int pages_next(struct pages *p, struct reply *items, bool *more) __attribute__((warn_unused_result));
/* Waits for what is under way. Needed after a pages_* in any case. */
void pages_end(struct pages *p);

#endif
