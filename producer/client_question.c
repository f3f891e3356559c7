/* The questions under way, in the order in which their answers come. */
#include "producer/client_question.h"

#include <stdlib.h>
#include <string.h>

#include "producer/client.h"

bool client_belief_wanted(const struct client_belief *belief, int64_t now_ms, bool ahead) {
    return !belief->asked && now_ms >= (ahead ? belief->ahead_ms : belief->until_ms);
}

void client_belief_hold(struct client_belief *belief, int64_t asked_ms, int64_t believed_ms) {
    belief->ahead_ms = asked_ms + believed_ms / 2;
    belief->until_ms = asked_ms + believed_ms;
}

struct client_question *client_question_add(struct till *till, struct client_belief *belief, int64_t now_ms) {
    struct client_questions *all = &till->questions;
    if (all->first + all->count == all->capacity) {
        if (all->first > 0) {
            memmove(all->list, all->list + all->first, all->count * sizeof *all->list);
        } else {
            all->capacity = all->capacity == 0 ? 16 : 2 * all->capacity;
            all->list = reallocarray(all->list, all->capacity, sizeof *all->list);
        }
        all->first = 0;
    }
    if (all->list == NULL)
        abort();
    struct client_question *q = &all->list[all->first + all->count++];
    *q = (struct client_question){.belief = belief, .asked_ms = now_ms, .place = till->replies + redis_unanswered(till->redis)};
    if (belief != NULL)
        belief->asked = true;
    return q;
}

static bool take_first(struct client_questions *all, struct client_question *q) {
    if (all->count == 0)
        return false;
    *q = all->list[all->first++];
    if (--all->count == 0)
        all->first = 0;
    if (q->belief != NULL)
        q->belief->asked = false;
    return true;
}

static void disbelieve(const struct client_question *q) {
    if (q->belief != NULL)
        q->belief->until_ms = 0;
}

enum redis_err client_question_hear(struct till *till, int64_t deadline_ms, bool due) {
    struct client_questions *all = &till->questions;
    struct client_question q;
    enum redis_err first = REDIS_OK;
    while (all->count > 0 && !(due && all->list[all->first].place != till->replies) && take_first(all, &q)) {
        enum redis_err err = q.hear(till, &q, deadline_ms);
        if (err != REDIS_OK)
            disbelieve(&q);
        if (till->redis == NULL)
            return err; /* the rest is forgotten */
        first = first != REDIS_OK ? first : err;
    }
    return first;
}

void client_question_forget(struct till *till) {
    struct client_question q;
    while (take_first(&till->questions, &q))
        disbelieve(&q);
}
