/* A merchant's shards, put together into as many as the new book has partitions: what they own, and what their months say. No money is
 * made or lost: each old shard goes whole into one new one, the home into the home. Pure.
 *
 *     shard p of P   -> the home, if p is the old home; else p mod P2, or the one behind it where that is the home (of one partition: it)
 *     month settled  -> in every new shard, and counted by the home, as the fee was taken on all of it
 *     month open     -> in every new shard not settled, to be settled there
 *
 * A month that is settled in some of the old partitions only, or has not come home yet, is for `till settle` to finish first. */
#ifndef CLI_REPARTITION_MONTH_H
#define CLI_REPARTITION_MONTH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "producer/cli/earning.h"

enum { MERGED_FAULT_SIZE = 160, MERGED_TEXT_SIZE = 96 };

/* What the new book's shard q has of it all. */
struct merged_shard {
    int64_t balance, held;
    uint64_t seq;
    bool used; /* an old shard went into it */
};

struct merged {
    unsigned old_partitions, partitions, old_home, home;
    struct merged_shard *shards;  /* of the new book */
    struct merged_month *months;  /* in ascending order, after merged_finish */
    size_t month_count, month_capacity;
    int now;                      /* the latest month that a shard was in; 0: none */
    char fault[MERGED_FAULT_SIZE];
};

/* For one merchant after the other: begin, then of each old shard add and its fields, then finish. merged_clear at last. */
void merged_begin(struct merged *m, unsigned old_partitions, unsigned partitions, unsigned old_home, unsigned home);
void merged_clear(struct merged *m);
/* Each NULL, or what is wrong, valid until the next begin. `partition` is that of the old book. A field that is about something else is
 * none of its business: merged_is_field tells. */
const char *merged_add(struct merged *m, unsigned partition, int64_t balance, int64_t held, uint64_t seq);
const char *merged_field(struct merged *m, unsigned partition, const char *name, const char *text);
const char *merged_finish(struct merged *m);
bool merged_is_field(const char *name);
unsigned merged_target(const struct merged *m, unsigned partition);

/* The fields of the new shard q, one after the other: n from 0. False behind the last. `text` of a fee can be long: it is given in two
 * parts, the second being the list of all partitions, which `list` asks for. */
struct merged_text {
    char name[16], text[MERGED_TEXT_SIZE];
    bool list; /* all partitions belong behind it */
};
bool merged_text_at(const struct merged *m, unsigned partition, size_t n, struct merged_text *out);

#endif
