/* What a request is answered with: a status, a few headers, a body. Made by whichever thread knows it, sent by the one of HTTP. */
#ifndef GATEWAY_REPLY_H
#define GATEWAY_REPLY_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "producer/till.h"

enum { GATEWAY_LOCATION_MAX = 800 };

enum gateway_problem {
#define X(word, status, title) GATEWAY_##word,
#include "producer/gateway/problem.def"
#undef X
    GATEWAY_PROBLEM_COUNT
};

struct gateway_reply {
    unsigned status;       /* 0: none yet */
    const char *type;      /* of the body; static */
    char *body;            /* owned; NULL: none */
    size_t size;
    const char *fixed;     /* instead of body: static */
    const char *allow;     /* with 405: static */
    const char *policy;    /* of a page: Content-Security-Policy, static */
    char cookie[160];      /* Set-Cookie; "" none */
    bool replayed, retry_later, close, stream; /* stream: of events, instead of a body */
    char location[GATEWAY_LOCATION_MAX];
};

/* Of an answer's code; of a number that is none 503. */
unsigned gateway_status_of(int code);
unsigned gateway_problem_status(enum gateway_problem problem);
const char *gateway_problem_word(enum gateway_problem problem);

/* 200 and the answer, or the problem that it tells of. */
void gateway_reply_answer(struct gateway_reply *reply, const struct till_answer *answer);
/* 202: enqueued, and the answer will be at `location`. */
void gateway_reply_accepted(struct gateway_reply *reply, const struct till_answer *known, const char *location);
/* application/problem+json. `detail` and `field` may be NULL. */
void gateway_reply_problem(struct gateway_reply *reply, enum gateway_problem problem, const char *detail);
/* The same for a code that is told without an answer: a field at fault, Redis away. */
void gateway_reply_code(struct gateway_reply *reply, int code, const char *detail, const char *field);
/* A JSON object, which is released. */
void gateway_reply_json(struct gateway_reply *reply, unsigned status, json_t *object);
/* What a type of problem means: GET /problems/WORD. False: there is no such word. */
bool gateway_reply_explain(struct gateway_reply *reply, const char *word);
void gateway_reply_clear(struct gateway_reply *reply);

#endif
