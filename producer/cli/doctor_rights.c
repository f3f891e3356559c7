/* May we do what the roles of Till do? Every command of a role is queued behind MULTI, on the book's real keys: Redis says there what a
 * user may not do, and DISCARD sees to it that nothing is done. EXEC is never sent. */
#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "producer/cli/doctor.h"

/* How each command of the roles is called. K: the key; X: a script's SHA1. MULTI and DISCARD are tried by being used. */
static const char *const calls[] = {
    "client id",             "client setname till-cli",   "client unblock 0",     "del K",
    "evalsha X 1 K",         "exists K",                  "get K",                "hdel K f",
    "hexists K f",           "hget K f",                  "hgetall K",            "hlen K",
    "hmget K f",             "hscan K 0",                 "hset K f v",           "info server",
    "sadd K m",              "scan 0 count 1",            "scard K",              "script load X",
    "set K v",               "sismember K m",             "sscan K 0",            "time",
    "unlink K",              "hincrby K f 1",             "hkeys K",              "xtrim K minid 0-1",
    "xack K g 0-1",          "xadd K * f v",              "xautoclaim K g c 0 0-0", "xclaim K g c 0 0-1",
    "xdel K 0-1",
    "xgroup create K g 0",   "xgroup delconsumer K g c",  "xinfo consumers K",    "xinfo groups K",
    "xinfo stream K",        "xlen K",                    "xpending K g",         "xrange K - +",
    "xread streams K 0",     "xreadgroup group g c streams K >", "xrevrange K + -", "zadd K 1 m",
    "zcard K",               "zrange K 0 -1",             "zrangebyscore K 0 1",  "zrem K m",
    "zremrangebyscore K 0 1", "zscan K 0",                "zscore K m",
    "client info",           "client kill id 0",          "role",                 "asking",
    "cluster slots",         "wait 0 1",                  "xgroup setid K g 0",
    "fcall X 1 K",           "function load X",           "function list",        "pttl K",
};
#define NO_SCRIPT_SHA1 "0000000000000000000000000000000000000000"

struct rights {
    char commands[DOCTOR_TEXT_MAX]; /* " +xadd +xlen" */
    bool keys;
    unsigned tried, refused;
};

static bool is_used(struct acl_word command) { return strncmp(command.at, "multi", 5) == 0 || strncmp(command.at, "discard", 7) == 0; }

/* The call of "xinfo|groups". */
static const char *find_call(struct acl_word command) {
    for (size_t n = 0; n < sizeof calls / sizeof *calls; n++) {
        size_t same = 0;
        for (; same < command.size; same++)
            if (calls[n][same] != command.at[same] && !(calls[n][same] == ' ' && command.at[same] == '|')) break;
        if (same == command.size && calls[n][same] <= ' ') return calls[n];
    }
    assert(!"a command of acl_roles that has no call");
    return NULL;
}

static void make_command(struct doctor *d, const char *call, const char *key) {
    static char name[24]; /* command_begin borrows it */
    struct acl_word word = {call, 0};
    for (bool first = true; acl_next(&word); first = false) {
        char letter = word.size == 1 ? *word.at : '\0';
        if (first) {
            snprintf(name, sizeof name, "%.*s", (int)word.size, word.at);
            command_begin(&d->c.command, name);
        } else if (letter == 'K') command_copy(&d->c.command, key, strlen(key));
        else if (letter == 'X') command_copy(&d->c.command, NO_SCRIPT_SHA1, strlen(NO_SCRIPT_SHA1));
        else command_copy(&d->c.command, word.at, word.size);
    }
}

/* A key that fits the pattern: "%R~{till:*}:account:*" -> "{till:0}:account:0". */
static void make_key(char out[ACL_KEY_MAX], struct acl_word pattern, const struct doctor *d) {
    const char *from = memchr(pattern.at, '~', pattern.size);
    size_t before = from ? (size_t)(from - pattern.at) + 1 : 0;
    acl_fill(out, (struct acl_word){pattern.at + before, pattern.size - before}, d->c.book.name, d->source);
    for (char *star; (star = strchr(out, '*'));) *star = '0';
}

static void note_refusal(struct rights *r, struct acl_word command, const char *error) {
    char entry[40];
    size_t end = strlen(r->commands);
    r->refused++;
    if (strstr(error, "key")) {
        r->keys = true;
        return;
    }
    int size = snprintf(entry, sizeof entry, " +%.*s", (int)command.size, command.at);
    for (const char *at = r->commands; (at = strstr(at, entry)); at += size)
        if (at[size] == ' ' || at[size] == '\0') return;
    snprintf(r->commands + end, sizeof r->commands - end, "%s", entry);
}

/* Queues one call. False: it may not go on, since what came back is neither "queued" nor a refusal. */
static bool try_call(struct doctor *d, struct acl_word command, const char *key, struct rights *r, int *code) {
    struct reply reply;
    bool refused;
    make_command(d, find_call(command), key);
    r->tried++;
    *code = doctor_ask(d, &reply, &refused);
    if (*code) return false;
    const char *error = redis_error(d->c.redis);
    if (refused && strncmp(error, "NOPERM", 6) == 0) note_refusal(r, command, error);
    if (refused || reply_is(reply, "QUEUED")) return true;
    doctor_find(d, DOCTOR_WRONG, "rights", "%.*s was not queued behind MULTI", (int)command.size, command.at);
    return false;
}

static bool try_rule(struct doctor *d, const struct acl_rule *rule, struct rights *r, int *code) {
    struct acl_word command = {rule->commands, 0}, pattern;
    char key[ACL_KEY_MAX] = "";
    while (acl_next(&command)) {
        if (is_used(command)) continue;
        if (!strstr(find_call(command), " K")) {
            if (!try_call(d, command, key, r, code)) return false;
            continue;
        }
        for (pattern = (struct acl_word){rule->keys, 0}; acl_next(&pattern);) {
            make_key(key, pattern, d);
            if (!try_call(d, command, key, r, code)) return false;
        }
    }
    return true;
}

static int ask_user(struct doctor *d) {
    struct reply reply;
    bool refused;
    const char *named = d->c.options.url.user;
    snprintf(d->user, sizeof d->user, "%s", *named ? named : "default");
    command_begin(&d->c.command, "ACL");
    command_word(&d->c.command, "WHOAMI");
    int code = doctor_ask(d, &reply, &refused);
    if (!code && !refused) snprintf(d->user, sizeof d->user, "%s", reply_text(reply, NULL));
    return code;
}

static void report_role(struct doctor *d, const struct rights *r) {
    const char *role = d->role->name;
    if (!r->refused) {
        doctor_find(d, DOCTOR_GOOD, "rights", "user %s has the %u rights of role %s on book %s", d->user, r->tried, role, d->c.book.name);
        return;
    }
    doctor_find(d, DOCTOR_WRONG, "rights", "user %s lacks rights of role %s:%s%s", d->user, role, r->commands, r->keys ? " keys" : "");
    doctor_fix(d, "till acl %s --book %s --user %s%s%s | sed 's/^user/ACL SETUSER/' | redis-cli", role, d->c.book.name, d->user,
               d->role->of_source ? " --source " : "", d->role->of_source ? d->source : "");
}

static void report_all(struct doctor *d, const struct rights *r) {
    if (r->keys) {
        doctor_find(d, DOCTOR_WRONG, "rights", "user %s may not use the keys of book %s", d->user, d->c.book.name);
        doctor_fix(d, "ACL SETUSER %s ~{%s}:* ~{%s:*; or name its --role, if it is to have one", d->user, d->c.book.name, d->c.book.name);
    }
    if (r->commands[0]) {
        doctor_find(d, DOCTOR_WRONG, "rights", "user %s may not run all that Till runs", d->user);
        doctor_fix(d, "ACL SETUSER %s%s; or name its --role, if it is to have one", d->user, r->commands);
    }
    if (!r->refused)
        doctor_find(d, DOCTOR_GOOD, "rights", "user %s may run all %u kinds of commands that Till runs, on the book's keys", d->user,
                    r->tried);
}

/* A user who may not MULTI must not have the calls sent: they would be done. */
static int begin(struct doctor *d, bool *begun) {
    struct reply reply;
    bool refused;
    command_begin(&d->c.command, "MULTI");
    int code = doctor_ask(d, &reply, &refused);
    *begun = !code && !refused && reply_is(reply, "OK");
    if (code || *begun) return code;
    doctor_find(d, DOCTOR_WRONG, "rights", "the rights of user %s cannot be tried: %s", d->user, redis_error(d->c.redis));
    doctor_fix(d, "ACL SETUSER %s +multi +discard", d->user);
    return code;
}

static int end(struct doctor *d) {
    struct reply reply;
    bool refused;
    command_begin(&d->c.command, "DISCARD");
    int code = doctor_ask(d, &reply, &refused);
    if (code || !refused) return code;
    enum redis_err err = redis_reopen(d->c.redis); /* a connection that ends discards too */
    return err ? connect_failed(&d->c, err, "connecting") : CLI_OK;
}

int doctor_rights(struct doctor *d) {
    struct rights rights = {0};
    bool going;
    int code = ask_user(d), last;
    if (!code) code = begin(d, &going);
    if (code || !going) return code;
    for (const struct acl_role *role = acl_roles; role->name && going; role++)
        for (const struct acl_rule *rule = role->rules; rule->commands && going; rule++)
            if (d->role ? d->role == role && !rule->lookup : true) going = try_rule(d, rule, &rights, &code);
    if (code) return code;
    last = end(d);
    if (!last && going) (d->role ? report_role : report_all)(d, &rights);
    return last;
}
