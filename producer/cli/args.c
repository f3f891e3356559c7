/* Reads a command's arguments and prints its help, both from its table of options. */
#include "producer/cli/args.h"

#include <assert.h>
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/suggest.h"
#include "config/units.h"

/* What getopt_long returns for a long option: its place in the command's table, or a common one; below are the letters. */
enum { VALUE_FIRST = 256, VALUE_CONFIG = 1000, VALUE_JSON, VALUE_HELP, VALUE_OPERAND = 1 };
enum { NAME_MAX_SIZE = 40, HELP_COLUMN = 28 };

static const struct cli_option common[] = {
    {"config", 'c', "FILE", "the configuration; else TILL_CONFIG, config/till.yaml, /etc/till/till.yaml, built-in defaults"},
    {"json", 0, NULL, "for programs: one JSON object, or one a line"},
    {"help", 'h', NULL, "this text"},
    {0},
};

/* What getopt_long wants. Every name twice when it has a dash: `--of_at` is `--of-at`. */
struct spec {
    struct option list[2 * CLI_OPTIONS_MAX + 8];
    char wire_name[CLI_OPTIONS_MAX][NAME_MAX_SIZE];
    unsigned count, wire_count;
    char letters[2 * CLI_OPTIONS_MAX + 8];
    int of_letter[128];
};

static void spec_add(struct spec *s, const struct cli_option *o, int value) {
    int takes = o->argument ? required_argument : no_argument;
    s->list[s->count++] = (struct option){o->name, takes, NULL, value};
    if (strchr(o->name, '-')) {
        char *wire = s->wire_name[s->wire_count++];
        snprintf(wire, NAME_MAX_SIZE, "%s", o->name);
        for (char *dash; (dash = strchr(wire, '-'));) *dash = '_';
        s->list[s->count++] = (struct option){wire, takes, NULL, value};
    }
    if (o->letter) {
        size_t end = strlen(s->letters);
        snprintf(s->letters + end, sizeof s->letters - end, "%c%s", o->letter, o->argument ? ":" : "");
        s->of_letter[(unsigned char)o->letter] = value;
    }
}

static void spec_make(struct spec *s, const struct cli_command *command) {
    memset(s, 0, sizeof *s);
    memcpy(s->letters, "-:", 3); /* operands in their place; a missing value is told from an unknown option */
    for (int n = 0; command->options && command->options[n].name; n++) {
        assert(n < CLI_OPTIONS_MAX);
        spec_add(s, &command->options[n], VALUE_FIRST + n);
    }
    for (int n = 0; common[n].name; n++) spec_add(s, &common[n], VALUE_CONFIG + n);
}

static int say_unknown(const struct cli *cli, const struct spec *s, const char *given) {
    const char *command = cli->command->name;
    if (strncmp(given, "--", 2) != 0) return cli_usage(cli, "no option -%c; `till %s --help` lists all", optopt, command);
    char word[NAME_MAX_SIZE];
    snprintf(word, sizeof word, "%.*s", (int)strcspn(given + 2, "="), given + 2);
    struct suggest suggest;
    suggest_init(&suggest, word);
    for (unsigned n = 0; n < s->count; n++) {
        if (strcmp(s->list[n].name, word) == 0) return cli_usage(cli, "--%s takes no value", word);
        suggest_offer(&suggest, s->list[n].name);
    }
    const char *near = suggest_best(&suggest);
    if (near) return cli_usage(cli, "no option --%s; did you mean --%s?", word, near);
    return cli_usage(cli, "no option --%s; `till %s --help` lists all", word, command);
}

static bool repeats(const struct cli_option *o) {
    size_t size = o->argument ? strlen(o->argument) : 0;
    return size >= 4 && strcmp(o->argument + size - 4, " ...") == 0;
}

static int take_repeated(struct cli *cli, const char **place, const struct cli_option *o) {
    if (cli->repeated_count == CLI_REPEATED_MAX) return cli_usage(cli, "--%s is given more than %d times", o->name, CLI_REPEATED_MAX);
    cli->repeated[cli->repeated_count++] = optarg;
    *place = cli->repeated[0];
    return -1;
}

/* Takes one option into `cli`. -1, or the exit code. */
static int take(struct cli *cli, int value) {
    if (value == VALUE_HELP) {
        args_print_help(cli->command);
        return CLI_OK;
    }
    if (value == VALUE_JSON) {
        cli->json = true;
        return -1;
    }
    const char **place = value == VALUE_CONFIG ? &cli->config_path : &cli->value[value - VALUE_FIRST];
    if (value != VALUE_CONFIG && repeats(&cli->command->options[value - VALUE_FIRST]))
        return take_repeated(cli, place, &cli->command->options[value - VALUE_FIRST]);
    if (*place)
        return cli_usage(cli, "--%s is given twice", value == VALUE_CONFIG ? "config" : cli->command->options[value - VALUE_FIRST].name);
    *place = optarg ? optarg : "";
    return -1;
}

/* getopt_long takes any unambiguous beginning of a name; where money is moved a name is the whole name. */
static bool abbreviated(const struct spec *s, const char *given, int place) {
    return place >= 0 && strlen(s->list[place].name) != strcspn(given + 2, "=");
}

/* What looks like a number below 0 is an operand: no option is a digit. */
static bool is_negative(const char *text) { return text[0] == '-' && strspn(text + 1, "0123456789") > 0; }

/* Reads what stands at optind. -1: go on; -2: that was all; else the exit code. */
static int read_next(struct cli *cli, const struct spec *s, int argc, char **argv) {
    char *given = argv[optind];
    if (optind < argc && is_negative(given)) {
        cli->operands[cli->operand_count++] = given;
        optind++;
        return -1;
    }
    int place = -1, value = getopt_long(argc, argv, s->letters, s->list, &place);
    if (value == -1) return -2;
    if (value == VALUE_OPERAND) {
        cli->operands[cli->operand_count++] = optarg;
        return -1;
    }
    if (value == ':') return cli_usage(cli, "%s needs a value", given);
    if (value == '?' || abbreviated(s, given, place)) return say_unknown(cli, s, given);
    return take(cli, value < VALUE_FIRST ? s->of_letter[value] : value);
}

static int check_operands(struct cli *cli) {
    const struct cli_command *c = cli->command;
    if (cli->operand_count < c->operands_min) return cli_usage(cli, "needs %s; `till %s --help` shows how", c->operands, c->name);
    if (cli->operand_count > c->operands_max)
        return cli_usage(cli, "'%s' is one argument too many; `till %s --help` shows how", cli->operands[c->operands_max], c->name);
    return -1;
}

int args_read(struct cli *cli, int argc, char **argv) {
    struct spec s;
    int code = -1;
    spec_make(&s, cli->command);
    opterr = 0;
    optind = 1;
    cli->operands = argv; /* what was read is overwritten: there are never more operands than arguments read */
    while (code == -1) code = read_next(cli, &s, argc, argv);
    if (code != -2) return code;
    while (optind < argc) cli->operands[cli->operand_count++] = argv[optind++];
    return check_operands(cli);
}

static void print_option(const struct cli_option *o) {
    char left[80];
    int size = snprintf(left, sizeof left, "  %c%c%s --%s%s%s", o->letter ? '-' : ' ', o->letter ? o->letter : ' ', o->letter ? "," : " ",
                        o->name, o->argument ? " " : "", o->argument ? o->argument : "");
    if (size < HELP_COLUMN) printf("%-*s%s\n", HELP_COLUMN, left, o->help);
    else printf("%s\n%*s%s\n", left, HELP_COLUMN, "", o->help);
}

void args_print_options(const struct cli_option *options) {
    for (; options && options->name; options++) print_option(options);
}

const struct cli_option *args_common_options(void) { return common; }

void args_print_help(const struct cli_command *c) {
    printf("Usage: till %s%s%s [OPTION]...\n\n%s.\n", c->name, *c->operands ? " " : "", c->operands, c->summary);
    if (*c->about) printf("\n%s\n", c->about);
    puts("\nOptions");
    args_print_options(c->options);
    args_print_options(common);
    printf("\nExamples\n%s\n", c->examples);
}

bool args_parse_number(const char *text, uint64_t *number) {
    char *end;
    if (text[strspn(text, "0123456789")] != '\0' || *text == '\0') return false;
    errno = 0;
    unsigned long long n = strtoull(text, &end, 10);
    if (errno || *end) return false;
    *number = n;
    return true;
}

bool args_number(const struct cli *cli, unsigned option, uint64_t min, uint64_t max, uint64_t *number) {
    const char *text = cli->value[option];
    uint64_t n;
    if (!text) return true;
    if (!args_parse_number(text, &n) || n < min || n > max) {
        (void)cli_usage(cli, "--%s: '%s' is not a number from %llu to %llu", cli->command->options[option].name, text,
                        (unsigned long long)min, (unsigned long long)max);
        return false;
    }
    *number = n;
    return true;
}

bool args_timeout(const struct cli *cli, unsigned option, int64_t *timeout_ms) {
    const char *text = cli->value[option];
    uint64_t ms = (uint64_t)*timeout_ms;
    if (text && (units_parse_duration(text, &ms) != UNITS_OK || ms > 86400000)) {
        (void)cli_usage(cli, "--timeout %s must be a length of time like 30s, up to 24h", text);
        return false;
    }
    *timeout_ms = (int64_t)ms;
    return true;
}
