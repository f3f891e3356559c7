/* The buffer of spans and the thread that writes them. */
#include "worker/spans.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "worker/lane_apply.h"
#include "worker/log.h"
#include "worker/metrics.h"
#include "worker/span_json.h"

enum { ROOM = 8192, LINE_SPANS = 256, ROUND_MS = 100 };

struct spans {
    const char *path, *worker, *version;
    int fd;
    bool torn;   /* the last line was written in part: it ends where the next write begins */
    bool failed; /* and the log says so */
    _Atomic uint64_t written, dropped;
    atomic_bool reopen, stop, ended;
    pthread_t thread;
    pthread_mutex_t mutex; /* of the two below; never held while anything is written */
    struct span *adding;
    size_t count;
    struct span *writing;
};

static bool open_file(struct spans *s) {
    s->fd = open(s->path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NONBLOCK, 0640);
    return s->fd >= 0;
}

void spans_add(struct spans *s, const struct span *span) {
    pthread_mutex_lock(&s->mutex);
    bool fits = s->count < ROOM;
    if (fits) s->adding[s->count++] = *span;
    pthread_mutex_unlock(&s->mutex);
    if (!fits) atomic_fetch_add(&s->dropped, 1);
}

static size_t take_all(struct spans *s) {
    pthread_mutex_lock(&s->mutex);
    struct span *full = s->adding;
    size_t count = s->count;
    s->adding = s->writing;
    s->writing = full;
    s->count = 0;
    pthread_mutex_unlock(&s->mutex);
    return count;
}

static bool write_all(struct spans *s, const char *bytes, size_t size) {
    while (size > 0) {
        ssize_t done = write(s->fd, bytes, size);
        if (done < 0 && errno == EINTR) continue;
        if (done <= 0) return false;
        s->torn = true;
        bytes += done;
        size -= (size_t)done;
    }
    s->torn = false;
    return true;
}

/* A file that went wrong is tried again with every line; the log has a line when it begins and when it is over. */
static void write_line(struct spans *s, const struct span *spans, size_t count) {
    char *line = span_json_line(spans, count, s->worker, s->version);
    bool good = (s->fd >= 0 || open_file(s)) && (!s->torn || write_all(s, "\n", 1)) && write_all(s, line, strlen(line));
    if (good == s->failed) /* it changes */
        log_event(good ? LOG_INFO : LOG_WARN, good ? "trace_file_resumes" : "trace_file_fails", {"path", LOG_S(s->path)},
                  {"error", LOG_S(good ? "" : strerror(errno))}, {"dropped", LOG_N(atomic_load(&s->dropped))});
    s->failed = !good;
    atomic_fetch_add(good ? &s->written : &s->dropped, count);
    free(line);
}

static void *run(void *argument) {
    struct spans *s = argument;
    bool last;
    do {
        last = atomic_load(&s->stop); /* what is there then is written still */
        if (atomic_exchange(&s->reopen, false) && s->fd >= 0) {
            close(s->fd);
            s->torn = false;
            open_file(s);
        }
        size_t count = take_all(s);
        for (size_t n = 0; n < count; n += LINE_SPANS) write_line(s, s->writing + n, count - n < LINE_SPANS ? count - n : LINE_SPANS);
        for (int ms = 0; ms < ROUND_MS && !last && !atomic_load(&s->stop); ms += 10) nanosleep(&(struct timespec){0, 10 * 1000000L}, NULL);
    } while (!last);
    atomic_store(&s->ended, true);
    return NULL;
}

struct spans *spans_open(const char *path, const char *worker, const char *version, const char **wrong) {
    struct spans *s = calloc(1, sizeof *s);
    assert(s && "out of memory");
    s->path = path;
    s->worker = worker;
    s->version = version;
    if (!open_file(s)) {
        *wrong = strerror(errno);
        free(s);
        return NULL;
    }
    s->adding = calloc(ROOM, sizeof *s->adding);
    s->writing = calloc(ROOM, sizeof *s->writing);
    assert(s->adding && s->writing && "out of memory");
    pthread_mutex_init(&s->mutex, NULL);
    int failed = pthread_create(&s->thread, NULL, run, s);
    assert(!failed);
    return s;
}

void spans_reopen(struct spans *s) {
    if (s) atomic_store(&s->reopen, true);
}

bool spans_close(struct spans *s, uint64_t deadline_ms) {
    if (!s) return true;
    atomic_store(&s->stop, true);
    while (!atomic_load(&s->ended) && lane_now_ms() < deadline_ms) nanosleep(&(struct timespec){0, 2 * 1000000L}, NULL);
    if (!atomic_load(&s->ended)) return false;
    pthread_join(s->thread, NULL);
    pthread_mutex_destroy(&s->mutex);
    if (s->fd >= 0) close(s->fd);
    free(s->adding);
    free(s->writing);
    free(s);
    return true;
}

void spans_print(const struct spans *s, FILE *out) {
    if (!s) return;
    metrics_print_head(out, "till_trace_spans_total", "counter", "Spans written to trace.file.");
    fprintf(out, "till_trace_spans_total %" PRIu64 "\n", atomic_load(&s->written));
    metrics_print_head(out, "till_trace_spans_dropped_total", "counter", "Spans that the disk was too slow for, or did not take.");
    fprintf(out, "till_trace_spans_dropped_total %" PRIu64 "\n", atomic_load(&s->dropped));
}
