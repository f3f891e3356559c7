/* Finds the names of a merchant's orders or articles, and reads them page by page. */
#include "producer/cli/shop_read.h"

#include <stdlib.h>
#include <string.h>

#include "producer/cli/pages.h"
#include "producer/client_shop.h"

enum { SCAN_COUNT = 1000, PAGE = 100 };

static const char *what(const struct shop *s) { return s->orders ? "order" : "article"; }

static void add_name(struct shop *s, const char *name) {
    if (s->count == s->capacity) {
        s->capacity = s->capacity ? 2 * s->capacity : 64;
        s->names = realloc(s->names, s->capacity * sizeof *s->names);
        if (!s->names) abort();
    }
    s->names[s->count] = strdup(name);
    if (!s->names[s->count++]) abort();
}

static int by_text(const void *a, const void *b) { return strcmp(*(char *const *)a, *(char *const *)b); }

/* SCAN may give a key more than once. */
static void sort_names(struct shop *s) {
    size_t kept = 0;
    if (s->count) qsort(s->names, s->count, sizeof *s->names, by_text);
    for (size_t n = 0; n < s->count; n++) {
        if (kept && strcmp(s->names[n], s->names[kept - 1]) == 0) free(s->names[n]);
        else s->names[kept++] = s->names[n];
    }
    s->count = kept;
}

/* Every key that begins like that of a name. Nothing in a book's or a merchant's name means anything to MATCH. */
static int find_names(struct shop *s) {
    keys_buffer pattern;
    struct pages pages;
    struct reply keys;
    bool more = true;
    int code;
    size_t size = (s->orders ? keys_order : keys_sku)(pattern, &s->c.book, s->home, s->merchant, "*");
    pages_keys(&pages, &s->c, s->orders ? "listing the orders" : "listing the articles", pattern, SCAN_COUNT);
    while (!(code = pages_next(&pages, &keys, &more)) && more) {
        for (size_t n = 0; n < reply_count(keys); n++) {
            const char *key = reply_text(reply_at(keys, n), NULL);
            if (strncmp(key, pattern, size - 1) == 0) add_name(s, key + size - 1);
        }
    }
    pages_end(&pages);
    sort_names(s);
    return code;
}

/* Is it one, and what currency has it? */
static int read_merchant(struct shop *s) {
    keys_buffer key;
    struct reply row;
    command_begin(&s->c.command, "HMGET");
    command_borrow(&s->c.command, key, keys_account(key, &s->c.book, s->home, s->merchant));
    command_word(&s->c.command, "kind");
    command_word(&s->c.command, "currency");
    int code = connect_call(&s->c, "reading the merchant", &row);
    if (code) return code;
    bool is_merchant = reply_is(reply_at(row, 0), "merchant");
    const char *kind = reply_text(reply_at(row, 0), NULL), *currency = reply_text(reply_at(row, 1), NULL);
    memcpy(s->currency, currency, strnlen(currency, sizeof s->currency - 1));
    if (is_merchant) return CLI_OK;
    if (*kind) cli_say(s->c.cli, "%s is of kind %s, not a merchant", s->merchant, kind);
    else cli_say(s->c.cli, "there is no merchant '%s'", s->merchant);
    return CLI_FOUND;
}

static int check_name(struct cli *cli, enum field field, const char *name) {
    struct intent scratch;
    intent_clear(&scratch);
    const char *wrong = intent_set_text(&scratch, field, name, strlen(name));
    const char *as = field == FIELD_account ? "MERCHANT" : field == FIELD_order ? "ORDER" : "SKU";
    return wrong ? cli_usage(cli, "%s %s %s", as, name, wrong) : CLI_OK;
}

int shop_open(struct cli *cli, bool orders, struct shop *s) {
    *s = (struct shop){.merchant = cli->operands[0], .orders = orders};
    int code = check_name(cli, FIELD_account, s->merchant);
    for (int n = 1; n < cli->operand_count && !code; n++) {
        code = check_name(cli, orders ? FIELD_order : FIELD_sku, cli->operands[n]);
        add_name(s, cli->operands[n]);
    }
    if (!code) code = connect_book(cli, &s->c);
    if (code) return code;
    s->home = keys_partition(&s->c.book, s->merchant, strlen(s->merchant));
    code = read_merchant(s);
    return code || cli->operand_count > 1 ? code : find_names(s);
}

static void ask(struct shop *s, const char *name) {
    if (s->orders) client_shop_ask_order(&s->c.command, &s->c.book, s->home, s->merchant, name);
    else client_shop_ask_article(&s->c.command, &s->c.book, s->home, s->merchant, name);
    redis_append(s->c.redis, &s->c.command);
}

/* One that went away since it was listed is not missed. */
static int say_absent(const struct shop *s, const char *name) {
    if (s->c.cli->operand_count == 1) return CLI_OK;
    cli_say(s->c.cli, "%s has no %s '%s'", s->merchant, what(s), name);
    return CLI_FOUND;
}

static void copy_name(char *out, size_t capacity, const char *name) {
    size_t size = strnlen(name, capacity - 1);
    memcpy(out, name, size);
    out[size] = '\0';
}

static int show_one(struct shop *s, const char *name, struct reply row, shop_show *show, void *context) {
    struct till_order order = {.partition = s->home};
    struct till_article article = {.partition = s->home};
    bool found;
    copy_name(order.merchant, sizeof order.merchant, s->merchant);
    copy_name(order.order, sizeof order.order, name);
    memcpy(article.merchant, order.merchant, sizeof article.merchant);
    copy_name(article.sku, sizeof article.sku, name);
    const char *fault = s->orders ? client_shop_take_order(row, &order, &found) : client_shop_take_article(row, &article, &found);
    if (!found && !fault) return say_absent(s, name);
    if (!fault) {
        show(context, s, s->orders ? &order : NULL, s->orders ? NULL : &article);
        return CLI_OK;
    }
    cli_say(s->c.cli, "the %s '%s' of %s cannot be read: %s", what(s), name, s->merchant, fault);
    return CLI_FOUND;
}

int shop_each(struct shop *s, shop_show *show, void *context) {
    int worst = CLI_OK;
    for (size_t from = 0; from < s->count; from += PAGE) {
        size_t to = s->count - from < PAGE ? s->count : from + PAGE;
        for (size_t n = from; n < to; n++) ask(s, s->names[n]);
        for (size_t n = from; n < to; n++) {
            struct reply row;
            int code = connect_next(&s->c, s->orders ? "reading an order" : "reading an article", &row);
            if (code) return code;
            if (show_one(s, s->names[n], row, show, context)) worst = CLI_FOUND;
        }
    }
    return worst;
}

void shop_close(struct shop *s) {
    for (size_t n = 0; n < s->count; n++) free(s->names[n]);
    free(s->names);
    connect_close(&s->c);
}
