/* till-manual DIR: writes the man pages of `till`, each of its commands, till-worker and till.yaml there, from the tables of commands,
 * options and settings, and from what `till-worker --help` says, which is read from stdin. Runs while Till is built; not installed. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/param_words.h"
#include "producer/cli/args.h"
#include "producer/cli/commands.h"
#include "producer/cli/roff.h"

enum { HELP_MAX = 16384 };

static FILE *page_open(const char *dir, const char *name, const char *section, const char *summary) {
    char path[1024];
    snprintf(path, sizeof path, "%s/%s.%s", dir, name, section);
    FILE *out = fopen(path, "w");
    if (!out) {
        fprintf(stderr, "till-manual: %s: %s\n", path, strerror(errno));
        exit(1);
    }
    roff_begin(out, name, section, summary);
    return out;
}

static void page_close(FILE *out, const char *also) {
    roff_heading(out, "SEE ALSO");
    fprintf(out, "%s\n", also);
    if (fclose(out) == 0) return;
    fprintf(stderr, "till-manual: %s\n", strerror(errno));
    exit(1);
}

static void print_options(FILE *out, const struct cli_option *options) {
    char term[80];
    for (; options && options->name; options++) {
        if (options->letter) snprintf(term, sizeof term, "-%c, --%s", options->letter, options->name);
        else snprintf(term, sizeof term, "--%s", options->name);
        roff_term(out, term, options->argument ? options->argument : "", options->help);
    }
}

static void print_exit_codes(FILE *out) {
    roff_heading(out, "EXIT STATUS");
    roff_text(out, commands_exit_codes);
}

static void print_examples(FILE *out, const char *examples) {
    roff_heading(out, "EXAMPLES");
    roff_text(out, examples);
}

static void print_command(const char *dir, const struct cli_command *c) {
    char name[60], operands[200];
    snprintf(name, sizeof name, "till-%s", c->name);
    FILE *out = page_open(dir, name, "1", c->summary);
    roff_heading(out, "SYNOPSIS");
    snprintf(name, sizeof name, "till %s", c->name);
    snprintf(operands, sizeof operands, "%s%s[OPTION]...", c->operands, *c->operands ? " " : "");
    roff_bold(out, name, operands);
    roff_heading(out, "DESCRIPTION");
    roff_text(out, *c->about ? c->about : c->summary);
    roff_heading(out, "OPTIONS");
    print_options(out, c->options);
    print_options(out, args_common_options());
    print_exit_codes(out);
    print_examples(out, c->examples);
    page_close(out, ".BR till (1),\n.BR till.yaml (5),\n.BR till\\-worker (8)");
}

static void print_overview(const char *dir) {
    FILE *out = page_open(dir, "till", "1", "sends payment intents, shows and operates a book");
    const struct cli_command *c;
    char name[60];
    roff_heading(out, "SYNOPSIS");
    roff_bold(out, "till", "COMMAND [OPTION]...");
    roff_heading(out, "DESCRIPTION");
    roff_text(out, commands_about);
    for (int group = 0; group < CLI_GROUP_COUNT; group++) {
        fprintf(out, ".SS %s\n", commands_group[group]);
        for (size_t n = 0; (c = commands_at(n)); n++) {
            snprintf(name, sizeof name, "till-%s(1)", c->name);
            if ((int)c->group == group) roff_term(out, name, "", c->summary);
        }
    }
    roff_heading(out, "OPTIONS OF EVERY COMMAND");
    print_options(out, args_common_options());
    print_exit_codes(out);
    print_examples(out, commands_examples);
    page_close(out, ".BR till.yaml (5),\n.BR till\\-worker (8)");
}

static void print_setting(FILE *out, enum config_param index) {
    const struct param *param = param_get(index);
    char kind[PARAM_WORDS_MAX], bounds[PARAM_WORDS_MAX], help[PARAM_WORDS_MAX], variable[PARAM_VARIABLE_MAX];
    char text[3 * PARAM_WORDS_MAX + 200];
    param_words_kind(param, kind, sizeof kind);
    param_words_bounds(param, bounds, sizeof bounds);
    param_words_help(param, help, sizeof help);
    param_variable(param->section, param->key, variable);
    roff_term(out, param->name, "", help);
    snprintf(text, sizeof text, "%s: %s; default %s; %s; %s", kind, bounds, config_param_default(index), variable,
             param->reload ? "SIGHUP applies it" : "needs a restart");
    roff_line(out, text);
}

static void print_settings(const char *dir) {
    FILE *out = page_open(dir, "till.yaml", "5", "settings of till-worker and till");
    roff_heading(out, "DESCRIPTION");
    roff_text(out, "A map of sections, each a map of settings: worker.batch is the setting batch of the section worker. Each has a\n"
                   "default that works. The environment wins over the file, the file over the defaults: the variable of each is\n"
                   "named below.\n\n"
                   "The file is the one that --config names, else TILL_CONFIG, else config/till.yaml, else /etc/till/till.yaml\n"
                   "(till-worker: only the first two). `till-worker -c FILE --check-config` says everything that is wrong with\n"
                   "one, `till config` what is in force.\n\n"
                   "A duration is a whole number and ms, s, m, h or d; a size one and kB, MB, GB, TB or KiB, MiB, GiB, TiB, or\n"
                   "bytes.");
    roff_heading(out, "SETTINGS");
    for (enum config_param p = 0; p < CONFIG_PARAM_COUNT; p++) print_setting(out, p);
    roff_heading(out, "EXAMPLES");
    roff_text(out, "  redis:\n    url: redis://till-worker:@redis.internal\n    password_file: /etc/till/worker.password");
    page_close(out, ".BR till (1),\n.BR till\\-worker (8)");
}

int main(int argc, char **argv) {
    static char help[HELP_MAX];
    const struct cli_command *c;
    if (argc != 2) {
        fputs("usage: till-worker --help | till-manual DIR\n", stderr);
        return 100;
    }
    help[fread(help, 1, sizeof help - 1, stdin)] = '\0';
    if (!*help) {
        fputs("till-manual: nothing on stdin\n", stderr);
        return 1;
    }
    print_overview(argv[1]);
    for (size_t n = 0; (c = commands_at(n)); n++) print_command(argv[1], c);
    print_settings(argv[1]);
    FILE *out = page_open(argv[1], "till-worker", "8", "applies the payment intents of a book");
    roff_help(out, help);
    page_close(out, ".BR till (1),\n.BR till.yaml (5)");
    return 0;
}
