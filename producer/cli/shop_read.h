/* The orders or articles of a merchant, read at its home: some by name, or all there are. */
#ifndef CLI_SHOP_READ_H
#define CLI_SHOP_READ_H

#include "producer/cli/connect.h"

struct shop {
    struct connection c;
    const char *merchant;
    char currency[4]; /* its */
    unsigned home;
    bool orders;      /* else articles */
    char **names;     /* sorted when they were found, as given when they were given */
    size_t count, capacity;
};

/* What is done with each; only one of the two is there. */
typedef void shop_show(void *context, const struct shop *shop, const struct till_order *order, const struct till_article *article);

/* Opens the shop of the first operand and knows the names of the others, or all names. shop_close in any case. CLI_OK or the exit
 * code, said: CLI_FOUND when there is no such merchant. */
int shop_open(struct cli *cli, bool orders, struct shop *shop) __attribute__((warn_unused_result));
/* Shows them in the order of their names. CLI_FOUND, said, when one that was given is not there or one cannot be read. */
int shop_each(struct shop *shop, shop_show *show, void *context) __attribute__((warn_unused_result));
void shop_close(struct shop *shop);

#endif
