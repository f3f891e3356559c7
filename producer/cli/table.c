/* Tables for people. */
#include "producer/cli/table.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void table_init(struct table *t, const struct table_column *columns) {
    *t = (struct table){.columns = columns, .out = stdout};
    for (; columns[t->column_count].title; t->column_count++) t->width[t->column_count] = table_width(columns[t->column_count].title);
}

unsigned table_width(const char *text) {
    unsigned width = 0;
    for (; *text; text++) width += ((unsigned char)*text & 0xC0) != 0x80; /* UTF-8 continuation bytes take no room */
    return width;
}

void table_add(struct table *t, const char *text) {
    if (t->cell_count == t->capacity) {
        t->capacity = t->capacity ? 2 * t->capacity : 256;
        t->cells = realloc(t->cells, t->capacity * sizeof *t->cells);
        if (!t->cells) abort();
    }
    unsigned column = (unsigned)(t->cell_count % t->column_count), width = table_width(text);
    if (width > t->width[column]) t->width[column] = width;
    char *copy = strdup(text);
    if (!copy) abort();
    t->cells[t->cell_count++] = copy;
}

void table_addf(struct table *t, const char *format, ...) {
    char text[600];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    table_add(t, text);
}

void table_add_number(struct table *t, bool present, int64_t number) {
    if (present) table_addf(t, "%lld", (long long)number);
    else table_add(t, "");
}

/* C0, DEL and, in UTF-8, C1: what could drive a terminal. */
static void print_safe(FILE *out, const char *text) {
    for (const unsigned char *at = (const unsigned char *)text; *at; at++) {
        if (at[0] == 0xC2 && at[1] >= 0x80 && at[1] < 0xA0) {
            fputc('?', out);
            at++;
        } else {
            fputc(*at < 0x20 || *at == 0x7F ? '?' : *at, out);
        }
    }
}

void table_print_safe(const char *text) { print_safe(stdout, text); }

static void print_cell(const struct table *t, unsigned column, const char *text) {
    bool last = column + 1 == t->column_count;
    int pad = (int)(t->width[column] - table_width(text));
    if (t->columns[column].right) fprintf(t->out, "%*s", pad, "");
    print_safe(t->out, text);
    if (!last) fprintf(t->out, "%*s", t->columns[column].right ? 2 : pad + 2, "");
}

bool table_colour(void) {
    const char *term = getenv("TERM"), *plain = getenv("NO_COLOR");
    return isatty(STDOUT_FILENO) && term && strcmp(term, "dumb") != 0 && !(plain && *plain);
}

void table_flush(struct table *t) {
    bool bold = t->out == stdout && table_colour();
    if (!t->headed) {
        if (bold) fputs("\x1b[1m", t->out);
        for (unsigned c = 0; c < t->column_count; c++) print_cell(t, c, t->columns[c].title);
        fputs(bold ? "\x1b[0m\n" : "\n", t->out);
        t->headed = true;
    }
    for (size_t n = 0; n < t->cell_count; n++) {
        print_cell(t, (unsigned)(n % t->column_count), t->cells[n]);
        if ((n + 1) % t->column_count == 0) fputc('\n', t->out);
        free(t->cells[n]);
    }
    t->cell_count = 0;
}

size_t table_rows(const struct table *t) { return t->cell_count / t->column_count; }

void table_clear(struct table *t) {
    for (size_t n = 0; n < t->cell_count; n++) free(t->cells[n]);
    free(t->cells);
    t->cells = NULL;
    t->cell_count = t->capacity = 0;
}
