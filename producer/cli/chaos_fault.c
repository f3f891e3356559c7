/* The faults of `till chaos`: what a client can do to its own workers, their connections and the script cache. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "producer/cli/chaos.h"

enum { DEAD_MOST_MS = 2000, FROZEN_LEAST_MS = 500, FROZEN_MOST_MS = 3 * CHAOS_LEASE_MS, PAUSE_MOST_MS = 1500 };

/* One that runs, is not frozen and has not been told to end; NULL: there is none. */
static struct chaos_worker *pick(struct chaos *x) {
    unsigned first = (unsigned)chaos_random(x, x->worker_count);
    for (unsigned n = 0; n < x->worker_count; n++) {
        struct chaos_worker *w = &x->workers[(first + n) % x->worker_count];
        if (w->pid > 0 && !w->frozen && !w->ending) return w;
    }
    return NULL;
}

static bool disturb_worker(struct chaos *x, enum chaos_fault fault, int64_t now_ms) {
    struct chaos_worker *w = pick(x);
    if (!w) return false;
    if (fault == CHAOS_KILL) {
        kill(w->pid, SIGKILL);
        waitpid(w->pid, NULL, 0);
        *w = (struct chaos_worker){.back_ms = now_ms + 1 + (int64_t)chaos_random(x, DEAD_MOST_MS)};
    } else if (fault == CHAOS_FREEZE) {
        kill(w->pid, SIGSTOP);
        w->frozen = true;
        w->back_ms = now_ms + FROZEN_LEAST_MS + (int64_t)chaos_random(x, FROZEN_MOST_MS);
    } else {
        kill(w->pid, SIGTERM);
        w->ending = true;
    }
    return true;
}

bool chaos_ask(struct chaos *x, struct reply *reply) {
    if (redis_is_lost(x->c.redis) && redis_reopen(x->c.redis)) return false;
    return redis_call(x->c.redis, &x->c.command, reply) == REDIS_OK;
}

/* Those of CLIENT LIST whose name is one of our workers'. */
static bool cut_connections(struct chaos *x) {
    struct reply reply;
    char ours[64], id[24], *list;
    size_t size;
    bool done = false;
    command_begin(&x->c.command, "CLIENT");
    command_word(&x->c.command, "LIST");
    if (!chaos_ask(x, &reply)) return false;
    const char *text = reply_text(reply, &size);
    if (!(list = strndup(text ? text : "", size))) abort();
    snprintf(ours, sizeof ours, " name=%s-worker-", x->c.book.name);
    for (char *line = list, *end; *line; line = end + (*end != '\0')) {
        end = line + strcspn(line, "\n");
        char *name = strstr(line, ours);
        if (!name || name > end || sscanf(line, "id=%23[0-9]", id) != 1) continue;
        command_begin(&x->c.command, "CLIENT");
        command_word(&x->c.command, "KILL");
        command_word(&x->c.command, "ID");
        command_word(&x->c.command, id);
        done = chaos_ask(x, &reply) || done;
    }
    free(list);
    return done;
}

static bool flush_scripts(struct chaos *x) {
    struct reply reply;
    command_begin(&x->c.command, "SCRIPT");
    command_word(&x->c.command, "FLUSH");
    return chaos_ask(x, &reply);
}

int chaos_break(struct chaos *x, int64_t now_ms) {
    enum chaos_fault fault = (enum chaos_fault)chaos_random(x, CHAOS_FAULT_COUNT);
    bool done = true;
    int code = CLI_OK;
    if (fault == CHAOS_FLUSH && !x->may_flush) fault = CHAOS_CUT;
    switch (fault) {
    case CHAOS_KILL:
    case CHAOS_FREEZE:
    case CHAOS_END: done = disturb_worker(x, fault, now_ms); break;
    case CHAOS_CUT: done = cut_connections(x); break;
    case CHAOS_FLUSH: done = flush_scripts(x); break;
    case CHAOS_REPEAT: code = chaos_repeat(x); break;
    case CHAOS_PAUSE: x->pause_until_ms = now_ms + (int64_t)chaos_random(x, PAUSE_MOST_MS); break;
    case CHAOS_FAULT_COUNT: break;
    }
    x->faults[fault] += done;
    return code;
}
