/* Ledger rows one by one, from an archive or from Redis, to be held against each other. */
#ifndef CLI_REPLAY_ROWS_H
#define CLI_REPLAY_ROWS_H

#include "producer/cli/pages.h"
#include "producer/cli/replay.h"
#include "producer/replay_source.h"
#include "schema/ledger.h"

/* Where rows come from: an entry at a time. The bytes of its `rows` are valid until the next. */
struct replay_rows {
    struct replay *replay;
    unsigned partition;
    bool archived;                 /* else from Redis */
    struct replay_source source;
    struct pages pages;
    struct reply entries;          /* the page at hand */
    size_t entry;                  /* of it, the next */
    struct pack_tree *tree;

    struct entry_id id;            /* of the entry at hand */
    struct segment_record record;  /* it, when archived */
    const char *bytes;
    size_t size;
    struct pack_value list;
    uint32_t count, next;          /* its rows; the next one */

    struct ledger_row row;         /* at hand */
    uint64_t bill;                 /* its number */
    bool more;                     /* there is one */
};

/* Begins, at the first row. replay_rows_close in any case. */
int replay_rows_open(struct replay_rows *rows, struct replay *r, unsigned partition, bool archived) __attribute__((warn_unused_result));
int replay_rows_next(struct replay_rows *rows) __attribute__((warn_unused_result));
/* The next entry, whatever is left of this one. */
int replay_rows_next_entry(struct replay_rows *rows) __attribute__((warn_unused_result));
void replay_rows_close(struct replay_rows *rows);
bool replay_rows_same(const struct ledger_row *a, const struct ledger_row *b);
/* As Redis has it: the rows of the entry at hand from the one at hand on, as msgpack. `*size` of malloc'd bytes. */
uint8_t *replay_rows_rest(const struct replay_rows *rows, size_t *size);

#endif
