/* Reads the hashes of orders and articles. */
#include "producer/client_shop.h"

#include <string.h>

#include "producer/client.h"

/* In the order in which they are asked for. */
enum order_field {
    ORDER_STATE, ORDER_AMOUNT, ORDER_CURRENCY, ORDER_TO, ORDER_LINES, ORDER_ENTRY, ORDER_IDENTITY, ORDER_DEADLINE, ORDER_OPENED,
    ORDER_CHANGED, ORDER_PAYER, ORDER_FIELDS
};
static const char *const order_fields[ORDER_FIELDS] = {"state",    "amount",   "currency", "to",      "lines", "entry",
                                                       "identity", "deadline", "opened",   "changed", "payer"};
enum article_field { ARTICLE_PRICE, ARTICLE_STOCK, ARTICLE_CHANGED, ARTICLE_FIELDS };
static const char *const article_fields[ARTICLE_FIELDS] = {"price", "stock", "changed"};

static void ask(struct command *command, const char *key, size_t size, const char *const *fields, unsigned count) {
    command_begin(command, "HMGET");
    command_copy(command, key, size);
    for (unsigned n = 0; n < count; n++)
        command_word(command, fields[n]);
}

void client_shop_ask_order(struct command *command, const struct book *book, unsigned partition, const char *merchant, const char *order) {
    keys_buffer key;
    size_t size = keys_order(key, book, partition, merchant, order);
    ask(command, key, size, order_fields, ORDER_FIELDS);
}

void client_shop_ask_article(struct command *command, const struct book *book, unsigned partition, const char *merchant, const char *sku) {
    keys_buffer key;
    size_t size = keys_sku(key, book, partition, merchant, sku);
    ask(command, key, size, article_fields, ARTICLE_FIELDS);
}

/* A number of digits that ends where the word does; INTENT_AMOUNT_MAX at most. */
static bool number_of(const char *text, size_t size, uint64_t *number) {
    uint64_t n = 0;
    for (size_t i = 0; i < size; i++) {
        if (text[i] < '0' || text[i] > '9' || n > INTENT_AMOUNT_MAX / 10)
            return false;
        n = n * 10 + (uint64_t)(text[i] - '0');
    }
    *number = n;
    return size > 0 && n <= INTENT_AMOUNT_MAX;
}

/* The next word of a text in which one space is between words. False: there is none. */
static bool word_next(const char **at, const char **word, size_t *size) {
    *word = *at;
    *size = strcspn(*at, " ");
    *at += *size + ((*at)[*size] == ' ');
    return *size > 0;
}

/* "SKU QUANTITY PRICE" of one line. */
static bool line_take(const char **at, struct till_order_line *line) {
    const char *word;
    size_t size;
    uint64_t price;
    if (!word_next(at, &word, &size) || size >= sizeof line->sku)
        return false;
    memcpy(line->sku, word, size);
    line->sku[size] = '\0';
    if (!word_next(at, &word, &size) || !number_of(word, size, &line->quantity))
        return false;
    if (!word_next(at, &word, &size) || !number_of(word, size, &price))
        return false;
    line->price_minor = (int64_t)price;
    return true;
}

static const char *lines_take(const char *text, struct till_order *order) {
    order->line_count = 0;
    while (*text != '\0')
        if (order->line_count == TILL_LINES_MAX || !line_take(&text, &order->lines[order->line_count++]))
            return "its lines are not SKU QUANTITY PRICE ...";
    return NULL;
}

/* A number, where "" and nothing are 0. */
static bool number_take(struct reply row, unsigned field, uint64_t *number) {
    size_t size;
    const char *text = reply_text(reply_at(row, field), &size);
    *number = 0;
    return size == 0 || number_of(text, size, number);
}

static bool is_there(struct reply row, unsigned count) {
    for (unsigned n = 0; n < count; n++)
        if (reply_type(reply_at(row, n)) != REPLY_NIL)
            return true;
    return false;
}

#define TAKE_TEXT(row, field, member) client_copy(member, sizeof(member), reply_text(reply_at(row, field), NULL))

const char *client_shop_take_order(struct reply row, struct till_order *o, bool *found) {
    uint64_t amount;
    *found = is_there(row, ORDER_FIELDS);
    if (!*found)
        return NULL;
    TAKE_TEXT(row, ORDER_STATE, o->state);
    TAKE_TEXT(row, ORDER_CURRENCY, o->currency);
    TAKE_TEXT(row, ORDER_TO, o->to);
    TAKE_TEXT(row, ORDER_ENTRY, o->entry);
    TAKE_TEXT(row, ORDER_IDENTITY, o->identity);
    TAKE_TEXT(row, ORDER_PAYER, o->payer);
    if (!number_take(row, ORDER_AMOUNT, &amount))
        return "its amount is no number";
    if (!number_take(row, ORDER_DEADLINE, &o->deadline_ms) || !number_take(row, ORDER_OPENED, &o->opened_ms) ||
        !number_take(row, ORDER_CHANGED, &o->changed_ms))
        return "one of its times is no number";
    o->amount_minor = (int64_t)amount;
    return lines_take(reply_text(reply_at(row, ORDER_LINES), NULL), o);
}

const char *client_shop_take_article(struct reply row, struct till_article *a, bool *found) {
    uint64_t price;
    *found = is_there(row, ARTICLE_FIELDS);
    if (!number_take(row, ARTICLE_PRICE, &price))
        return "its price is no number";
    if (!number_take(row, ARTICLE_STOCK, &a->stock))
        return "its stock is no number";
    if (!number_take(row, ARTICLE_CHANGED, &a->changed_ms))
        return "its time is no number";
    a->price_minor = (int64_t)price;
    a->has_price = price != 0;
    return NULL;
}
