/* Looks up orders and articles, at the merchant's home. */
#include <string.h>

#include "producer/client.h"
#include "producer/client_shop.h"

struct lookup {
    const char *merchant, *name;
    unsigned partition;
    struct till_order *order;     /* one of them */
    struct till_article *article;
    const char *fault;            /* why what is there cannot be read */
    bool found;
};

static bool name_ok(struct till *till, enum field field, const char *text) {
    struct intent checked = {0};
    const char *why = text == NULL ? "is missing" : intent_set_text(&checked, field, text, strlen(text));
    if (why != NULL)
        client_fail(till, "%s %s", field == FIELD_account ? "merchant" : field_name(field), why);
    return why == NULL;
}

static enum redis_err lookup_read(struct till *till, int64_t deadline_ms, void *context) {
    struct lookup *l = context;
    struct reply row;
    if (l->order != NULL)
        client_shop_ask_order(&till->command, &till->book, l->partition, l->merchant, l->name);
    else
        client_shop_ask_article(&till->command, &till->book, l->partition, l->merchant, l->name);
    enum redis_err err = client_call(till, deadline_ms, &row);
    if (err != REDIS_OK)
        return err;
    if (l->order != NULL)
        l->fault = client_shop_take_order(row, l->order, &l->found);
    else
        l->fault = client_shop_take_article(row, l->article, &l->found);
    return err;
}

static int lookup_run(struct till *till, struct lookup *l) {
    const char *what = l->order != NULL ? "order" : "article";
    if (client_retry(till, client_now_ms() + till->timeout_ms, lookup_read, l) != TILL_OK)
        return TILL_READ_FAILED;
    if (l->fault != NULL) {
        client_fail(till, "the %s %s of %s cannot be read: %s", what, l->name, l->merchant, l->fault);
        return TILL_READ_FAILED;
    }
    if (!l->found)
        client_fail(till, "%s has no %s %s", l->merchant, what, l->name);
    return l->found ? TILL_OK : TILL_NOT_FOUND;
}

int till_order_lookup(struct till *till, const char *merchant, const char *order, struct till_order *found) {
    memset(found, 0, sizeof *found);
    if (!name_ok(till, FIELD_account, merchant) || !name_ok(till, FIELD_order, order))
        return TILL_INVALID;
    client_copy(found->merchant, sizeof found->merchant, merchant);
    client_copy(found->order, sizeof found->order, order);
    found->partition = till_partition_of(till, merchant);
    return lookup_run(till, &(struct lookup){.merchant = merchant, .name = order, .partition = found->partition, .order = found});
}

int till_article_lookup(struct till *till, const char *merchant, const char *sku, struct till_article *found) {
    memset(found, 0, sizeof *found);
    if (!name_ok(till, FIELD_account, merchant) || !name_ok(till, FIELD_sku, sku))
        return TILL_INVALID;
    client_copy(found->merchant, sizeof found->merchant, merchant);
    client_copy(found->sku, sizeof found->sku, sku);
    found->partition = till_partition_of(till, merchant);
    return lookup_run(till, &(struct lookup){.merchant = merchant, .name = sku, .partition = found->partition, .article = found});
}
