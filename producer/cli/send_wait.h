/* The answers to what `till send --wait` sent: which are still to come, and how many came with which code. */
#ifndef CLI_SEND_WAIT_H
#define CLI_SEND_WAIT_H

#include <stdbool.h>
#include <stdint.h>

#include "producer/till.h"

enum { SEND_CODE_LEAST = -3, SEND_CODE_MOST = 20, SEND_SOURCES_MAX = 64 };

struct send_open; /* an intent without its answer */

struct send_wait {
    struct till *till;
    struct {
        char name[TILL_SOURCE_SIZE];
        struct till_reader *reader;
    } sources[SEND_SOURCES_MAX];
    unsigned source_count;
    struct send_open *open;
    uint64_t open_count, answered, refused, replayed;
    uint64_t by_code[SEND_CODE_MOST - SEND_CODE_LEAST + 1];
    bool print; /* each answer as a line of JSON */
    uint8_t hash_key[16];
};

void send_wait_init(struct send_wait *w, struct till *till, bool print);
void send_wait_clear(struct send_wait *w); /* before till_close */
/* Takes the source's position, once, before anything of it is sent. False: till_error, or more sources than SEND_SOURCES_MAX. */
bool send_wait_source(struct send_wait *w, const char *source);
void send_wait_expect(struct send_wait *w, const struct till_intent *intent, const struct till_result *result);
/* Reads answers for at most timeout_ms (0: those that are there). TILL_OK when something came, TILL_NOT_FOUND, or an error of the
 * library's. */
int send_wait_read(struct send_wait *w, int timeout_ms);

#endif
