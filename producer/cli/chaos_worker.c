/* The workers of `till chaos`: started, stopped, and started again. */
#include <signal.h>
#include <sys/wait.h>

#include "producer/cli/chaos.h"
#include "producer/cli/progress.h"

int chaos_worker_start(struct chaos *x, unsigned n) {
    static const char *const settings[][2] = {{"TILL_WORKER_LEASE_TTL", "1s"}, {"TILL_WORKER_BLOCK", "200ms"}, {NULL, NULL}};
    pid_t pid;
    int code = own_book_start(&x->c, n, settings, x->log, &pid); /* they notice soon who is dead */
    if (!code) x->workers[n] = (struct chaos_worker){.pid = pid};
    return code;
}

/* It has ended, though nobody killed it. */
static int note_end(struct chaos *x, unsigned n, int status) {
    struct chaos_worker *w = &x->workers[n];
    int exited = WIFEXITED(status) ? WEXITSTATUS(status) : -1, code = own_book_cannot_run(x->cli, status);
    if (code) return code;
    bool as_told = w->ending && (exited == 0 || (WIFSIGNALED(status) && WTERMSIG(status) == SIGTERM)); /* the latter: just started */
    if (!as_told) {
        x->unexpected++;
        cli_say(x->cli, "a worker ended with status %d, which nobody had asked for; --log says why", status);
    }
    return chaos_worker_start(x, n);
}

int chaos_workers_turn(struct chaos *x, int64_t now_ms) {
    int status, code = CLI_OK;
    for (unsigned n = 0; n < x->worker_count && !code; n++) {
        struct chaos_worker *w = &x->workers[n];
        if (w->back_ms && w->back_ms <= now_ms) {
            w->back_ms = 0;
            if (w->pid == 0) code = chaos_worker_start(x, n);
            else kill(w->pid, SIGCONT);
            w->frozen = false;
        } else if (w->pid > 0 && waitpid(w->pid, &status, WNOHANG) == w->pid) {
            code = note_end(x, n, status);
        }
    }
    return code;
}

int chaos_workers_mend(struct chaos *x) {
    for (unsigned n = 0; n < x->worker_count; n++)
        if (x->workers[n].back_ms) x->workers[n].back_ms = 1;
    return chaos_workers_turn(x, progress_now_ms());
}

void chaos_workers_stop(struct chaos *x) {
    pid_t pids[CHAOS_WORKERS_MAX];
    for (unsigned n = 0; n < x->worker_count; n++) pids[n] = x->workers[n].pid;
    own_book_stop(pids, x->worker_count);
}
