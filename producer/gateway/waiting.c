/* Answers to those who wait for them. */
#define uthash_fatal(message) abort()
#include "producer/gateway/waiting.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uthash.h>
#include <utlist.h>

#include "producer/client.h"

enum { KEPT_MAX = 20000, KEPT_MS = 15 * 60 * 1000 };

struct waiting_identity {
    UT_hash_handle hh;
    char text[TILL_IDENTITY_SIZE];
    struct waiter *waiters;
    unsigned sending;            /* of them: those whose entry is not known */
    struct till_answer *early;   /* answers that came meanwhile */
    unsigned early_count;
    bool is_kept;                /* then: */
    struct till_answer *answer;  /* NULL: still to come */
    int64_t since_ms;
    struct waiting_identity *prev, *next;
};

static void *allocated(void *memory) {
    if (!memory) abort();
    return memory;
}

void waiting_init(struct waiting *w) {
    *w = (struct waiting){0};
    pthread_mutex_init(&w->lock, NULL);
}

static void forget(struct waiting *w, struct waiting_identity *i) {
    if (i->is_kept) {
        DL_DELETE(w->kept, i);
        w->kept_count--;
    }
    HASH_DEL(w->all, i);
    free(i->early);
    free(i->answer);
    free(i);
}

void waiting_clear(struct waiting *w) {
    for (struct waiting_identity *i = w->all, *next; i; i = next) {
        next = i->hh.next;
        forget(w, i);
    }
    pthread_mutex_destroy(&w->lock);
}

static void identity_text(char out[TILL_IDENTITY_SIZE], const char *account, const char *source, const char *key) {
    snprintf(out, TILL_IDENTITY_SIZE, "%s/%s/%s", account, source, key);
}

static struct waiting_identity *find(struct waiting *w, const char *account, const char *source, const char *key, bool make) {
    char text[TILL_IDENTITY_SIZE];
    struct waiting_identity *i;
    identity_text(text, account, source, key);
    HASH_FIND_STR(w->all, text, i);
    if (i || !make) return i;
    i = allocated(calloc(1, sizeof *i));
    memcpy(i->text, text, sizeof i->text);
    HASH_ADD_STR(w->all, text, i);
    return i;
}

/* Nobody waits, but there is or will be an answer that somebody may ask for. */
static void keep(struct waiting *w, struct waiting_identity *i) {
    if (i->is_kept) DL_DELETE(w->kept, i);
    w->kept_count += !i->is_kept;
    i->is_kept = true;
    i->since_ms = client_now_ms();
    DL_APPEND(w->kept, i);
    if (w->kept_count > KEPT_MAX && !w->kept->waiters) forget(w, w->kept);
}

bool waiting_add(struct waiting *w, struct waiter *waiter, const char *account, const char *source, const char *key) {
    pthread_mutex_lock(&w->lock);
    waiter->identity = find(w, account, source, key, true);
    bool twin = waiter->identity->sending++ > 0;
    waiter->entry[0] = '\0';
    waiter->answered = waiter->awaits_other = false;
    DL_APPEND(waiter->identity->waiters, waiter);
    pthread_mutex_unlock(&w->lock);
    return twin;
}

/* The first of its copies may be answered in place of it: then operation and amount must be its own too, lest the answer to another use
 * of the key be taken for one to it (its own will say that the key was reused). As in till_call. */
static bool is_answer(struct waiter *waiter, const struct till_answer *a) {
    if (strcmp(waiter->entry, a->entry) == 0) {
        waiter->awaits_other = a->code == TILL_IN_PROGRESS;
        return !waiter->awaits_other;
    }
    if (!a->replayed && !waiter->awaits_other) return false;
    bool moved = a->code == TILL_OK && a->has_amount && waiter->amount_minor > 0;
    return strcmp(a->op, waiter->op) == 0 && (!moved || a->amount_minor == waiter->amount_minor);
}

static void leave(struct waiting *w, struct waiter *waiter) {
    struct waiting_identity *i = waiter->identity;
    if (waiter->entry[0]) DL_DELETE2(w->sent, waiter, prev_all, next_all);
    else i->sending--;
    DL_DELETE(i->waiters, waiter);
    if (i->sending == 0) {
        free(i->early);
        i->early = NULL;
        i->early_count = 0;
    }
}

static void end(struct waiting *w, struct waiter *waiter, const struct till_answer *answer) {
    leave(w, waiter);
    waiter->answered = answer != NULL;
    if (answer) waiter->answer = *answer;
    waiter->done(waiter);
}

static void forget_if_idle(struct waiting *w, struct waiting_identity *i) {
    if (!i->waiters && !i->is_kept) forget(w, i);
}

void waiting_sent(struct waiting *w, struct waiter *waiter, const char *entry) {
    pthread_mutex_lock(&w->lock);
    struct waiting_identity *i = waiter->identity;
    snprintf(waiter->entry, sizeof waiter->entry, "%s", entry);
    i->sending--;
    DL_APPEND2(w->sent, waiter, prev_all, next_all);
    unsigned n = 0;
    while (n < i->early_count && !is_answer(waiter, &i->early[n])) n++;
    if (n < i->early_count) {
        struct till_answer answer = i->early[n];
        end(w, waiter, &answer);
    } else if (waiter->deadline_ms <= client_now_ms()) {
        keep(w, i);
        end(w, waiter, NULL);
    }
    if (i->sending == 0) {
        free(i->early);
        i->early = NULL;
        i->early_count = 0;
    }
    forget_if_idle(w, i);
    pthread_mutex_unlock(&w->lock);
}

void waiting_drop(struct waiting *w, struct waiter *waiter) {
    pthread_mutex_lock(&w->lock);
    leave(w, waiter);
    forget_if_idle(w, waiter->identity);
    pthread_mutex_unlock(&w->lock);
}

static void note_early(struct waiting_identity *i, const struct till_answer *answer) {
    i->early = allocated(realloc(i->early, (i->early_count + 1) * sizeof *i->early));
    i->early[i->early_count++] = *answer;
}

void waiting_take(struct waiting *w, const struct till_answer *answer) {
    struct waiter *waiter, *next;
    pthread_mutex_lock(&w->lock);
    struct waiting_identity *i = find(w, answer->account, answer->source, answer->key, false);
    if (i) {
        if (i->sending > 0) note_early(i, answer);
        DL_FOREACH_SAFE(i->waiters, waiter, next)
            if (waiter->entry[0] && is_answer(waiter, answer)) end(w, waiter, answer);
        if (i->is_kept && answer->code != TILL_IN_PROGRESS) {
            if (!i->answer) i->answer = allocated(malloc(sizeof *i->answer));
            *i->answer = *answer;
            keep(w, i);
        }
        forget_if_idle(w, i);
    }
    pthread_mutex_unlock(&w->lock);
}

void waiting_expire(struct waiting *w, int64_t now_ms) {
    struct waiter *waiter, *next;
    pthread_mutex_lock(&w->lock);
    DL_FOREACH_SAFE2(w->sent, waiter, next, next_all) {
        if (waiter->deadline_ms > now_ms) continue;
        keep(w, waiter->identity);
        end(w, waiter, NULL);
    }
    while (w->kept && !w->kept->waiters && w->kept->since_ms + KEPT_MS < now_ms) forget(w, w->kept);
    pthread_mutex_unlock(&w->lock);
}

enum waiting_known waiting_look(struct waiting *w, const char *account, const char *source, const char *key, struct till_answer *answer) {
    enum waiting_known known = WAITING_UNKNOWN;
    pthread_mutex_lock(&w->lock);
    struct waiting_identity *i = find(w, account, source, key, false);
    if (i) known = i->answer ? WAITING_ANSWERED : WAITING_OPEN;
    if (i && i->answer) *answer = *i->answer;
    pthread_mutex_unlock(&w->lock);
    return known;
}
