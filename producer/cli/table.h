/* A table for people: columns as wide as they need, numbers to the right, a bold head on a terminal. Control characters in cells,
 * which may come from anybody's note, are shown as '?'. Running out of memory aborts. */
#ifndef CLI_TABLE_H
#define CLI_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

enum { TABLE_COLUMNS_MAX = 16 };

struct table_column {
    const char *title; /* NULL ends a list */
    bool right;
};

struct table {
    const struct table_column *columns;
    FILE *out; /* table_init sets stdout, before the first flush another may be */
    unsigned column_count;
    unsigned width[TABLE_COLUMNS_MAX]; /* never shrinks, so that pages of a long table line up */
    char **cells;
    size_t cell_count, capacity;
    bool headed;
};

void table_init(struct table *t, const struct table_column *columns);
/* Cells from left to right, row after row. */
void table_add(struct table *t, const char *text);
void table_addf(struct table *t, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* "" when there is none. */
void table_add_number(struct table *t, bool present, int64_t number);
/* Prints the rows so far, under their head the first time, and forgets them. */
void table_flush(struct table *t);
void table_clear(struct table *t);
size_t table_rows(const struct table *t);

/* Writes text with control characters as '?' to stdout; how many characters wide it is. */
void table_print_safe(const char *text);
unsigned table_width(const char *text);
/* Is stdout a terminal that takes colours? (NO_COLOR and TERM=dumb say no.) */
bool table_colour(void);

#endif
