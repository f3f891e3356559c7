/* The readers of answers: one for each source that anybody waits for, with a thread and a connection of its own, begun before the first
 * intent of that source is sent. Thread-safe. */
#ifndef GATEWAY_SOURCES_H
#define GATEWAY_SOURCES_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

#include "config/config.h"
#include "producer/cli/cli.h"
#include "producer/gateway/waiting.h"

enum { SOURCES_MAX = 64 };

struct source;

struct sources {
    const struct cli *cli;
    struct config config;
    struct waiting *waiting;
    void (*listen)(void *context, const struct till_answer *answer); /* told of every answer; NULL: nobody */
    void *listen_context;
    pthread_mutex_t lock;
    struct source *list[SOURCES_MAX];
    unsigned count;
    atomic_bool stopping;
};

void sources_init(struct sources *s, const struct cli *cli, const struct config *config, struct waiting *waiting);
/* Makes sure that the answers of this source are read. False: `why`. */
bool sources_read(struct sources *s, const char *source, char *why, size_t capacity);
void sources_stop(struct sources *s);
void sources_join(struct sources *s);

#endif
