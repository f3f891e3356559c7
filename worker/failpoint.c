/* Failpoints of test builds. */
#include "worker/failpoint.h"

#ifdef TILL_FAILPOINTS
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Is it the n-th time at the point that the variable names? */
static bool is_due(const char *variable, const char *point, atomic_long *reached) {
    const char *wanted = getenv(variable);
    size_t size = strlen(point);
    if (!wanted || strncmp(wanted, point, size) != 0 || (wanted[size] != '\0' && wanted[size] != ':')) return false;
    long nth = wanted[size] == ':' ? strtol(wanted + size + 1, NULL, 10) : 1;
    return atomic_fetch_add(reached, 1) + 1 == nth;
}

void failpoint_reach(const char *point) {
    static atomic_long crashes, stops;
    if (is_due("TILL_CRASH_AT", point, &crashes)) kill(getpid(), SIGKILL);
    if (is_due("TILL_STOP_AT", point, &stops)) kill(getpid(), SIGSTOP);
}

void failpoint_reach_entry(const char *key) {
    const char *wanted = getenv("TILL_CRASH_KEY");
    if (wanted && strcmp(wanted, key) == 0) failpoint_reach("entry");
}
#endif
