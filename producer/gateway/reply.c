/* Answers and problems as HTTP tells them: one table for the codes, one for what the gateway refuses itself. */
#include "producer/gateway/reply.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "producer/cli/answer_out.h"
#include "producer/cli/answer_words.h"
#include "schema/code.h"

static const struct {
    int code;
    unsigned status;
} of_code[] = {
#define X(word, status) {CODE_##word, status},
#include "producer/gateway/status.def"
#undef X
};

static const struct {
    const char *word;
    unsigned status;
    const char *title;
} problems[GATEWAY_PROBLEM_COUNT] = {
#define X(word, status, title) {#word, status, title},
#include "producer/gateway/problem.def"
#undef X
};

#define CODE_COUNT (sizeof of_code / sizeof of_code[0])
#define PROBLEM_TYPE "application/problem+json"

unsigned gateway_status_of(int code) {
    for (size_t n = 0; n < CODE_COUNT; n++)
        if (of_code[n].code == code) return of_code[n].status;
    return 503;
}

unsigned gateway_problem_status(enum gateway_problem problem) { return problems[problem].status; }

const char *gateway_problem_word(enum gateway_problem problem) { return problems[problem].word; }

static void take(struct gateway_reply *r, unsigned status, const char *type, json_t *object) {
    gateway_reply_clear(r);
    r->status = status;
    r->type = type;
    r->body = json_dumps(object, JSON_COMPACT);
    if (!r->body) abort();
    r->size = strlen(r->body);
    json_decref(object);
}

void gateway_reply_json(struct gateway_reply *r, unsigned status, json_t *object) { take(r, status, "application/json", object); }

static json_t *problem(const char *word, const char *title, unsigned status, const char *detail) {
    char type[60];
    json_t *object = json_out_object();
    snprintf(type, sizeof type, "/problems/%s", word);
    json_out_text(object, "type", type);
    json_out_text(object, "title", title);
    json_out_number(object, "status", status);
    if (detail && *detail) json_out_text(object, "detail", detail);
    return object;
}

void gateway_reply_problem(struct gateway_reply *r, enum gateway_problem p, const char *detail) {
    take(r, problems[p].status, PROBLEM_TYPE, problem(problems[p].word, problems[p].title, problems[p].status, detail));
    r->retry_later = problems[p].status == 429 || problems[p].status == 503;
    r->close = p == GATEWAY_too_large || p == GATEWAY_stopping;
}

/* Not now: the same may be sent again. */
static bool passes(int code) {
    return code_class(code) == CODE_CLASS_NOT_NOW || code_class(code) == CODE_CLASS_CLIENT;
}

void gateway_reply_code(struct gateway_reply *r, int code, const char *detail, const char *field) {
    unsigned status = gateway_status_of(code);
    json_t *object = problem(code_word(code), code_sentence(code), status, detail);
    json_out_number(object, "code", code);
    json_out_text(object, "reason", code_word(code));
    if (field && *field) json_out_text(object, "field", field);
    take(r, status, PROBLEM_TYPE, object);
    r->retry_later = passes(code);
}

void gateway_reply_answer(struct gateway_reply *r, const struct till_answer *a) {
    unsigned status = gateway_status_of(a->code);
    if (a->code == TILL_OK || status == 202) {
        take(r, status, "application/json", answer_json(a));
    } else {
        json_t *object = problem(code_word(a->code), code_sentence(a->code), status, answer_sentence(a->op, a->code, a->detail));
        json_out_number(object, "code", a->code);
        json_out_text(object, "reason", a->reason);
        if (a->code == TILL_INVALID || a->code == TILL_KEY_REUSED) json_out_text(object, "field", a->detail);
        json_out_value(object, "answer", answer_json(a));
        take(r, status, PROBLEM_TYPE, object);
        r->retry_later = passes(a->code);
    }
    r->replayed = a->replayed;
}

void gateway_reply_accepted(struct gateway_reply *r, const struct till_answer *known, const char *location) {
    json_t *object = json_out_object();
    json_out_text(object, "account", known->account);
    json_out_text(object, "source", known->source);
    json_out_text(object, "key", known->key);
    json_out_optional(object, "at", known->at_ms != 0, (int64_t)known->at_ms);
    if (known->entry[0]) json_out_text(object, "entry", known->entry);
    json_out_text(object, "answer", location);
    gateway_reply_json(r, 202, object);
    snprintf(r->location, sizeof r->location, "%s", location);
    r->retry_later = true;
}

bool gateway_reply_explain(struct gateway_reply *r, const char *word) {
    int code;
    if (code_of_word(word, strlen(word), &code)) {
        json_t *object = problem(word, code_sentence(code), gateway_status_of(code), NULL);
        json_out_number(object, "code", code);
        gateway_reply_json(r, 200, object);
        return true;
    }
    for (int p = 0; p < GATEWAY_PROBLEM_COUNT; p++)
        if (strcmp(problems[p].word, word) == 0) {
            gateway_reply_json(r, 200, problem(word, problems[p].title, problems[p].status, NULL));
            return true;
        }
    return false;
}

void gateway_reply_clear(struct gateway_reply *r) {
    free(r->body);
    *r = (struct gateway_reply){0};
}
