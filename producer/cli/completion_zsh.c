/* Completion for zsh, by its _arguments and _describe. */
#include <stdio.h>
#include <string.h>

#include "producer/cli/args.h"
#include "producer/cli/commands.h"
#include "producer/cli/completion.h"

/* Inside single quotes; a backslash before what means something to _arguments. */
static void print_quoted(const char *text) {
    for (; *text; text++) {
        if (*text == '\'') printf("'\\''");
        else printf("%s%c", strchr("[]:\\", *text) ? "\\" : "", *text);
    }
}

static void print_value(const char *argument) {
    struct completion value;
    completion_of(argument, &value);
    putchar(':');
    print_quoted(argument);
    putchar(':');
    if (*value.words && value.files) printf("_alternative \"words\\:word\\:(%s)\" \"files\\:file\\:_files\"", value.words);
    else if (*value.words) printf("(%s)", value.words);
    else if (value.files) printf("_files");
    else putchar(' ');
}

static void print_options(const struct cli_option *options) {
    for (; options && options->name; options++) {
        size_t size = options->argument ? strlen(options->argument) : 0;
        bool repeats = size > 4 && strcmp(options->argument + size - 4, " ...") == 0;
        printf(" \\\n            '%s", repeats ? "*" : "");
        if (options->letter) printf("'{-%c,--%s}'", options->letter, options->name);
        else printf("--%s", options->name);
        putchar('[');
        print_quoted(options->help);
        putchar(']');
        if (options->argument) print_value(options->argument);
        putchar('\'');
    }
}

static void print_command(const struct cli_command *c) {
    printf("    %s)\n        _arguments", c->name);
    print_options(c->options);
    print_options(args_common_options());
    if (*c->operands) {
        printf(" \\\n            '*");
        print_value(c->operands);
        putchar('\'');
    }
    puts(" ;;");
}

void completion_zsh(void) {
    const struct cli_command *c;
    puts("#compdef till\n"
         "# zsh completion for till: what `till completion zsh` prints, from the tables that its help is made of.\n"
         "local -a commands\n"
         "commands=(");
    for (size_t n = 0; (c = commands_at(n)); n++) {
        printf("    '%s:", c->name);
        print_quoted(c->summary);
        puts("'");
    }
    printf("    'help:tells what a command does'\n"
           ")\n"
           "local curcontext=$curcontext state\n"
           "_arguments -C");
    print_options(args_common_options());
    puts(" \\\n"
         "            '--version[the version]' \\\n"
         "            '1: :->command' \\\n"
         "            '*:: :->rest'\n"
         "if [[ $state == command || $state == rest && $words[1] == help ]]; then\n"
         "    _describe command commands\n"
         "    return\n"
         "fi\n"
         "[[ $state == rest ]] || return\n"
         "case $words[1] in");
    for (size_t n = 0; (c = commands_at(n)); n++) print_command(c);
    puts("esac");
}
