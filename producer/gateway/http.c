/* Requests from libmicrohttpd to those who handle them, and replies back. */
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "producer/client.h"
#include "producer/gateway/embedded.h"
#include "producer/gateway/request.h"

enum { DROPPED_MAX = 4 * 1024 * 1024, WAIT_MAX_MS = 60000 };

static handler explain, healthy, openapi;

static const struct route routes[] = {
    {"POST", "/v1/intents", DOOR_SOURCE, intents_post},
    {"GET", "/v1/answers/", DOOR_SOURCE, lookups_answer},
    {"GET", "/v1/accounts/", DOOR_SOURCE, lookups_account},
    {"GET", "/problems/", DOOR_OPEN, explain},
    {"GET", "/healthz", DOOR_OPEN, healthy},
    {"GET", "/openapi.json", DOOR_OPEN, openapi},
    {"GET", "/", DOOR_PAGE, page_html},
    {"GET", "/ui/page.css", DOOR_PAGE, page_css},
    {"GET", "/ui/page.js", DOOR_PAGE, page_js},
    {"POST", "/ui/login", DOOR_LOGIN, page_login},
    {"POST", "/ui/logout", DOOR_OPERATOR, page_logout},
    {"GET", "/ui/session", DOOR_OPERATOR, page_session},
    {"GET", "/ui/events", DOOR_OPERATOR, board_events},
    {"GET", "/ui/look", DOOR_OPERATOR, board_look},
    {"GET", "/ui/dead", DOOR_OPERATOR, board_dead},
    {"POST", "/ui/dead/requeue", DOOR_OPERATOR, board_change},
    {"POST", "/ui/dead/discard", DOOR_OPERATOR, board_change},
};

static bool path_fits(const struct route *route, const char *url) {
    size_t size = strlen(route->path);
    return route->path[size - 1] == '/' && size > 1 ? strncmp(url, route->path, size) == 0 && url[size] : strcmp(url, route->path) == 0;
}

const struct route *http_route_at(size_t n) { return n < sizeof routes / sizeof routes[0] ? &routes[n] : NULL; }

/* --- small handlers --- */

static void explain(struct request *r) {
    if (!gateway_reply_explain(&r->reply, r->url + strlen(r->route->path)))
        gateway_reply_problem(&r->reply, GATEWAY_no_such_page, "there is no problem of this name");
}

static void healthy(struct request *r) {
    r->reply = (struct gateway_reply){.status = 200, .type = "text/plain; charset=utf-8", .fixed = "alive\n", .size = 6};
}

static void openapi(struct request *r) {
    r->reply = (struct gateway_reply){.status = 200, .type = "application/json", .fixed = gateway_openapi, .size = gateway_openapi_size};
}

/* --- what handlers use --- */

void request_suspend(struct request *r) {
    r->suspended = true;
    atomic_fetch_add(&r->gateway->waits, 1);
    MHD_suspend_connection(r->connection);
}

void request_resume(struct request *r) {
    struct gateway *g = r->gateway;
    MHD_resume_connection(r->connection); /* from here on it is not ours */
    atomic_fetch_sub(&g->waits, 1);
}

void request_hand_over(struct request *r, struct desk *desk, void (*run)(struct desk_job *job, struct desk *desk)) {
    r->job.run = run;
    request_suspend(r);
    desk_take(desk, &r->job);
}

struct request *request_of_job(struct desk_job *job) { return (struct request *)((char *)job - offsetof(struct request, job)); }

const char *request_header(const struct request *r, const char *name) {
    return MHD_lookup_connection_value(r->connection, MHD_HEADER_KIND, name);
}

/* Prefer: wait=SECONDS, or respond-async; what is not understood is left, as RFC 7240 wants it. */
int64_t request_wait_ms(const struct request *r) {
    const char *prefer = request_header(r, "Prefer"), *wait;
    if (!prefer) return (int64_t)r->gateway->config.gateway_wait_ms;
    if ((wait = strcasestr(prefer, "wait="))) {
        wait += strlen("wait=");
        unsigned long seconds = strtoul(wait + (*wait == '"'), NULL, 10);
        return seconds * 1000 < WAIT_MAX_MS ? (int64_t)seconds * 1000 : WAIT_MAX_MS;
    }
    return strcasestr(prefer, "respond-async") ? 0 : (int64_t)r->gateway->config.gateway_wait_ms;
}

unsigned request_parts(struct request *r, char **parts, unsigned most) {
    unsigned count = 0;
    for (char *at = r->url + strlen(r->route->path); at; count++) {
        if (count == most) return 0;
        parts[count] = at;
        at = strchr(at, '/');
        if (at) *at++ = '\0';
    }
    return count;
}

static char *encode(char *out, const char *end, const char *text) {
    static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~:@";
    for (; *text && out + 4 < end; text++) {
        if (strchr(plain, *text)) *out++ = *text;
        else out += snprintf(out, 4, "%%%02X", (unsigned char)*text);
    }
    *out = '\0';
    return out;
}

void request_location(char out[GATEWAY_LOCATION_MAX], const char *account, const char *source, const char *key, uint64_t at_ms) {
    const char *const parts[] = {account, source, key};
    const char *end = out + GATEWAY_LOCATION_MAX - 32;
    char *at = out + snprintf(out, GATEWAY_LOCATION_MAX, "/v1/answers");
    for (int n = 0; n < 3; n++) {
        *at++ = '/';
        at = encode(at, end, parts[n]);
    }
    if (at_ms) snprintf(at, 32, "?at=%llu", (unsigned long long)at_ms);
}

/* --- from and to libmicrohttpd --- */

static const struct route *route_of(struct request *r, const char *method) {
    const struct route *near = NULL;
    if (strcmp(method, "HEAD") == 0) method = "GET";
    for (size_t n = 0; n < sizeof routes / sizeof routes[0]; n++) {
        if (!path_fits(&routes[n], r->url)) continue;
        if (strcmp(routes[n].method, method) == 0) return &routes[n];
        near = &routes[n];
    }
    if (!near) gateway_reply_problem(&r->reply, GATEWAY_no_such_page, NULL);
    else gateway_reply_problem(&r->reply, GATEWAY_method_not_allowed, NULL);
    if (near) r->reply.allow = near->method;
    return NULL;
}

/* What can be told by the head of a request. */
static bool check_head(struct request *r, const char *method) {
    const char *type = request_header(r, MHD_HTTP_HEADER_CONTENT_TYPE), *length = request_header(r, MHD_HTTP_HEADER_CONTENT_LENGTH);
    r->route = route_of(r, method);
    if (!r->route || !door_check(r)) return false;
    if (length && strtoull(length, NULL, 10) > r->gateway->config.gateway_body_max)
        gateway_reply_problem(&r->reply, GATEWAY_too_large, NULL);
    else if (strcmp(method, "POST") == 0 && (!type || strncasecmp(type, "application/json", 16) != 0))
        gateway_reply_problem(&r->reply, GATEWAY_unsupported_type, NULL);
    else if (atomic_load(&r->gateway->stopping))
        gateway_reply_problem(&r->reply, GATEWAY_stopping, NULL);
    else
        return true;
    return false;
}

static struct request *begin(struct gateway *g, struct MHD_Connection *connection, const char *url, const char *method) {
    struct request *r = calloc(1, sizeof *r);
    if (!r) abort();
    r->gateway = g;
    r->connection = connection;
    r->link = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT)->socket_context;
    if (strlen(url) >= sizeof r->url) gateway_reply_problem(&r->reply, GATEWAY_no_such_page, "the address is too long");
    else snprintf(r->url, sizeof r->url, "%s", url);
    if (!r->reply.status) (void)check_head(r, method);
    return r;
}

/* False: enough is enough. */
static bool take_body(struct request *r, const char *body, size_t size) {
    size_t most = r->gateway->config.gateway_body_max;
    if (r->reply.status || size > most - r->size) {
        if (!r->reply.status) gateway_reply_problem(&r->reply, GATEWAY_too_large, NULL);
        r->dropped += size;
        return r->dropped < DROPPED_MAX;
    }
    r->body = realloc(r->body, r->size + size);
    if (!r->body) abort();
    memcpy(r->body + r->size, body, size);
    r->size += size;
    return true;
}

static void add_headers(const struct request *r, struct MHD_Response *response) {
    const struct gateway_reply *reply = &r->reply;
    MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, reply->type);
    MHD_add_response_header(response, MHD_HTTP_HEADER_CACHE_CONTROL, "no-store");
    MHD_add_response_header(response, "X-Content-Type-Options", "nosniff");
    if (reply->replayed) MHD_add_response_header(response, "Idempotent-Replayed", "true");
    if (reply->location[0]) MHD_add_response_header(response, MHD_HTTP_HEADER_LOCATION, reply->location);
    if (reply->retry_later) MHD_add_response_header(response, MHD_HTTP_HEADER_RETRY_AFTER, "1");
    if (reply->status == 401) MHD_add_response_header(response, MHD_HTTP_HEADER_WWW_AUTHENTICATE, "Bearer realm=\"till\"");
    if (reply->status == 405) MHD_add_response_header(response, MHD_HTTP_HEADER_ALLOW, reply->allow);
    if (reply->policy) MHD_add_response_header(response, "Content-Security-Policy", reply->policy);
    if (reply->policy) MHD_add_response_header(response, "Referrer-Policy", "no-referrer");
    if (reply->cookie[0]) MHD_add_response_header(response, MHD_HTTP_HEADER_SET_COOKIE, reply->cookie);
    if (reply->close) MHD_add_response_header(response, MHD_HTTP_HEADER_CONNECTION, "close");
}

static struct MHD_Response *make_response(struct request *r) {
    struct gateway_reply *reply = &r->reply;
    if (reply->stream) return hub_follow(&r->gateway->hub, r->connection);
    if (reply->fixed) return MHD_create_response_from_buffer(reply->size, (void *)(uintptr_t)reply->fixed, MHD_RESPMEM_PERSISTENT);
    char *body = reply->body;
    reply->body = NULL;
    return MHD_create_response_from_buffer(reply->size, body, MHD_RESPMEM_MUST_FREE);
}

static enum MHD_Result send_reply(struct request *r) {
    struct gateway_reply *reply = &r->reply;
    struct MHD_Response *response = make_response(r);
    if (!response) return MHD_NO;
    add_headers(r, response);
    if (!reply->stream) guard_theirs(&r->gateway->guard, r->link);
    enum MHD_Result result = MHD_queue_response(r->connection, reply->status, response);
    MHD_destroy_response(response);
    return result;
}

/* It is here whole. */
static enum MHD_Result handle(struct request *r) {
    r->whole = true;
    guard_ours(&r->gateway->guard, r->link);
    r->route->handle(r);
    return r->suspended ? MHD_YES : send_reply(r);
}

enum MHD_Result http_request(void *gateway, struct MHD_Connection *connection, const char *url, const char *method, const char *version,
                             const char *body, size_t *size, void **state) {
    struct request *r = *state;
    (void)version;
    if (!r) {
        *state = r = begin(gateway, connection, url, method);
        return r->reply.status ? send_reply(r) : MHD_YES;
    }
    if (*size > 0) {
        bool goes_on = take_body(r, body, *size);
        *size = 0;
        return goes_on ? MHD_YES : MHD_NO;
    }
    if (!r->whole && !r->reply.status) return handle(r);
    if (!r->reply.status) r->finish(r);
    return send_reply(r);
}

void http_completed(void *gateway, struct MHD_Connection *connection, void **state, enum MHD_RequestTerminationCode why) {
    struct request *r = *state;
    (void)gateway, (void)connection, (void)why;
    if (!r) return;
    guard_theirs(&r->gateway->guard, r->link);
    gateway_reply_clear(&r->reply);
    free(r->outgoing);
    free(r->body);
    free(r);
    *state = NULL;
}

void http_connection(void *gateway, struct MHD_Connection *connection, void **link, enum MHD_ConnectionNotificationCode what) {
    struct gateway *g = gateway;
    if (what == MHD_CONNECTION_NOTIFY_STARTED)
        *link = guard_open(&g->guard, MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD)->connect_fd);
    else
        guard_close(&g->guard, *link);
}
