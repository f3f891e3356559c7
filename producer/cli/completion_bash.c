/* Completion for bash: one function with two tables, of what a command takes and of what an option's value may be. */
#include <stdio.h>

#include "producer/cli/args.h"
#include "producer/cli/commands.h"
#include "producer/cli/completion.h"

static void print_names(const struct cli_option *options) {
    for (; options && options->name; options++) {
        printf(" --%s", options->name);
        if (options->letter) printf(" -%c", options->letter);
    }
}

static void print_commands(void) {
    const struct cli_command *c;
    for (size_t n = 0; (c = commands_at(n)); n++) printf("%s%s", n ? " " : "", c->name);
}

static void print_command(const struct cli_command *c) {
    struct completion operands;
    completion_of(c->operands, &operands);
    printf("    %s)\n        options=\"", c->name);
    print_names(c->options);
    printf("\"");
    if (*operands.words) printf(" words=\"%s\"", operands.words);
    if (operands.files) printf(" files=yes");
    puts(" ;;");
}

/* "pay:--amount", or for an option of every command "*:--config". */
static void print_pattern(const char *command, const struct cli_option *o) {
    printf("    %s:--%s", command, o->name);
    if (o->letter) printf(" | %s:-%c", command, o->letter);
    printf(") ");
}

static void print_values(const char *command, const struct cli_option *options) {
    for (; options && options->name; options++) {
        struct completion value;
        if (!options->argument) continue;
        completion_of(options->argument, &value);
        print_pattern(command, options);
        printf("options= words=\"%s\" files=%s ;;\n", value.words, value.files ? "yes" : "");
    }
}

void completion_bash(void) {
    const struct cli_command *c;
    fputs("# bash completion for till: what `till completion bash` prints, from the tables that its help is made of.\n"
          "_till() {\n"
          "    local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]} command= options= words= files= n\n"
          "    for ((n = 1; n < COMP_CWORD; n++)); do\n"
          "        case ${COMP_WORDS[n]} in\n"
          "        -c | --config) ((n++)) ;;\n"
          "        -*) ;;\n"
          "        *)\n"
          "            command=${COMP_WORDS[n]}\n"
          "            break ;;\n"
          "        esac\n"
          "    done\n"
          "    case $command in\n"
          "    '')\n        options=\" --version\" words=\"help ", stdout);
    print_commands();
    printf("\" ;;\n    help) words=\"");
    print_commands();
    puts("\" ;;");
    for (size_t n = 0; (c = commands_at(n)); n++) print_command(c);
    printf("    esac\n    options+=\"");
    print_names(args_common_options());
    puts("\"\n    case $command:$before in");
    for (size_t n = 0; (c = commands_at(n)); n++) print_values(c->name, c->options);
    print_values("*", args_common_options());
    fputs("    esac\n"
          "    case $word in -*) words=$options files= ;; esac\n"
          "    COMPREPLY=($(compgen -W \"$words\" -- \"$word\"))\n"
          "    if [ -n \"$files\" ]; then\n"
          "        compopt -o filenames 2>/dev/null\n"
          "        COMPREPLY+=($(compgen -f -- \"$word\"))\n"
          "    fi\n"
          "}\n"
          "complete -F _till till\n", stdout);
}
