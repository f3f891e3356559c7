/* What is said of operations and fields in the help of the commands that send one intent, and which options they get beside the fields. */
#ifndef CLI_INTENT_WORDS_H
#define CLI_INTENT_WORDS_H

#include "producer/cli/cli.h"

/* What an operation's command takes that is no plain field. */
enum intent_extra {
    EXTRA_NONE = 0,
    EXTRA_SIGNS = 1,          /* --password-file signs it */
    EXTRA_SETS_PASSWORD = 2,  /* --password-file sets the account's credential */
    EXTRA_CHANGES_PASSWORD = 4, /* --password-file sets it, --old-password-file signs, --remove */
    EXTRA_STEPS = 8,          /* operands are steps; --steps, --currency */
    EXTRA_SETTINGS = 16,      /* operands are settings of the book */
};

enum { INTENT_OPERANDS_MAX = 3 };

struct intent_words {
    enum cli_group group;
    const char *summary, *examples;
    const char *about;    /* NULL: only what is said of all */
    const char *operands; /* NULL: none */
    unsigned extra;       /* of enum intent_extra */
    enum field operand_fields[INTENT_OPERANDS_MAX + 1]; /* what the operands are, all needed, ended by FIELD_v; none: steps or settings */
};

/* Of an operation that a client may send; one that nothing is said of gets the plainest. */
const struct intent_words *intent_words(enum op op);

/* A field's option, as this operation has it. */
struct intent_field_words {
    const char *argument; /* NULL: a flag */
    const char *help;
    const char *name;     /* NULL: the field's, with dashes */
};
const struct intent_field_words *intent_field_words(enum op op, enum field field);

#endif
