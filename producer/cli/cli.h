/* What a command of `till` is, and what it gets to work with. One file per command; the table of all is in commands.c.
 *
 *     main -> commands_find -> args_read -> command->run -> exit code
 */
#ifndef CLI_CLI_H
#define CLI_CLI_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "schema/intent.h"

/* Exit codes of every command. */
enum { CLI_OK = 0, CLI_FOUND = 1, CLI_USAGE = 100, CLI_UNREACHABLE = 111 };

enum { CLI_OPTIONS_MAX = 40, CLI_REPEATED_MAX = 256 };

enum cli_group { CLI_MONEY, CLI_ACCOUNTS, CLI_SHOP, CLI_LOOK, CLI_OPERATE, CLI_GROUP_COUNT };

struct cli_option {
    const char *name;     /* as on the command line, without the dashes; NULL ends a list */
    char letter;          /* short form, 0: none */
    const char *argument; /* what it takes, for the help; NULL: a flag; one that ends with " ..." may be given more than once */
    const char *help;
};

struct cli;

struct cli_command {
    const char *name;
    enum cli_group group;
    const char *summary;  /* one line */
    const char *operands; /* "[FILE|-]" for the help; "" none */
    int operands_min, operands_max;
    const struct cli_option *options; /* ended by a NULL name; NULL: only the common ones */
    const char *about;                /* paragraphs below the summary, "" none */
    const char *examples;             /* lines that run */
    enum op op;                       /* of the intent commands, OP_NONE of others */
    int (*run)(struct cli *cli);      /* gives the exit code */
};

/* One call of a command. */
struct cli {
    const struct cli_command *command;
    const char *value[CLI_OPTIONS_MAX]; /* by place in command->options; NULL: not given, "" for a flag */
    const char *repeated[CLI_REPEATED_MAX]; /* all values of the option that may be given more than once; a command has at most one */
    int repeated_count;
    char **operands;
    int operand_count;
    const char *config_path; /* --config, or NULL */
    bool json;
    char *said; /* what is said goes here, the last one only, instead of to stderr; NULL: to stderr */
    size_t said_size;
};

/* Says on stderr "till COMMAND: ..." with a newline; returns CLI_USAGE, for `return cli_usage(...)`. cli_say returns nothing. */
int cli_usage(const struct cli *cli, const char *format, ...) __attribute__((format(printf, 2, 3)));
void cli_say(const struct cli *cli, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
