/* Threads that read answers. */
#include "producer/gateway/sources.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "producer/cli/connect.h"
#include "producer/client.h"

enum { LOOK_MS = 400, PAUSE_MS = 50, OPEN_MS = 500, MARGIN_S = 60 };

struct source {
    struct sources *of;
    char name[TILL_SOURCE_SIZE];
    struct till *till;
    struct till_reader *reader;
    pthread_t thread;
};

void sources_init(struct sources *s, const struct cli *cli, const struct config *config, struct waiting *waiting) {
    memset(s, 0, sizeof *s);
    s->cli = cli;
    s->config = *config;
    s->config.producer_timeout_ms = OPEN_MS; /* others wait behind one that is opened */
    s->waiting = waiting;
    pthread_mutex_init(&s->lock, NULL);
}

/* Whatever becomes of Redis, the place in the streams is kept. */
static void *read_answers(void *context) {
    struct source *source = context;
    struct sources *s = source->of;
    struct till_answer answer;
    while (!atomic_load(&s->stopping)) {
        int code = till_reader_next(source->reader, LOOK_MS, &answer);
        if (code == TILL_OK) {
            waiting_take(s->waiting, &answer);
            if (s->listen) s->listen(s->listen_context, &answer);
        } else if (code != TILL_NOT_FOUND) {
            client_pause(PAUSE_MS, client_now_ms() + PAUSE_MS);
        }
    }
    return NULL;
}

static void close_source(struct source *source) {
    till_reader_close(source->reader);
    till_close(source->till);
    free(source);
}

/* From now on. Where the streams end cannot be told while a master of a Redis Cluster is away: then from a minute ago by this machine's
 * clock, which is early enough. */
static int open_reader(struct source *source) {
    char from[32];
    if (till_reader_open(source->till, source->name, "$", &source->reader) == TILL_OK) return TILL_OK;
    snprintf(from, sizeof from, "%lld-0", ((long long)time(NULL) - MARGIN_S) * 1000);
    return till_reader_open(source->till, source->name, from, &source->reader);
}

static bool open_source(struct sources *s, const char *name, char *why, size_t capacity) {
    struct source *source = calloc(1, sizeof *source);
    if (!source) abort();
    source->of = s;
    client_copy(source->name, sizeof source->name, name);
    bool ok = connect_till_open(s->cli, &s->config, &source->till) == CLI_OK;
    if (!ok) client_copy(why, capacity, "Redis is not reachable");
    if (ok && open_reader(source) != TILL_OK) {
        client_copy(why, capacity, till_error(source->till));
        ok = false;
    }
    if (ok && pthread_create(&source->thread, NULL, read_answers, source) != 0) {
        client_copy(why, capacity, "no more threads");
        ok = false;
    }
    if (ok) s->list[s->count++] = source;
    else close_source(source);
    return ok;
}

bool sources_read(struct sources *s, const char *name, char *why, size_t capacity) {
    bool ok = false;
    client_copy(why, capacity, "the gateway is stopping");
    pthread_mutex_lock(&s->lock);
    for (unsigned n = 0; n < s->count && !ok; n++) ok = strcmp(s->list[n]->name, name) == 0;
    if (!ok && s->count == SOURCES_MAX) client_copy(why, capacity, "more sources than this gateway reads the answers of");
    else if (!ok && !atomic_load(&s->stopping)) ok = open_source(s, name, why, capacity);
    pthread_mutex_unlock(&s->lock);
    return ok;
}

void sources_stop(struct sources *s) { atomic_store(&s->stopping, true); }

void sources_join(struct sources *s) {
    for (unsigned n = 0; n < s->count; n++) {
        pthread_join(s->list[n]->thread, NULL);
        close_source(s->list[n]);
    }
    s->count = 0;
    pthread_mutex_destroy(&s->lock);
}
