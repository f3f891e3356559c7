/* What a command tells on stderr: one line, its own name first. */
#include <stdarg.h>
#include <stdio.h>

#include "producer/cli/cli.h"

static void say(const struct cli *cli, const char *format, va_list arguments) __attribute__((format(printf, 2, 0)));

static void say(const struct cli *cli, const char *format, va_list arguments) {
    if (cli->said) {
        vsnprintf(cli->said, cli->said_size, format, arguments);
        return;
    }
    fflush(stdout); /* what was printed before comes before */
    fprintf(stderr, "till%s%s: ", cli->command ? " " : "", cli->command ? cli->command->name : "");
    vfprintf(stderr, format, arguments);
    fputc('\n', stderr);
}

int cli_usage(const struct cli *cli, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    say(cli, format, arguments);
    va_end(arguments);
    return CLI_USAGE;
}

void cli_say(const struct cli *cli, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    say(cli, format, arguments);
    va_end(arguments);
}
