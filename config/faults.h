/* What is wrong with a configuration, gathered while reading on, and told all at once in the order of the file. */
#ifndef CONFIG_FAULTS_H
#define CONFIG_FAULTS_H

#include "config/config.h"

enum { FAULTS_SHOWN_MAX = 100, FAULTS_QUOTE_MAX = 64 };

/* Where something stands. line 0: nowhere in particular; FAULTS_LAST: after the file (the environment). Both count from 1. */
struct place {
    unsigned line, column;
};
#define FAULTS_LAST ((struct place){.line = (unsigned)-1})

struct fault {
    struct place place;
    char *text; /* owned */
};

struct faults {
    struct fault rows[FAULTS_SHOWN_MAX];
    unsigned count; /* also of those that rows has no room for */
};

/* `where` is the file's or the variable's name. Adds "where:line:column: message"; no position for line 0 and FAULTS_LAST. */
void faults_add(struct faults *faults, const char *where, struct place place, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
/* Sorts by place (equal ones stay in the order they were added), moves the lines to `out`, overwriting it, and leaves `faults` empty. */
enum config_err faults_finish(struct faults *faults, struct config_faults *out) __attribute__((warn_unused_result));

/* The text fit for one line of a message: control characters as \xNN, cut when long. The same between quotes. */
void faults_show(const char *text, char out[FAULTS_QUOTE_MAX]);
void faults_quote(const char *text, char out[FAULTS_QUOTE_MAX]);

#endif
