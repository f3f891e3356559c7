/* What was decided about an intent, as JSON. */
#include "producer/cli/bill_out.h"

#include "producer/cli/answer_words.h"
#include "producer/cli/json_out.h"

uint64_t bill_deadline_ms(const struct till_bill *b) {
    uint64_t ms;
    (void)answer_detail_name(b->op, b->code, b->detail, &ms);
    return ms;
}

json_t *bill_json(const struct till_bill *b, const char *account, const char *source, const char *key) {
    json_t *object = json_out_object();
    json_out_text(object, "account", account);
    json_out_text(object, "source", source);
    json_out_text(object, "key", key);
    json_out_text(object, "op", b->op);
    json_out_number(object, "code", b->code);
    json_out_text(object, "reason", till_code_word(b->code));
    json_out_text(object, "bill", b->bill);
    json_out_optional(object, "amount", b->has_amount, b->amount_minor);
    json_out_text(object, "currency", b->currency);
    json_out_optional(object, "balance", b->has_balance, b->balance_minor);
    json_out_optional(object, "held", b->has_balance, b->held_minor);
    json_out_number(object, "at", (int64_t)b->at_ms);
    json_out_text(object, "entry", b->entry);
    json_out_text(object, "to", b->to);
    json_out_text(object, "state", b->state);
    json_out_optional(object, "deadline", bill_deadline_ms(b) != 0, (int64_t)bill_deadline_ms(b));
    json_out_number(object, "captured", b->captured_minor);
    json_out_number(object, "refunded", b->refunded_minor);
    json_out_text(object, "detail", b->detail);
    json_out_text(object, "fingerprint", b->fingerprint);
    json_out_text(object, "day", b->day);
    json_out_number(object, "partition", b->partition);
    return object;
}
