/* A till-worker of the same build, run by a test. */
#include "tests/support/worker.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>

#include "tests/support/process.h"

static void write_text(FILE *file, const char *name, const char *value) {
    if (value) fprintf(file, "  %s: \"%s\"\n", name, value);
}

static void write_number(FILE *file, const char *name, unsigned value, const char *unit) {
    if (value) fprintf(file, "  %s: %u%s\n", name, value, unit);
}

static void write_config(const char *path, const struct worker_options *options) {
    FILE *file = fopen(path, "w");
    if (!file) process_die(NULL, "cannot write %s", path);
    fprintf(file, "redis:\n");
    write_text(file, "url", options->url);
    if (options->book || options->partitions) fprintf(file, "book:\n");
    write_text(file, "name", options->book);
    write_number(file, "partitions", options->partitions, "");
    if (options->name || options->batch || options->lease_ttl_ms || options->block_ms) fprintf(file, "worker:\n");
    write_text(file, "name", options->name);
    write_number(file, "batch", options->batch, "");
    write_number(file, "lease_ttl", options->lease_ttl_ms, "ms");
    write_number(file, "block", options->block_ms, "ms");
    fclose(file);
}

static const char *executable(void) {
    const char *path = getenv("TILL_WORKER");
    return path && *path ? path : TILL_WORKER_PATH;
}

void worker_start(struct worker *worker, const struct worker_options *options) {
    memset(worker, 0, sizeof *worker);
    process_make_dir("till-worker", worker->dir, sizeof worker->dir);
    snprintf(worker->config, sizeof worker->config, "%s/till.yaml", worker->dir);
    snprintf(worker->log, sizeof worker->log, "%s/worker.log", worker->dir);
    write_config(worker->config, options);
    char crash[96];
    const char *environment[WORKER_ENVIRONMENT_MAX + 2];
    size_t count = 0;
    for (; count < WORKER_ENVIRONMENT_MAX && options->environment[count]; count++) environment[count] = options->environment[count];
    snprintf(crash, sizeof crash, "TILL_CRASH_AT=%s", options->crash_at ? options->crash_at : "");
    environment[count++] = crash;
    environment[count] = NULL;
    worker->pid = process_start((const char *[]){executable(), "-c", worker->config, NULL}, environment, worker->log);
}

bool worker_runs(struct worker *worker) { return process_runs(&worker->pid, &worker->status); }
bool worker_wait(struct worker *worker, int timeout_ms) { return process_wait(&worker->pid, timeout_ms, &worker->status); }
void worker_signal(struct worker *worker, int signal) { process_signal(worker->pid, signal); }
void worker_pause(struct worker *worker) { worker_signal(worker, SIGSTOP); }
void worker_resume(struct worker *worker) { worker_signal(worker, SIGCONT); }

void worker_kill(struct worker *worker) {
    worker_signal(worker, SIGKILL);
    if (!worker_wait(worker, 10000)) process_die(worker->log, "the worker does not die");
}

int worker_stop(struct worker *worker, int timeout_ms) {
    worker_signal(worker, SIGTERM);
    if (!worker_wait(worker, timeout_ms)) {
        worker_kill(worker);
        return -1;
    }
    return WIFEXITED(worker->status) ? WEXITSTATUS(worker->status) : 128 + WTERMSIG(worker->status);
}

char *worker_log_text(const struct worker *worker) {
    char *text = NULL, block[4096];
    size_t size, got;
    FILE *in = fopen(worker->log, "r"), *out = open_memstream(&text, &size);
    if (!out) process_die(NULL, "out of memory");
    while (in && (got = fread(block, 1, sizeof block, in)) > 0) fwrite(block, 1, got, out);
    if (in) fclose(in);
    fclose(out);
    return text;
}

bool worker_log_has(const struct worker *worker, const char *text) {
    return worker_log_times(worker, text) > 0;
}

unsigned worker_log_times(const struct worker *worker, const char *text) {
    char *all = worker_log_text(worker);
    unsigned count = 0;
    for (const char *at = all; (at = strstr(at, text)); at++) count++;
    free(all);
    return count;
}

double worker_cpu_ms(const struct worker *worker) {
    clockid_t clock;
    struct timespec used;
    if (worker->pid == 0 || clock_getcpuclockid(worker->pid, &clock) || clock_gettime(clock, &used)) return 0;
    return (double)used.tv_sec * 1e3 + (double)used.tv_nsec / 1e6;
}

void worker_clear(struct worker *worker) {
    worker_kill(worker);
    if (*worker->dir) process_remove_tree(worker->dir);
    memset(worker, 0, sizeof *worker);
}
