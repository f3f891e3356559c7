/* Shows orders and articles: as rows for people, as JSON for programs. */
#ifndef CLI_SHOP_OUT_H
#define CLI_SHOP_OUT_H

#include "producer/cli/json_out.h"
#include "producer/cli/table.h"
#include "producer/till.h"

extern const struct table_column shop_order_columns[], shop_article_columns[];

void shop_order_row(struct table *table, const struct till_order *order);
void shop_article_row(struct table *table, const struct till_article *article, const char *currency);
/* The caller's to release. Lines are [sku, quantity, price of one]. */
json_t *shop_order_json(const struct till_order *order);
json_t *shop_article_json(const struct till_article *article, const char *currency);

#endif
