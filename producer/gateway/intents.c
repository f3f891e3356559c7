/* POST /v1/intents: an intent from JSON to the stream, and its answer back. */
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "producer/cli/json_intent.h"
#include "producer/client.h"
#include "producer/gateway/request.h"

enum { SEND_LEAST_MS = 2000 };

/* A structured header's string, "abc", or the bare word. False: neither. */
static bool parse_key(const char *text, char out[INTENT_KEY_MAX + 1]) {
    size_t size = 0, end = strlen(text);
    bool quoted = *text == '"';
    if (quoted && (end < 2 || text[end - 1] != '"')) return false;
    for (size_t n = quoted; n < end - quoted; n++) {
        if (quoted && text[n] == '\\') n++;
        if (size == INTENT_KEY_MAX || n >= end - quoted) return false;
        out[size++] = text[n];
    }
    out[size] = '\0';
    return size > 0;
}

/* The header's key is the intent's. */
static bool take_key(struct request *r, json_t *object) {
    char key[INTENT_KEY_MAX + 1];
    const char *header = request_header(r, "Idempotency-Key"), *given = json_string_value(json_object_get(object, "key"));
    if (!header && given) return true;
    if (!header || !parse_key(header, key)) {
        gateway_reply_problem(&r->reply, GATEWAY_key_missing, "1..128 printable ASCII characters without space, / { }, chosen by you, and "
                                                              "the same when you send it again");
        return false;
    }
    if (given && strcmp(given, key) != 0) {
        gateway_reply_problem(&r->reply, GATEWAY_key_differs, NULL);
        return false;
    }
    if (!given && json_object_set_new(object, "key", json_string(key)) != 0) {
        gateway_reply_problem(&r->reply, GATEWAY_key_missing, "it is not UTF-8");
        return false;
    }
    return true;
}

/* May whoever has this token send this? */
static bool check_rights(struct request *r, const struct intent *intent) {
    if (r->source[0] && strcmp(r->source, intent->source) != 0) {
        char why[120];
        snprintf(why, sizeof why, "this token is of the source %s", r->source);
        gateway_reply_problem(&r->reply, GATEWAY_forbidden, why);
    } else if (intent->op == OP_policy || intent->op == OP_settle) {
        gateway_reply_problem(&r->reply, GATEWAY_forbidden, "this is an operator's: `till policy`, `till settle`");
    } else {
        return true;
    }
    return false;
}

static bool read_intent(struct request *r, struct intent *intent) {
    struct intent_fault fault;
    json_t *object = json_intent_load(r->body ? r->body : "", r->size, &fault);
    if (!object) {
        gateway_reply_problem(&r->reply, GATEWAY_bad_request, fault.text);
        return false;
    }
    bool ok = take_key(r, object);
    const char *trace = request_header(r, "traceparent");
    if (ok && !json_intent_read(object, r->source, intent, r->outgoing->trace, &fault)) {
        gateway_reply_code(&r->reply, TILL_INVALID, fault.text, fault.field);
        ok = false;
    }
    json_decref(object);
    if (ok && trace) (void)trace_read(trace, strlen(trace), r->outgoing->trace); /* what is none is left out */
    return ok && check_rights(r, intent);
}

/* Enqueued, and not answered in time: where the answer will be. */
static void tell_later(struct request *r) {
    const struct intent *intent = &r->outgoing->intent;
    char location[GATEWAY_LOCATION_MAX];
    struct till_answer known = {.at_ms = intent->at_ms};
    client_copy(known.account, sizeof known.account, intent->account);
    client_copy(known.source, sizeof known.source, intent->source);
    client_copy(known.key, sizeof known.key, intent->key);
    client_copy(known.entry, sizeof known.entry, r->outgoing->waiter.entry);
    request_location(location, intent->account, intent->source, intent->key, intent->at_ms);
    gateway_reply_accepted(&r->reply, &known, location);
}

static void finish(struct request *r) {
    const struct outgoing *o = r->outgoing;
    if (o->waiter.answered) gateway_reply_answer(&r->reply, &o->waiter.answer);
    else if (o->code != TILL_OK) gateway_reply_code(&r->reply, o->code, o->text, o->field);
    else tell_later(r);
}

static void done(struct waiter *waiter) {
    struct outgoing *o = (struct outgoing *)((char *)waiter - offsetof(struct outgoing, waiter));
    request_resume(o->owner);
}

void intents_post(struct request *r) {
    struct outgoing *o = r->outgoing = malloc(sizeof *o); /* 16 KiB of it need not be cleared */
    if (!o) abort();
    if (!read_intent(r, &o->intent)) return;
    int64_t now_ms = client_now_ms(), wait_ms = request_wait_ms(r);
    bool later = o->intent.not_before_ms > o->intent.at_ms;
    o->owner = r;
    o->waiter = (struct waiter){.op = op_word(o->intent.op),
                                .amount_minor = (int64_t)o->intent.amount_minor,
                                .deadline_ms = later ? now_ms : now_ms + wait_ms,
                                .done = done};
    o->send_until_ms = now_ms + (wait_ms > SEND_LEAST_MS ? wait_ms : SEND_LEAST_MS);
    r->finish = finish;
    request_suspend(r);
    sender_take(r->gateway->sender, o);
}
