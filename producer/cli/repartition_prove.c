/* Is the new book what the old one was? Read back from Redis, whole: as many of everything, the same sums, and by the audit. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "producer/cli/audit.h"
#include "producer/cli/repartition.h"

enum { KEPT_AT_ONCE = 300 };

static const char *const count_words[COUNT_COUNT] = {
    [COUNT_accounts] = "accounts", [COUNT_merchants] = "merchants", [COUNT_bills] = "bill records", [COUNT_orders] = "orders",
    [COUNT_articles] = "articles", [COUNT_due] = "members that fall due", [COUNT_scheduled] = "intents put off",
    [COUNT_answers] = "entries of answers", [COUNT_dead] = "dead entries", [COUNT_discarded] = "discarded entries"};
static const char *const sum_words[SUM_COUNT] = {
    [SUM_users] = "users and apps have", [SUM_users_held] = "users and apps hold", [SUM_merchants] = "merchants have",
    [SUM_merchants_held] = "merchants hold", [SUM_world] = "@world has", [SUM_fees] = "@fees has", [SUM_transit] = "@transit has"};

/* What is counted by the length of a key. */
static const struct {
    const char *word, *command;
    enum repartition_count count;
} sized[] = {{"bills:", "HLEN", COUNT_bills},       {"due", "ZCARD", COUNT_due},        {"scheduled", "HLEN", COUNT_scheduled},
             {"responses:", "XLEN", COUNT_answers}, {"dead", "XLEN", COUNT_dead},       {"discarded", "XLEN", COUNT_discarded},
             {"order:", "EXISTS", COUNT_orders},    {"sku:", "EXISTS", COUNT_articles}};

static int kind_of(const char *name) {
    for (size_t n = 0; n < sizeof sized / sizeof sized[0]; n++) {
        size_t size = strlen(sized[n].word);
        bool prefix = sized[n].word[size - 1] == ':';
        if (prefix ? strncmp(name, sized[n].word, size) == 0 : strcmp(name, sized[n].word) == 0) return (int)n;
    }
    return -1;
}

static void append_question(struct repartition *r, unsigned partition, const char *name) {
    int kind = kind_of(name);
    bool account = strncmp(name, "account:", 8) == 0;
    command_begin(&r->to.command, account ? "HMGET" : kind < 0 ? "EXISTS" : sized[kind].command);
    repartition_key(&r->to, partition, name, "");
    if (account) {
        command_word(&r->to.command, "kind");
        command_word(&r->to.command, "currency");
        command_word(&r->to.command, "balance");
        command_word(&r->to.command, "held");
    }
    redis_append(r->to.redis, &r->to.command);
}

static void take_account(struct repartition *r, unsigned partition, const char *name, struct reply account) {
    struct repartition_tally *t = &r->after;
    size_t size;
    const char *text = reply_text(reply_at(account, 1), &size);
    unsigned currency = repartition_currency(r, text, size);
    bool merchant = reply_is(reply_at(account, 0), "merchant");
    int64_t balance = reply_integer(reply_at(account, 2)), held = reply_integer(reply_at(account, 3));
    if (name[0] == '@') {
        enum repartition_sum sum = strncmp(name, "@world:", 7) == 0 ? SUM_world : strncmp(name, "@fees:", 6) == 0 ? SUM_fees : SUM_transit;
        t->sum[sum][currency] += balance;
        return;
    }
    bool home = keys_partition(&r->to.book, name, strlen(name)) == partition;
    t->sum[merchant ? SUM_merchants : SUM_users][currency] += balance;
    t->sum[merchant ? SUM_merchants_held : SUM_users_held][currency] += held;
    t->count[merchant ? COUNT_merchants : COUNT_accounts] += home;
}

static int count_partition(struct repartition *r, unsigned partition, const struct digest_list_of_names *list) {
    size_t asked = 0;
    for (size_t n = 0; n < list->count; n++) {
        struct reply reply;
        for (; asked < list->count && asked - n < KEPT_AT_ONCE; asked++) append_question(r, partition, list->names[asked]);
        int code = connect_next(&r->to, "reading the new book", &reply), kind = kind_of(list->names[n]);
        if (code) return code;
        if (strncmp(list->names[n], "account:", 8) == 0) take_account(r, partition, list->names[n] + 8, reply);
        else if (kind >= 0) r->after.count[sized[kind].count] += (uint64_t)reply_integer(reply);
        progress_add(&r->progress, 1);
    }
    return CLI_OK;
}

static int count_all(struct repartition *r) {
    struct digest_names names;
    bool wanted[KEYS_PARTITIONS_MAX];
    memset(wanted, true, sizeof wanted);
    int code = digest_names_scan(&names, &r->to, wanted);
    for (unsigned q = 0; q < r->partitions && !code; q++) {
        struct digest_list_of_names list;
        if (!digest_names_of(&names, q, &list)) code = cli_usage(r->cli, "cannot read a temporary file: %s", strerror(errno));
        if (!code) code = count_partition(r, q, &list);
        digest_names_free(&list);
    }
    digest_names_clear(&names);
    return code;
}

static int compare(struct repartition *r) {
    int code = CLI_OK;
    for (unsigned n = 0; n < COUNT_COUNT; n++) {
        uint64_t wanted = r->before.count[n] - (n == COUNT_bills ? r->repeated : 0);
        if (wanted == r->after.count[n]) continue;
        cli_say(r->cli, "the old book has %" PRIu64 " %s, the new one %" PRIu64, wanted, count_words[n], r->after.count[n]);
        code = CLI_FOUND;
    }
    for (unsigned sum = 0; sum < SUM_COUNT; sum++)
        for (unsigned n = 0; n < r->currency_count; n++) {
            if (r->before.sum[sum][n] == r->after.sum[sum][n]) continue;
            cli_say(r->cli, "in the old book %s %.0Lf %.3s, in the new one %.0Lf", sum_words[sum], (long double)r->before.sum[sum][n],
                    r->currency[n], (long double)r->after.sum[sum][n]);
            code = CLI_FOUND;
        }
    return code;
}

int repartition_audit(struct repartition *r, struct connection *c, const char *which) {
    struct audit *audit = calloc(1, sizeof *audit);
    if (!audit) abort();
    audit_init(audit, c, 0, c->book.partitions - 1);
    int code = audit_run(audit);
    for (unsigned n = 0; !code && n < audit->found && n < AUDIT_SHOWN_MAX; n++)
        cli_say(r->cli, "the %s book is not sound: partition %u: %s", which, audit->finding[n].partition, audit->finding[n].text);
    uint64_t under_way = audit->in_flight + audit->settling + audit->paying + audit->sweeping;
    if (!code && audit->found) code = CLI_FOUND;
    else if (!code && under_way) {
        cli_say(r->cli, "%" PRIu64 " transfers, payments of orders or settled months are under way: start a worker until `till audit` shows"
                        " none, put back what would go on with them if it is dead (`till dead list`), then type it again", under_way);
        code = CLI_FOUND;
    }
    audit_close(audit);
    free(audit);
    return code;
}

int repartition_prove(struct repartition *r) {
    progress_start(&r->progress, "keys of the new book", 0);
    int code = count_all(r);
    progress_end(&r->progress);
    if (!code) code = compare(r);
    return code ? code : repartition_audit(r, &r->to, "new");
}
