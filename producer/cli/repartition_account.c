/* Accounts: those of users and apps as they are, merchants' shards put together, system accounts as sums. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "producer/cli/repartition.h"

enum { KEPT_AT_ONCE = 200 };

struct fees {
    int64_t balance;
    uint64_t seq;
};

static bool behind(const char *name, const char *word) { return strncmp(name, word, strlen(word)) == 0; }

/* What an account has; false when it is none. */
static bool read_account(struct repartition *r, const char *name, struct reply hash, struct carried_account *out) {
    size_t size;
    const char *currency = reply_text(reply_field(hash, "currency"), &size);
    if (reply_type(reply_field(hash, "kind")) == REPLY_NIL || size != 3) return false;
    *out = (struct carried_account){.name = name, .currency = repartition_currency(r, currency, size)};
    out->balance = reply_integer(reply_field(hash, "balance"));
    out->held = reply_integer(reply_field(hash, "held"));
    out->seq = (uint64_t)reply_integer(reply_field(hash, "seq"));
    return true;
}

static void begin_account(struct repartition *r, unsigned partition, const char *name) {
    command_begin(&r->to.command, "HSET");
    repartition_key(&r->to, partition, "account:", name);
}

static void add_field(struct repartition *r, struct reply name, struct reply value) {
    size_t size;
    const char *text = reply_text(name, &size);
    command_copy(&r->to.command, text, size);
    text = reply_text(value, &size);
    command_copy(&r->to.command, text, size);
}

static void add_number(struct repartition *r, const char *name, int64_t number) {
    char text[24];
    command_word(&r->to.command, name);
    command_copy(&r->to.command, text, (size_t)snprintf(text, sizeof text, "%lld", (long long)number));
}

/* A password's key is derived with the name of the book, and the password is nowhere but in its owner's head. */
static int check_credential(struct repartition *r, struct reply hash, const char *name) {
    bool renamed = !r->in_place && strcmp(r->from.book.name, r->to.book.name) != 0;
    if (!renamed || reply_type(reply_field(hash, "credential")) == REPLY_NIL) return CLI_OK;
    return cli_usage(r->cli, "account %s has a credential, and what is derived from its password depends on the name of the book: in book"
                     " '%s' the right password would be refused. Leave --book out, or take the credentials away before", name,
                     r->to.book.name);
}

static int carry_user(struct repartition *r, struct reply hash, const struct carried_account *account) {
    unsigned target = keys_partition(&r->to.book, account->name, strlen(account->name));
    begin_account(r, target, account->name);
    for (size_t n = 0; n + 1 < reply_count(hash); n += 2) add_field(r, reply_at(hash, n), reply_at(hash, n + 1));
    r->before.count[COUNT_accounts]++;
    r->before.sum[SUM_users][account->currency] += account->balance;
    r->before.sum[SUM_users_held][account->currency] += account->held;
    int code = check_credential(r, hash, account->name);
    if (!code) code = repartition_send(r);
    return code ? code : repartition_row(r, target, account);
}

/* --- merchants --- */

static void add_list(struct repartition *r, struct merged_text *text) {
    char *out = NULL;
    size_t size;
    FILE *list = open_memstream(&out, &size);
    if (!list) abort();
    fputs(text->text, list);
    for (unsigned p = 0; p < r->partitions; p++) fprintf(list, "%s%u", p ? "," : "", p);
    if (fclose(list) != 0 || !out) abort();
    command_copy(&r->to.command, text->name, strlen(text->name));
    command_copy(&r->to.command, out, size);
    free(out);
}

static int write_shard(struct repartition *r, unsigned partition, struct reply home, const struct carried_account *shard) {
    static const char *const own[] = {"kind", "currency", "status", "opened", "changed"};
    struct merged_text text;
    begin_account(r, partition, shard->name);
    for (size_t n = 0; n + 1 < reply_count(home); n += 2) {
        const char *name = reply_text(reply_at(home, n), NULL);
        bool shared = false, sum = strcmp(name, "balance") == 0 || strcmp(name, "held") == 0 || strcmp(name, "seq") == 0;
        for (size_t o = 0; o < sizeof own / sizeof own[0]; o++) shared = shared || strcmp(name, own[o]) == 0;
        bool wanted = shared || (partition == r->merged.home && !sum && !merged_is_field(name));
        if (wanted) add_field(r, reply_at(home, n), reply_at(home, n + 1));
    }
    add_number(r, "balance", shard->balance);
    add_number(r, "held", shard->held);
    add_number(r, "seq", (int64_t)shard->seq);
    for (size_t n = 0; merged_text_at(&r->merged, partition, n, &text); n++) {
        if (text.list) {
            add_list(r, &text);
            continue;
        }
        command_copy(&r->to.command, text.name, strlen(text.name));
        command_copy(&r->to.command, text.text, strlen(text.text));
    }
    int code = repartition_send(r);
    command_begin(&r->to.command, "SADD");
    repartition_key(&r->to, partition, "merchants", "");
    command_copy(&r->to.command, shard->name, strlen(shard->name));
    if (!code) code = repartition_send(r);
    return code ? code : repartition_row(r, partition, shard);
}

static const char *merge_shard(struct repartition *r, unsigned partition, struct reply hash, const char *merchant) {
    struct carried_account shard;
    const char *wrong = read_account(r, merchant, hash, &shard) ? NULL : "has no shard in one of the partitions";
    if (!wrong) wrong = merged_add(&r->merged, partition, shard.balance, shard.held, shard.seq);
    for (size_t n = 0; n + 1 < reply_count(hash) && !wrong; n += 2)
        wrong = merged_field(&r->merged, partition, reply_text(reply_at(hash, n), NULL), reply_text(reply_at(hash, n + 1), NULL));
    if (wrong) return wrong;
    r->before.sum[SUM_merchants][shard.currency] += shard.balance;
    r->before.sum[SUM_merchants_held][shard.currency] += shard.held;
    return NULL;
}

static int merchant_fault(struct repartition *r, const char *merchant, const char *wrong) {
    bool month = wrong[0] >= '0' && wrong[0] <= '9';
    cli_say(r->cli, "merchant %s: %s%s%.7s%s", merchant, wrong, month ? ": finish it with a worker running and `till settle --month " : "",
            month ? wrong : "", month ? "`, end the worker, then type it again" : "");
    return CLI_FOUND;
}

static int merge_shards(struct repartition *r, const char *merchant) {
    unsigned partitions = r->side.book.partitions, asked = 0;
    const char *wrong = NULL;
    int code = CLI_OK;
    for (unsigned p = 0; p < partitions; p++) {
        struct reply hash;
        for (; asked < partitions && asked - p < REPARTITION_AT_ONCE; asked++) {
            command_begin(&r->side.command, "HGETALL");
            repartition_key(&r->side, asked, "account:", merchant);
            redis_append(r->side.redis, &r->side.command);
        }
        if ((code = connect_next(&r->side, "reading the merchants", &hash))) return code;
        if (!wrong) wrong = merge_shard(r, p, hash, merchant);
    }
    if (!wrong) wrong = merged_finish(&r->merged);
    return wrong ? merchant_fault(r, merchant, wrong) : CLI_OK;
}

/* At its home's turn; `home` is its account there. */
static int carry_merchant(struct repartition *r, unsigned partition, struct reply home, const struct carried_account *account) {
    size_t size = strlen(account->name);
    if (keys_partition(&r->from.book, account->name, size) != partition) return CLI_OK;
    merged_begin(&r->merged, r->from.book.partitions, r->partitions, partition, keys_partition(&r->to.book, account->name, size));
    int code = merge_shards(r, account->name);
    for (unsigned q = 0; q < r->partitions && !code; q++) {
        const struct merged_shard *merged = &r->merged.shards[q];
        struct carried_account shard = *account;
        shard.balance = merged->balance;
        shard.held = merged->held;
        shard.seq = merged->seq;
        code = write_shard(r, q, home, &shard);
    }
    r->before.count[COUNT_merchants]++;
    return code;
}

/* --- system accounts --- */

static int carry_system(struct repartition *r, unsigned partition, struct fees *fees, const struct carried_account *account) {
    enum repartition_sum sum = behind(account->name, "@world:") ? SUM_world : behind(account->name, "@fees:") ? SUM_fees : SUM_transit;
    r->before.sum[sum][account->currency] += account->balance;
    if (sum == SUM_transit && !behind(account->name, "@transit:"))
        return cli_usage(r->cli, "account %s: this program does not know what it is for", account->name);
    if (sum != SUM_fees) return CLI_OK;
    struct fees *target = &fees[(size_t)(partition % r->partitions) * REPARTITION_CURRENCIES_MAX + account->currency];
    target->balance += account->balance;
    target->seq += account->seq;
    return CLI_OK;
}

static int write_fees(struct repartition *r, unsigned partition, unsigned currency, const struct fees *fees) {
    char name[16];
    snprintf(name, sizeof name, "@fees:%.3s", r->currency[currency]);
    struct carried_account account = {.name = name, .currency = currency, .balance = fees->balance, .seq = fees->seq};
    if (fees->seq == 0) return CLI_OK;
    begin_account(r, partition, name);
    command_word(&r->to.command, "kind");
    command_word(&r->to.command, "system");
    command_word(&r->to.command, "currency");
    command_copy(&r->to.command, r->currency[currency], 3);
    command_word(&r->to.command, "status");
    command_word(&r->to.command, "active");
    add_number(r, "balance", fees->balance);
    add_number(r, "held", 0);
    add_number(r, "seq", (int64_t)fees->seq);
    add_number(r, "opened", (int64_t)r->carried.ms);
    add_number(r, "changed", (int64_t)r->carried.ms);
    int code = repartition_send(r);
    return code ? code : repartition_row(r, partition, &account);
}

/* --- all --- */

static int carry(struct repartition *r, unsigned partition, const char *name, struct reply hash, struct fees *fees) {
    struct carried_account account;
    if (!read_account(r, name, hash, &account))
        return cli_usage(r->cli, "partition %u: account %s is none: see `till audit`", partition, name);
    if (name[0] == '@') return carry_system(r, partition, fees, &account);
    if (reply_is(reply_field(hash, "kind"), "merchant")) return carry_merchant(r, partition, hash, &account);
    return carry_user(r, hash, &account);
}

static int carry_partition(struct repartition *r, unsigned partition, const struct digest_list_of_names *list, struct fees *fees) {
    size_t asked = 0, taken = 0;
    int code = CLI_OK;
    while (taken < list->count && !code) {
        struct reply hash;
        for (; asked < list->count && asked - taken < KEPT_AT_ONCE; asked++) {
            if (!behind(list->names[asked], "account:")) continue;
            command_begin(&r->from.command, "HGETALL");
            repartition_key(&r->from, partition, list->names[asked], "");
            redis_append(r->from.redis, &r->from.command);
        }
        const char *name = list->names[taken++];
        if (!behind(name, "account:")) continue;
        code = connect_next(&r->from, "reading the accounts", &hash);
        if (!code) code = carry(r, partition, name + strlen("account:"), hash, fees);
        progress_add(&r->progress, 1);
    }
    return code;
}

int repartition_accounts(struct repartition *r) {
    struct fees *fees = calloc((size_t)r->partitions * REPARTITION_CURRENCIES_MAX, sizeof *fees);
    int code = CLI_OK;
    if (!fees) abort();
    for (unsigned p = 0; p < r->from.book.partitions && !code; p++) {
        struct digest_list_of_names list;
        if (!digest_names_of(&r->names, p, &list)) code = cli_usage(r->cli, "cannot read a temporary file: %s", strerror(errno));
        if (!code) code = carry_partition(r, p, &list, fees);
        digest_names_free(&list);
    }
    for (unsigned p = 0; p < r->partitions && !code; p++)
        for (unsigned n = 0; n < r->currency_count && !code; n++)
            code = write_fees(r, p, n, &fees[(size_t)p * REPARTITION_CURRENCIES_MAX + n]);
    free(fees);
    return code ? code : repartition_rows_finish(r);
}
