/* The reference model: groups. All the steps are taken; if one fails, everything is put back as it was. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "schema/code.h"
#include "tests/worker/model_state.h"

/* Everything that a step can change. */
struct snapshot {
    struct model_account *accounts;
    struct model_bill *bills;
    struct model_due *dues;
    struct model_recent *recents;
    struct model_month *months;
    struct model_shard shard;
    size_t account_count, bill_count, due_count, row_count, recent_count, month_count;
};

/* As large as model_grow would have made it. */
static void *copy_of(const void *array, size_t count, size_t size) {
    size_t capacity = 1;
    while (capacity < count) capacity *= 2;
    void *copy = malloc(capacity * size);
    if (!copy) abort();
    if (count) memcpy(copy, array, count * size);
    return copy;
}

static void remember(const struct model *m, unsigned partition, struct snapshot *s) {
    *s = (struct snapshot){.shard = m->shards[partition], .account_count = m->account_count, .bill_count = m->bill_count,
                           .due_count = m->due_count, .row_count = m->row_count, .recent_count = m->recent_count,
                           .month_count = m->month_count};
    s->accounts = copy_of(m->accounts, m->account_count, sizeof *m->accounts);
    s->bills = copy_of(m->bills, m->bill_count, sizeof *m->bills);
    s->dues = copy_of(m->dues, m->due_count, sizeof *m->dues);
    s->recents = copy_of(m->recents, m->recent_count, sizeof *m->recents);
    s->months = copy_of(m->months, m->month_count, sizeof *m->months);
}

static void forget(struct snapshot *s) {
    free(s->accounts);
    free(s->bills);
    free(s->dues);
    free(s->recents);
    free(s->months);
}

/* Leaves in the snapshot what is not needed any more. */
static void put_back(struct model *m, unsigned partition, struct snapshot *s) {
    struct model left = *m;
    while (m->row_count > s->row_count) free(m->rows[--m->row_count].text);
    memcpy(m->accounts, s->accounts, s->account_count * sizeof *m->accounts); /* others point there */
    m->bills = s->bills;
    m->dues = s->dues;
    m->recents = s->recents;
    m->months = s->months;
    s->bills = left.bills;
    s->dues = left.dues;
    s->recents = left.recents;
    s->months = left.months;
    m->account_count = s->account_count;
    m->bill_count = s->bill_count;
    m->due_count = s->due_count;
    m->recent_count = s->recent_count;
    m->month_count = s->month_count;
    m->shards[partition] = s->shard;
}

/* Decides a step as an intent of its own, under the group's token. */
static int take_step(struct hearing *group, const struct intent *step, struct hearing *c) {
    *c = model_hearing(group->m, group->partition, group->id, step);
    c->token = group->token;
    model_open_bill(c);
    if (step->op == OP_transfer && !model_is_here(c, step->to)) return 6;
    if (model_find_known(c, step->key)) return 7;
    int code = model_decide(c);
    if (code) return code;
    if (group->bill.moved + c->bill.moved > MODEL_CAP) return model_detail(c, 12, ""); /* together more than a bill can say */
    model_close_bill(c, 0);
    model_store_bill(c);
    return 0;
}

/* The refusal of the step stays, if it is a decision; of a group that failed nothing else does. */
static int fail(struct hearing *group, unsigned number, struct hearing *c, int code) {
    if (code_class(code) == CODE_CLASS_DECIDED) {
        c->bill.moved = c->bill.captured = 0;
        *c->bill.number = *c->bill.state = '\0';
        model_close_bill(c, code);
        model_store_bill(c);
    }
    group->bill.moved = 0;
    *group->bill.number = '\0';
    snprintf(group->bill.detail, sizeof group->bill.detail, "%u %s", number, code_word(code));
    return 17;
}

int model_group(struct hearing *c) {
    struct intent *step = malloc(sizeof *step);
    struct snapshot before;
    struct hearing s;
    int code = model_stand_in_the_way(c, NULL, true);
    if (!step) abort();
    remember(c->m, c->partition, &before);
    for (unsigned n = 0; code == 0 && n < c->i->step_count; n++) {
        intent_step_alone(c->i, n, step);
        int outcome = take_step(c, step, &s);
        if (outcome) {
            put_back(c->m, c->partition, &before);
            code = fail(c, n + 1, &s, outcome);
            break;
        }
        c->bill.moved += s.bill.moved;
        if (n == 0) memcpy(c->bill.number, s.bill.number, sizeof c->bill.number);
        model_detail(c, 0, s.bill.number);
    }
    forget(&before);
    free(step);
    return code;
}
