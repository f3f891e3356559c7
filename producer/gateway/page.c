/* The page itself, and logging in to it. */
#include <stdio.h>
#include <string.h>

#include "producer/cli/json_out.h"
#include "producer/gateway/embedded.h"
#include "producer/gateway/request.h"

static const char policy[] = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; "
                             "base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

static void show(struct request *r, const char *type, const char *bytes, size_t size) {
    r->reply = (struct gateway_reply){.status = 200, .type = type, .fixed = bytes, .size = size, .policy = policy};
}

void page_html(struct request *r) { show(r, "text/html; charset=utf-8", gateway_page_html, gateway_page_html_size); }
void page_css(struct request *r) { show(r, "text/css; charset=utf-8", gateway_page_css, gateway_page_css_size); }
void page_js(struct request *r) { show(r, "text/javascript; charset=utf-8", gateway_page_js, gateway_page_js_size); }

static void tell_session(struct request *r, const struct session *session) {
    json_t *object = json_out_object();
    json_out_text(object, "name", session->name);
    json_out_text(object, "proof", session->proof);
    gateway_reply_json(&r->reply, 200, object);
}

static void set_cookie(struct request *r, const char *id, const char *age) {
    snprintf(r->reply.cookie, sizeof r->reply.cookie, "till_session=%s; Path=/; HttpOnly; SameSite=Strict%s%s", id, age,
             r->gateway->tls ? "; Secure" : "");
}

/* {"token": "..."} */
void page_login(struct request *r) {
    struct gateway *g = r->gateway;
    char name[TOKENS_NAME_SIZE] = "";
    if (!session_may_try(&g->sessions)) {
        gateway_reply_problem(&r->reply, GATEWAY_too_many_requests, "too many tries to log in; wait a minute");
        return;
    }
    json_t *body = json_loadb(r->body ? r->body : "", r->size, 0, NULL);
    const char *token = json_string_value(json_object_get(body, "token")), *found;
    pthread_rwlock_rdlock(&g->tokens_lock);
    if (token && (found = tokens_find(&g->operators, token))) snprintf(name, sizeof name, "%s", found);
    pthread_rwlock_unlock(&g->tokens_lock);
    json_decref(body);
    if (!name[0]) {
        gateway_reply_problem(&r->reply, GATEWAY_unauthorized, "this is no operator's token");
        return;
    }
    const struct session *session = session_begin(&g->sessions, name);
    tell_session(r, session);
    set_cookie(r, session->id, "");
}

void page_session(struct request *r) { tell_session(r, r->session); }

void page_logout(struct request *r) {
    session_end(r->session);
    gateway_reply_json(&r->reply, 200, json_out_object());
    set_cookie(r, "", "; Max-Age=0");
}
