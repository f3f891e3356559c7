/* Opens what a command works on, and turns failures into messages and exit codes. */
#include "producer/cli/connect.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "producer/cli/args.h"
#include "producer/cli/progress.h"

const char *connect_config_path(const struct cli *cli) {
    static const char *const places[] = {"config/till.yaml", "/etc/till/till.yaml"};
    const char *named = getenv("TILL_CONFIG");
    if (cli->config_path) return cli->config_path;
    if (named && *named) return named;
    for (size_t n = 0; n < sizeof places / sizeof places[0]; n++)
        if (access(places[n], F_OK) == 0) return places[n];
    return NULL;
}

int connect_config(const struct cli *cli, struct config *config) {
    struct config_faults faults = {0};
    int code = CLI_OK;
    if (config_load(connect_config_path(cli), config, &faults) != CONFIG_OK)
        code = cli_usage(cli, "the configuration is wrong:\n%s", faults.text ? faults.text : "");
    config_faults_clear(&faults);
    return code;
}

/* What is needed to connect. */
static int connect_prepare(const struct cli *cli, struct connection *c) {
    memset(c, 0, sizeof *c);
    c->cli = cli;
    command_init(&c->command);
    int code = connect_config(cli, &c->config);
    if (code) return code;
    snprintf(c->book.name, sizeof c->book.name, "%s", c->config.book_name);
    c->book.partitions = (unsigned)c->config.book_partitions;
    const char *fault = redis_options_of_config(&c->config, &c->options);
    if (fault) return cli_usage(cli, "%s", fault);
    c->options.client_name = "till-cli";
    redis_url_show(&c->options.url, c->shown, sizeof c->shown);
    c->patience_until_ms = progress_now_ms() + c->config.producer_timeout_ms;
    return CLI_OK;
}

/* Worth another try? Then it has waited. A failover or a restart takes a second or two, memory that is full an operator. */
static bool may_try_again(const struct connection *c, enum redis_err err, unsigned tries) {
    bool passes = err == REDIS_LOST || err == REDIS_BUSY || err == REDIS_DEMOTED;
    int wait_ms = redis_err_wait_ms(err, tries);
    if (!passes || progress_now_ms() + wait_ms >= c->patience_until_ms) return false;
    poll(NULL, 0, wait_ms);
    return true;
}

int connect_redis(const struct cli *cli, struct connection *c) {
    int code = connect_prepare(cli, c);
    if (code) return code;
    enum redis_err err = redis_open(&c->redis, &c->options);
    for (unsigned tries = 1; err && may_try_again(c, err, tries); tries++) err = redis_reopen(c->redis);
    return err ? connect_failed(c, err, "connecting") : CLI_OK;
}

int connect_redis_now(const struct cli *cli, struct connection *c) {
    int code = connect_prepare(cli, c);
    if (code) return code;
    enum redis_err err = redis_open(&c->redis, &c->options);
    return err ? connect_failed(c, err, "connecting") : CLI_OK;
}

int connect_like(const struct connection *c, struct connection *like) {
    *like = *c;
    like->redis = NULL;
    command_init(&like->command);
    enum redis_err err = redis_open(&like->redis, &like->options);
    return err ? connect_failed(like, err, "connecting") : CLI_OK;
}

int connect_failed(struct connection *c, enum redis_err err, const char *doing) {
    const char *text = redis_error(c->redis);
    const char *embedded = c->options.url.embedded_dir[0] ? "; a running till-worker starts it" : "";
    if (err == REDIS_REFUSED) return cli_usage(c->cli, "%s: Redis at %s refuses: %s; `till doctor` says more", doing, c->shown, text);
    if (err == REDIS_MOVED)
        cli_say(c->cli, "%s: Redis at %s is a node of a cluster (%s): write cluster://HOST:PORT", doing, c->shown, text);
    else if (err == REDIS_LOST) cli_say(c->cli, "%s: Redis at %s is not reachable: %s%s", doing, c->shown, text, embedded);
    else cli_say(c->cli, "%s: Redis at %s: %s", doing, c->shown, *text ? text : redis_err_advice(err));
    return CLI_UNREACHABLE;
}

/* May it be sent again when nobody knows whether it was done? */
static bool only_reads(struct command *command) {
    static const char *const names[] = {"HMGET", "HGET", "HGETALL", "HLEN", "HSCAN", "GET", "EXISTS", "TYPE", "TIME", "INFO", "SCAN",
                                        "SSCAN", "SMEMBERS", "XRANGE", "XREVRANGE", "XLEN", "XINFO", "XPENDING", "XREAD", "ZRANGE"};
    const char **argv;
    const size_t *sizes;
    if (command_argv(command, &argv, &sizes) == 0) return false;
    for (size_t n = 0; n < sizeof names / sizeof names[0]; n++)
        if (strcmp(argv[0], names[n]) == 0) return true;
    return false;
}

/* Of a busy server it is certain that nothing was done. */
static bool may_call_again(struct connection *c, enum redis_err err, unsigned tries) {
    bool alone = redis_unanswered(c->redis) == 0 && (err == REDIS_BUSY || only_reads(&c->command));
    return alone && may_try_again(c, err, tries);
}

int connect_call(struct connection *c, const char *doing, struct reply *reply) {
    c->patience_until_ms = progress_now_ms() + c->config.producer_timeout_ms;
    enum redis_err err = redis_call(c->redis, &c->command, reply);
    for (unsigned tries = 1; err && may_call_again(c, err, tries); tries++) {
        err = redis_is_lost(c->redis) ? redis_reopen(c->redis) : REDIS_OK;
        if (!err) err = redis_call(c->redis, &c->command, reply);
    }
    return err ? connect_failed(c, err, doing) : CLI_OK;
}

int connect_next(struct connection *c, const char *doing, struct reply *reply) {
    enum redis_err err = redis_next(c->redis, reply);
    return err ? connect_failed(c, err, doing) : CLI_OK;
}

bool connect_without(const struct connection *c, enum redis_err err) {
    bool cluster = c->options.url.kind == REDIS_URL_CLUSTER;
    return c->partly && cluster && (err == REDIS_AWAY || err == REDIS_BUSY);
}

int connect_next_partly(struct connection *c, const char *doing, struct reply *reply) {
    enum redis_err err = redis_next(c->redis, reply);
    if (!connect_without(c, err)) return err ? connect_failed(c, err, doing) : CLI_OK;
    *reply = (struct reply){0};
    return CLI_OK;
}

int connect_call_partly(struct connection *c, const char *doing, struct reply *reply) {
    if (!c->partly) return connect_call(c, doing, reply);
    redis_append(c->redis, &c->command);
    return connect_next_partly(c, doing, reply);
}

static int check_book(const struct cli *cli, struct connection *c, struct reply reply) {
    if (reply_type(reply_at(reply, 1)) != REPLY_NIL)
        return cli_usage(cli, "book '%s' is closed: it is being given another number of partitions, or has moved (%.200s); see"
                         " `till repartition`", c->book.name, reply_text(reply_at(reply, 1), NULL));
    reply = reply_at(reply, 0);
    if (reply_type(reply) == REPLY_NIL)
        return cli_usage(cli, "there is no book '%s' in Redis at %s: the first till-worker creates it", c->book.name, c->shown);
    if (reply_integer(reply) != (int64_t)c->book.partitions)
        return cli_usage(cli, "book '%s' has %lld partitions, but book.partitions is %u (%s)", c->book.name,
                         (long long)reply_integer(reply), c->book.partitions, c->config.origin[CONFIG_book_partitions]);
    return CLI_OK;
}

static int read_book(const struct cli *cli, struct connection *c) {
    struct reply reply;
    keys_buffer key;
    command_begin(&c->command, "HMGET"); /* what every role may */
    command_copy(&c->command, key, keys_book(key, &c->book));
    command_word(&c->command, "partitions");
    command_word(&c->command, "repartition");
    int code = connect_call_partly(c, "reading the book", &reply);
    return code || reply_type(reply) == REPLY_NIL ? code : check_book(cli, c, reply);
}

int connect_book(const struct cli *cli, struct connection *c) {
    int code = connect_redis(cli, c);
    return code ? code : read_book(cli, c);
}

int connect_book_partly(const struct cli *cli, struct connection *c) {
    int code = connect_redis(cli, c);
    c->partly = c->options.url.kind == REDIS_URL_CLUSTER;
    return code ? code : read_book(cli, c);
}

void connect_close(struct connection *c) {
    redis_close(c->redis);
    command_clear(&c->command);
    c->redis = NULL;
}

static enum redis_err ask_nodes(struct connection *c, uint64_t *now_ms) {
    struct reply reply;
    unsigned count = 0, away = 0;
    enum redis_err err = REDIS_OK;
    *now_ms = UINT64_MAX;
    for (unsigned node = 0; redis_node_next(c->redis, &node); node++, count++) {
        command_begin(&c->command, "TIME");
        redis_append_to(c->redis, &c->command, node);
    }
    for (unsigned n = 0; n < count && !err; n++) {
        err = redis_next(c->redis, &reply);
        if (connect_without(c, err) && ++away < count) err = REDIS_OK;
        if (err || reply_type(reply) != REPLY_ARRAY) continue;
        uint64_t ms = (uint64_t)reply_integer(reply_at(reply, 0)) * 1000 + (uint64_t)reply_integer(reply_at(reply, 1)) / 1000;
        if (ms < *now_ms) *now_ms = ms;
    }
    return err;
}

int connect_server_ms(struct connection *c, uint64_t *now_ms) {
    enum redis_err err = ask_nodes(c, now_ms);
    if (err == REDIS_LOST && c->partly && !(err = redis_reopen(c->redis))) err = ask_nodes(c, now_ms); /* it hangs: now it is away */
    return err ? connect_failed(c, err, "asking for the time") : CLI_OK;
}

bool connect_partitions(const struct connection *c, unsigned option, unsigned *first, unsigned *last) {
    uint64_t number = 0;
    *first = 0;
    *last = c->book.partitions - 1;
    if (!c->cli->value[option]) return true;
    if (!args_number(c->cli, option, 0, *last, &number)) return false;
    *first = *last = (unsigned)number;
    return true;
}
