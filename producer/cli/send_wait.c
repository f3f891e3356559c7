/* Matches answers to what was sent, by identity: a replayed answer names the entry of the first copy, not of the one just sent. */
#define uthash_fatal(message) abort()
#include "producer/cli/send_wait.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uthash.h>

#include "producer/cli/answer_out.h"
#include "producer/client_intent.h"

enum { AT_ONCE = 4096 };

struct send_open {
    UT_hash_handle hh;
    uint64_t hash;  /* of the identity */
    unsigned count; /* copies that are to be answered */
};

void send_wait_init(struct send_wait *w, struct till *till, bool print) {
    memset(w, 0, sizeof *w);
    w->till = till;
    w->print = print;
    randombytes_buf(w->hash_key, sizeof w->hash_key);
}

void send_wait_clear(struct send_wait *w) {
    struct send_open *open = w->open, *next;
    for (unsigned n = 0; n < w->source_count; n++) till_reader_close(w->sources[n].reader);
    if (open) HASH_CLEAR(hh, w->open);
    for (; open; open = next) {
        next = open->hh.next;
        free(open);
    }
    w->source_count = 0;
}

bool send_wait_source(struct send_wait *w, const char *source) {
    for (unsigned n = 0; n < w->source_count; n++)
        if (strcmp(w->sources[n].name, source) == 0) return true;
    if (w->source_count == SEND_SOURCES_MAX) return false;
    if (till_reader_open(w->till, source, "$", &w->sources[w->source_count].reader) != TILL_OK) return false;
    snprintf(w->sources[w->source_count++].name, TILL_SOURCE_SIZE, "%s", source);
    return true;
}

static uint64_t hash_of(const struct send_wait *w, const char *account, const char *source, const char *key) {
    char text[TILL_ACCOUNT_SIZE + TILL_SOURCE_SIZE + TILL_KEY_SIZE];
    unsigned char out[crypto_shorthash_BYTES];
    uint64_t hash;
    int size = snprintf(text, sizeof text, "%s/%s/%s", account, source, key);
    crypto_shorthash(out, (const unsigned char *)text, (unsigned long long)size, w->hash_key);
    memcpy(&hash, out, sizeof hash);
    return hash;
}

void send_wait_expect(struct send_wait *w, const struct till_intent *intent, const struct till_result *result) {
    struct send_open *open;
    uint64_t hash = hash_of(w, intent->account, intent->source, result->key);
    HASH_FIND(hh, w->open, &hash, sizeof hash, open);
    if (!open) {
        open = calloc(1, sizeof *open);
        if (!open) abort();
        open->hash = hash;
        HASH_ADD(hh, w->open, hash, sizeof open->hash, open);
    }
    unsigned copies = client_intent_copies(w->till, intent); /* each is answered */
    open->count += copies;
    w->open_count += copies;
}

static void take(struct send_wait *w, const struct till_answer *a) {
    struct send_open *open;
    uint64_t hash = hash_of(w, a->account, a->source, a->key);
    HASH_FIND(hh, w->open, &hash, sizeof hash, open);
    if (!open) return; /* somebody else's */
    w->open_count--;
    w->answered++;
    w->refused += a->code != TILL_OK;
    w->replayed += a->replayed;
    if (a->code >= SEND_CODE_LEAST && a->code <= SEND_CODE_MOST) w->by_code[a->code - SEND_CODE_LEAST]++;
    if (w->print) json_out(answer_json(a));
    if (--open->count > 0) return;
    HASH_DEL(w->open, open);
    free(open);
}

/* One source, until it has no more at once. */
static int read_source(struct send_wait *w, unsigned n, int timeout_ms) {
    struct till_answer answer;
    for (unsigned taken = 0; taken < AT_ONCE && w->open_count > 0; taken++) {
        int code = till_reader_next(w->sources[n].reader, taken == 0 ? timeout_ms : 0, &answer);
        if (code != TILL_OK) return code;
        take(w, &answer);
    }
    return TILL_OK;
}

int send_wait_read(struct send_wait *w, int timeout_ms) {
    uint64_t before = w->answered;
    for (unsigned n = 0; n < w->source_count && w->open_count > 0; n++) {
        int code = read_source(w, n, timeout_ms / (int)w->source_count);
        if (code != TILL_OK && code != TILL_NOT_FOUND) return code;
    }
    return w->answered > before ? TILL_OK : TILL_NOT_FOUND;
}
