/* A direct-mapped table: an account has one slot, which the last one that came by holds. */
#include "worker/credentials.h"

#include <assert.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "schema/code.h"
#include "worker/keyset.h"

struct credentials_slot {
    char account[INTENT_ACCOUNT_MAX + 1]; /* "" empty */
    bool has;
    uint8_t key[SIGN_KEY_SIZE];
};

void credentials_clear(struct credentials *c) {
    if (c->slots) sodium_memzero(c->slots, CREDENTIALS_SLOTS * sizeof *c->slots);
    free(c->slots);
    c->slots = NULL;
}

static struct credentials_slot *slot_of(struct credentials *c, const char *account) {
    return &c->slots[keyset_hash(account, strlen(account)) % CREDENTIALS_SLOTS];
}

static bool is_signed(const struct entry *e) { return e->door == CODE_ok && e->sig && e->own == ENTRY_PLAIN; }

static bool may_change(const struct entry *e) {
    return e->door == CODE_ok && (e->gist.op == OP_open || e->gist.op == OP_credential);
}

static void append_read(struct redis *redis, const struct door *door, const char *account) {
    struct command c;
    keys_buffer key;
    command_init(&c);
    command_begin(&c, "HGET");
    command_copy(&c, key, keys_account(key, &door->book, door->partition, account));
    command_word(&c, "credential");
    redis_append(redis, &c);
    command_clear(&c);
}

/* One reply into a slot. Anything but 64 hex digits is no credential: nothing is signed under it. */
static enum redis_err next_read(struct redis *redis, struct credentials_slot *slot, const char *account) {
    struct reply reply;
    size_t size, key_size = 0;
    enum redis_err err = redis_next(redis, &reply);
    if (err && err != REDIS_REFUSED) return err;
    const char *text = err ? "" : reply_text(reply, &size);
    if (err) size = 0;
    memset(slot, 0, sizeof *slot);
    memcpy(slot->account, account, strlen(account) + 1);
    slot->has = size == 2 * SIGN_KEY_SIZE && sodium_hex2bin(slot->key, sizeof slot->key, text, size, NULL, &key_size, NULL) == 0 &&
                key_size == sizeof slot->key;
    return REDIS_OK;
}

static void verify(const struct credentials_slot *slot, struct entry *e) {
    e->proven = slot->has && sign_verify(slot->key, e->bytes, e->bytes_size, e->sig, e->sig_size);
}

/* Ends the batch in front of a signed entry whose credential an entry in it may change. */
static void end_before_change(const struct entry *entries, uint32_t *count) {
    for (uint32_t n = 1; n < *count; n++) {
        if (!is_signed(&entries[n])) continue;
        for (uint32_t m = 0; m < n; m++) {
            if (!may_change(&entries[m]) || strcmp(entries[m].gist.account, entries[n].gist.account) != 0) continue;
            *count = n - entries[n].part;
            return;
        }
    }
}

/* Reads the slots that are missing for the signed entries, one account after the other in one pipeline. */
static enum redis_err read_missing(struct credentials *c, struct redis *redis, const struct door *door, const struct entry *entries,
                                   uint32_t count) {
    static _Thread_local const char *asked[1024];
    uint32_t missing = 0;
    for (uint32_t n = 0; n < count && missing < sizeof asked / sizeof *asked; n++) {
        const char *account = entries[n].gist.account;
        if (!is_signed(&entries[n]) || strcmp(slot_of(c, account)->account, account) == 0) continue;
        append_read(redis, door, account);
        asked[missing++] = account;
    }
    enum redis_err err = REDIS_OK;
    for (uint32_t n = 0; n < missing && !err; n++) err = next_read(redis, slot_of(c, asked[n]), asked[n]);
    return err;
}

enum redis_err credentials_check(struct credentials *c, struct redis *redis, const struct door *door, struct entry *entries,
                                 uint32_t *count) {
    uint32_t first = 0;
    while (first < *count && !is_signed(&entries[first])) first++;
    if (first == *count) return REDIS_OK;
    if (!c->slots) c->slots = calloc(CREDENTIALS_SLOTS, sizeof *c->slots);
    assert(c->slots && "out of memory");
    end_before_change(entries, count);
    enum redis_err err = read_missing(c, redis, door, entries, *count);
    for (uint32_t n = first; n < *count && !err; n++) {
        struct credentials_slot *slot = slot_of(c, entries[n].gist.account), other;
        if (!is_signed(&entries[n])) continue;
        if (strcmp(slot->account, entries[n].gist.account) != 0) { /* another account of this batch took the slot */
            append_read(redis, door, entries[n].gist.account);
            err = next_read(redis, &other, entries[n].gist.account);
            if (!err) verify(&other, &entries[n]);
            sodium_memzero(&other, sizeof other);
        } else {
            verify(slot, &entries[n]);
        }
    }
    return err;
}

void credentials_note(struct credentials *c, const struct entry *entries, uint32_t count) {
    for (uint32_t n = 0; c->slots && n < count; n++) {
        struct credentials_slot *slot = slot_of(c, entries[n].gist.account);
        if (may_change(&entries[n]) && strcmp(slot->account, entries[n].gist.account) == 0) sodium_memzero(slot, sizeof *slot);
    }
}
