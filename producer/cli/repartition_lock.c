/* One run of `till repartition` on a book at a time. {B}:book's field `repartition_by` names the one at it by its connection: the run_id
 * of the server and the client's ID there. Redis itself knows whether that one lives: the connection of a process that was killed is gone
 * at once, and so are all when the server was restarted. Whoever comes next takes the place of one that is gone. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "producer/cli/repartition.h"
#include "schema/script.h"

enum { TRIES = 5 };

int repartition_info(struct connection *c, const char *name, char out[64]) {
    struct reply reply;
    command_begin(&c->command, "INFO");
    int code = connect_call(c, "asking what server it is", &reply);
    const char *text = reply_text(reply, NULL), *line = strstr(text, name);
    out[0] = '\0';
    if (line) snprintf(out, 64, "%.*s", (int)strcspn(line + strlen(name), "\r\n"), line + strlen(name));
    return code;
}

/* How this run is called now: by another name once it has lost its connection. In a cluster by the node that has {B}:book. */
static int own_name(struct repartition *r, char out[REPARTITION_OWNER_SIZE]) {
    const char *known = strchr(r->owner, ' ');
    char server[64];
    keys_buffer key;
    enum redis_err err = redis_home(r->mine.redis, key, keys_book(key, &r->mine.book));
    if (err) return connect_failed(&r->mine, err, "looking for the book");
    if (known && strtoll(known, NULL, 10) == redis_client_id(r->mine.redis)) {
        memcpy(out, r->owner, REPARTITION_OWNER_SIZE);
        return CLI_OK;
    }
    int code = repartition_info(&r->mine, "run_id:", server);
    snprintf(out, REPARTITION_OWNER_SIZE, "%s %" PRId64, server, redis_client_id(r->mine.redis));
    return code;
}

/* Makes `after` of `before`; *done is false when it is somebody else. */
static enum redis_err change(struct repartition *r, const char *before, const char *after, bool *done) {
    struct command *c = &r->mine.command;
    struct reply reply;
    keys_buffer key;
    redis_script_begin(c, &script_own, 1);
    command_copy(c, key, keys_book(key, &r->mine.book));
    command_word(c, before);
    command_word(c, after);
    enum redis_err err = redis_script_call(r->mine.redis, &script_own, c, &reply);
    *done = !err && reply_integer(reply) == 1;
    return err;
}

static int failed(struct repartition *r, enum redis_err err) { return err ? connect_failed(&r->mine, err, "taking the book") : CLI_OK; }

static int read_owner(struct repartition *r, char out[REPARTITION_OWNER_SIZE]) {
    struct reply reply;
    keys_buffer key;
    command_begin(&r->mine.command, "HGET");
    command_copy(&r->mine.command, key, keys_book(key, &r->mine.book));
    command_word(&r->mine.command, "repartition_by");
    int code = connect_call(&r->mine, "reading the book", &reply);
    snprintf(out, REPARTITION_OWNER_SIZE, "%s", code ? "" : reply_text(reply, NULL));
    return code;
}

/* `at`: where that one comes from, "" when it is gone. */
static int look_for(struct repartition *r, const char *owner, const char *self, char at[64]) {
    struct reply reply;
    size_t server = strcspn(self, " ");
    at[0] = '\0';
    if (strncmp(owner, self, server + 1) != 0) return CLI_OK; /* of a server that is no more */
    command_begin(&r->mine.command, "CLIENT");
    command_word(&r->mine.command, "LIST");
    command_word(&r->mine.command, "ID");
    command_word(&r->mine.command, owner + server + 1);
    int code = connect_call(&r->mine, "looking for whoever is at it", &reply);
    const char *address = code ? NULL : strstr(reply_text(reply, NULL), " addr=");
    if (address) snprintf(at, 64, "%.*s", (int)strcspn(address + 6, " "), address + 6);
    return code;
}

int repartition_lock(struct repartition *r) {
    char self[REPARTITION_OWNER_SIZE], owner[REPARTITION_OWNER_SIZE], at[64];
    bool done = false;
    int code = own_name(r, self);
    for (unsigned n = 0; n < TRIES && !code && !done; n++) {
        code = read_owner(r, owner);
        if (!code && owner[0]) code = look_for(r, owner, self, at);
        if (!code && owner[0] && at[0])
            return cli_usage(r->cli, "another till repartition is at book '%s' (client %s, %s): wait until it is done, or end it",
                             r->mine.book.name, owner + strcspn(owner, " ") + 1, at);
        if (!code) code = failed(r, change(r, owner, self, &done));
    }
    if (done) memcpy(r->owner, self, sizeof r->owner);
    return code || done ? code : cli_usage(r->cli, "others are at book '%s' too: end them", r->mine.book.name);
}

int repartition_hold(struct repartition *r) {
    char self[REPARTITION_OWNER_SIZE];
    bool done = false;
    int code = own_name(r, self);
    enum redis_err err = code ? REDIS_OK : change(r, r->owner, self, &done);
    if (err == REDIS_LOST && redis_reopen(r->mine.redis) == REDIS_OK) {
        code = own_name(r, self);
        err = code ? REDIS_OK : change(r, r->owner, self, &done);
    }
    if (!code) code = failed(r, err);
    if (done) memcpy(r->owner, self, sizeof r->owner);
    if (code || done) return code;
    r->lost = true;
    return cli_usage(r->cli, "the connection was lost, and another till repartition has taken book '%s' over", r->mine.book.name);
}

void repartition_unlock(struct repartition *r) {
    bool done;
    if (!r->owner[0] || redis_is_lost(r->mine.redis)) return;
    enum redis_err ignored = change(r, r->owner, "", &done); /* else the next one sees that we are gone */
    (void)ignored;
}
