/* Writes man pages. Everything goes through print_escaped, so that no text is taken for a request. */
#include "producer/cli/roff.h"

#include <stdbool.h>
#include <string.h>

/* A dash is one that can be copied; a line that begins like a request does not. */
static void print_escaped(FILE *out, const char *text, size_t size) {
    if (size && (*text == '.' || *text == '\'')) fputs("\\&", out);
    for (size_t n = 0; n < size; n++) {
        if (text[n] == '\\') fputs("\\e", out);
        else if (text[n] == '-') fputs("\\-", out);
        else if (text[n] == '\'') fputs("\\(aq", out);
        else if (text[n] == '`') fputs("\\(ga", out);
        else if (text[n] == '^') fputs("\\(ha", out);
        else if (text[n] == '~') fputs("\\(ti", out);
        else fputc(text[n], out);
    }
}

static void print_all(FILE *out, const char *text) { print_escaped(out, text, strlen(text)); }

void roff_begin(FILE *out, const char *name, const char *section, const char *summary) {
    fputs(".\\\" Made from the tables that --help is made of.\n.TH \"", out);
    for (const char *at = name; *at; at++) fputc(*at >= 'a' && *at <= 'z' ? *at - 'a' + 'A' : *at, out);
    fprintf(out, "\" \"%s\" \"\" \"Till " TILL_VERSION "\" \"Till\"\n.SH NAME\n", section);
    print_all(out, name);
    fputs(" \\- ", out);
    print_all(out, summary);
    fputc('\n', out);
}

void roff_heading(FILE *out, const char *title) { fprintf(out, ".SH %s\n", title); }

void roff_bold(FILE *out, const char *bold, const char *plain) {
    fputs(".PP\n\\fB", out);
    print_all(out, bold);
    fputs("\\fR ", out);
    print_all(out, plain);
    fputc('\n', out);
}

void roff_term(FILE *out, const char *term, const char *argument, const char *text) {
    fputs(".TP\n\\fB", out);
    print_all(out, term);
    fputs("\\fR", out);
    if (*argument) {
        fputs(" \\fI", out);
        print_all(out, argument);
        fputs("\\fR", out);
    }
    fputc('\n', out);
    print_all(out, text);
    fputc('\n', out);
}

void roff_line(FILE *out, const char *text) {
    fputs(".br\n", out);
    print_all(out, text);
    fputc('\n', out);
}

static const char *end_of_line(const char *at) { return at + strcspn(at, "\n"); }
static const char *next_line(const char *at) { return *end_of_line(at) ? end_of_line(at) + 1 : end_of_line(at); }

void roff_text(FILE *out, const char *text) {
    bool kept = false, begun = false;
    for (const char *at = text; *at; at = next_line(at)) {
        bool keeps = *at == ' ' && end_of_line(at) > at;
        if (kept && !keeps) fputs(".fi\n.RE\n", out);
        if (keeps && !kept) fputs(".PP\n.RS 2\n.nf\n", out);
        if (end_of_line(at) == at || (kept && !keeps)) begun = false;
        if (end_of_line(at) > at && !keeps && !begun) fputs(".PP\n", out);
        begun = begun || end_of_line(at) > at;
        if (keeps) at += strspn(at, " ") < 2 ? 1 : 2; /* what .RS does */
        if (end_of_line(at) > at) {
            print_escaped(out, at, (size_t)(end_of_line(at) - at));
            fputc('\n', out);
        }
        kept = keeps;
    }
    if (kept) fputs(".fi\n.RE\n", out);
}

/* "  -c, --config FILE   settings in YAML": the option, then what it does. */
static void print_option(FILE *out, const char *line) {
    const char *name = line + strspn(line, " "), *gap = strstr(name, "  "), *end = end_of_line(line);
    if (!gap || gap > end) gap = end;
    fputs(".TP\n\\fB", out);
    print_escaped(out, name, (size_t)(gap - name));
    fputs("\\fR\n", out);
    gap += strspn(gap, " ");
    print_escaped(out, gap, (size_t)(end - gap));
    fputc('\n', out);
}

/* Where a line of a help begins something of its own: its options, its examples. */
static bool is_option(const char *line) { return *line == ' ' && line[strspn(line, " ")] == '-'; }

void roff_help(FILE *out, const char *help) {
    char part[4096];
    roff_heading(out, "SYNOPSIS");
    const char *usage = help + strcspn(help, " ") + 1, *at = next_line(help);
    snprintf(part, sizeof part, "%.*s", (int)(end_of_line(usage) - usage), usage);
    roff_text(out, part);
    roff_heading(out, "DESCRIPTION");
    while (*at) {
        const char *start = at;
        if (is_option(at)) {
            print_option(out, at);
            at = next_line(at);
            continue;
        }
        while (*at && !is_option(at) && (at == start || strncmp(at, "Examples", 8) != 0)) at = next_line(at);
        bool examples = strncmp(start, "Examples", 8) == 0;
        if (examples) roff_heading(out, "EXAMPLES");
        snprintf(part, sizeof part, "%.*s", (int)(at - start), start);
        roff_text(out, examples ? next_line(part) : part);
    }
}
