/* The library's intents: checked, and turned into bytes. Same thread rule as till.h. */
#ifndef PRODUCER_CLIENT_INTENT_H
#define PRODUCER_CLIENT_INTENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "producer/client.h"

/* Gives the intent the key and time that it has for good, in the result: its own, or made here. `now_ms` is the time of those without. */
void client_intent_begin(const struct till_intent *in, uint64_t now_ms, struct till_result *result);
/* Checks it into till->intent, with the key and time of the result. False: result->code, field and text say what is wrong. */
bool client_intent_take(struct till *till, const struct till_intent *in, struct till_result *result);
/* Queues an entry of these fields; `sig`, `trace` and `answers` NULL: it has no such field. */
struct client_names { const char *intent, *sig, *trace; };
extern const struct client_names client_names_one, client_names_many;
struct client_entry {
    const struct client_names *names;
    const void *bytes, *sig, *trace;
    size_t size, sig_size, trace_size;
    const char *answers;
};
void client_intent_queue(struct till *till, unsigned partition, const struct client_entry *entry);

/* till->intent into till->bytes, signed by till->sign_with: its size; `*sig` is till->sig, or NULL. */
size_t client_intent_encode(struct till *till, const uint8_t **sig);
/* Queues the XADD of till->intent to this partition's stream, signed when its maker said so. */
void client_intent_append(struct till *till, unsigned partition);
/* The partition of till->intent, which was taken from `in`: its account's, or the one a settle names. */
unsigned client_intent_partition(const struct till *till, const struct till_intent *in);
/* In how many partitions it is enqueued: 1, or all of the book's, from 0 on (policy). */
unsigned client_intent_copies(const struct till *till, const struct till_intent *in);
/* Wipes a credential that till->intent and its bytes hold. */
void client_intent_wipe(struct till *till);

/* Shows a checked intent as the library's: texts are borrowed from `in`, maps and steps put into `nested`; both must stay as long as
 * `out` is used. */
struct client_nested {
    struct till_guard guard;
    struct till_settings settings;
    struct till_goods goods;
    struct till_settle settle;
    struct till_line lines[TILL_LINES_MAX];
    struct till_step steps[TILL_STEPS_MAX];
};
void client_intent_borrow(const struct intent *in, struct client_nested *nested, struct till_intent *out);

/* For the maps and steps within: one text unless it is NULL or "", the plain fields of `in` into `intent`, the refusal of a field in a
 * sentence, that reserved is zero. */
bool client_intent_text(struct intent *intent, enum field field, const char *text, struct till_result *result);
bool client_intent_plain(struct intent *intent, const struct till_intent *in, const char *key, uint64_t at_ms, struct till_result *result);
bool client_intent_refuse(struct till_result *result, const char *field, const char *text);
bool client_intent_zero(const void *const *reserved, size_t count, struct till_result *result);
#define CLIENT_ZERO(reserved, result) client_intent_zero(reserved, sizeof(reserved) / sizeof(reserved)[0], result)

#endif
