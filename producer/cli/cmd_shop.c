/* `till orders` and `till articles`: what a merchant's orders and articles are now. */
#include <stdio.h>

#include "producer/cli/commands.h"
#include "producer/cli/shop_out.h"
#include "producer/cli/shop_read.h"

enum { TABLE_PAGE = 500, OPERANDS_MAX = 100000 };

struct showing {
    bool json;
    struct table table;
};

static void show(void *context, const struct shop *shop, const struct till_order *order, const struct till_article *article) {
    struct showing *s = context;
    if (s->json) {
        json_out(order ? shop_order_json(order) : shop_article_json(article, shop->currency));
        return;
    }
    if (order) shop_order_row(&s->table, order);
    else shop_article_row(&s->table, article, shop->currency);
    if (table_rows(&s->table) >= TABLE_PAGE) table_flush(&s->table);
}

static int run(struct cli *cli, bool orders) {
    struct showing s = {.json = cli->json};
    struct shop shop;
    table_init(&s.table, orders ? shop_order_columns : shop_article_columns);
    int code = shop_open(cli, orders, &shop);
    if (!code) code = shop_each(&shop, show, &s);
    if (!cli->json && table_rows(&s.table)) table_flush(&s.table);
    if (!cli->json && !code && !shop.count) printf("%s has no %s\n", shop.merchant, cli->command->name);
    table_clear(&s.table);
    shop_close(&shop);
    return code;
}

static int run_orders(struct cli *cli) { return run(cli, true); }

static int run_articles(struct cli *cli) { return run(cli, false); }

#define LISTING "Without names it lists all, and looks through all names in Redis for that.\n"

const struct cli_command cmd_orders = {
    .name = "orders",
    .group = CLI_LOOK,
    .summary = "shows a merchant's orders, all or some",
    .operands = "MERCHANT [ORDER]...",
    .operands_min = 1,
    .operands_max = OPERANDS_MAX,
    .about = LISTING
             "state: created, paid, cancelled or lapsed. One past its deadline can no longer be paid, whether or not it says lapsed yet.\n"
             "An order is kept for as long as bills are after it was paid, cancelled or lapsed. Exit code 1 when one that was\n"
             "named is not there.",
    .examples = "  till orders coffee\n  till orders coffee o-1 --json",
    .run = run_orders,
};

const struct cli_command cmd_articles = {
    .name = "articles",
    .group = CLI_LOOK,
    .summary = "shows a merchant's articles, all or some: price and stock",
    .operands = "MERCHANT [SKU]...",
    .operands_min = 1,
    .operands_max = OPERANDS_MAX,
    .about = LISTING
             "Stock is what can be ordered: what orders have reserved is off it. Exit code 1 when one that was named is not there.",
    .examples = "  till articles coffee\n  till articles coffee tea cake --json",
    .run = run_articles,
};
