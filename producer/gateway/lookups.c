/* GET /v1/answers/ACCOUNT/SOURCE/KEY and GET /v1/accounts/ID. */
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "producer/cli/account_out.h"
#include "producer/cli/args.h"
#include "producer/client.h"
#include "producer/gateway/request.h"

/* --- answers --- */

/* What was decided is told by its bill; what was refused without one, or is on its way, by what is remembered. */
static void answer_unbooked(struct request *r, char **parts) {
    struct till_answer answer = {0};
    char location[GATEWAY_LOCATION_MAX];
    switch (waiting_look(&r->gateway->waiting, parts[0], parts[1], parts[2], &answer)) {
    case WAITING_ANSWERED:
        gateway_reply_answer(&r->reply, &answer);
        break;
    case WAITING_OPEN:
        client_copy(answer.account, sizeof answer.account, parts[0]);
        client_copy(answer.source, sizeof answer.source, parts[1]);
        client_copy(answer.key, sizeof answer.key, parts[2]);
        request_location(location, parts[0], parts[1], parts[2], 0);
        gateway_reply_accepted(&r->reply, &answer, location);
        break;
    case WAITING_UNKNOWN:
        gateway_reply_problem(&r->reply, GATEWAY_unknown_answer, "if it was sent, send it again with the same key and at");
        break;
    }
}

static void answer_of_bill(const struct till_bill *b, char **parts, struct till_answer *a) {
    *a = (struct till_answer){.code = b->code, .has_amount = b->has_amount, .has_balance = b->has_balance, .has_held = b->has_balance,
                              .amount_minor = b->amount_minor, .balance_minor = b->balance_minor, .held_minor = b->held_minor,
                              .at_ms = b->at_ms, .partition = b->partition, .replayed = true};
    client_copy(a->account, sizeof a->account, parts[0]);
    client_copy(a->source, sizeof a->source, parts[1]);
    client_copy(a->key, sizeof a->key, parts[2]);
    client_copy(a->op, sizeof a->op, b->op);
    client_copy(a->reason, sizeof a->reason, till_code_word(b->code));
    client_copy(a->currency, sizeof a->currency, b->currency);
    client_copy(a->bill, sizeof a->bill, b->bill);
    client_copy(a->entry, sizeof a->entry, b->entry);
    client_copy(a->detail, sizeof a->detail, b->detail);
}

/* On its way to another partition, or waiting for its time: not answered yet, though there is a bill. */
static bool is_open(const struct till_bill *b) { return strcmp(b->state, "in_progress") == 0 || strcmp(b->state, "scheduled") == 0; }

static void find_answer(struct desk_job *job, struct desk *desk) {
    struct request *r = request_of_job(job);
    struct till *till = desk_till(desk);
    struct till_bill bill;
    struct till_answer answer;
    uint64_t at_ms = 0;
    char *parts[3], location[GATEWAY_LOCATION_MAX];
    const char *at = MHD_lookup_connection_value(r->connection, MHD_GET_ARGUMENT_KIND, "at");
    (void)request_parts(r, parts, 3);
    if (at && !args_parse_number(at, &at_ms)) at_ms = 0;
    int code = till ? till_bill(till, parts[0], parts[1], parts[2], at_ms, &bill) : TILL_READ_FAILED;
    if (code == TILL_NOT_FOUND) {
        answer_unbooked(r, parts);
    } else if (code != TILL_OK) {
        gateway_reply_code(&r->reply, code, till ? till_error(till) : desk->said, NULL);
    } else {
        answer_of_bill(&bill, parts, &answer);
        request_location(location, parts[0], parts[1], parts[2], 0);
        if (is_open(&bill)) gateway_reply_accepted(&r->reply, &answer, location);
        else gateway_reply_answer(&r->reply, &answer);
    }
    request_resume(r);
}

void lookups_answer(struct request *r) {
    char url[REQUEST_URL_MAX], *parts[3];
    memcpy(url, r->url, sizeof url);
    unsigned count = request_parts(r, parts, 3);
    bool others = count == 3 && r->source[0] && strcmp(parts[1], r->source) != 0;
    memcpy(r->url, url, sizeof url);
    if (count != 3) gateway_reply_problem(&r->reply, GATEWAY_no_such_page, "it is /v1/answers/ACCOUNT/SOURCE/KEY");
    else if (others) gateway_reply_problem(&r->reply, GATEWAY_forbidden, "this token is of another source");
    else request_hand_over(r, r->gateway->desk, find_answer);
}

/* --- accounts --- */

static void find_account(struct desk_job *job, struct desk *desk) {
    struct request *r = request_of_job(job);
    struct till *till = desk_till(desk);
    struct till_account account;
    struct till_rules rules = {0};
    const char *id = r->url + strlen(r->route->path);
    int code = till ? till_account(till, id, &account) : TILL_READ_FAILED;
    if (code == TILL_OK && *id != '@') code = till_account_rules(till, id, &rules);
    if (code == TILL_OK) gateway_reply_json(&r->reply, 200, account_json(&account, &rules));
    else gateway_reply_code(&r->reply, code, till ? till_error(till) : desk->said, NULL);
    request_resume(r);
}

void lookups_account(struct request *r) { request_hand_over(r, r->gateway->desk, find_account); }
