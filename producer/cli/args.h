/* The arguments of a command: getopt_long over its table of options, and its help made from the same table. */
#ifndef CLI_ARGS_H
#define CLI_ARGS_H

#include <stdint.h>

#include "producer/cli/cli.h"

/* Fills `cli` (its command is set) from the arguments behind the program's name. -1: run it; else the exit code, everything being said. An
 * underscore in an option's name counts as a dash, so that the wire's names are accepted as they are. */
int args_read(struct cli *cli, int argc, char **argv);
void args_print_help(const struct cli_command *command);
/* Those that every command takes; ended by a NULL name. */
const struct cli_option *args_common_options(void);
/* A line or two each, as --help shows them. */
void args_print_options(const struct cli_option *options);

/* A number among the options: `*number` keeps its value when the option was not given. False, and said, when it is none or out of range. */
bool args_number(const struct cli *cli, unsigned option, uint64_t min, uint64_t max, uint64_t *number);
/* --timeout, an option of a command that waits: up to 24 h. `*timeout_ms` keeps its value when it was not given. False, and said. */
bool args_timeout(const struct cli *cli, unsigned option, int64_t *timeout_ms);
/* Digits only, up to 2^64 - 1. */
bool args_parse_number(const char *text, uint64_t *number);

#endif
