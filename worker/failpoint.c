/* Failpoints of test builds. */
#include "worker/failpoint.h"

#ifdef TILL_FAILPOINTS
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void failpoint_reach(const char *point) {
    static atomic_long reached;
    const char *wanted = getenv("TILL_CRASH_AT");
    size_t size = strlen(point);
    if (!wanted || strncmp(wanted, point, size) != 0 || (wanted[size] != '\0' && wanted[size] != ':')) return;
    long nth = wanted[size] == ':' ? strtol(wanted + size + 1, NULL, 10) : 1;
    if (atomic_fetch_add(&reached, 1) + 1 == nth) kill(getpid(), SIGKILL);
}

void failpoint_reach_entry(const char *key) {
    const char *wanted = getenv("TILL_CRASH_KEY");
    if (wanted && strcmp(wanted, key) == 0) failpoint_reach("entry");
}
#endif
