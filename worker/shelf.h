/* The articles that a batch may touch: what each cell names that prices, stocks, orders or gives an order up. One per batch, reused. */
#ifndef WORKER_SHELF_H
#define WORKER_SHELF_H

#include "schema/intent.h"

struct shelf_line {
    char sku[INTENT_NAME_MAX + 1];
    char quantity[24]; /* as text: it may be negative, or more than a msgpack reader in Lua takes exactly */
    uint32_t place;    /* of the article in KEYS */
};

struct shelf {
    struct shelf_line *lines;
    uint32_t count, capacity;
};

void shelf_clear(struct shelf *shelf); /* frees */
void shelf_reset(struct shelf *shelf); /* empties, keeps the memory */

/* Adds the article or the lines of a price, stock or order. How many; `first` is the number of the first. */
uint32_t shelf_add_intent(struct shelf *shelf, const struct intent *intent, uint32_t *first);

/* Adds those of an order's field `lines`: "SKU QUANTITY PRICE SKU ...". What is no name of an article ends it. */
uint32_t shelf_add_text(struct shelf *shelf, const char *text, size_t size, uint32_t *first);

#endif
