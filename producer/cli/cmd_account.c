/* `till account`: what an account holds now. */
#include <stdio.h>

#include "config/units.h"
#include "producer/cli/account_out.h"
#include "producer/cli/commands.h"
#include "producer/cli/connect.h"
#include "producer/cli/json_out.h"
#include "producer/cli/table.h"
#include "producer/cli/when.h"

enum { OPTION_SHARDS };

static void print_rules(const struct till_rules *r, bool locked) {
    char until[WHEN_TEXT_SIZE], per[UNITS_SHOW_MAX];
    when_format(r->lock_until_ms, until);
    units_show_duration(r->limit_per_ms, per);
    if (r->has_credential) puts("signed     debits need the account's password");
    if (locked) printf("locked     %s%s\n", r->lock_until_ms ? "until " : "until it is unlocked", r->lock_until_ms ? until : "");
    if (r->limit_payments) printf("limit      %llu payments in %s\n", (unsigned long long)r->limit_payments, per);
}

static void print_lines(const struct till_account *a) {
    char opened[WHEN_TEXT_SIZE], changed[WHEN_TEXT_SIZE];
    when_format(a->opened_ms, opened);
    when_format(a->changed_ms, changed);
    printf("account    %s\nkind       %s\nstatus     %s\nbalance    %lld %s\n", a->id, a->kind, a->status, (long long)a->balance_minor,
           a->currency);
    if (a->held_minor)
        printf("held       %lld %s\navailable  %lld %s\n", (long long)a->held_minor, a->currency,
               (long long)(a->balance_minor - a->held_minor), a->currency);
    printf("opened     %s\nchanged    %s\npartition  %u\n", opened, changed, a->partition);
    if (a->shards > 1) printf("shards     %u\n", a->shards);
}

static int print_shards(struct cli *cli, struct till *till, const struct till_account *sum, json_t *object) {
    static const struct table_column columns[] = {{"PARTITION", true}, {"STATUS", false}, {"BALANCE", true},
                                                  {"HELD", true},      {"SEQ", true},     {NULL, false}};
    struct till_account shard;
    struct table table;
    json_t *list = json_out_array();
    int code = TILL_OK;
    table_init(&table, columns);
    for (unsigned p = 0; p < till_partitions(till); p++) {
        code = till_account_shard(till, sum->id, p, &shard);
        if (code == TILL_NOT_FOUND) continue;
        if (code != TILL_OK) break;
        shard.partition = p; /* the library tells the account's home */
        json_out_append(list, account_json(&shard, NULL));
        table_add_number(&table, true, p);
        table_add(&table, shard.status);
        table_add_number(&table, true, shard.balance_minor);
        table_add_number(&table, true, shard.held_minor);
        table_add_number(&table, true, (int64_t)shard.seq);
    }
    if (code == TILL_NOT_FOUND) code = TILL_OK;
    if (!cli->json && code == TILL_OK) {
        putchar('\n');
        table_flush(&table);
    }
    json_out_value(object, "by_partition", list);
    table_clear(&table);
    return code;
}

static int show(struct cli *cli, struct till *till, const struct till_account *account, const struct till_rules *rules) {
    json_t *object = account_json(account, rules);
    int code = CLI_OK, found = TILL_OK;
    if (!cli->json) {
        print_lines(account);
        print_rules(rules, account_is_locked(rules));
    }
    if (cli->value[OPTION_SHARDS]) found = print_shards(cli, till, account, object);
    if (found != TILL_OK) code = connect_till_failed(cli, till, found, "reading the shards");
    if (cli->json && !code) json_out(object);
    else json_decref(object);
    return code;
}

static int run(struct cli *cli) {
    struct till *till;
    struct till_account account;
    struct till_rules rules = {0};
    const char *id = cli->operands[0];
    int code = connect_till(cli, NULL, &till);
    if (code) goto out;
    int found = till_account(till, id, &account);
    if (found == TILL_OK && *id != '@') found = till_account_rules(till, id, &rules);
    if (found == TILL_OK) {
        code = show(cli, till, &account, &rules);
    } else if (found == TILL_NOT_FOUND) {
        cli_say(cli, "there is no account '%s'", id);
        code = CLI_FOUND;
    } else {
        code = connect_till_failed(cli, till, found, "reading the account");
    }
out:
    till_close(till);
    return code;
}

static const struct cli_option options[] = {{"shards", 0, NULL, "a merchant's part in each partition, too"}, {0}};

const struct cli_command cmd_account = {
    .name = "account",
    .group = CLI_LOOK,
    .summary = "shows what an account holds now",
    .operands = "ID",
    .operands_min = 1,
    .operands_max = 1,
    .options = options,
    .about = "A merchant is the sum of its shards, one in each partition, read one after the other. @world:CUR is\n"
             "what entered and left the book. Of a credential and a lock only that they are there is shown.\n"
             "Exit code 1 when there is no such account.",
    .examples = "  till account alice\n  till account coffee --shards --json",
    .run = run,
};
