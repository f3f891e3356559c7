/* The handshake, by OpenSSL itself: hiredis checks a certificate's chain, but not whose it is, and waits longer than it is told. What is
 * agreed on is then hiredis' to use. */
#include "producer/redis_tls.h"

#ifdef TILL_TLS

#include <hiredis/hiredis.h>
#include <hiredis/hiredis_ssl.h>

#include <errno.h>
#include <fcntl.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

static int64_t tls_now_ms(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

const char *redis_tls_wrong(const struct redis_tls *tls) {
    if (!tls->cert_file[0] != !tls->key_file[0]) return "tls.cert_file and tls.key_file go together";
    return NULL;
}

static const char *tls_reason(void) {
    unsigned long code = ERR_peek_last_error();
    const char *text = ERR_SYSTEM_ERROR(code) ? strerror((int)ERR_GET_REASON(code)) : ERR_reason_error_string(code);
    return text ? text : "unknown";
}

/* What the first error in OpenSSL's queue says is nearest to the cause: a file that is not there is followed by what misses it. */
static const char *tls_first_reason(void) {
    unsigned long code = ERR_peek_error();
    const char *text = ERR_SYSTEM_ERROR(code) ? strerror((int)ERR_GET_REASON(code)) : ERR_reason_error_string(code);
    return text ? text : "unknown";
}

/* The authorities and our certificate. False, and which file it is. */
static bool tls_load(SSL_CTX *ctx, const struct redis_tls *tls, char *why, size_t capacity) {
    const char *ca_file = *tls->ca_file ? tls->ca_file : NULL, *ca_dir = *tls->ca_dir ? tls->ca_dir : NULL;
    const char *setting = NULL, *path = "";
    if (ca_file && !SSL_CTX_load_verify_locations(ctx, ca_file, NULL)) setting = "tls.ca_file", path = ca_file;
    else if (ca_dir && !SSL_CTX_load_verify_locations(ctx, NULL, ca_dir)) setting = "tls.ca_dir", path = ca_dir;
    else if (!ca_file && !ca_dir && !SSL_CTX_set_default_verify_paths(ctx)) setting = "the system's authorities";
    else if (*tls->cert_file && SSL_CTX_use_certificate_chain_file(ctx, tls->cert_file) != 1)
        setting = "tls.cert_file", path = tls->cert_file;
    else if (*tls->key_file && SSL_CTX_use_PrivateKey_file(ctx, tls->key_file, SSL_FILETYPE_PEM) != 1)
        setting = "tls.key_file", path = tls->key_file;
    if (setting) snprintf(why, capacity, "TLS: %s %s: %s", setting, path, tls_first_reason());
    return !setting;
}

static bool tls_is_address(const char *host) {
    ASN1_OCTET_STRING *address = a2i_IPADDRESS(host);
    ASN1_OCTET_STRING_free(address);
    return address != NULL;
}

/* Whom the certificate must name, and whom we ask for. */
static bool tls_name(SSL *ssl, const struct redis_tls *tls, const char *host) {
    const char *name = *tls->server_name ? tls->server_name : host;
    bool address = tls_is_address(name);
    SSL_set_verify(ssl, tls->unverified ? SSL_VERIFY_NONE : SSL_VERIFY_PEER, NULL);
    if (!address && SSL_set_tlsext_host_name(ssl, name) != 1) return false;
    if (tls->unverified) return true;
    return address ? X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), name) == 1 : SSL_set1_host(ssl, name) == 1;
}

static SSL *tls_new(const struct redis_tls *tls, const char *host, char *why, size_t capacity) {
    SSL *ssl = NULL;
    SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
    if (!ctx) {
        snprintf(why, capacity, "TLS: %s", tls_reason());
        return NULL;
    }
    SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION);
    SSL_CTX_set_options(ctx, SSL_OP_IGNORE_UNEXPECTED_EOF); /* a reply has its own length: one that is cut off is seen as such */
    if (tls_load(ctx, tls, why, capacity)) {
        ssl = SSL_new(ctx);
        if (ssl && !tls_name(ssl, tls, host)) {
            SSL_free(ssl);
            ssl = NULL;
        }
        if (!ssl) snprintf(why, capacity, "TLS: %s", tls_reason());
    }
    SSL_CTX_free(ctx); /* the connection keeps it */
    return ssl;
}

static void tls_set_blocking(redisContext *context, bool blocking) {
    int flags = fcntl(context->fd, F_GETFL);
    fcntl(context->fd, F_SETFL, blocking ? flags & ~O_NONBLOCK : flags | O_NONBLOCK);
    if (blocking) context->flags |= REDIS_BLOCK;
    else context->flags &= ~REDIS_BLOCK;
}

/* True once the other side can go on, or has gone. */
static bool tls_wait(int fd, int want, int64_t deadline_ms) {
    struct pollfd waiting = {.fd = fd, .events = want == SSL_ERROR_WANT_WRITE ? POLLOUT : POLLIN};
    for (;;) {
        int64_t left_ms = deadline_ms - tls_now_ms();
        if (left_ms <= 0) return false;
        if (poll(&waiting, 1, (int)left_ms) > 0) return true;
    }
}

/* Why the handshake failed with this result of SSL_get_error. */
static enum redis_tls_end tls_explain(SSL *ssl, const struct redis_tls *tls, const char *host, int result, char *why, size_t capacity) {
    long verified = SSL_get_verify_result(ssl);
    const char *name = *tls->server_name ? tls->server_name : host;
    if (!tls->unverified && verified != X509_V_OK) {
        bool other = verified == X509_V_ERR_HOSTNAME_MISMATCH || verified == X509_V_ERR_IP_ADDRESS_MISMATCH;
        snprintf(why, capacity, "TLS: the certificate of %s is not accepted: %s%s%s", host, X509_verify_cert_error_string(verified),
                 other ? ", it does not name " : "", other ? name : "");
        return REDIS_TLS_REFUSED;
    }
    if (result != SSL_ERROR_SSL) {
        snprintf(why, capacity, "TLS: %s ended the handshake; does it speak TLS on this port?", host);
        return REDIS_TLS_BROKEN;
    }
    int reason = ERR_GET_REASON(ERR_peek_last_error());
    bool plain = reason == SSL_R_WRONG_VERSION_NUMBER || reason == SSL_R_PACKET_LENGTH_TOO_LONG || reason == SSL_R_RECORD_LAYER_FAILURE;
    snprintf(why, capacity, "TLS: %s %s: %s", host, plain ? "does not speak TLS on this port" : "refused the handshake", tls_reason());
    return REDIS_TLS_REFUSED;
}

static enum redis_tls_end tls_shake(redisContext *context, SSL *ssl, const struct redis_tls *tls, const char *host, int64_t deadline_ms,
                                    int timeout_ms, char *why, size_t capacity) {
    for (;;) {
        ERR_clear_error();
        int done = SSL_connect(ssl);
        if (done == 1) return REDIS_TLS_DONE;
        int result = SSL_get_error(ssl, done);
        if (result != SSL_ERROR_WANT_READ && result != SSL_ERROR_WANT_WRITE)
            return tls_explain(ssl, tls, host, result, why, capacity);
        if (tls_wait(context->fd, result, deadline_ms)) continue;
        snprintf(why, capacity, "TLS: no handshake with %s within %d ms; does it speak TLS on this port?", host, timeout_ms);
        return REDIS_TLS_BROKEN;
    }
}

enum redis_tls_end redis_tls_start(struct redisContext *context, const struct redis_tls *tls, const char *host, int timeout_ms,
                                   char *why, size_t capacity) {
    int64_t deadline_ms = tls_now_ms() + timeout_ms;
    ERR_clear_error();
    SSL *ssl = tls_new(tls, host, why, capacity);
    if (!ssl) return REDIS_TLS_REFUSED;
    tls_set_blocking(context, false);
    if (redisInitiateSSL(context, ssl) != REDIS_OK) { /* takes the first step; keeps `ssl` only if that did not fail */
        enum redis_tls_end end = tls_explain(ssl, tls, host, ERR_peek_last_error() ? SSL_ERROR_SSL : SSL_ERROR_SYSCALL, why, capacity);
        SSL_free(ssl);
        return end;
    }
    enum redis_tls_end end = tls_shake(context, ssl, tls, host, deadline_ms, timeout_ms, why, capacity);
    tls_set_blocking(context, true);
    return end;
}

bool redis_tls_parting(char *why, size_t capacity) {
    if (!ERR_peek_last_error()) return false;
    snprintf(why, capacity, "TLS: %s", tls_reason());
    ERR_clear_error();
    return true;
}

#else

const char *redis_tls_wrong(const struct redis_tls *tls) {
    (void)tls;
    return "TLS is not built in (this system's hiredis has none): use redis:// through stunnel on this host, as config/README.md shows";
}

enum redis_tls_end redis_tls_start(struct redisContext *context, const struct redis_tls *tls, const char *host, int timeout_ms,
                                   char *why, size_t capacity) {
    (void)context, (void)tls, (void)host, (void)timeout_ms, (void)why, (void)capacity;
    return REDIS_TLS_REFUSED;
}

bool redis_tls_parting(char *why, size_t capacity) {
    (void)why, (void)capacity;
    return false;
}

#endif
