/* The table of all commands: a new command is a new file and one line in commands.c. */
#ifndef CLI_COMMANDS_H
#define CLI_COMMANDS_H

#include <stddef.h>

#include "producer/cli/cli.h"

/* All commands one after the other, those that send one intent first. NULL behind the last. */
const struct cli_command *commands_at(size_t place);
/* The command of this name, or NULL. */
const struct cli_command *commands_find(const char *name);
/* The nearest known name to a mistyped one, or NULL. */
const char *commands_suggest(const char *name);
/* `till --help`: all commands, a line each, in groups. */
void commands_print(void);

/* What that page says besides, and till(1). */
extern const char *const commands_group[CLI_GROUP_COUNT];
extern const char commands_about[], commands_exit_codes[], commands_examples[];

extern const struct cli_command cmd_bench;
extern const struct cli_command cmd_top;
extern const struct cli_command cmd_chaos;
extern const struct cli_command cmd_send, cmd_watch, cmd_account, cmd_bill, cmd_ledger, cmd_status, cmd_dead, cmd_audit, cmd_id, cmd_config,
    cmd_doctor, cmd_bulk, cmd_accept_loss, cmd_acl, cmd_archive, cmd_reconcile, cmd_settle, cmd_orders, cmd_articles, cmd_digest,
    cmd_replay, cmd_pause, cmd_resume, cmd_drain, cmd_repartition, cmd_completion, cmd_gateway, cmd_repair;

#endif
