/* Starting and stopping the gateway, and what it does now and then. */
#include "producer/gateway/gateway.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "config/listen.h"
#include "config/slurp.h"
#include "producer/cli/connect.h"
#include "producer/client.h"
#include "producer/gateway/request.h"

enum { TICK_MS = 20, SWEEP_MS = 200, STATE_MS = 1000, SILENT_S = 20, STOP_MS = 900, REST_MS = 300 };
enum { MEMORY = 16 * 1024, FILES_BESIDE = 200, PEM_MAX = 65536, BACKLOG = 1024 };

struct pem {
    char cert[PEM_MAX + 1], key[PEM_MAX + 1];
};

/* --- what must be right before it starts --- */

static bool read_tokens(struct gateway *g, const char *path, struct tokens *tokens) {
    char why[TOKENS_WHY_SIZE];
    if (!*path || tokens_read(tokens, path, why)) return true;
    cli_say(g->cli, "%s", why);
    return false;
}

static bool read_pem(struct gateway *g, const char *path, bool secret, char out[PEM_MAX + 1]) {
    struct stat status;
    size_t size = 0;
    int err = slurp_read(path, out, PEM_MAX, &size, &status);
    out[size] = '\0';
    if (err) cli_say(g->cli, "%s cannot be read: %s", path, strerror(err));
    else if (secret && status.st_mode & 077) cli_say(g->cli, "%s can be read by others than its owner; run: chmod 600 %s", path, path);
    return !err && !(secret && status.st_mode & 077);
}

static int read_tls(struct gateway *g, struct pem **pem) {
    const struct config *c = &g->config;
    *pem = NULL;
    if (!*c->gateway_tls_cert_file && !*c->gateway_tls_key_file) return CLI_OK;
    if (!*c->gateway_tls_cert_file || !*c->gateway_tls_key_file)
        return cli_usage(g->cli, "gateway.tls_cert_file and gateway.tls_key_file go together");
    if (MHD_is_feature_supported(MHD_FEATURE_TLS) != MHD_YES)
        return cli_usage(g->cli, "this libmicrohttpd was built without TLS; put a proxy in front that speaks it");
    if (!(*pem = malloc(sizeof **pem))) abort();
    bool ok = read_pem(g, c->gateway_tls_cert_file, false, (*pem)->cert) && read_pem(g, c->gateway_tls_key_file, true, (*pem)->key);
    return ok ? CLI_OK : CLI_USAGE;
}

/* Can only this machine reach it? Without a socket of systemd's the configuration says where it listens. */
static int read_address(struct gateway *g, int listen_fd, union listen_address *address, bool *loopback) {
    socklen_t size = sizeof *address;
    memset(address, 0, sizeof *address);
    if (listen_fd >= 0) {
        if (getsockname(listen_fd, &address->any, &size) != 0)
            return cli_usage(g->cli, "the socket that was handed in is none: %s", strerror(errno));
        *loopback = address->any.sa_family == AF_UNIX || listen_is_loopback(address);
        return CLI_OK;
    }
    if (!listen_parse(g->config.gateway_listen, address))
        return cli_usage(g->cli, "gateway.listen must be an address and a port, such as 127.0.0.1:8465 or [::1]:8465");
    *loopback = listen_is_loopback(address);
    return CLI_OK;
}

static int prepare(struct gateway *g, int listen_fd, union listen_address *address) {
    bool loopback = false;
    int code = read_address(g, listen_fd, address, &loopback);
    if (code) return code;
    g->open = !*g->config.gateway_tokens_file;
    if (g->open && !loopback) return cli_usage(g->cli, "it can be reached from elsewhere: that needs a gateway.tokens_file");
    if (!read_tokens(g, g->config.gateway_tokens_file, &g->tokens)) return CLI_USAGE;
    if (!read_tokens(g, g->config.gateway_operators_file, &g->operators)) return CLI_USAGE;
    return CLI_OK;
}

/* --- threads --- */

static void *tick(void *context) {
    struct gateway *g = context;
    int64_t swept_ms = 0, told_ms = 0;
    while (!atomic_load(&g->ended)) {
        int64_t now_ms = client_now_ms();
        waiting_expire(&g->waiting, now_ms);
        if (now_ms - swept_ms >= SWEEP_MS) {
            guard_sweep(&g->guard, now_ms);
            swept_ms = now_ms;
        }
        if (now_ms - told_ms >= STATE_MS) {
            board_tick(g);
            told_ms = now_ms;
        }
        client_pause(TICK_MS, now_ms + TICK_MS);
    }
    return NULL;
}

static int start_threads(struct gateway *g) {
    struct till *till, *slow = NULL;
    int code = connect_till_open(g->cli, &g->config, &till);
    if (!code) code = connect_till_open(g->cli, &g->config, &slow);
    if (code) {
        till_close(till);
        till_close(slow);
        return code;
    }
    g->sender = sender_start(till, slow, &g->waiting, &g->sources);
    g->desk = desk_start(g->cli, &g->config);
    g->board = desk_start(g->cli, &g->config);
    if (g->sender && g->desk && g->board && pthread_create(&g->ticker, NULL, tick, g) == 0) return CLI_OK;
    cli_say(g->cli, "no more threads");
    atomic_store(&g->ended, true);
    return CLI_FOUND;
}

static void stop_threads(struct gateway *g) {
    if (g->sender) sender_stop(g->sender);
    if (g->desk) desk_stop(g->desk);
    if (g->board) desk_stop(g->board);
    sources_stop(&g->sources);
    sender_join(g->sender);
    desk_join(g->desk);
    desk_join(g->board);
    sources_join(&g->sources);
}

/* --- HTTP --- */

/* Each connection is a file. */
static void raise_file_limit(const struct gateway *g) {
    struct rlimit limit;
    rlim_t wanted = g->config.gateway_connections + FILES_BESIDE;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur >= wanted) return;
    limit.rlim_cur = limit.rlim_max < wanted ? limit.rlim_max : wanted;
    (void)setrlimit(RLIMIT_NOFILE, &limit);
}

static void show_address(struct gateway *g, const union listen_address *address) {
    const union MHD_DaemonInfo *info = MHD_get_daemon_info(g->daemon, MHD_DAEMON_INFO_BIND_PORT);
    char host[INET6_ADDRSTRLEN] = "";
    bool v6 = address->any.sa_family == AF_INET6;
    if (v6) inet_ntop(AF_INET6, &address->v6.sin6_addr, host, sizeof host);
    else inet_ntop(AF_INET, &address->v4.sin_addr, host, sizeof host);
    snprintf(g->shown, sizeof g->shown, v6 ? "http%s://[%s]:%u" : "http%s://%s:%u", g->tls ? "s" : "", host,
             info ? (unsigned)info->port : 0);
}

static int start_http(struct gateway *g, int listen_fd, const union listen_address *address, const struct pem *pem) {
    unsigned flags = MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_ITC | MHD_ALLOW_SUSPEND_RESUME;
    flags |= MHD_is_feature_supported(MHD_FEATURE_EPOLL) == MHD_YES ? MHD_USE_EPOLL : MHD_USE_AUTO;
    if (address->any.sa_family == AF_INET6) flags |= MHD_USE_IPv6;
    g->tls = pem != NULL;
    if (g->tls) flags |= MHD_USE_TLS;
    struct MHD_OptionItem options[] = {
        {MHD_OPTION_CONNECTION_LIMIT, (intptr_t)g->config.gateway_connections, NULL},
        {MHD_OPTION_CONNECTION_TIMEOUT, SILENT_S, NULL},
        {MHD_OPTION_CONNECTION_MEMORY_LIMIT, MEMORY, NULL},
        {MHD_OPTION_LISTEN_BACKLOG_SIZE, BACKLOG, NULL},
        {MHD_OPTION_NOTIFY_COMPLETED, (intptr_t)http_completed, g},
        {MHD_OPTION_NOTIFY_CONNECTION, (intptr_t)http_connection, g},
        {listen_fd >= 0 ? MHD_OPTION_LISTEN_SOCKET : MHD_OPTION_SOCK_ADDR, listen_fd, (void *)(uintptr_t)&address->any},
        {pem ? MHD_OPTION_HTTPS_MEM_CERT : MHD_OPTION_END, 0, pem ? (void *)(uintptr_t)pem->cert : NULL},
        {MHD_OPTION_HTTPS_MEM_KEY, 0, pem ? (void *)(uintptr_t)pem->key : NULL},
        {MHD_OPTION_END, 0, NULL},
    };
    raise_file_limit(g);
    errno = 0;
    g->daemon = MHD_start_daemon(flags, 0, NULL, NULL, http_request, g, MHD_OPTION_ARRAY, options, MHD_OPTION_END);
    if (!g->daemon)
        return cli_usage(g->cli, "it cannot listen on %s: %s", g->config.gateway_listen, errno ? strerror(errno) : "libmicrohttpd refuses");
    show_address(g, address);
    return CLI_OK;
}

/* --- from outside --- */

static void release(struct gateway *g) {
    waiting_clear(&g->waiting);
    guard_clear(&g->guard);
    hub_clear(&g->hub);
    tokens_clear(&g->tokens);
    tokens_clear(&g->operators);
    pthread_rwlock_destroy(&g->tokens_lock);
    free(g);
}

int gateway_start(struct gateway **out, struct cli *cli, const struct config *config, int listen_fd) {
    union listen_address address;
    struct pem *pem = NULL;
    struct gateway *g = calloc(1, sizeof *g);
    if (!g) abort();
    g->cli = cli;
    g->config = *config;
    pthread_rwlock_init(&g->tokens_lock, NULL);
    waiting_init(&g->waiting);
    guard_init(&g->guard, (unsigned)config->gateway_connections);
    sources_init(&g->sources, cli, config, &g->waiting);
    hub_init(&g->hub);
    g->sources.listen = hub_answer;
    g->sources.listen_context = &g->hub;
    int code = prepare(g, listen_fd, &address);
    if (!code) code = read_tls(g, &pem);
    if (!code) code = start_threads(g);
    if (!code && (code = start_http(g, listen_fd, &address, pem))) {
        atomic_store(&g->ended, true);
        pthread_join(g->ticker, NULL);
    }
    if (pem) explicit_bzero(pem, sizeof *pem);
    free(pem);
    *out = code ? NULL : g;
    if (!code) return CLI_OK;
    stop_threads(g);
    release(g);
    return code;
}

const char *gateway_shown(const struct gateway *g) { return g->shown; }

static void reload(struct gateway *g, const char *path, struct tokens *tokens) {
    struct tokens fresh = {0};
    if (!read_tokens(g, path, &fresh)) return;
    pthread_rwlock_wrlock(&g->tokens_lock);
    struct tokens old = *tokens;
    *tokens = fresh;
    pthread_rwlock_unlock(&g->tokens_lock);
    tokens_clear(&old);
}

void gateway_reload(struct gateway *g) {
    reload(g, g->config.gateway_tokens_file, &g->tokens);
    reload(g, g->config.gateway_operators_file, &g->operators);
}

/* Until no request waits, or the time is over. */
static void wait_idle(struct gateway *g, int64_t until_ms) {
    while (atomic_load(&g->waits) > 0 && client_now_ms() < until_ms) client_pause(TICK_MS, until_ms);
}

void gateway_stop(struct gateway *g) {
    int64_t now_ms = client_now_ms();
    atomic_store(&g->stopping, true);
    MHD_socket socket = MHD_quiesce_daemon(g->daemon);
    wait_idle(g, now_ms + STOP_MS);
    sender_stop(g->sender);
    wait_idle(g, client_now_ms() + TICK_MS);
    while (atomic_load(&g->waits) > 0 && client_now_ms() < now_ms + STOP_MS + REST_MS) {
        waiting_expire(&g->waiting, INT64_MAX - 1);
        client_pause(TICK_MS, now_ms + STOP_MS + REST_MS);
    }
    atomic_store(&g->ended, true);
    pthread_join(g->ticker, NULL);
    stop_threads(g);
    hub_close(&g->hub);
    MHD_stop_daemon(g->daemon);
    if (socket != MHD_INVALID_SOCKET) close(socket);
    release(g);
}
