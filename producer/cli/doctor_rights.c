/* May we do what Till does? Every command is tried on keys of its own, {B}:probe and {B:0}:probe, that are deleted afterwards. */
#include <stdio.h>
#include <string.h>

#include "producer/cli/doctor.h"

/* A command as words. S, H, T, Z: the probe's stream, hash, text, sorted set; B: one outside of the partitions; X: the script's SHA1. */
static const char *const probes[] = {"set B 1",
                                     "time",
                                     "info server",
                                     "client setname till-cli",
                                     "client id",
                                     "scan 0 count 1",
                                     "xadd S * f v",
                                     "xlen S",
                                     "xrange S - + count 1",
                                     "xrevrange S + - count 1",
                                     "xread count 1 streams S 0",
                                     "xgroup create S g 0",
                                     "xreadgroup group g c count 1 streams S >",
                                     "xpending S g",
                                     "xinfo groups S",
                                     "xautoclaim S g c 0 0-0 count 1",
                                     "xack S g 0-1",
                                     "xdel S 0-1",
                                     "hset H f v",
                                     "hget H f",
                                     "hmget H f",
                                     "hlen H",
                                     "hscan H 0",
                                     "hdel H f",
                                     "set T 1 px 60000",
                                     "get T",
                                     "exists T",
                                     "del T",
                                     "zadd Z 1 a",
                                     "zrange Z 0 -1",
                                     "zrangebyscore Z 0 1",
                                     "zremrangebyscore Z 0 1",
                                     "zrem Z a",
                                     "script load L",
                                     "evalsha X 1 T",
                                     "unlink S H Z T B",
                                     NULL};

#define PROBE_SCRIPT "return 1"
#define PROBE_SHA1 "e0e1f9fabfc9d4800c877a703b823ac0578ff8db"

struct rights {
    char commands[DOCTOR_TEXT_MAX]; /* " +xadd +xlen" */
    bool keys, any_key;
    unsigned tried, refused;
};

static void add_word(struct doctor *d, const char *word, size_t size) {
    const char *book = d->c.book.name;
    char text[80];
    int length;
    static const struct {
        char letter;
        const char *name;
    } keys[] = {{'S', "stream"}, {'H', "hash"}, {'T', "text"}, {'Z', "set"}};
    if (size == 1 && *word == 'L') length = snprintf(text, sizeof text, "%s", PROBE_SCRIPT);
    else if (size == 1 && *word == 'X') length = snprintf(text, sizeof text, "%s", PROBE_SHA1);
    else if (size == 1 && *word == 'B') length = snprintf(text, sizeof text, "{%s}:probe", book);
    else length = snprintf(text, sizeof text, "%.*s", (int)size, word);
    for (size_t n = 0; size == 1 && n < sizeof keys / sizeof keys[0]; n++)
        if (keys[n].letter == *word) length = snprintf(text, sizeof text, "{%s:0}:probe:%s", book, keys[n].name);
    command_copy(&d->c.command, text, (size_t)length);
}

static void make_command(struct doctor *d, const char *probe, char name[24]) {
    size_t size = strcspn(probe, " ");
    snprintf(name, 24, "%.*s", (int)size, probe);
    command_begin(&d->c.command, name);
    for (const char *at = probe + size; *at; at += size) {
        at++;
        size = strcspn(at, " ");
        add_word(d, at, size);
    }
}

/* Of NOPERM errors only; anything else is told as it is. A missing right makes later probes fail otherwise, which says nothing. */
static void judge(struct doctor *d, const char *name, struct rights *r) {
    const char *error = redis_error(d->c.redis);
    if (strncmp(error, "NOPERM", 6) == 0) {
        size_t end = strlen(r->commands);
        if (strstr(error, "key")) r->keys = true;
        else if (!strstr(r->commands, name)) snprintf(r->commands + end, sizeof r->commands - end, " +%s", name);
        r->refused++;
        return;
    }
    if (r->refused) return;
    doctor_find(d, DOCTOR_WRONG, "rights", "%s fails: %s", name, error);
    r->refused++;
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

static void report(struct doctor *d, const struct rights *r) {
    if (r->keys) {
        doctor_find(d, DOCTOR_WRONG, "rights", "user %s may not use the keys of book %s", d->user, d->c.book.name);
        doctor_fix(d, "ACL SETUSER %s ~{%s}:* ~{%s:*", d->user, d->c.book.name, d->c.book.name);
    }
    if (r->commands[0]) {
        doctor_find(d, DOCTOR_WRONG, "rights", "user %s may not run all that Till runs", d->user);
        doctor_fix(d, "ACL SETUSER %s%s", d->user, r->commands);
    }
    if (!r->refused)
        doctor_find(d, DOCTOR_GOOD, "rights", "user %s may run all %u kinds of commands that Till runs, on the book's keys", d->user,
                    r->tried);
}

int doctor_rights(struct doctor *d) {
    struct rights rights = {0};
    struct reply reply;
    char name[24];
    bool refused;
    int code = ask_user(d);
    for (size_t n = 0; !code && probes[n]; n++, rights.tried++) {
        make_command(d, probes[n], name);
        code = doctor_ask(d, &reply, &refused);
        if (!code && refused) judge(d, name, &rights);
    }
    if (!code) report(d, &rights);
    return code;
}
