/* Child processes of a test: they die with the test, and are waited for by their own id. */
#include "tests/support/process.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/support/wait.h"

static void show_file(const char *path) {
    FILE *file = fopen(path, "r");
    if (!file) return;
    char line[512];
    while (fgets(line, sizeof line, file)) fprintf(stderr, "| %s", line);
    fclose(file);
}

void process_die(const char *log, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    vfprintf(stderr, format, arguments);
    va_end(arguments);
    fprintf(stderr, "\n");
    if (log) show_file(log);
    abort();
}

/* Between fork and exec: only what is safe there. */
static void become(const char *const *argv, const char *const *environment, const char *log, pid_t parent) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent) _exit(127);
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    int in = open("/dev/null", O_RDONLY | O_CLOEXEC);
    int out = log ? open(log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600) : -1;
    if (in >= 0) dup2(in, STDIN_FILENO);
    if (out >= 0) {
        dup2(out, STDOUT_FILENO);
        dup2(out, STDERR_FILENO);
    }
    for (; environment && *environment; environment++) putenv((char *)(uintptr_t)*environment);
    execvp(argv[0], (char *const *)(uintptr_t)argv);
    _exit(127);
}

pid_t process_start(const char *const *argv, const char *const *environment, const char *log) {
    pid_t parent = getpid(), pid = fork();
    if (pid < 0) process_die(NULL, "fork: %s", strerror(errno));
    if (pid == 0) become(argv, environment, log, parent);
    return pid;
}

bool process_runs(pid_t *pid, int *status) {
    int ignored;
    if (!*pid) return false;
    pid_t got = waitpid(*pid, status ? status : &ignored, WNOHANG);
    if (got == 0 || (got < 0 && errno == EINTR)) return true;
    *pid = 0;
    return false;
}

bool process_wait(pid_t *pid, int timeout_ms, int *status) { return WAIT_UNTIL(!process_runs(pid, status), timeout_ms); }

void process_signal(pid_t pid, int signal) {
    if (pid > 0) kill(pid, signal);
}

void process_kill(pid_t *pid) {
    process_signal(*pid, SIGKILL);
    if (!process_wait(pid, 10000, NULL)) process_die(NULL, "process %d does not end", (int)*pid);
}

static const char *temporary(void) {
    const char *dir = getenv("TMPDIR");
    return dir && *dir ? dir : "/tmp";
}

static int remove_one(const char *path, const struct stat *status, int kind, struct FTW *place) {
    (void)status, (void)kind, (void)place;
    return remove(path);
}

void process_remove_tree(const char *dir) {
    size_t size = strlen(temporary());
    if (strncmp(dir, temporary(), size) != 0 || dir[size] != '/' || strstr(dir, "..")) process_die(NULL, "not mine to remove: %s", dir);
    nftw(dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

void process_make_dir(const char *prefix, char *out, size_t capacity) {
    int size = snprintf(out, capacity, "%s/%s-XXXXXX", temporary(), prefix);
    if (size < 0 || (size_t)size >= capacity) process_die(NULL, "TMPDIR is too long for a socket's path: %s", temporary());
    if (!mkdtemp(out)) process_die(NULL, "mkdtemp %s: %s", out, strerror(errno));
}
