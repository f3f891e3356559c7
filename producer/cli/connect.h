/* From a command's --config to its configuration, its connection to Redis, its handle of libtill. Each says on stderr what is wrong and
 * gives the exit code: CLI_OK, CLI_USAGE (configuration, another P, refused rights) or CLI_UNREACHABLE. */
#ifndef CLI_CONNECT_H
#define CLI_CONNECT_H

#include "config/config.h"
#include "producer/cli/cli.h"
#include "producer/redis.h"
#include "producer/redis_config.h"
#include "producer/till.h"
#include "schema/keys.h"

/* What a command that reads Redis itself holds. */
struct connection {
    const struct cli *cli;
    struct config config;
    struct redis_options options;
    struct book book; /* partitions as configured, which is as the book has it */
    struct redis *redis;
    struct command command; /* scratch */
    char shown[400];        /* the url without its password */
    bool partly;            /* what cannot be told of since a node of a cluster is away is left out, by those functions that say so */
    int64_t patience_until_ms; /* of progress_now_ms: how long a Redis that is away is waited for */
};

/* The file that --config, TILL_CONFIG or its being there names; NULL: none. */
const char *connect_config_path(const struct cli *cli);
int connect_config(const struct cli *cli, struct config *config) __attribute__((warn_unused_result));

/* Opens Redis, without looking at the book (connect_redis) or making sure that it is there with our number of partitions (connect_book).
 * connect_close in any case. A Redis that restarts, loads or fails over is waited for, producer.timeout at most: CLI_UNREACHABLE then. */
int connect_redis(const struct cli *cli, struct connection *c) __attribute__((warn_unused_result));
int connect_redis_now(const struct cli *cli, struct connection *c) __attribute__((warn_unused_result)); /* one try */
int connect_book(const struct cli *cli, struct connection *c) __attribute__((warn_unused_result));
/* The same, partly: while the node with the book's own hash is away, its partitions are believed to be as configured. */
int connect_book_partly(const struct cli *cli, struct connection *c) __attribute__((warn_unused_result));
/* Whether this is a node of a cluster that is away, or not serving, and the command goes on without. */
bool connect_without(const struct connection *c, enum redis_err err);
/* Another connection to the same server and book. connect_close in any case. */
int connect_like(const struct connection *c, struct connection *like) __attribute__((warn_unused_result));
void connect_close(struct connection *c);
/* Says what Redis said about `doing`, and gives the exit code. */
int connect_failed(struct connection *c, enum redis_err err, const char *doing);
/* redis_call of c->command, waiting as connect_redis does when the command changes nothing or was certainly not done; the failure is said.
 * CLI_OK or the exit code. */
int connect_call(struct connection *c, const char *doing, struct reply *reply) __attribute__((warn_unused_result));
int connect_next(struct connection *c, const char *doing, struct reply *reply) __attribute__((warn_unused_result));
/* The same, partly: nil from a node that is away, and no waiting for it. */
int connect_next_partly(struct connection *c, const char *doing, struct reply *reply) __attribute__((warn_unused_result));
int connect_call_partly(struct connection *c, const char *doing, struct reply *reply) __attribute__((warn_unused_result));
/* The server's clock; of the nodes of a cluster (partly: of those there) the slowest: no entry will come that is older than that. */
int connect_server_ms(struct connection *c, uint64_t *now_ms) __attribute__((warn_unused_result));

/* A handle of libtill by the configuration. till_close in any case; `config` may be NULL. */
int connect_till(const struct cli *cli, struct config *config, struct till **till) __attribute__((warn_unused_result));
/* The same by a configuration that was read before. */
int connect_till_open(const struct cli *cli, const struct config *config, struct till **till) __attribute__((warn_unused_result));
/* The exit code for what a function of libtill gave, said with `doing`. */
int connect_till_failed(const struct cli *cli, struct till *till, int code, const char *doing);

/* --partition N, checked against the book: first..last, all when it was not given. False, and said. */
bool connect_partitions(const struct connection *c, unsigned option, unsigned *first, unsigned *last);

#endif
