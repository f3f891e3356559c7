/* The rights of each role. What stands here was read off the commands in producer/ and worker/ and those inside the scripts in
 * schema/lua/, which Redis checks against the user who calls them; tests/cli/test_acl.sh runs everything under them.
 *
 * EVALSHA and FCALL want to read and write every key that a script declares, so they stand alone: what the script then does to them is
 * held against the other rules. MULTI and DISCARD (there is no EXEC) let `till doctor` try a right without using it. */
#include "producer/cli/acl.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define EVERYBODY "asking client|id client|info client|setname cluster|slots discard info multi role time"
#define READ \
    "exists get hexists hget hgetall hlen hmget hscan sismember sscan xinfo|groups xinfo|stream xlen xpending xrange xread " \
    "xrevrange zcard zrange zrangebyscore zscan zscore"
#define WHOLE_BOOK_READ "%R~{B}:* %R~{B:*}:*"

const struct acl_role acl_roles[] = {
    {"producer",
     true,
     {{"", EVERYBODY " wait", false},
      {"%R~{B}:book", "hmget", false},
      {"~{B:*}:intents", "xadd xinfo|groups xlen", false},
      {"%R~{B:*}:responses:S", "xinfo|stream xread xrevrange", false},
      {"~{B:*}:sent:S", "hincrby hmget hset", false},
      {"%R~{B:*}:account:* %R~{B:*}:bills:*", "hexists hget hmget", true},
      {"%R~{B:*}:order:* %R~{B:*}:sku:*", "hmget", true}}},
    {"worker",
     false,
     {{"", EVERYBODY " client|kill client|unblock function|load script|load wait", false},
      {"~{B:*}:account:* ~{B:*}:bills:* ~{B:*}:meta ~{B:*}:scheduled ~{B:*}:unanswered", "hexists hget hlen hmget hset", false},
      {"~{B:*}:intents",
       "xack xadd xautoclaim xclaim xgroup|create xgroup|delconsumer xgroup|setid xinfo|consumers xlen xpending xread xreadgroup", false},
      {"~{B:*}:dead ~{B:*}:ledger ~{B:*}:responses:*", "xadd xdel xlen", false},
      {"~{B:*}:dead ~{B:*}:discarded ~{B:*}:intents ~{B:*}:ledger ~{B:*}:responses:*",
       "xinfo|groups xinfo|stream xlen xpending xrange xtrim", false},
      {"~{B:*}:trimmed", "hdel hincrby hkeys hmget hset", false},
      {"~{B}:* ~{B:*}:*", "evalsha fcall", false},
      {"~{B:*}:account:* ~{B:*}:meta ~{B:*}:scheduled ~{B:*}:unanswered", "hdel", false},
      {"~{B:*}:unanswered", "hkeys", false},
      {"~{B:*}:account:*", "hgetall", false},
      {"~{B:*}:order:* ~{B:*}:sku:*", "hget hmget hset", false},
      {"~{B:*}:merchants", "sadd scard sscan", false},
      {"~{B:*}:due", "zadd zcard zrangebyscore zrem", false},
      {"~{B:*}:lease", "del get pttl set", false},
      {"~{B:*}:bills:* ~{B:*}:order:*", "unlink", false},
      {"~{B}:book", "exists hmget hset", false},
      {"~{B}:workers", "zadd zrangebyscore zrem zremrangebyscore", false}}},
    {"operator",
     false,
     {{WHOLE_BOOK_READ, EVERYBODY " function|list scan script|load " READ, false},
      {"%W~{B:*}:discarded %W~{B:*}:intents", "xadd", false},
      {"~{B:*}:dead ~{B:*}:discarded ~{B:*}:intents", "evalsha", false},
      {"%W~{B:*}:dead", "xdel", false},
      {"%W~{B:*}:meta", "hdel hset", false},
      {"~{B:*}:sent:*", "hincrby hset", false}}},
    {"auditor", false, {{WHOLE_BOOK_READ, EVERYBODY " function|list scan " READ, false}}},
    {0},
};

const struct acl_role *acl_find(const char *name) {
    for (const struct acl_role *role = acl_roles; role->name; role++)
        if (strcmp(role->name, name) == 0) return role;
    return NULL;
}

bool acl_next(struct acl_word *word) {
    word->at += word->size;
    word->at += strspn(word->at, " ");
    word->size = strcspn(word->at, " ");
    return word->size > 0;
}

/* Text that is put together; it fits, since its parts are bounded. */
struct line {
    char *out;
    size_t size, capacity;
};

__attribute__((format(printf, 2, 3))) static void line_add(struct line *l, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    int size = vsnprintf(l->out + l->size, l->capacity - l->size, format, arguments);
    va_end(arguments);
    assert(size >= 0 && l->size + (size_t)size < l->capacity);
    l->size += (size_t)size;
}

void acl_fill(char out[ACL_KEY_MAX], struct acl_word pattern, const char *book, const char *source) {
    struct line line = {out, 0, ACL_KEY_MAX};
    for (size_t n = 0; n < pattern.size; n++) {
        char c = pattern.at[n];
        if (c == 'B') line_add(&line, "%s", book);
        else if (c == 'S') line_add(&line, "%s", source);
        else line_add(&line, "%c", c);
    }
}

static void add_rule(struct line *line, const struct acl_rule *rule, const struct acl_user *user) {
    struct acl_word pattern = {rule->keys, 0}, command = {rule->commands, 0};
    const char *gap = "";
    char key[ACL_KEY_MAX];
    for (; acl_next(&pattern); gap = " ") {
        acl_fill(key, pattern, user->book, user->source);
        line_add(line, "%s%s", gap, key);
    }
    for (; acl_next(&command); gap = " ") line_add(line, "%s+%.*s", gap, (int)command.size, command.at);
}

void acl_rights(char out[ACL_LINE_MAX], const struct acl_user *user) {
    struct line line = {out, 0, ACL_LINE_MAX};
    line_add(&line, "on ");
    bool waits = user->aof && strstr(user->role->rules[0].commands, "wait");
    if (user->password_sha256) line_add(&line, "resetpass #%s ", user->password_sha256);
    line_add(&line, "clearselectors resetchannels resetkeys -@all ");
    for (const struct acl_rule *rule = user->role->rules; rule->commands; rule++) {
        bool first = rule == user->role->rules;
        if (rule->lookup && !user->lookup) continue;
        line_add(&line, first ? "" : " (");
        add_rule(&line, rule, user);
        if (first && waits) line_add(&line, " +waitaof");
        line_add(&line, first ? "" : ")");
    }
}
