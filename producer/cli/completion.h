/* Completion for shells, from the tables of commands and options: what may be typed where. */
#ifndef CLI_COMPLETION_H
#define CLI_COMPLETION_H

#include "producer/cli/cli.h"

enum { COMPLETION_WORDS_MAX = 200 };

/* What can be typed for an argument such as "FILE", "yes|no", "[on | off]", "DIR | verify DIR". */
struct completion {
    bool files;
    char words[COMPLETION_WORDS_MAX]; /* those that are typed as they stand, with a space between; "" none */
};

void completion_of(const char *argument, struct completion *completion);

/* Each prints the whole script. */
void completion_bash(void);
void completion_zsh(void);
void completion_fish(void);

#endif
