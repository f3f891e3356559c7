/* spend: runs a command and says what it took, its own children included. Exits as it did.
 *   spend FILE COMMAND [ARGUMENT]...   writes {"seconds":, "cpu_us":, "peak_mb":, "code":} into FILE */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "producer/traffic/measure.h"

static double us(struct timeval t) { return (double)t.tv_sec * 1e6 + (double)t.tv_usec; }

int main(int count, char **words) {
    struct rusage used;
    int status;
    if (count < 3) {
        fputs("usage: spend FILE COMMAND [ARGUMENT]...\n", stderr);
        return 100;
    }
    int64_t began_ns = measure_now_ns();
    pid_t pid = fork();
    if (pid == 0) {
        execvp(words[2], words + 2);
        fprintf(stderr, "spend: %s: %s\n", words[2], strerror(errno));
        _exit(127);
    }
    while (pid > 0 && wait4(pid, &status, 0, &used) != pid && errno == EINTR) {}
    double seconds = (double)(measure_now_ns() - began_ns) / 1e9;
    int code = pid < 0 ? 111 : WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    FILE *out = fopen(words[1], "w");
    if (!out || pid < 0) return 111;
    fprintf(out, "{\"seconds\":%.3f,\"cpu_us\":%.0f,\"peak_mb\":%.1f,\"code\":%d}\n", seconds, us(used.ru_utime) + us(used.ru_stime),
            (double)used.ru_maxrss / 1024, code);
    return fclose(out) ? 111 : code;
}
