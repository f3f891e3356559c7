/* Sending several intents of one partition in one entry: which reply is whose. Part of a handle; what till_send puts together. */
#ifndef PRODUCER_SEND_BULK_H
#define PRODUCER_SEND_BULK_H

#include <stddef.h>
#include <stdint.h>

#include "producer/client.h"
#include "schema/bulk.h"

enum { SEND_CHUNK = 1024 };

struct send_bulk {
    struct bulk_writer writer;     /* the entry being filled */
    uint16_t order[SEND_CHUNK];    /* the intents that were taken, entry after entry */
    uint8_t sizes[SEND_CHUNK];     /* how many each entry has */
    size_t taken, entries;
    uint16_t next[SEND_CHUNK];     /* of the intents of a chunk: the next of the same partition */
    struct send_bulk_list { uint16_t first, last; } *lists; /* by partition; first is SEND_CHUNK: none */
    unsigned *used, used_count;    /* the partitions that have any, in the order of their first */
};

struct send_bulk *send_bulk_new(unsigned partitions);
void send_bulk_free(struct send_bulk *bulk); /* NULL is fine */

/* Nothing taken, no lists. */
void send_bulk_begin(struct send_bulk *bulk);
/* Puts intent i of the chunk behind the others of its partition. */
void send_bulk_list_add(struct send_bulk *bulk, unsigned partition, uint16_t i);
/* Takes the intent in till->intent into the entry being filled. False: there is none, or it cannot go into that. */
bool send_bulk_join(struct till *till, uint16_t i) __attribute__((warn_unused_result));
/* Takes it into an entry of its own, which others may join if it is one that may stand among others. */
void send_bulk_start(struct till *till, unsigned partition, uint16_t i);
/* What is being filled goes. */
void send_bulk_end(struct till *till, unsigned partition);

#endif
