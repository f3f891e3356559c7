/* Man pages: what groff's man macros want to see. */
#ifndef CLI_ROFF_H
#define CLI_ROFF_H

#include <stddef.h>
#include <stdio.h>

/* .TH and NAME of a page: "till-pay", "1", "pays a merchant". */
void roff_begin(FILE *out, const char *name, const char *section, const char *summary);
void roff_heading(FILE *out, const char *title);
/* A line of its own in bold, behind it what follows in the same line, in plain: a synopsis. */
void roff_bold(FILE *out, const char *bold, const char *plain);
/* The first of them a term in bold, with its argument in italics; then its paragraph, or "" none. */
void roff_term(FILE *out, const char *term, const char *argument, const char *text);
/* One more line of what was begun. */
void roff_line(FILE *out, const char *text);
/* Paragraphs as they stand in a help: an empty line between two; lines that begin with spaces stay as they are. */
void roff_text(FILE *out, const char *text);
/* A whole page made of the text that a program prints for --help. */
void roff_help(FILE *out, const char *help);

#endif
