/* A till-worker of the same build, run by a test: a process with a generated configuration, whose log lines can be waited for.
 *
 *     worker_start -> { worker_pause, worker_resume, worker_log_has, ... }* -> worker_stop | worker_kill -> worker_clear
 *
 * It dies with the thread that started it. Failures of the machine abort with a message and the worker's log. */
#ifndef TESTS_SUPPORT_WORKER_H
#define TESTS_SUPPORT_WORKER_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

enum { WORKER_ENVIRONMENT_MAX = 8 };

/* What is 0 or NULL is left to the worker's defaults. */
struct worker_options {
    const char *url;       /* of Redis: struct server's */
    const char *name;
    const char *book;
    unsigned partitions, batch;
    unsigned lease_ttl_ms, block_ms;
    const char *crash_at;  /* "point" or "point:n": dies there (worker/failpoint.h) */
    const char *environment[WORKER_ENVIRONMENT_MAX + 1]; /* any other setting: "TILL_WORKER_MAX_ATTEMPTS=3"; NULL at the end */
};

struct worker {
    char dir[64];
    char config[96]; /* till.yaml, for SIGHUP tests */
    char log[96];    /* its stderr */
    pid_t pid;       /* 0: has ended, and then: */
    int status;      /* as waitpid gives it */
};

/* Starts it; does not wait for anything. The executable is $TILL_WORKER, else the one of this build. */
void worker_start(struct worker *worker, const struct worker_options *options);
/* Whether it still runs; notes the status otherwise. */
bool worker_runs(struct worker *worker);
/* SIGTERM, and the exit code; -1 when it did not end within the time (and was killed), 128 + n when signal n ended it. */
int worker_stop(struct worker *worker, int timeout_ms);
void worker_kill(struct worker *worker); /* SIGKILL */
void worker_pause(struct worker *worker);
void worker_resume(struct worker *worker);
void worker_signal(struct worker *worker, int signal);
/* Waits until it has ended by itself (a failpoint); false when the time is over first. */
bool worker_wait(struct worker *worker, int timeout_ms);
/* Whether a text stands in its log so far. */
bool worker_log_has(const struct worker *worker, const char *text);
unsigned worker_log_times(const struct worker *worker, const char *text);
/* User and system time so far; 0 when it has ended. */
double worker_cpu_ms(const struct worker *worker);
/* Its log so far; to be freed. */
char *worker_log_text(const struct worker *worker);
/* Kills what still runs and removes the directory. All zeros is fine. */
void worker_clear(struct worker *worker);

#endif
