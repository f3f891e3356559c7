/* The workers of a book of a command's own. */
#include "producer/cli/own_book.h"

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

#include "producer/cli/progress.h"

enum { STOP_MS = 10000, POLL_MS = 20, NO_PROGRAM = 127 };

static void set(const char *const (*settings)[2]) {
    for (; settings && (*settings)[0]; settings++) setenv((*settings)[0], (*settings)[1], 1);
}

/* In the child. */
static void become_worker(const struct connection *c, unsigned number, const char *const (*settings)[2], const char *log, pid_t parent) {
    static const char *const always[][2] = {
        {"TILL_ARCHIVE_DIR", ""}, {"TILL_SETTLEMENT_AUTO", "no"}, {"TILL_RETENTION_INTENTS", "keep"}, {"TILL_RETENTION_RESPONSES", "keep"},
        {"TILL_LOG_LEVEL", "warn"}, {"TILL_ADMIN_LISTEN", ""}, {NULL, NULL}};
    const char *config = connect_config_path(c->cli);
    char name[64], program[WORKER_PROGRAM_SIZE];
    sigset_t none;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    setpgid(0, 0); /* Ctrl-C is for us, not for them */
    if (getppid() != parent) _exit(1);
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    int out = open(log ? log : "/dev/null", O_WRONLY | O_CREAT | O_APPEND, 0600);
    if (out >= 0) dup2(out, STDERR_FILENO);
    snprintf(name, sizeof name, "%s-worker-%u", c->book.name, number);
    setenv("TILL_WORKER_NAME", name, 1);
    set(always);
    set(settings);
    worker_program_find(program);
    if (config) execlp(program, program, "-c", config, (char *)NULL);
    else execlp(program, program, (char *)NULL);
    _exit(NO_PROGRAM);
}

int own_book_start(struct connection *c, unsigned number, const char *const (*settings)[2], const char *log, pid_t *pid) {
    pid_t parent = getpid();
    fflush(NULL);
    *pid = fork();
    if (*pid < 0) return cli_usage(c->cli, "cannot start a worker: %s", strerror(errno));
    if (*pid == 0) become_worker(c, number, settings, log, parent);
    return CLI_OK;
}

int own_book_cannot_run(const struct cli *cli, int status) {
    char program[WORKER_PROGRAM_SIZE];
    int exited = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
    worker_program_find(program);
    if (exited == NO_PROGRAM) return cli_usage(cli, "there is no program %s", program);
    if (exited == CLI_USAGE) return cli_usage(cli, "the workers do not run: %s ended with %d; --log says why", program, exited);
    return CLI_OK;
}

void own_book_stop(const pid_t *pids, unsigned count) {
    int64_t until_ms = progress_now_ms() + STOP_MS;
    for (unsigned n = 0; n < count; n++) {
        if (pids[n] <= 0) continue;
        kill(pids[n], SIGCONT);
        kill(pids[n], SIGTERM);
    }
    for (unsigned n = 0; n < count; n++)
        while (pids[n] > 0 && waitpid(pids[n], NULL, WNOHANG) == 0) {
            if (progress_now_ms() > until_ms) kill(pids[n], SIGKILL);
            poll(NULL, 0, POLL_MS);
        }
}
