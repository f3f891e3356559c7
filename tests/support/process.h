/* Child processes of a test: they die with the test, and are waited for by their own id. Failures of the machine abort with a message. */
#ifndef TESTS_SUPPORT_PROCESS_H
#define TESTS_SUPPORT_PROCESS_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/* Starts argv[0] (looked up in PATH) with stdin from /dev/null and stdout and stderr appended to `log` (NULL: inherited). `environment`:
 * "NAME=value" texts added to ours, NULL at the end; NULL: none. The child gets SIGKILL when the thread that started it ends. */
pid_t process_start(const char *const *argv, const char *const *environment, const char *log);
/* Whether it still runs. Reaps it otherwise: *status is waitpid's and *pid becomes 0. `status` may be NULL. */
bool process_runs(pid_t *pid, int *status);
/* Waits until it has ended; false when the time is over first. */
bool process_wait(pid_t *pid, int timeout_ms, int *status);
/* Sends a signal; one that has ended (0) is fine. */
void process_signal(pid_t pid, int signal);
/* SIGKILL, and waits. */
void process_kill(pid_t *pid);

/* Writes the message, and the file `log` (NULL: none), to stderr and aborts. */
void process_die(const char *log, const char *format, ...) __attribute__((noreturn, format(printf, 2, 3)));
/* Removes a directory with all that is in it. Only below $TMPDIR or /tmp. */
void process_remove_tree(const char *dir);
/* Makes a new directory PREFIX-XXXXXX below $TMPDIR or /tmp, and writes its path. */
void process_make_dir(const char *prefix, char *out, size_t capacity);

#endif
