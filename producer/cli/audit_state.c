/* What a bill record may say by itself: which states go with which operation and code, and how much was captured and refunded. */
#include <string.h>

#include "producer/cli/audit.h"
#include "schema/code.h"

static bool is(const char *text, const char *word) { return strcmp(text, word) == 0; }

static bool may_be_put_off(const char *op) {
    return is(op, "pay") || is(op, "hold") || is(op, "topup") || is(op, "transfer") || is(op, "withdraw");
}

static const char *undecided_fault(const struct bill *b) {
    if (is(b->state, "in_progress")) {
        if (!is(b->op, "transfer") && !is(b->op, "pay")) return "only a transfer or an order's payment can be in progress";
        if (!b->bill[0]) return "is in progress, but has no bill number";
    } else if (is(b->state, "scheduled")) {
        if (!may_be_put_off(b->op)) return "is scheduled, which its operation cannot be";
        if (b->bill[0]) return "is scheduled, but has a bill number";
    } else return "is not decided, but neither in progress nor scheduled";
    if (b->amount_minor <= 0) return "is to move nothing";
    return b->captured_minor || b->refunded_minor ? "moved money before it was decided" : NULL;
}

static const char *refused_fault(const struct bill *b) {
    bool taken_back = is(b->state, "released") && b->code == CODE_wrong_state && may_be_put_off(b->op) && is(b->detail, "unscheduled");
    if (b->state[0] && !taken_back) return "was refused, but has a state";
    bool on_its_way = is(b->op, "transfer") || is(b->op, "pay"); /* of an order: it was, until the other side refused it */
    if (b->bill[0] && (taken_back || !on_its_way)) return "was refused, but has a bill number";
    return b->amount_minor || b->captured_minor || b->refunded_minor ? "was refused, but moved money" : NULL;
}

static const char *hold_fault(const struct bill *b) {
    bool open = is(b->state, "open"), captured = is(b->state, "captured"), given_back = is(b->state, "released") || is(b->state, "expired");
    if (!open && !captured && !given_back) return "a hold is open, captured, released or expired";
    if (captured && b->captured_minor == 0) return "is captured, but nothing of it is";
    if (!captured && b->captured_minor == b->amount_minor) return "is captured whole, but its state does not say so";
    if (b->detail[0] && (b->detail[strspn(b->detail, "0123456789")] || strlen(b->detail) > 16)) return "its deadline is no time";
    return NULL;
}

static const char *pay_fault(const struct bill *b) {
    if (is(b->state, "captured")) return b->captured_minor == b->amount_minor ? NULL : "is not captured whole";
    if (is(b->state, "released")) return b->refunded_minor == b->amount_minor ? NULL : "is released, but not given back whole";
    return "a payment is captured or released";
}

const char *audit_state_fault(const struct bill *b) {
    bool hold = is(b->op, "hold"), pay = is(b->op, "pay"), world = is(b->op, "topup") || is(b->op, "withdraw");
    if (b->amount_minor < 0 || b->captured_minor < 0 || b->refunded_minor < 0 || b->held_minor < 0) return "an amount is below 0";
    if (code_class(b->code) == CODE_CLASS_NOT_NOW && b->code != CODE_in_progress) return "such a code is not stored";
    if (is(b->state, "in_progress") || is(b->state, "scheduled") || b->code == CODE_in_progress)
        return b->code == CODE_in_progress ? undecided_fault(b) : "has an outcome, but its state says that it waits for one";
    if (b->code != CODE_ok) return refused_fault(b);
    if (!hold && !pay && b->state[0]) return "only payments and holds have a state";
    if (!hold && !pay && b->captured_minor) return "only payments and holds are captured";
    if (b->captured_minor > b->amount_minor) return "more is captured than its amount";
    if (b->refunded_minor > (world ? b->amount_minor : b->captured_minor)) return "more went back than was taken";
    if (world && b->refunded_minor && b->refunded_minor != b->amount_minor) return "was undone in part";
    return hold ? hold_fault(b) : pay ? pay_fault(b) : NULL;
}
