/* Rows and JSON of orders and articles. */
#include "producer/cli/shop_out.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "producer/cli/when.h"

enum { LINE_TEXT_MAX = 64 + 2 * 20 + 8 };

const struct table_column shop_order_columns[] = {{"ORDER", false},    {"STATE", false},  {"AMOUNT", true},    {"CUR", false},
                                                  {"CUSTOMER", false}, {"OPENED", false}, {"DEADLINE", false}, {"PAID BY", false},
                                                  {"LINES", false},    {NULL, false}};
const struct table_column shop_article_columns[] =
    {{"SKU", false}, {"PRICE", true}, {"CUR", false}, {"STOCK", true}, {"CHANGED", false}, {NULL, false}};

static void add_time(struct table *t, uint64_t ms) {
    char text[WHEN_TEXT_SIZE] = "";
    if (ms) when_format(ms, text);
    table_add(t, text);
}

/* "2 tea at 300, 1 cake at 500". */
static void add_lines(struct table *t, const struct till_order *o) {
    char text[TILL_LINES_MAX * LINE_TEXT_MAX] = "";
    size_t size = 0;
    for (unsigned n = 0; n < o->line_count; n++) {
        const struct till_order_line *l = &o->lines[n];
        size += (size_t)snprintf(text + size, sizeof text - size, "%s%" PRIu64 " %s at %" PRId64, n ? ", " : "", l->quantity, l->sku,
                                 l->price_minor);
    }
    table_add(t, text);
}

void shop_order_row(struct table *t, const struct till_order *o) {
    table_add(t, o->order);
    table_add(t, o->state);
    table_add_number(t, true, o->amount_minor);
    table_add(t, o->currency);
    table_add(t, o->to);
    add_time(t, o->opened_ms);
    add_time(t, o->deadline_ms);
    table_add(t, o->payer);
    add_lines(t, o);
}

void shop_article_row(struct table *t, const struct till_article *a, const char *currency) {
    table_add(t, a->sku);
    table_add_number(t, a->has_price, a->price_minor);
    table_add(t, currency);
    table_add_number(t, true, (int64_t)a->stock);
    add_time(t, a->changed_ms);
}

static json_t *lines_json(const struct till_order *o) {
    json_t *array = json_out_array();
    for (unsigned n = 0; n < o->line_count; n++) {
        json_t *line = json_out_array();
        json_out_append(line, json_out_string(o->lines[n].sku, strlen(o->lines[n].sku)));
        json_out_append(line, json_integer((json_int_t)o->lines[n].quantity));
        json_out_append(line, json_integer((json_int_t)o->lines[n].price_minor));
        json_out_append(array, line);
    }
    return array;
}

json_t *shop_order_json(const struct till_order *o) {
    json_t *object = json_out_object();
    json_out_text(object, "merchant", o->merchant);
    json_out_text(object, "order", o->order);
    json_out_text(object, "state", o->state);
    json_out_number(object, "amount", o->amount_minor);
    json_out_text(object, "currency", o->currency);
    json_out_text(object, "to", o->to);
    json_out_value(object, "lines", lines_json(o));
    json_out_number(object, "opened", (int64_t)o->opened_ms);
    json_out_number(object, "changed", (int64_t)o->changed_ms);
    json_out_optional(object, "deadline", o->deadline_ms != 0, (int64_t)o->deadline_ms);
    json_out_text(object, "entry", o->entry);
    json_out_text(object, "identity", o->identity);
    json_out_text(object, "payer", o->payer);
    json_out_number(object, "partition", o->partition);
    return object;
}

json_t *shop_article_json(const struct till_article *a, const char *currency) {
    json_t *object = json_out_object();
    json_out_text(object, "merchant", a->merchant);
    json_out_text(object, "sku", a->sku);
    json_out_optional(object, "price", a->has_price, a->price_minor);
    json_out_text(object, "currency", currency);
    json_out_number(object, "stock", (int64_t)a->stock);
    json_out_number(object, "changed", (int64_t)a->changed_ms);
    json_out_number(object, "partition", a->partition);
    return object;
}
