/* Who may come in: tokens, and how often. */
#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include "producer/client.h"
#include "producer/gateway/request.h"

/* Where nobody needs a token, a web page that somebody looks at on this machine must not be able to send payments: neither from its own
 * origin, nor by a name of its own that leads here. */
static bool is_of_this_machine(const struct request *r) {
    const char *host = request_header(r, MHD_HTTP_HEADER_HOST);
    return !request_header(r, MHD_HTTP_HEADER_ORIGIN) &&
           (!host || strncmp(host, "127.", 4) == 0 || strncmp(host, "[::1]", 5) == 0 || strncmp(host, "localhost", 9) == 0) &&
           (!host || strspn(host, "0123456789.:[]localhost") == strlen(host));
}

static bool check_token(struct request *r) {
    static const char scheme[] = "Bearer ";
    struct gateway *g = r->gateway;
    const char *given = request_header(r, MHD_HTTP_HEADER_AUTHORIZATION);
    if (g->open) {
        if (is_of_this_machine(r)) return true;
        gateway_reply_problem(&r->reply, GATEWAY_forbidden, "without gateway.tokens_file only programs of this machine, by its address");
        return false;
    }
    if (given && strncasecmp(given, scheme, sizeof scheme - 1) == 0) {
        pthread_rwlock_rdlock(&g->tokens_lock);
        const char *name = tokens_find(&g->tokens, given + sizeof scheme - 1);
        if (name) snprintf(r->source, sizeof r->source, "%s", name);
        pthread_rwlock_unlock(&g->tokens_lock);
    }
    if (!r->source[0]) gateway_reply_problem(&r->reply, GATEWAY_unauthorized, given ? "this is nobody's token" : NULL);
    return r->source[0] != '\0';
}

static struct rate *rate_of(struct gateway *g, const char *name) {
    unsigned n = 0;
    while (n < GATEWAY_RATES - 1 && g->rates[n].name[0] && strcmp(g->rates[n].name, name) != 0) n++;
    snprintf(g->rates[n].name, sizeof g->rates[n].name, "%s", name); /* the last place is shared by all that came too late */
    return &g->rates[n];
}

/* So many a second, and a second's worth at once. */
static bool check_rate(struct request *r) {
    struct gateway *g = r->gateway;
    if (g->config.gateway_rate == 0) return true;
    struct rate *rate = rate_of(g, r->source[0] ? r->source : "*");
    int64_t now_us = client_now_ms() * 1000, cost_us = 1000000 / (int64_t)g->config.gateway_rate;
    if (rate->spent_until_us < now_us) rate->spent_until_us = now_us;
    if (rate->spent_until_us + cost_us <= now_us + 1000000) {
        rate->spent_until_us += cost_us;
        return true;
    }
    gateway_reply_problem(&r->reply, GATEWAY_too_many_requests, NULL);
    return false;
}

/* A change must come from our own page: browsers say where it comes from. */
static bool is_own_page(const struct request *r) {
    const char *site = request_header(r, "Sec-Fetch-Site"), *origin = request_header(r, MHD_HTTP_HEADER_ORIGIN);
    const char *host = request_header(r, MHD_HTTP_HEADER_HOST), *at = origin ? strstr(origin, "://") : NULL;
    return (!site || strcmp(site, "same-origin") == 0) && (!origin || (at && host && strcmp(at + 3, host) == 0));
}

/* Operators have a session; what changes something carries its proof as well, which only our own page was told. */
static bool check_operator(struct request *r) {
    bool changes = strcmp(r->route->method, "POST") == 0;
    pthread_rwlock_rdlock(&r->gateway->tokens_lock);
    bool has_page = r->gateway->operators.count > 0;
    pthread_rwlock_unlock(&r->gateway->tokens_lock);
    if (!has_page) {
        gateway_reply_problem(&r->reply, GATEWAY_no_such_page, "the page needs gateway.operators_file");
        return false;
    }
    if (r->route->door == DOOR_PAGE) return true;
    if (changes && !is_own_page(r)) {
        gateway_reply_problem(&r->reply, GATEWAY_forbidden, "this comes from another site");
        return false;
    }
    if (r->route->door == DOOR_LOGIN) return true;
    r->session = session_find(&r->gateway->sessions, MHD_lookup_connection_value(r->connection, MHD_COOKIE_KIND, "till_session"));
    if (!r->session) gateway_reply_problem(&r->reply, GATEWAY_unauthorized, "log in first");
    else if (changes && !session_proves(r->session, request_header(r, "X-Till-Proof")))
        gateway_reply_problem(&r->reply, GATEWAY_forbidden, "this does not come from the page");
    else return true;
    return false;
}

bool door_check(struct request *r) {
    if (r->route->door == DOOR_OPEN) return true;
    return r->route->door == DOOR_SOURCE ? check_token(r) && check_rate(r) : check_operator(r);
}
