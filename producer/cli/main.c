/* `till`: finds the command, reads its arguments, runs it. */
#include <locale.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "producer/cli/args.h"
#include "producer/cli/commands.h"

static int unknown(const char *name) {
    struct cli cli = {0};
    const char *near = commands_suggest(name);
    if (near) return cli_usage(&cli, "no command '%s'; did you mean '%s'?", name, near);
    return cli_usage(&cli, "no command '%s'; `till --help` lists all", name);
}

/* `till`, `till --help`, `till help COMMAND`, `till --version`; -1 when it is none of these. */
static int without_command(int argc, char **argv) {
    if (argc < 2) {
        struct cli cli = {0};
        return cli_usage(&cli, "which command? `till --help` lists all");
    }
    if (strcmp(argv[1], "--version") == 0 || strcmp(argv[1], "-V") == 0) {
        puts("till " TILL_VERSION);
        return CLI_OK;
    }
    bool help = strcmp(argv[1], "help") == 0;
    if (!help && strcmp(argv[1], "--help") != 0 && strcmp(argv[1], "-h") != 0) return -1;
    if (argc == 2) {
        commands_print();
        return CLI_OK;
    }
    const struct cli_command *command = commands_find(argv[2]);
    if (!command) return unknown(argv[2]);
    args_print_help(command);
    return CLI_OK;
}

/* Options every command takes may stand in front of it too: `till -c FILE status`. Puts the command first. */
static void command_first(int argc, char **argv) {
    int n = 1;
    while (n < argc && argv[n][0] == '-') n += strcmp(argv[n], "-c") == 0 || strcmp(argv[n], "--config") == 0 ? 2 : 1;
    if (n == 1 || n >= argc) return;
    char *name = argv[n];
    memmove(argv + 2, argv + 1, (size_t)(n - 1) * sizeof *argv);
    argv[1] = name;
}

int main(int argc, char **argv) {
    struct cli cli = {0};
    int code = without_command(argc, argv);
    if (code >= 0) return code;
    command_first(argc, argv);
    setlocale(LC_CTYPE, "");
    signal(SIGPIPE, SIG_DFL); /* `till ledger | head` ends quietly */
    cli.command = commands_find(argv[1]);
    if (!cli.command) return unknown(argv[1]);
    code = args_read(&cli, argc - 1, argv + 1);
    if (code >= 0) return code;
    code = cli.command->run(&cli);
    if (fflush(stdout) != 0 || ferror(stdout)) {
        cli_say(&cli, "could not write all of the output");
        return code ? code : CLI_FOUND;
    }
    return code;
}
