/* Sessions of operators. */
#include "producer/gateway/session.h"

#include <sodium.h>
#include <stdio.h>
#include <string.h>

#include "producer/client.h"

enum { LASTS_MS = 12 * 3600 * 1000, TRIES_MAX = 20, TRIES_MS = 60000, RANDOM_SIZE = 32 };

bool session_may_try(struct sessions *s) {
    int64_t now_ms = client_now_ms();
    if (now_ms - s->tries_since_ms > TRIES_MS) {
        s->tries = 0;
        s->tries_since_ms = now_ms;
    }
    return ++s->tries <= TRIES_MAX;
}

static void make_text(char out[SESSION_TEXT_SIZE]) {
    uint8_t random[RANDOM_SIZE];
    randombytes_buf(random, sizeof random);
    sodium_bin2base64(out, SESSION_TEXT_SIZE, random, sizeof random, sodium_base64_VARIANT_URLSAFE_NO_PADDING);
}

const struct session *session_begin(struct sessions *s, const char *name) {
    struct session *oldest = &s->list[0];
    for (unsigned n = 1; n < SESSIONS_MAX; n++)
        if (s->list[n].until_ms < oldest->until_ms) oldest = &s->list[n];
    make_text(oldest->id);
    make_text(oldest->proof);
    snprintf(oldest->name, sizeof oldest->name, "%s", name);
    oldest->until_ms = client_now_ms() + LASTS_MS;
    s->tries = 0;
    return oldest;
}

static bool same(const char *text, const char *given) {
    return given && strlen(given) == strlen(text) && sodium_memcmp(text, given, strlen(text)) == 0;
}

struct session *session_find(struct sessions *s, const char *id) {
    struct session *found = NULL;
    int64_t now_ms = client_now_ms();
    for (unsigned n = 0; n < SESSIONS_MAX; n++)
        if (s->list[n].until_ms > now_ms && same(s->list[n].id, id)) found = &s->list[n];
    return found;
}

bool session_proves(const struct session *session, const char *proof) { return same(session->proof, proof); }

void session_end(struct session *session) { explicit_bzero(session, sizeof *session); }
