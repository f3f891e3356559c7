/* The table of all commands, and the page that lists them. */
#include "producer/cli/commands.h"

#include <stdio.h>
#include <string.h>

#include "config/suggest.h"
#include "producer/cli/cmd_intent.h"

static const char *const group_title[CLI_GROUP_COUNT] =
    {[CLI_MONEY] = "Money", [CLI_ACCOUNTS] = "Accounts", [CLI_SHOP] = "Shop", [CLI_LOOK] = "Look", [CLI_OPERATE] = "Operate"};

static const struct cli_command *const table[] = {&cmd_chaos, &cmd_send,  &cmd_watch, &cmd_account, &cmd_bill,   &cmd_ledger, &cmd_status,
                                                  &cmd_audit, &cmd_dead,  &cmd_accept_loss, &cmd_doctor, &cmd_acl, &cmd_config, &cmd_id,
                                                  &cmd_archive, &cmd_reconcile, &cmd_settle, &cmd_orders, &cmd_articles, &cmd_digest,
                                                  &cmd_replay, &cmd_bench,
                                                  &cmd_pause, &cmd_resume, &cmd_drain, &cmd_repartition, &cmd_bulk};

enum { TABLE_COUNT = sizeof table / sizeof table[0] };

/* All commands one after the other, those that send one intent first. NULL behind the last. */
static const struct cli_command *command_at(size_t place) {
    if (place < cmd_intent_count()) return cmd_intent_at(place);
    place -= cmd_intent_count();
    return place < TABLE_COUNT ? table[place] : NULL;
}

const struct cli_command *commands_find(const char *name) {
    const struct cli_command *c;
    for (size_t n = 0; (c = command_at(n)); n++)
        if (strcmp(c->name, name) == 0) return c;
    return NULL;
}

const char *commands_suggest(const char *name) {
    const struct cli_command *c;
    struct suggest suggest;
    suggest_init(&suggest, name);
    for (size_t n = 0; (c = command_at(n)); n++) suggest_offer(&suggest, c->name);
    return suggest_best(&suggest);
}

void commands_print(void) {
    puts("Usage: till COMMAND [OPTION]...\n\nPayment intents in, answers out, money moved exactly once.");
    for (int group = 0; group < CLI_GROUP_COUNT; group++) {
        const struct cli_command *c;
        printf("\n%s\n", group_title[group]);
        for (size_t n = 0; (c = command_at(n)); n++)
            if ((int)c->group == group) printf("  %-12s %s\n", c->name, c->summary);
    }
    puts("\nOf every command\n"
         "  -c, --config FILE  the configuration; else TILL_CONFIG, config/till.yaml, /etc/till/till.yaml, built-in defaults\n"
         "      --json         for programs\n"
         "  -h, --help         what it does, with examples\n"
         "\nExit codes: 0; 1 something was found or refused; 100 usage or configuration; 111 Redis not reachable.\n"
         "\nExamples\n"
         "  till open --account alice --kind user --currency CNY\n"
         "  till topup --account alice --amount 10000 --currency CNY\n"
         "  till pay --source shop --key k1 --account alice --to coffee --amount 1999 --currency CNY\n"
         "  till audit");
}
