/* The workers of `till chaos`: started, stopped, and started again. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "producer/cli/chaos.h"
#include "producer/cli/progress.h"

enum { STOP_MS = 10000, POLL_MS = 20 };

/* In the child: it must not outlive us, archive nothing, settle nothing, take no port, and notice soon who is dead. */
static void become_worker(const struct chaos *x, unsigned number, pid_t parent) {
    static const char *const settings[][2] = {
        {"TILL_ARCHIVE_DIR", ""},          {"TILL_SETTLEMENT_AUTO", "no"},     {"TILL_WORKER_LEASE_TTL", "1s"}, {"TILL_WORKER_BLOCK", "200ms"},
        {"TILL_RETENTION_INTENTS", "keep"}, {"TILL_RETENTION_RESPONSES", "keep"}, {"TILL_LOG_LEVEL", "warn"},
        {"TILL_ADMIN_LISTEN", ""}};
    const char *config = connect_config_path(x->cli);
    char name[64];
    sigset_t none;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    setpgid(0, 0); /* Ctrl-C is for us, not for them */
    if (getppid() != parent) _exit(1);
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    int log = open(x->log ? x->log : "/dev/null", O_WRONLY | O_CREAT | O_APPEND, 0600);
    if (log >= 0) dup2(log, STDERR_FILENO);
    snprintf(name, sizeof name, "%s-worker-%u", x->c.book.name, number);
    setenv("TILL_WORKER_NAME", name, 1);
    for (size_t n = 0; n < sizeof settings / sizeof *settings; n++) setenv(settings[n][0], settings[n][1], 1);
    if (config) execlp(x->program, x->program, "-c", config, (char *)NULL);
    else execlp(x->program, x->program, (char *)NULL);
    _exit(127);
}

int chaos_worker_start(struct chaos *x, unsigned n) {
    pid_t parent = getpid(), pid;
    fflush(NULL);
    pid = fork();
    if (pid < 0) return cli_usage(x->cli, "cannot start a worker: %s", strerror(errno));
    if (pid == 0) become_worker(x, n, parent);
    x->workers[n] = (struct chaos_worker){.pid = pid};
    return CLI_OK;
}

/* It has ended, though nobody killed it. */
static int note_end(struct chaos *x, unsigned n, int status) {
    struct chaos_worker *w = &x->workers[n];
    int exited = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
    if (exited == 127) return cli_usage(x->cli, "there is no program %s", x->program);
    if (exited == CLI_USAGE) return cli_usage(x->cli, "the workers do not run: %s ended with %d; --log says why", x->program, exited);
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
    int64_t until_ms = progress_now_ms() + STOP_MS;
    for (unsigned n = 0; n < x->worker_count; n++) {
        if (x->workers[n].pid <= 0) continue;
        kill(x->workers[n].pid, SIGCONT);
        kill(x->workers[n].pid, SIGTERM);
    }
    for (unsigned n = 0; n < x->worker_count; n++) {
        if (x->workers[n].pid <= 0) continue;
        while (waitpid(x->workers[n].pid, NULL, WNOHANG) == 0) {
            if (progress_now_ms() > until_ms) kill(x->workers[n].pid, SIGKILL);
            poll(NULL, 0, POLL_MS);
        }
        x->workers[n].pid = 0;
    }
}
