/* Looks up accounts: what a partition holds, the sum over all partitions for merchants and system accounts, and the rules of one. */
#include <string.h>

#include "producer/client.h"

enum { ACCOUNT_FIELDS = 8 };
static const char *const account_fields[ACCOUNT_FIELDS] = {"kind", "currency", "status", "balance", "held", "seq", "opened", "changed"};

struct lookup {
    const char *id;
    unsigned from, count;         /* partitions to read */
    struct till_account *account; /* the sum; shards 0: not found */
};

/* NULL, or why this is no account's name. A system account is @WORD:CURRENCY. */
static const char *id_check(const char *id) {
    struct intent checked = {0};
    if (id == NULL)
        return "is missing";
    if (id[0] == '@')
        id++;
    return intent_set_text(&checked, FIELD_account, id, strlen(id));
}

static void account_append(struct till *till, const char *id, unsigned partition) {
    keys_buffer key;
    command_begin(&till->command, "HMGET");
    command_borrow(&till->command, key, keys_account(key, &till->book, partition, id));
    for (int i = 0; i < ACCOUNT_FIELDS; i++)
        command_word(&till->command, account_fields[i]);
    redis_append(till->redis, &till->command);
}

/* Adds a shard. The words and the opening are those of the first one added, its home. */
static void account_add(struct till_account *a, struct reply row) {
    if (reply_type(reply_at(row, 3)) == REPLY_NIL)
        return;
    if (a->shards++ == 0) {
        client_copy(a->kind, sizeof a->kind, reply_text(reply_at(row, 0), NULL));
        client_copy(a->currency, sizeof a->currency, reply_text(reply_at(row, 1), NULL));
        client_copy(a->status, sizeof a->status, reply_text(reply_at(row, 2), NULL));
        a->opened_ms = (uint64_t)reply_integer(reply_at(row, 6));
    }
    a->balance_minor += reply_integer(reply_at(row, 3));
    a->held_minor += reply_integer(reply_at(row, 4));
    a->seq += (uint64_t)reply_integer(reply_at(row, 5));
    uint64_t changed_ms = (uint64_t)reply_integer(reply_at(row, 7));
    if (changed_ms > a->changed_ms)
        a->changed_ms = changed_ms;
}

/* Reads `count` partitions from `from` on, going round. */
static enum redis_err account_read(struct till *till, int64_t deadline_ms, void *context) {
    struct lookup *l = context;
    struct till_account fresh = *l->account;
    enum redis_err worst = REDIS_OK;
    for (unsigned i = 0; i < l->count; i++)
        account_append(till, l->id, (l->from + i) % till->book.partitions);
    for (unsigned i = 0; i < l->count && till->redis != NULL; i++) {
        struct reply row;
        enum redis_err err = client_next(till, deadline_ms, &row);
        if (err == REDIS_OK)
            account_add(&fresh, row);
        else
            worst = err;
    }
    if (worst == REDIS_OK)
        *l->account = fresh;
    return worst;
}

static int account_begin(struct till *till, const char *id, struct till_account *account) {
    const char *why = id_check(id);
    memset(account, 0, sizeof *account);
    if (why != NULL) {
        client_fail(till, "account %s", why);
        return TILL_INVALID;
    }
    client_copy(account->id, sizeof account->id, id);
    account->partition = till_partition_of(till, id);
    return TILL_OK;
}

static int found(struct till *till, const struct till_account *account) {
    if (account->shards > 0)
        return TILL_OK;
    client_fail(till, "there is no account %s", account->id);
    return TILL_NOT_FOUND;
}

int till_account_shard(struct till *till, const char *id, unsigned partition, struct till_account *account) {
    int code = account_begin(till, id, account);
    if (code != TILL_OK)
        return code;
    if (partition >= till->book.partitions) {
        client_fail(till, "partition must be 0..%u", till->book.partitions - 1);
        return TILL_INVALID;
    }
    struct lookup l = {.id = id, .from = partition, .count = 1, .account = account};
    code = client_retry(till, client_now_ms() + till->timeout_ms, account_read, &l);
    return code != TILL_OK ? TILL_READ_FAILED : found(till, account);
}

int till_account(struct till *till, const char *id, struct till_account *account) {
    int code = account_begin(till, id, account);
    if (code != TILL_OK)
        return code;
    int64_t deadline_ms = client_now_ms() + till->timeout_ms;
    struct lookup l = {.id = id, .from = account->partition, .count = id[0] == '@' ? till->book.partitions : 1, .account = account};
    code = client_retry(till, deadline_ms, account_read, &l);
    if (code == TILL_OK && strcmp(account->kind, "merchant") == 0) {
        l.from = (account->partition + 1) % till->book.partitions;
        l.count = till->book.partitions - 1;
        code = client_retry(till, deadline_ms, account_read, &l);
    }
    return code != TILL_OK ? TILL_READ_FAILED : found(till, account);
}

enum { RULES_NUMBERS, RULES_CREDENTIAL, RULES_LOCK, RULES_REPLIES };

struct rules_lookup {
    const struct till_account *account;
    struct till_rules *rules;
    bool found;
};

/* Whether there is a secret is asked without fetching it. */
static void rules_append(struct till *till, const struct till_account *account) {
    static const char *const secrets[RULES_REPLIES] = {[RULES_CREDENTIAL] = "credential", [RULES_LOCK] = "lock_token"};
    keys_buffer key;
    size_t size = keys_account(key, &till->book, account->partition, account->id);
    command_begin(&till->command, "HMGET");
    command_borrow(&till->command, key, size);
    command_word(&till->command, "kind");
    command_word(&till->command, "lock_until");
    command_word(&till->command, "limit_payments");
    command_word(&till->command, "limit_per");
    redis_append(till->redis, &till->command);
    for (int i = RULES_CREDENTIAL; i < RULES_REPLIES; i++) {
        command_begin(&till->command, "HEXISTS");
        command_borrow(&till->command, key, size);
        command_word(&till->command, secrets[i]);
        redis_append(till->redis, &till->command);
    }
}

static void rules_take(struct rules_lookup *l, int place, struct reply reply) {
    struct till_rules *rules = l->rules;
    if (place == RULES_CREDENTIAL) {
        rules->has_credential = reply_integer(reply) == 1;
    } else if (place == RULES_LOCK) {
        rules->locked = reply_integer(reply) == 1;
    } else {
        l->found = reply_type(reply_at(reply, 0)) != REPLY_NIL;
        rules->lock_until_ms = (uint64_t)reply_integer(reply_at(reply, 1));
        rules->limit_payments = (uint64_t)reply_integer(reply_at(reply, 2));
        rules->limit_per_ms = (uint64_t)reply_integer(reply_at(reply, 3));
    }
}

static enum redis_err rules_read(struct till *till, int64_t deadline_ms, void *context) {
    struct rules_lookup *l = context;
    enum redis_err worst = REDIS_OK;
    rules_append(till, l->account);
    for (int i = 0; i < RULES_REPLIES && till->redis != NULL; i++) {
        struct reply reply;
        enum redis_err err = client_next(till, deadline_ms, &reply);
        if (err == REDIS_OK)
            rules_take(l, i, reply);
        else
            worst = err;
    }
    return worst;
}

int till_account_rules(struct till *till, const char *id, struct till_rules *rules) {
    struct till_account account;
    memset(rules, 0, sizeof *rules);
    int code = account_begin(till, id, &account);
    if (code != TILL_OK)
        return code;
    struct rules_lookup l = {.account = &account, .rules = rules};
    code = client_retry(till, client_now_ms() + till->timeout_ms, rules_read, &l);
    account.shards = l.found;
    return code != TILL_OK ? TILL_READ_FAILED : found(till, &account);
}
