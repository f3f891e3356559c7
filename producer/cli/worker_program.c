/* Where till-worker lies. */
#include "producer/cli/worker_program.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

void worker_program_find(char out[WORKER_PROGRAM_SIZE]) {
    static const char *const places[] = {"till-worker", "../../worker/till-worker"};
    char self[512];
    ssize_t size = readlink("/proc/self/exe", self, sizeof self - 1);
    self[size > 0 ? size : 0] = '\0';
    char *slash = strrchr(self, '/');
    if (slash) slash[1] = '\0';
    for (size_t n = 0; slash && n < sizeof places / sizeof *places; n++) {
        snprintf(out, WORKER_PROGRAM_SIZE, "%s%s", self, places[n]);
        if (access(out, X_OK) == 0) return;
    }
    snprintf(out, WORKER_PROGRAM_SIZE, "till-worker");
}
