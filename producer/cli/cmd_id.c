/* `till id`: idempotency keys for those who have none of their own. */
#include <stdio.h>

#include "producer/cli/args.h"
#include "producer/cli/commands.h"
#include "producer/cli/json_out.h"
#include "producer/till.h"

enum { OPTION_COUNT };

static int run(struct cli *cli) {
    uint64_t count = 1;
    char key[TILL_UUID_SIZE];
    if (!args_number(cli, OPTION_COUNT, 1, 1000000, &count)) return CLI_USAGE;
    for (; count > 0; count--) {
        till_key(key);
        if (cli->json) json_out(json_out_string(key, TILL_UUID_SIZE - 1));
        else puts(key);
    }
    return CLI_OK;
}

static const struct cli_option options[] = {{"count", 'n', "N", "how many, default 1"}, {0}};

const struct cli_command cmd_id = {
    .name = "id",
    .group = CLI_OPERATE,
    .summary = "makes idempotency keys (UUIDv7)",
    .operands = "",
    .options = options,
    .about = "Needs no Redis. A key sorts behind those made in an earlier millisecond.",
    .examples = "  till id\n  till id -n 3 --json",
    .run = run,
};
