/* Workers for a replay: till-worker, as it lies beside this program, by the same configuration. */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "producer/cli/replay.h"
#include "producer/cli/worker_program.h"

enum { DEATHS_MAX = 20, STOP_MS = 5000, POLL_MS = 20 };

/* In the child: it must not outlive the replay, archive nothing, and have a name of its own. */
static void run_worker(const struct replay *r, unsigned number, pid_t parent) {
    const char *config = connect_config_path(r->cli);
    char name[64];
    sigset_t none;
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    if (getppid() != parent) _exit(1);
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    snprintf(name, sizeof name, "replay-%d-%u", (int)parent, number);
    setenv("TILL_WORKER_NAME", name, 1);
    setenv("TILL_WORKER_BATCH", "1024", 1);
    setenv("TILL_ARCHIVE_DIR", "", 1);
    setenv("TILL_DURABILITY_REPLICAS", "0", 1); /* nobody is told anything, and what is being built has no replicas yet */
    setenv("TILL_DURABILITY_AOF", "no", 1);
    setenv("TILL_ADMIN_LISTEN", "", 1); /* the port is that of the machine's own worker */
    setenv("TILL_LOG_LEVEL", "warn", 0);
    if (config) execlp(r->pool.program, r->pool.program, "-c", config, (char *)NULL);
    else execlp(r->pool.program, r->pool.program, (char *)NULL);
    _exit(127);
}

static int spawn(struct replay *r, unsigned n) {
    pid_t parent = getpid(), pid;
    fflush(NULL);
    pid = fork();
    if (pid < 0) return cli_usage(r->cli, "cannot start a worker: %s", strerror(errno));
    if (pid == 0) run_worker(r, n, parent);
    r->pool.pids[n] = pid;
    return CLI_OK;
}

int replay_pool_start(struct replay *r, unsigned count) {
    int code = CLI_OK;
    worker_program_find(r->pool.program);
    for (; r->pool.count < count && !code; r->pool.count++) code = spawn(r, r->pool.count);
    return code;
}

int replay_pool_turn(struct replay *r) {
    struct replay_pool *pool = &r->pool;
    int status, code = CLI_OK;
    for (unsigned n = 0; n < pool->count && !code; n++) {
        if (pool->pids[n] <= 0 || waitpid(pool->pids[n], &status, WNOHANG) != pool->pids[n]) continue;
        pool->pids[n] = 0;
        int exited = WIFEXITED(status) ? WEXITSTATUS(status) : 0;
        bool hopeless = exited == 127 || exited == CLI_USAGE || ++pool->deaths > DEATHS_MAX;
        if (exited == 127) return cli_usage(r->cli, "there is no program %s", pool->program);
        if (hopeless) return cli_usage(r->cli, "the workers do not run: %s ended with %d", pool->program, exited);
        cli_say(r->cli, "a worker died; another takes its place");
        bool begun = r->careful || !r->begun;
        r->careful = true;
        code = begun ? CLI_OK : replay_begin(r);
        if (!code) code = spawn(r, n);
    }
    return code;
}

void replay_pool_stop(struct replay_pool *pool) {
    int64_t until_ms = progress_now_ms() + STOP_MS;
    for (unsigned n = 0; n < pool->count; n++)
        if (pool->pids[n] > 0) kill(pool->pids[n], SIGTERM);
    for (unsigned n = 0; n < pool->count; n++) {
        if (pool->pids[n] <= 0) continue;
        while (waitpid(pool->pids[n], NULL, WNOHANG) == 0) {
            if (progress_now_ms() > until_ms) kill(pool->pids[n], SIGKILL);
            poll(NULL, 0, POLL_MS);
        }
        pool->pids[n] = 0;
    }
    pool->count = 0;
}
