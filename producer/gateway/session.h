/* Operators that are logged in. Kept in memory only: whoever restarts the gateway logs in again. The thread of HTTP's. */
#ifndef GATEWAY_SESSION_H
#define GATEWAY_SESSION_H

#include <stdbool.h>
#include <stdint.h>

#include "producer/gateway/tokens.h"

enum { SESSIONS_MAX = 32, SESSION_TEXT_SIZE = 44 };

struct session {
    char id[SESSION_TEXT_SIZE];    /* the cookie's */
    char proof[SESSION_TEXT_SIZE]; /* what each change must carry, and a page of somebody else's cannot know */
    char name[TOKENS_NAME_SIZE];
    int64_t until_ms;
};

struct sessions {
    struct session list[SESSIONS_MAX];
    unsigned tries;         /* to log in, since */
    int64_t tries_since_ms;
};

/* May somebody try to log in now? So many a minute, whoever it is. */
bool session_may_try(struct sessions *s);
/* A new one; the oldest makes room. */
const struct session *session_begin(struct sessions *s, const char *name);
/* NULL: none, or it is over. */
struct session *session_find(struct sessions *s, const char *id);
bool session_proves(const struct session *session, const char *proof);
void session_end(struct session *session);

#endif
