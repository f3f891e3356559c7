/* The admin endpoint on libmicrohttpd. */
#include "worker/admin.h"

#include <assert.h>
#include <errno.h>
#include <microhttpd.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "config/listen.h"
#include "worker/gauges.h"
#include "worker/log.h"

enum { REDIS_MS = 500, SILENT_S = 5, CONNECTIONS = 32, MEMORY = 16 * 1024 };

struct admin {
    struct admin_options options;
    uint8_t token[crypto_generichash_BYTES]; /* hashed: comparing takes as long whatever is wrong */
    bool wants_token;
    struct MHD_Daemon *daemon;
    struct redis *redis; /* the thread's */
};

const char *admin_check(const char *listen, const char *token) {
    union listen_address address;
    if (!*listen) return NULL;
    if (!listen_parse(listen, &address)) return "admin.listen must be an address and a port, such as 127.0.0.1:9464 or [::1]:9464";
    if (!*token && !listen_is_loopback(&address)) return "admin.listen can be reached from elsewhere: that needs an admin.token_file";
    return NULL;
}

/* --- answering --- */

static enum MHD_Result reply_with(struct MHD_Connection *connection, unsigned status, const char *type, char *text, size_t size) {
    struct MHD_Response *response = MHD_create_response_from_buffer(size, text, MHD_RESPMEM_MUST_COPY);
    if (!response) return MHD_NO;
    MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, type);
    MHD_add_response_header(response, MHD_HTTP_HEADER_CACHE_CONTROL, "no-store");
    if (status == MHD_HTTP_UNAUTHORIZED) MHD_add_response_header(response, MHD_HTTP_HEADER_WWW_AUTHENTICATE, "Bearer");
    if (status == MHD_HTTP_METHOD_NOT_ALLOWED) MHD_add_response_header(response, MHD_HTTP_HEADER_ALLOW, "GET, HEAD");
    enum MHD_Result result = MHD_queue_response(connection, status, response);
    MHD_destroy_response(response);
    return result;
}

static enum MHD_Result say(struct MHD_Connection *connection, unsigned status, const char *text) {
    char line[1200];
    int size = snprintf(line, sizeof line, "%.1100s\n", text);
    return reply_with(connection, status, "text/plain; charset=utf-8", line, (size_t)size);
}

static bool may(const struct admin *admin, struct MHD_Connection *connection) {
    static const char scheme[] = "Bearer ";
    uint8_t hash[sizeof admin->token];
    const char *given = MHD_lookup_connection_value(connection, MHD_HEADER_KIND, MHD_HTTP_HEADER_AUTHORIZATION);
    if (!admin->wants_token) return true;
    if (!given || strncmp(given, scheme, sizeof scheme - 1) != 0) return false;
    given += sizeof scheme - 1;
    crypto_generichash(hash, sizeof hash, (const uint8_t *)given, strlen(given), NULL, 0);
    return sodium_memcmp(hash, admin->token, sizeof hash) == 0;
}

static enum redis_err connect_redis(struct admin *admin) {
    if (admin->redis) return redis_is_lost(admin->redis) ? redis_reopen(admin->redis) : REDIS_OK;
    return redis_open(&admin->redis, &admin->options.redis);
}

static enum MHD_Result answer_ready(struct admin *admin, struct MHD_Connection *connection) {
    enum redis_err err = connect_redis(admin);
    if (!err) err = gauges_try_write(admin->redis, &admin->options.book, admin->options.worker);
    return say(connection, err ? MHD_HTTP_SERVICE_UNAVAILABLE : MHD_HTTP_OK, err ? redis_error(admin->redis) : "ready");
}

static enum MHD_Result answer_metrics(struct admin *admin, struct MHD_Connection *connection) {
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    assert(out && "out of memory");
    enum redis_err ignored = connect_redis(admin); /* then it says that Redis is not up */
    (void)ignored;
    metrics_print(admin->options.metrics, out);
    gauges_print(admin->redis, &admin->options.book, admin->options.metrics,
                 atomic_load(&admin->options.settings->kept_ms[STREAM_INTENTS]), out);
    fclose(out);
    enum MHD_Result result = reply_with(connection, MHD_HTTP_OK, "text/plain; version=0.0.4; charset=utf-8", text, size);
    free(text);
    return result;
}

/* Everything is answered by the head of a request: a body is never waited for. */
static enum MHD_Result answer(void *context, struct MHD_Connection *connection, const char *url, const char *method, const char *version,
                              const char *body, size_t *body_size, void **state) {
    struct admin *admin = context;
    (void)version, (void)body, (void)body_size, (void)state;
    if (strcmp(method, "GET") != 0 && strcmp(method, "HEAD") != 0) return say(connection, MHD_HTTP_METHOD_NOT_ALLOWED, "GET only");
    if (strcmp(url, "/healthz") == 0) return say(connection, MHD_HTTP_OK, "alive");
    if (strcmp(url, "/readyz") == 0) return answer_ready(admin, connection);
    if (strcmp(url, "/") == 0) return say(connection, MHD_HTTP_OK, "/metrics, /healthz, /readyz; the page for people is at `till gateway`");
    if (strcmp(url, "/metrics") != 0) return say(connection, MHD_HTTP_NOT_FOUND, "there are /metrics, /healthz and /readyz");
    if (!may(admin, connection)) return say(connection, MHD_HTTP_UNAUTHORIZED, "needs the token of admin.token_file");
    return answer_metrics(admin, connection);
}

/* --- starting --- */

struct admin *admin_start(const struct admin_options *options, const char **wrong) {
    union listen_address address;
    struct admin *admin = calloc(1, sizeof *admin);
    assert(admin && "out of memory");
    admin->options = *options;
    admin->options.redis.timeout_ms = admin->options.redis.connect_timeout_ms = REDIS_MS;
    admin->wants_token = *options->token != '\0';
    crypto_generichash(admin->token, sizeof admin->token, (const uint8_t *)options->token, strlen(options->token), NULL, 0);
    unsigned flags = MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_ITC;
    if (!listen_parse(options->listen, &address)) abort(); /* admin_check was asked */
    if (address.any.sa_family == AF_INET6) flags |= MHD_USE_IPv6;
    errno = 0;
    admin->daemon = MHD_start_daemon(flags, 0, NULL, NULL, answer, admin, MHD_OPTION_SOCK_ADDR, &address.any,
                                     MHD_OPTION_CONNECTION_LIMIT, (unsigned)CONNECTIONS, MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)SILENT_S,
                                     MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)MEMORY, MHD_OPTION_END);
    if (!admin->daemon) {
        *wrong = errno ? strerror(errno) : "libmicrohttpd cannot start";
        free(admin);
        return NULL;
    }
    const union MHD_DaemonInfo *info = MHD_get_daemon_info(admin->daemon, MHD_DAEMON_INFO_BIND_PORT);
    log_event(LOG_INFO, "admin_listens", {"on", LOG_S(options->listen)}, {"port", LOG_N(info ? info->port : 0)});
    return admin;
}

void admin_stop(struct admin *admin) {
    if (!admin) return;
    MHD_stop_daemon(admin->daemon);
    redis_close(admin->redis);
    free(admin);
}
