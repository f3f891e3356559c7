/* The table of all commands, and the page that lists them. */
#include "producer/cli/commands.h"

#include <stdio.h>
#include <string.h>

#include "config/suggest.h"
#include "producer/cli/args.h"
#include "producer/cli/cmd_intent.h"

const char *const commands_group[CLI_GROUP_COUNT] =
    {[CLI_MONEY] = "Money", [CLI_ACCOUNTS] = "Accounts", [CLI_SHOP] = "Shop", [CLI_LOOK] = "Look", [CLI_OPERATE] = "Operate"};

const char commands_about[] = "Payment intents in, answers out, money moved exactly once.";
const char commands_exit_codes[] = "0; 1 something was found or refused; 100 usage or configuration; 111 Redis not reachable.";
const char commands_examples[] = "  till open --account alice --kind user --currency CNY\n"
                                 "  till topup --account alice --amount 10000 --currency CNY\n"
                                 "  till pay --source shop --key k1 --account alice --to coffee --amount 1999 --currency CNY\n"
                                 "  till audit";

static const struct cli_command *const table[] = {&cmd_chaos, &cmd_send,  &cmd_watch, &cmd_account, &cmd_bill,   &cmd_ledger, &cmd_status,
                                                  &cmd_audit, &cmd_dead,  &cmd_accept_loss, &cmd_doctor, &cmd_acl, &cmd_config, &cmd_id,
                                                  &cmd_archive, &cmd_reconcile, &cmd_settle, &cmd_orders, &cmd_articles, &cmd_digest,
                                                  &cmd_replay, &cmd_bench,
                                                  &cmd_pause, &cmd_resume, &cmd_drain, &cmd_repartition, &cmd_repair, &cmd_bulk,
                                                  &cmd_completion, &cmd_gateway, &cmd_top};

enum { TABLE_COUNT = sizeof table / sizeof table[0] };

const struct cli_command *commands_at(size_t place) {
    if (place < cmd_intent_count()) return cmd_intent_at(place);
    place -= cmd_intent_count();
    return place < TABLE_COUNT ? table[place] : NULL;
}

const struct cli_command *commands_find(const char *name) {
    const struct cli_command *c;
    for (size_t n = 0; (c = commands_at(n)); n++)
        if (strcmp(c->name, name) == 0) return c;
    return NULL;
}

const char *commands_suggest(const char *name) {
    const struct cli_command *c;
    struct suggest suggest;
    suggest_init(&suggest, name);
    for (size_t n = 0; (c = commands_at(n)); n++) suggest_offer(&suggest, c->name);
    return suggest_best(&suggest);
}

void commands_print(void) {
    printf("Usage: till COMMAND [OPTION]...\n\n%s\n", commands_about);
    for (int group = 0; group < CLI_GROUP_COUNT; group++) {
        const struct cli_command *c;
        printf("\n%s\n", commands_group[group]);
        for (size_t n = 0; (c = commands_at(n)); n++)
            if ((int)c->group == group) printf("  %-12s %s\n", c->name, c->summary);
    }
    puts("\nOf every command");
    args_print_options(args_common_options());
    printf("\nExit codes: %s\n\nExamples\n%s\n", commands_exit_codes, commands_examples);
}
