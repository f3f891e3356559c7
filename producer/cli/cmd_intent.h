/* The commands that send one intent: `till pay`, `till open`, ... one for each operation of schema/op.def that a client may send. */
#ifndef CLI_CMD_INTENT_H
#define CLI_CMD_INTENT_H

#include <stddef.h>

#include "producer/cli/cli.h"

size_t cmd_intent_count(void);
const struct cli_command *cmd_intent_at(size_t place);

#endif
