/* TLS to Redis: what it is asked for with, and the handshake on one connection. Where hiredis was built without TLS there is none, and
 * redis_tls_wrong says so. */
#ifndef PRODUCER_REDIS_TLS_H
#define PRODUCER_REDIS_TLS_H

#include <stdbool.h>
#include <stddef.h>

enum { REDIS_TLS_TEXT_MAX = 255 };

/* All zeros: the system's authorities, no certificate of ours, the server must be who the url says. The files are read anew for every
 * connection, so that a certificate may be exchanged under a running program. */
struct redis_tls {
    char ca_file[REDIS_TLS_TEXT_MAX + 1], ca_dir[REDIS_TLS_TEXT_MAX + 1]; /* authorities that are believed; "" and "": the system's */
    char cert_file[REDIS_TLS_TEXT_MAX + 1], key_file[REDIS_TLS_TEXT_MAX + 1]; /* what we show; "" and "": nothing */
    char server_name[REDIS_TLS_TEXT_MAX + 1]; /* whom the server's certificate must name; "": the host that we connect to */
    bool unverified; /* whoever answers is believed */
};

/* NULL, or why there is no TLS with these: it is not built in, or they do not go together. */
const char *redis_tls_wrong(const struct redis_tls *tls);

struct redisContext;
enum redis_tls_end {
    REDIS_TLS_DONE,
    REDIS_TLS_BROKEN,  /* the connection ended, or time did */
    REDIS_TLS_REFUSED, /* a person must look: the files, the certificate, or it is no TLS at all */
};
/* Shakes hands with `host` on a connected, blocking context, within the time. `why`: a sentence when it is not done. SIGPIPE must be held
 * back. */
enum redis_tls_end redis_tls_start(struct redisContext *context, const struct redis_tls *tls, const char *host, int timeout_ms,
                                   char *why, size_t capacity);
/* After a failed read or write over TLS: what the other side said in going, such as that it wants a certificate. False: nothing. */
bool redis_tls_parting(char *why, size_t capacity);

#endif
