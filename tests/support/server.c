/* A private redis-server for one test: own directory, own unix socket, gone with the test. */
#include "tests/support/server.h"

#include <hiredis/hiredis.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/process.h"
#include "tests/support/wait.h"

enum { START_TIMEOUT_MS = 20000, REPLY_TIMEOUT_S = 30, COMMAND_ARGUMENTS_MAX = 64 };

static void log_path(const struct server *server, char out[96]) { snprintf(out, 96, "%s/redis.log", server->dir); }

static void disconnect(struct server *server) {
    if (server->connection) redisFree(server->connection);
    server->connection = NULL;
}

static bool answers(struct server *server) {
    redisContext *connection = redisConnectUnix(server->socket);
    bool yes = false;
    if (connection && !connection->err) {
        redisReply *reply = redisCommand(connection, "PING");
        yes = reply && reply->type == REDIS_REPLY_STATUS; /* LOADING is an error */
        freeReplyObject(reply);
    }
    if (connection) redisFree(connection);
    return yes;
}

static void launch(struct server *server) {
    const struct server_options *o = &server->options;
    const char *argv[24 + SERVER_ARGUMENTS_MAX] = {"redis-server", "--port", "0", "--unixsocket", server->socket, "--dir", server->dir,
                                                   "--save", "", "--enable-debug-command", "yes", "--daemonize", "no"};
    int count = 13;
    const char *const pairs[][2] = {{"--appendonly", o->appendfsync ? "yes" : "no"},
                                    {"--appendfsync", o->appendfsync ? o->appendfsync : "no"},
                                    {"--maxmemory", o->maxmemory ? o->maxmemory : "0"}};
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++)
        for (int j = 0; j < 2; j++) argv[count++] = pairs[i][j];
    for (int i = 0; i < SERVER_ARGUMENTS_MAX && o->extra[i]; i++) argv[count++] = o->extra[i];
    char log[96];
    log_path(server, log);
    server->pid = process_start(argv, o->environment, log);
    if (!WAIT_UNTIL(!process_runs(&server->pid, NULL) || answers(server), START_TIMEOUT_MS) || !server->pid)
        process_die(log, "redis-server does not start in %s", server->dir);
}

void server_start(struct server *server, const struct server_options *options) {
    memset(server, 0, sizeof *server);
    if (options) server->options = *options;
    process_make_dir("till", server->dir, sizeof server->dir);
    snprintf(server->socket, sizeof server->socket, "%s/redis.sock", server->dir);
    snprintf(server->url, sizeof server->url, "unix:%s", server->socket);
    launch(server);
}

void server_kill(struct server *server) {
    disconnect(server);
    process_kill(&server->pid);
}

void server_restart(struct server *server) {
    if (server->pid) process_die(NULL, "server_restart: it still runs");
    remove(server->socket);
    launch(server);
}

void server_stop(struct server *server) {
    server_kill(server);
    free(server->text);
    if (*server->dir) process_remove_tree(server->dir);
    memset(server, 0, sizeof *server);
}

void server_pause(struct server *server) { process_signal(server->pid, SIGSTOP); }
void server_resume(struct server *server) { process_signal(server->pid, SIGCONT); }

static redisContext *connection_of(struct server *server) {
    redisContext *c = server->connection;
    if (c && !c->err) return c;
    disconnect(server);
    c = redisConnectUnix(server->socket);
    if (!c || c->err) process_die(NULL, "no connection to %s: %s", server->socket, c ? c->errstr : "out of memory");
    redisSetTimeout(c, (struct timeval){.tv_sec = REPLY_TIMEOUT_S});
    return server->connection = c;
}

/* Leaves of the reply a line each. */
static void show(FILE *out, const redisReply *reply, bool *first) {
    if (reply->type == REDIS_REPLY_ARRAY) {
        for (size_t i = 0; i < reply->elements; i++) show(out, reply->element[i], first);
        return;
    }
    if (!*first) fputc('\n', out);
    *first = false;
    if (reply->type == REDIS_REPLY_INTEGER) fprintf(out, "%lld", reply->integer);
    else if (reply->type != REDIS_REPLY_NIL) fwrite(reply->str, 1, (size_t)reply->len, out);
}

const char *server_call(struct server *server, int count, const char **arguments, const size_t *sizes) {
    redisContext *c = connection_of(server);
    redisReply *reply = redisCommandArgv(c, count, arguments, sizes);
    if (!reply) process_die(NULL, "%s: %s", arguments[0], c->errstr);
    free(server->text);
    size_t size;
    FILE *out = open_memstream(&server->text, &size);
    if (!out) process_die(NULL, "out of memory");
    bool first = true;
    show(out, reply, &first);
    fclose(out);
    freeReplyObject(reply);
    return server->text;
}

static const char *call_list(struct server *server, va_list list) {
    const char *arguments[COMMAND_ARGUMENTS_MAX];
    int count = 0;
    for (const char *a; (a = va_arg(list, const char *));) {
        if (count == COMMAND_ARGUMENTS_MAX) process_die(NULL, "%s: too many arguments", arguments[0]);
        arguments[count++] = a;
    }
    return server_call(server, count, arguments, NULL);
}

const char *server_text(struct server *server, ...) {
    va_list list;
    va_start(list, server);
    const char *text = call_list(server, list);
    va_end(list);
    return text;
}

int64_t server_integer(struct server *server, ...) {
    va_list list;
    va_start(list, server);
    const char *text = call_list(server, list);
    va_end(list);
    char *end;
    long long n = strtoll(text, &end, 10);
    return *end ? 0 : n;
}

long server_calls(struct server *server, const char *command) {
    char name[60];
    snprintf(name, sizeof name, "cmdstat_%s:calls=", command);
    const char *at = strstr(server_text(server, "INFO", "commandstats", NULL), name);
    return at ? strtol(at + strlen(name), NULL, 10) : 0;
}

static void take_digest(const char *text, char digest[SERVER_DIGEST_SIZE]) {
    if (strlen(text) != SERVER_DIGEST_SIZE - 1 || strspn(text, "0123456789abcdef") != SERVER_DIGEST_SIZE - 1)
        process_die(NULL, "no digest: %s", text); /* two equal error texts would look like two equal digests */
    memcpy(digest, text, SERVER_DIGEST_SIZE);
}

void server_digest(struct server *server, char digest[SERVER_DIGEST_SIZE]) {
    take_digest(server_text(server, "DEBUG", "DIGEST", NULL), digest);
}

void server_digest_key(struct server *server, const char *key, char digest[SERVER_DIGEST_SIZE]) {
    take_digest(server_text(server, "DEBUG", "DIGEST-VALUE", key, NULL), digest);
}
