/* The accounts of a partition as the ledger's rows make them, held against the accounts' hashes. */
#define uthash_fatal(message) abort()
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uthash.h>

#include "producer/cli/audit_follow.h"
#include "schema/ledger.h"

struct audit_account {
    UT_hash_handle hh;
    char name[70];
    unsigned char currency; /* in audit.currency */
    bool known;             /* it has a hash */
    bool may_owe;           /* merchant or system */
    bool awaited;           /* its hash was ahead of the ledger: the row that made it so must come */
    unsigned base;          /* of the partition's `bases`, that of its first row */
    uint64_t base_seq;      /* of that row */
    uint64_t seq, awaited_seq;
    int64_t balance, held, awaited_balance, awaited_held; /* after the last row */
    struct audit_earning *earning;                        /* of a merchant */
};

unsigned audit_account_currency(const struct audit_account *account) { return account->currency; }

const char *audit_account_name(const struct audit_account *account) { return account->name; }

static struct audit_account *add_account(struct audit *a, const char *name) {
    struct audit_account *account = calloc(1, sizeof *account);
    if (!account) abort();
    snprintf(account->name, sizeof account->name, "%s", name);
    HASH_ADD_STR(a->part.accounts, name, account);
    a->part.account_count++;
    return account;
}

enum { KIND, CURRENCY, BALANCE, HELD, SEQ, FIELDS };
static const char *const fields[FIELDS] = {"kind", "currency", "balance", "held", "seq"};

/* Of a merchant everything is asked for: it has fields of its own for each month. */
static void append_read(struct connection *c, unsigned partition, const char *name, bool everything) {
    char key[256]; /* names come from the keyspace and from rows: any length that fits a row */
    command_begin(&c->command, everything ? "HGETALL" : "HMGET");
    command_copy(&c->command, key, (size_t)snprintf(key, sizeof key, "{%s:%u}:account:%s", c->book.name, partition, name));
    for (size_t n = 0; !everything && n < FIELDS; n++) command_word(&c->command, fields[n]);
    redis_append(c->redis, &c->command);
}

static struct reply field(const struct audit_account *account, struct reply hash, size_t n) {
    return account->earning ? audit_group_field(hash, fields[n]) : reply_at(hash, n);
}

/* "CNY" of "@world:CNY"; NULL for other names. */
static const char *currency_in_name(const char *name) {
    const char *colon = name[0] == '@' ? strrchr(name, ':') : NULL;
    return colon && strlen(colon + 1) == 3 ? colon + 1 : NULL;
}

static void take_kind(struct audit *a, struct audit_account *account, struct reply hash) {
    size_t size;
    bool merchant = reply_is(reply_at(hash, KIND), "merchant");
    const char *currency = reply_text(reply_at(hash, CURRENCY), &size), *named = currency_in_name(account->name);
    account->known = reply_type(reply_at(hash, KIND)) != REPLY_NIL;
    account->may_owe = account->name[0] == '@' || merchant;
    if (merchant) account->earning = audit_earning_new();
    if (account->known && (size != 3 || (named && strcmp(named, currency) != 0)))
        audit_find(a, "account %s: its currency is '%.20s'", account->name, currency);
    if (!account->known) audit_find(a, "account %s: has ledger rows but is not there", account->name);
    account->currency = (unsigned char)audit_currency(a, named ? named : size == 3 ? currency : "???");
}

/* Asks about an account that came into being after the names were listed; by the side connection, because pages are under way. */
static struct audit_account *learn_account(struct audit *a, const char *name, int *code) {
    struct reply hash;
    append_read(&a->side, a->part.partition, name, false);
    *code = connect_next(&a->side, "reading an account", &hash);
    if (*code) return NULL;
    struct audit_account *account = add_account(a, name);
    take_kind(a, account, hash);
    return account;
}

struct audit_account *audit_account_of(struct audit *a, const char *name, int *code) {
    struct audit_account *account;
    HASH_FIND_STR(a->part.accounts, name, account);
    return account ? account : learn_account(a, name, code);
}

int audit_account_load(struct audit *a) {
    const struct audit_names *names = &a->names[a->part.partition];
    struct audit_account *waiting[AUDIT_AT_ONCE];
    struct reply hash;
    const char *name = audit_name_next(names, 'a', NULL);
    while (name) {
        unsigned count = 0;
        for (; name && count < AUDIT_AT_ONCE; name = audit_name_next(names, 'a', name)) {
            if (strlen(name) >= sizeof waiting[0]->name) audit_find(a, "account %.80s: no account has such a name", name);
            else append_read(a->c, a->part.partition, (waiting[count++] = add_account(a, name))->name, false);
        }
        for (unsigned n = 0; n < count; n++) {
            int code = connect_next(a->c, "reading the accounts", &hash);
            if (code) return code;
            take_kind(a, waiting[n], hash);
        }
    }
    return CLI_OK;
}

static void check_awaited(struct audit *a, struct audit_account *account, int64_t balance, int64_t held) {
    if (account->awaited_balance != balance || account->awaited_held != held)
        audit_find(a, "account %s: balance %lld, held %lld, but the ledger says %lld, %lld at seq %llu", account->name,
                   (long long)account->awaited_balance, (long long)account->awaited_held, (long long)balance, (long long)held,
                   (unsigned long long)account->awaited_seq);
    if (account->earning) audit_earning_check(a, account->earning, account->name);
    account->awaited = false;
}

/* Its first row in a ledger that begins in the middle: nothing is known of what was before, unless it is the account's first at all. */
static bool begins_late(const struct audit *a, struct audit_account *account, const struct ledger_row *row) {
    if (account->base == a->part.bases) return false;
    account->base = a->part.bases;
    account->base_seq = row->seq;
    return row->seq != 1;
}

static void check_chain(struct audit *a, const struct audit_account *account, const struct ledger_row *row) {
    const char *name = account->name;
    if (row->seq != account->seq + 1)
        audit_find(a, "bill %s: account %s: seq goes from %llu to %llu", row->bill, name, (unsigned long long)account->seq,
                   (unsigned long long)row->seq);
    else if (row->balance_minor != account->balance + row->amount_minor)
        audit_find(a, "bill %s: account %s: balance %lld + %lld is not %lld at seq %llu", row->bill, name, (long long)account->balance,
                   (long long)row->amount_minor, (long long)row->balance_minor, (unsigned long long)row->seq);
    else if (row->held_minor != account->held + row->hold_minor)
        audit_find(a, "bill %s: account %s: held %lld + %lld is not %lld at seq %llu", row->bill, name, (long long)account->held,
                   (long long)row->hold_minor, (long long)row->held_minor, (unsigned long long)row->seq);
}

void audit_account_row(struct audit *a, struct audit_account *account, const struct ledger_row *row) {
    if (!begins_late(a, account, row)) check_chain(a, account, row);
    account->seq = row->seq;
    account->balance = row->balance_minor;
    account->held = row->held_minor;
    if (account->earning) audit_earning_row(a, account->earning, row);
    if (account->awaited && account->awaited_seq == row->seq) check_awaited(a, account, account->balance, account->held);
}

static void compare_hash(struct audit *a, struct audit_account *account, struct reply hash) {
    uint64_t seq = (uint64_t)reply_integer(field(account, hash, SEQ));
    if (reply_type(field(account, hash, KIND)) == REPLY_NIL) {
        if (account->known) audit_find(a, "account %s: has gone", account->name);
        return;
    }
    account->awaited_balance = reply_integer(field(account, hash, BALANCE));
    account->awaited_held = reply_integer(field(account, hash, HELD));
    account->awaited_seq = seq;
    if (account->earning) audit_earning_read(a, account->earning, account->name, hash);
    if (account->earning) audit_shard_note(a, account->name, hash);
    if (!account->may_owe && account->awaited_balance < 0)
        audit_find(a, "account %s: balance %lld is below 0", account->name, (long long)account->awaited_balance);
    if (account->awaited_held < 0 || (!account->may_owe && account->awaited_held > account->awaited_balance))
        audit_find(a, "account %s: held %lld does not fit balance %lld", account->name, (long long)account->awaited_held,
                   (long long)account->awaited_balance);
    if (account->base != a->part.bases) account->awaited = true; /* it has no rows, or they are still to come */
    else if (seq < account->seq)
        audit_find(a, "account %s: is at seq %llu, but has ledger rows up to %llu", account->name, (unsigned long long)seq,
                   (unsigned long long)account->seq);
    else if (seq == account->seq) check_awaited(a, account, account->balance, account->held);
    else account->awaited = true;
}

int audit_account_compare(struct audit *a) {
    struct audit_account *first = a->part.accounts, *account;
    struct reply hash;
    while (first) {
        unsigned count = 0;
        for (account = first; account && count < AUDIT_AT_ONCE; account = account->hh.next, count++)
            append_read(a->c, a->part.partition, account->name, account->earning != NULL);
        for (; count > 0; count--, first = first->hh.next) {
            int code = connect_next(a->c, "reading the accounts", &hash);
            if (code) return code;
            compare_hash(a, first, hash);
        }
    }
    return CLI_OK;
}

const struct audit_account *audit_account_merchant(const struct audit *a, const struct audit_account *account) {
    account = account ? account->hh.next : a->part.accounts;
    while (account && !account->earning) account = account->hh.next;
    return account;
}

/* The rows that made it so were trimmed. */
static bool is_believed(const struct audit *a, struct audit_account *account) {
    if (account->base == a->part.bases) return account->awaited_seq < account->base_seq;
    account->seq = account->awaited_seq;
    account->balance = account->awaited_balance;
    account->held = account->awaited_held;
    return true;
}

void audit_account_finish(struct audit *a) {
    __int128 sum[AUDIT_CURRENCIES_MAX] = {0};
    for (struct audit_account *account = a->part.accounts; account; account = account->hh.next) {
        if (account->awaited && !is_believed(a, account))
            audit_find(a, "account %s: is at seq %llu, but its ledger rows end at %llu", account->name,
                       (unsigned long long)account->awaited_seq, (unsigned long long)account->seq);
        if (account->earning) audit_earning_finish(a, account->earning, account->name);
        if (a->follow)
            audit_follow_seed(a, account->name, account->seq, account->balance, account->held, account->currency, account->may_owe);
        sum[account->currency] += account->balance;
        a->held[account->currency] += account->held;
    }
    for (unsigned n = 0; n < a->currency_count; n++)
        if (sum[n] != 0) audit_find(a, "all accounts together hold %.0Lf %s, not 0", (long double)sum[n], a->currency[n]);
    a->accounts += a->part.account_count;
}

void audit_account_clear(struct audit *a) {
    struct audit_account *account = a->part.accounts, *next;
    if (account) HASH_CLEAR(hh, a->part.accounts);
    for (; account; account = next) {
        next = account->hh.next;
        audit_earning_free(account->earning);
        free(account);
    }
    a->part.accounts = NULL;
}
