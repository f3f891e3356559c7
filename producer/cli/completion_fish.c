/* Completion for fish: a line for each command and each option. */
#include <stdio.h>

#include "producer/cli/args.h"
#include "producer/cli/commands.h"
#include "producer/cli/completion.h"

static void print_quoted(const char *text) {
    putchar('\'');
    for (; *text; text++) {
        if (*text == '\'' || *text == '\\') putchar('\\');
        putchar(*text);
    }
    putchar('\'');
}

/* -F: files; -x: a value, no files. */
static void print_value(const char *argument) {
    struct completion value;
    completion_of(argument, &value);
    printf(value.files ? " -r -F" : " -x");
    if (*value.words) printf(" -a '%s'", value.words);
}

/* command NULL: of every one. */
static void print_options(const char *command, const struct cli_option *options) {
    for (; options && options->name; options++) {
        printf("complete -c till");
        if (command) printf(" -n '__fish_seen_subcommand_from %s'", command);
        printf(" -l %s", options->name);
        if (options->letter) printf(" -s %c", options->letter);
        if (options->argument) print_value(options->argument);
        printf(" -d ");
        print_quoted(options->help);
        putchar('\n');
    }
}

static void print_command(const struct cli_command *c) {
    struct completion operands;
    completion_of(c->operands, &operands);
    printf("complete -c till -n __fish_use_subcommand -a %s -d ", c->name);
    print_quoted(c->summary);
    putchar('\n');
    if (*operands.words) printf("complete -c till -n '__fish_seen_subcommand_from %s' -a '%s'\n", c->name, operands.words);
    if (operands.files) printf("complete -c till -n '__fish_seen_subcommand_from %s' -F\n", c->name);
    print_options(c->name, c->options);
}

void completion_fish(void) {
    const struct cli_command *c;
    puts("# fish completion for till: what `till completion fish` prints, from the tables that its help is made of.\n"
         "complete -c till -f\n"
         "complete -c till -n __fish_use_subcommand -l version -d 'the version'\n"
         "complete -c till -n __fish_use_subcommand -a help -d 'tells what a command does'");
    for (size_t n = 0; (c = commands_at(n)); n++) {
        print_command(c);
        printf("complete -c till -n '__fish_seen_subcommand_from help' -a %s\n", c->name);
    }
    print_options(NULL, args_common_options());
}
