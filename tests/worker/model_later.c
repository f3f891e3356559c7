/* The reference model: intents that wait for their time. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "tests/worker/model_state.h"

bool model_is_early(const struct hearing *c) {
    return model_has(c->i, FIELD_not_before) && c->i->not_before_ms > c->id.ms;
}

/* Nothing is looked at yet: the bill says what was asked. */
void model_schedule(struct hearing *c, const struct model_entry *entry) {
    c->account = NULL;
    model_open_bill(c);
    c->bill.moved = (int64_t)c->i->amount_minor;
    model_close_bill(c, 20);
    c->bill.moved = 0;
    snprintf(c->bill.state, sizeof c->bill.state, "scheduled");
    model_add_due(c, OP_due, c->i->not_before_ms, entry->bytes, entry->size);
    model_store_bill(c);
}

/* Takes it back: decided and answered at once. */
int model_unschedule(struct hearing *c) {
    struct model_bill *b = model_find_referred(c);
    if (!b) return model_detail(c, 1, "of");
    if (!model_is(b->state, "scheduled")) return 11;
    model_remove_due_of(c->m, b, OP_due);
    b->code = 11;
    snprintf(b->amount, sizeof b->amount, "0");
    snprintf(b->balance, sizeof b->balance, "%" PRId64, c->account->balance);
    snprintf(b->held, sizeof b->held, "%" PRId64, c->account->held);
    snprintf(b->state, sizeof b->state, "released");
    snprintf(b->detail, sizeof b->detail, "unscheduled");
    model_answer(c, b, false);
    return 0;
}

/* Its time has come: decided as of this entry, under the bill it has. What is no decision leaves the key free. */
void model_wake(struct model *m, unsigned partition, struct entry_id id, struct model_bill *b) {
    struct intent *i = malloc(sizeof *i);
    struct intent_fault fault;
    char identity[INTENT_IDENTITY_MAX + 1];
    model_identity(b, identity);
    struct model_due *due = model_find_due(m, partition, OP_due, b->id, identity);
    if (!i || !due || intent_decode(due->bytes, due->size, i, &fault)) abort();
    if (id.ms >= due->at_ms) {
        struct hearing c = model_hearing(m, partition, id, i);
        c.original = b->id;
        model_remove_due_of(m, b, OP_due);
        model_remove_bill(m, b);
        model_open_bill(&c);
        int code = model_decide(&c);
        if (code == 5 || code == 6 || code == 8 || code == 18) {
            model_refuse(&c, code, code == 6 ? c.bill.detail : "");
        } else {
            model_close_bill(&c, code);
            model_store_bill(&c);
            if (code != 20) model_answer(&c, &c.bill, false);
        }
    }
    free(i);
}
