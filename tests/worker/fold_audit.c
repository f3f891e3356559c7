/* Invariants 4 and 5 over one partition: money is conserved, the chain of every account holds, bill numbers have no gaps. The months of a
 * merchant's shard say what its rows say; stock is a number that can be counted; what is to become of every order is due. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/process.h"
#include "tests/worker/fold.h"

enum { ACCOUNTS_MAX = 200 };

struct chain {
    char account[70];
    int64_t balance, held;
    int64_t earned; /* by all that is no settlement */
    uint64_t seq;
};

struct audit {
    struct chain chains[ACCOUNTS_MAX];
    size_t count;
    uint64_t bill;      /* of the last row */
    int64_t bill_sum;   /* of the rows of that bill */
    char fault[300];
};

static struct chain *chain_of(struct audit *a, const char *account) {
    for (size_t n = 0; n < a->count; n++)
        if (strcmp(a->chains[n].account, account) == 0) return &a->chains[n];
    if (a->count == ACCOUNTS_MAX) process_die(NULL, "more than %d accounts", ACCOUNTS_MAX);
    struct chain *c = &a->chains[a->count++];
    snprintf(c->account, sizeof c->account, "%s", account);
    return c;
}

static void audit_row(struct audit *a, const struct ledger_row *r) {
    struct chain *c = chain_of(a, r->account);
    uint64_t bill = strtoull(strchr(r->bill, '-') + 1, NULL, 10);
    if (bill != a->bill) {
        if (a->bill_sum) snprintf(a->fault, sizeof a->fault, "the rows before bill %s do not sum to zero", r->bill);
        if (bill != a->bill + 1) snprintf(a->fault, sizeof a->fault, "bill %s comes after %llu", r->bill, (unsigned long long)a->bill);
    }
    a->bill = bill;
    a->bill_sum += r->amount_minor;
    if (r->seq != c->seq + 1 || r->balance_minor != c->balance + r->amount_minor || r->held_minor != c->held + r->hold_minor)
        snprintf(a->fault, sizeof a->fault, "the chain of %s breaks at seq %llu", r->account, (unsigned long long)r->seq);
    c->seq = r->seq;
    c->balance = r->balance_minor;
    c->held = r->held_minor;
    if (strcmp(r->op, "settle") != 0 && strcmp(r->op, "swept") != 0) c->earned += r->amount_minor;
}

static void audit_entry(struct audit *a, struct pack_tree *tree, const char *bytes, size_t size) {
    struct pack_value rows;
    uint32_t count;
    const char *why = ledger_decode(tree, bytes, size, &rows, &count);
    for (uint32_t n = 0; !why && n < count; n++) {
        struct ledger_row row;
        why = ledger_row_at(&rows, n, &row);
        if (!why) audit_row(a, &row);
    }
    if (why) snprintf(a->fault, sizeof a->fault, "a ledger entry %s", why);
}

static void audit_ledger(struct fold *fold, unsigned partition, struct audit *a) {
    struct reply range;
    struct pack_tree *tree = pack_tree_new();
    command_begin(&fold->command, "XRANGE");
    command_word(&fold->command, fold_key(fold, partition, "ledger"));
    command_word(&fold->command, "-");
    command_word(&fold->command, "+");
    if (redis_call(fold->redis, &fold->command, &range)) process_die(NULL, "ledger: %s", redis_error(fold->redis));
    for (size_t n = 0; n < reply_count(range); n++) {
        size_t size;
        const char *bytes = reply_text(reply_at(reply_at(reply_at(range, n), 1), 1), &size);
        audit_entry(a, tree, bytes, size);
    }
    pack_tree_free(tree);
    if (a->bill_sum) snprintf(a->fault, sizeof a->fault, "the rows of the last bill do not sum to zero");
}

/* The mark says whether there is anything to look at: without it nothing of this would be obeyed. */
static void audit_rules(struct fold *fold, unsigned partition, struct audit *a, const char *name) {
    static const char *const fields[] = {"credential", "lock_token", "limit_payments", "recent", "arrived"};
    const char *mark = fold_account(fold, partition, name, "rules");
    if (strcmp(mark, "1") == 0) return;
    for (size_t n = strcmp(mark, "credential") == 0; n < sizeof fields / sizeof *fields; n++)
        if (*fold_account(fold, partition, name, fields[n]))
            snprintf(a->fault, sizeof a->fault, "%s has %s, but is marked '%s'", name, fields[n], mark);
}

/* "GROSS REFUNDS OTHER", perhaps with " settled" behind. */
static int64_t earned_in(struct audit *a, const char *name, const char *text) {
    long long gross, refunds, other;
    char more[20] = "";
    int count = sscanf(text, "%lld %lld %lld%19[^\n]", &gross, &refunds, &other, more);
    if (count < 3 || gross < 0 || refunds < 0 || (*more && strcmp(more, " settled") != 0))
        snprintf(a->fault, sizeof a->fault, "%s earned \"%s\"", name, text);
    return count < 3 ? 0 : gross - refunds + other;
}

static void audit_months(struct fold *fold, unsigned partition, struct audit *a, const char *name, const struct chain *c) {
    struct reply reply;
    char key[100];
    int64_t sum = 0;
    snprintf(key, sizeof key, "account:%s", name);
    command_begin(&fold->command, "HGETALL");
    command_word(&fold->command, fold_key(fold, partition, key));
    if (redis_call(fold->redis, &fold->command, &reply)) process_die(NULL, "%s: %s", key, redis_error(fold->redis));
    for (size_t n = 0; n < reply_count(reply); n += 2) {
        const char *field = reply_text(reply_at(reply, n), NULL), *text = reply_text(reply_at(reply, n + 1), NULL);
        if (strcmp(field, "earning") == 0) sum += earned_in(a, name, text + strcspn(text, " "));
        if (strncmp(field, "month:", 6) == 0) sum += earned_in(a, name, text);
    }
    if (sum != c->earned)
        snprintf(a->fault, sizeof a->fault, "%s earned %lld by its months, but %lld by its rows", name, (long long)sum,
                 (long long)c->earned);
}

static void audit_article(struct fold *fold, struct audit *a, const char *key) {
    const char *stock = server_text(&fold->server, "HGET", key, "stock", NULL);
    if (*stock && strtoull(stock, NULL, 10) > INTENT_AMOUNT_MAX) snprintf(a->fault, sizeof a->fault, "%s: stock is %s", key, stock);
}

static void audit_order(struct fold *fold, unsigned partition, struct audit *a, const char *key) {
    char entry[50], member[600];
    const char *order = strrchr(key, '/') + 1;
    snprintf(entry, sizeof entry, "%s", server_text(&fold->server, "HGET", key, "entry", NULL));
    snprintf(member, sizeof member, "lapse|%s|%s %s", entry, server_text(&fold->server, "HGET", key, "identity", NULL), order);
    if (!*server_text(&fold->server, "ZSCORE", fold_key(fold, partition, "due"), member, NULL))
        snprintf(a->fault, sizeof a->fault, "%s is never due", key);
}

static void audit_account(struct fold *fold, unsigned partition, struct audit *a, const char *name, int64_t *sum) {
    struct chain *c = chain_of(a, name);
    int64_t balance = strtoll(fold_account(fold, partition, name, "balance"), NULL, 10);
    uint64_t seq = strtoull(fold_account(fold, partition, name, "seq"), NULL, 10);
    int64_t held = strtoll(fold_account(fold, partition, name, "held"), NULL, 10);
    if (balance != c->balance || seq != c->seq || held != c->held)
        snprintf(a->fault, sizeof a->fault, "%s: %lld after %llu rows, but the ledger says %lld after %llu", name, (long long)balance,
                 (unsigned long long)seq, (long long)c->balance, (unsigned long long)c->seq);
    audit_rules(fold, partition, a, name);
    if (strcmp(fold_account(fold, partition, name, "kind"), "merchant") == 0) audit_months(fold, partition, a, name, c);
    *sum += balance; /* of all currencies together: enough to see what was made of nothing */
}

const char *fold_unsound(struct fold *fold, unsigned partition) {
    static struct audit a;
    int64_t sum = 0;
    memset(&a, 0, sizeof a);
    audit_ledger(fold, partition, &a);
    uint64_t bill = strtoull(server_text(&fold->server, "HGET", fold_key(fold, partition, "meta"), "bill", NULL), NULL, 10);
    if (bill != a.bill)
        snprintf(a.fault, sizeof a.fault, "meta says bill %llu, the ledger %llu", (unsigned long long)bill, (unsigned long long)a.bill);
    char **keys = fold_keys(fold, partition);
    for (char **key = keys; *key; key++) {
        const char *account = strstr(*key, "}:account:");
        if (account) audit_account(fold, partition, &a, account + 10, &sum);
        if (strstr(*key, "}:sku:")) audit_article(fold, &a, *key);
        if (strstr(*key, "}:order:")) audit_order(fold, partition, &a, *key);
    }
    fold_keys_free(keys);
    if (sum) snprintf(a.fault, sizeof a.fault, "the accounts sum to %lld", (long long)sum);
    return *a.fault ? a.fault : NULL;
}
