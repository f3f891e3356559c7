/* `till completion`: what makes a shell complete commands, options and their values. */
#include <string.h>

#include "producer/cli/commands.h"
#include "producer/cli/completion.h"

static int run(struct cli *cli) {
    static const struct { const char *shell; void (*print)(void); } shells[] = {
        {"bash", completion_bash}, {"zsh", completion_zsh}, {"fish", completion_fish}};
    for (size_t n = 0; n < sizeof shells / sizeof shells[0]; n++) {
        if (strcmp(cli->operands[0], shells[n].shell) != 0) continue;
        shells[n].print();
        return CLI_OK;
    }
    return cli_usage(cli, "%s: there is completion for bash, zsh and fish", cli->operands[0]);
}

const struct cli_command cmd_completion = {
    .name = "completion",
    .group = CLI_OPERATE,
    .summary = "prints completion for a shell",
    .operands = "bash|zsh|fish",
    .operands_min = 1,
    .operands_max = 1,
    .about = "Packages install it; without them a line in .bashrc does.",
    .examples = "  . <(till completion bash)\n  till completion zsh >~/.zfunc/_till\n"
                "  till completion fish >~/.config/fish/completions/till.fish",
    .run = run,
};
