/* A cell: what apply.lua is told of one entry of a batch, or of one step of a group, which stands there as an entry of its own. Made from a
 * checked entry and what was looked up for it. Texts are the entry's, or lie in the arena it was made with. */
#ifndef WORKER_CELL_H
#define WORKER_CELL_H

#include <stdbool.h>
#include <stdint.h>

#include "worker/door.h"

/* What the lane had to look up for an entry or a step before the call, by plain reads: only the owner writes there. */
struct referral {
    char to[INTENT_ACCOUNT_MAX + 1]; /* merchant of the bill referred to; "" unknown */
    char currency[4];                /* of that bill, or of the account where its currency must be known before; "" unknown */
    uint32_t day;                    /* under which the bill was found */
    uint32_t first_line, lines;      /* articles of the order referred to, in the batch's shelf */
    bool or_in_front;                /* `day` is where it lies unless an intent in front of it, in the same entry, is that bill */
    bool dated;                      /* `day` is to be declared and looked at, instead of the entry's day and the day before */
};

struct cell {
    const struct entry *entry;
    const struct intent *intent; /* the entry's gist's, or the group's for a step */
    int step;                    /* its number in the group, from 0; -1: no step */
    enum op op;
    const char *source, *key, *account, *to, *currency, *note, *order, *identity, *of, *fingerprint;
    const char *at, *amount, *from, *origin_entry, *guard_seq, *guard_balance, *guard_refunded; /* numbers as text */
    uint64_t amount_minor, expires_ms, of_at_ms;
    bool keeps, allow_duplicate; /* keeps: a capture that is not final */
    bool away;                   /* the receiver of a transfer, or the order that is paid, lives in another partition */
    bool home;                   /* of a settle: this is the merchant's home */
    uint32_t steps, first_step;  /* of a group */
    uint32_t first_line, lines;  /* articles it may touch, in the batch's shelf */
    /* Places in KEYS, 0: none. */
    uint32_t account_place, to_place, world_place, transit_place, fees_place, responses_place, of_bills_place, of_old_place, order_place;
};

/* Everything but the places. `first_step` is the number that a group's first step will have. */
void cell_of_entry(struct cell *cell, const struct entry *entry, const struct door *door, uint32_t first_step, struct arena *arena);
void cell_of_step(struct cell *cell, const struct entry *entry, const struct door *door, unsigned step, struct arena *arena);

/* The day under which the bill lies that a follow-up is about. False, and `day` as it was, when the cell is of no such follow-up. */
bool cell_original_day(const struct cell *cell, uint32_t *day);

/* How many cells an entry takes: one, and one for each step. */
uint32_t cell_count(const struct entry *entry);

#endif
