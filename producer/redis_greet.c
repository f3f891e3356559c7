/* What a new connection begins with: who we are, is it the master, and the end of the connection before it. */
#include "producer/redis.h"

/* hiredis makes REDIS_OK a macro of the same value: it must come after our enum. */
#include <hiredis/hiredis.h>

#include "producer/redis_cluster.h"
#include "producer/redis_dial.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

enum { IDLE_BUFFER_MAX = 1 << 20 };

static void greet_append(struct redis *redis, struct command *c, const char *name, const char *first) {
    command_begin(c, name);
    if (first) command_word(c, first);
    redis_append(redis, c);
}

/* What must succeed. ROLE comes last. */
static void greet_queue_needed(struct redis *redis, struct command *c) {
    const struct redis_url *url = &redis->options.url;
    if (url->password[0]) {
        command_begin(c, "AUTH");
        if (url->user[0]) command_word(c, url->user);
        command_word(c, url->password);
        redis_append(redis, c);
    }
    if (url->db) {
        command_begin(c, "SELECT");
        command_uint(c, (uint64_t)url->db);
        redis_append(redis, c);
    }
    if (url->kind == REDIS_URL_SENTINEL) greet_append(redis, c, "ROLE", NULL);
}

static void greet_queue_kill(struct redis *redis, struct command *c) {
    command_begin(c, "CLIENT");
    command_word(c, "KILL");
    command_word(c, "ID");
    command_uint(c, (uint64_t)redis->client_id);
    command_word(c, "ADDR"); /* another server may have given the number to somebody else: nobody there has our old address as well */
    command_word(c, redis->seen_as);
    redis_append(redis, c);
}

/* What a user without the right, or behind a proxy that cannot, does without. In this order are the replies read. */
static void greet_queue_courtesy(struct redis *redis, struct command *c) {
    if (redis->client_name[0]) {
        command_begin(c, "CLIENT");
        command_word(c, "SETNAME");
        command_word(c, redis->client_name);
        redis_append(redis, c);
    }
    if (redis->client_id && redis->seen_as[0]) greet_queue_kill(redis, c);
    if (redis->options.url.kind != REDIS_URL_UNIX) greet_append(redis, c, "CLIENT", "INFO");
    greet_append(redis, c, "CLIENT", "ID");
}

static bool greet_may_ignore(const struct redis *redis, enum redis_err err) {
    return err == REDIS_REFUSED && (strncmp(redis->error, "NOPERM", 6) == 0 || strncasecmp(redis->error, "ERR ", 4) == 0);
}

static enum redis_err greet_check_role(struct redis *redis, struct reply role) {
    const char *is = reply_text(reply_at(role, 0), NULL);
    if (strcmp(is, "master") == 0) return REDIS_OK;
    snprintf(redis->error, sizeof redis->error, "%s is no master but a %.20s", redis_where(redis), *is ? is : "mystery");
    return REDIS_DEMOTED;
}

/* "id=7 addr=10.0.0.1:4711 laddr=...": only that line has an addr. */
static void greet_note_address(struct redis *redis, const char *info) {
    const char *at = strstr(info, " addr=");
    if (!at) return;
    size_t size = strcspn(at + 6, " ");
    if (size > REDIS_ADDRESS_MAX) return;
    memcpy(redis->seen_as, at + 6, size);
    redis->seen_as[size] = '\0';
}

static enum redis_err greet_read(struct redis *redis, size_t needed) {
    struct reply reply = {NULL};
    enum redis_err err = REDIS_OK;
    for (size_t n = 0; n < needed && !err; n++) err = redis_next(redis, &reply);
    if (!err && redis->options.url.kind == REDIS_URL_SENTINEL) err = greet_check_role(redis, reply);
    redis->seen_as[0] = '\0';
    while (redis->unanswered > 0 && !err) {
        err = redis_next(redis, &reply);
        if (greet_may_ignore(redis, err)) err = REDIS_OK;
        else if (!err && reply_type(reply) == REPLY_TEXT) greet_note_address(redis, reply_text(reply, NULL));
    }
    redis->client_id = err ? 0 : reply_integer(reply);
    return err;
}

static enum redis_err greet(struct redis *redis) {
    struct command c;
    command_init(&c);
    greet_queue_needed(redis, &c);
    size_t needed = redis->unanswered;
    greet_queue_courtesy(redis, &c);
    command_clear(&c);
    return greet_read(redis, needed);
}

static enum redis_err greet_lose_dial(struct redis *redis, int why) {
    if (redis_take_interrupt(redis)) return REDIS_LOST;
    if (why == ETIMEDOUT) snprintf(redis->error, sizeof redis->error, "no connection within %d ms", redis->waits_ms);
    else snprintf(redis->error, sizeof redis->error, "%s", strerror(why));
    redis_drop(redis);
    return REDIS_LOST;
}

/* The handshake has what is left of the time to connect, but a little in any case. */
static enum redis_err greet_tls(struct redis *redis, int timeout_ms) {
    char why[REDIS_ERROR_MAX + 1] = "";
    sigset_t before;
    redis_hold_pipe(&before);
    enum redis_tls_end end = redis_tls_start(redis->context, &redis->options.tls, redis->at.host, timeout_ms, why, sizeof why);
    redis_let_pipe(&before, true);
    if (end == REDIS_TLS_DONE) return REDIS_OK;
    if (redis_take_interrupt(redis)) return REDIS_LOST;
    redis_say(redis, why, strlen(why));
    redis_drop(redis);
    return end == REDIS_TLS_REFUSED ? REDIS_REFUSED : REDIS_LOST;
}

/* The other side took offence only once it saw, or missed, our certificate; its last words may have been overtaken by the reset. */
static enum redis_err greet_explain_parting(struct redis *redis) {
    size_t size = strlen(redis->error);
    if (!redis->options.tls.cert_file[0])
        snprintf(redis->error + size, sizeof redis->error - size, "; does it want a certificate (tls.cert_file)?");
    return REDIS_REFUSED;
}

/* If its file cannot be read the password is used that was there before: it may still be right. */
static enum redis_err greet_with_password(struct redis *redis) {
    struct redis_options *o = &redis->options;
    char why[300];
    const char *stale = redis_password_renew("the password's file", o->password_file, o->url.password, why, sizeof why);
    enum redis_err err = greet(redis);
    size_t size = strlen(redis->error);
    if (err == REDIS_REFUSED && stale) snprintf(redis->error + size, sizeof redis->error - size, "; %s", stale);
    return err;
}

enum redis_err redis_connect_at(struct redis *redis, int timeout_ms) {
    enum redis_err err;
    if (redis_take_interrupt(redis)) return REDIS_LOST;
    redis->waits_ms = timeout_ms;
    redis->context = redis_dial_start(&redis->options, &redis->at);
    if (redis->context->err) return redis_lose(redis);
    redis_publish_fd(redis, redis->context->fd);
    if (redis_take_interrupt(redis)) return REDIS_LOST; /* it came before there was an fd to shut down */
    int why = redis_dial_finish(redis->context, &redis->options, timeout_ms);
    if (why) return greet_lose_dial(redis, why);
    if (redis->options.url.tls && (err = greet_tls(redis, timeout_ms))) return err;
    if (redis->options.timeout_ms < timeout_ms) redis_wait(redis, redis->options.timeout_ms);
    redis_tree_use(redis->context, &redis->growing);
    redis->context->reader->maxbuf = IDLE_BUFFER_MAX; /* hiredis would give the buffer back after every reply above 16 kB */
    err = greet_with_password(redis);
    if (err == REDIS_LOST && redis->options.url.tls && strncmp(redis->error, "TLS: ", 5) == 0) err = greet_explain_parting(redis);
    if (err) redis_drop(redis);
    else redis_wait(redis, redis->options.timeout_ms);
    return err;
}

enum redis_err redis_connect(struct redis *redis) {
    const struct redis_url *url = &redis->options.url;
    if (url->kind == REDIS_URL_SENTINEL) return redis_connect_by_sentinel(redis);
    if (url->kind == REDIS_URL_CLUSTER) return cluster_connect(redis);
    memcpy(redis->at.host, url->host, sizeof redis->at.host);
    redis->at.port = url->port;
    return redis_connect_at(redis, redis->options.connect_timeout_ms);
}
