/* Fills entries and queues them. One that got only one intent is an entry like any other. */
#include "producer/send_bulk.h"

#include <assert.h>
#include <stdlib.h>

#include "producer/client_intent.h"

struct send_bulk *send_bulk_new(unsigned partitions) {
    struct send_bulk *b = calloc(1, sizeof *b);
    struct send_bulk_list *lists = calloc(partitions, sizeof *lists);
    unsigned *used = calloc(partitions, sizeof *used);
    if (b == NULL || lists == NULL || used == NULL)
        abort();
    for (unsigned p = 0; p < partitions; p++)
        lists[p].first = SEND_CHUNK;
    b->lists = lists;
    b->used = used;
    return b;
}

void send_bulk_free(struct send_bulk *b) {
    if (b == NULL)
        return;
    free(b->lists);
    free(b->used);
    free(b);
}

void send_bulk_begin(struct send_bulk *b) {
    for (unsigned n = 0; n < b->used_count; n++)
        b->lists[b->used[n]].first = SEND_CHUNK;
    b->used_count = 0;
    b->taken = b->entries = 0;
    bulk_begin(&b->writer);
}

void send_bulk_list_add(struct send_bulk *b, unsigned partition, uint16_t i) {
    struct send_bulk_list *list = &b->lists[partition];
    b->next[i] = SEND_CHUNK;
    if (list->first == SEND_CHUNK) {
        list->first = i;
        b->used[b->used_count++] = partition;
    } else {
        b->next[list->last] = i;
    }
    list->last = i;
}

static void note_entry(struct send_bulk *b, unsigned size) {
    b->sizes[b->entries++] = (uint8_t)size;
}

void send_bulk_end(struct till *till, unsigned partition) {
    struct send_bulk *b = till->send_bulk;
    struct client_entry entry = {.names = &client_names_many};
    unsigned count = b->writer.count;
    if (count == 0)
        return;
    const uint8_t *intents = bulk_intents(&b->writer, &entry.size);
    entry.bytes = intents;
    entry.sig = bulk_sigs(&b->writer, &entry.sig_size);
    entry.trace = bulk_traces(&b->writer, &entry.trace_size);
    entry.answers = till->bulk_answers ? "bulk" : NULL;
    if (count == 1) /* without the arrays around it */
        entry = (struct client_entry){&client_names_one, intents + 1, entry.sig != NULL ? b->writer.sigs[0] : NULL,
                                      entry.trace != NULL ? b->writer.traces[0] : NULL, entry.size - 1, SIGN_SIZE, TRACE_SIZE, NULL};
    client_intent_queue(till, partition, &entry);
    note_entry(b, count);
    bulk_begin(&b->writer);
}

static bool fill(struct till *till) {
    const uint8_t *sig;
    if (!bulk_takes(&till->intent))
        return false;
    size_t size = client_intent_encode(till, &sig);
    struct bulk_writer *w = &till->send_bulk->writer;
    bool added = bulk_add(w, till->bytes, size, sig);
    if (added && till->trace[0] != '\0')
        bulk_trace(w, till->trace);
    return added;
}

static void note_taken(struct send_bulk *b, uint16_t i) {
    b->order[b->taken++] = i;
}

bool send_bulk_join(struct till *till, uint16_t i) {
    if (till->send_bulk->writer.count == 0 || !fill(till))
        return false;
    note_taken(till->send_bulk, i);
    return true;
}

void send_bulk_start(struct till *till, unsigned partition, uint16_t i) {
    send_bulk_end(till, partition);
    if (!fill(till)) {
        client_intent_append(till, partition);
        note_entry(till->send_bulk, 1);
    }
    note_taken(till->send_bulk, i);
}
