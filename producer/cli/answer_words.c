/* Words for answers. */
#include "producer/cli/answer_words.h"

#include <stddef.h>
#include <string.h>

#include "producer/cli/args.h"

/* What only these operations mean by a code. `detail` NULL: whatever it is. */
static const struct {
    const char *op;
    int code;
    const char *detail, *sentence;
} rows[] = {
    {"price", TILL_NOT_FOUND, NULL, "there is no such merchant"},
    {"stock", TILL_NOT_FOUND, NULL, "there is no such merchant"},
    {"stock", TILL_OUT_OF_STOCK, NULL, "there is less in stock than is to be taken off"},
    {"stock", TILL_LIMIT_EXCEEDED, NULL, "more would be in stock than 2^53 - 1"},
    {"order", TILL_NOT_FOUND, "account", "there is no such merchant"},
    {"order", TILL_NOT_FOUND, "lines", "an article in the lines is not there or has no price"},
    {"order", TILL_ALREADY_EXISTS, NULL, "the merchant has an order of this name already"},
    {"order", TILL_LIMIT_EXCEEDED, NULL, "the total would be above 2^53 - 1"},
    {"order", TILL_OUT_OF_STOCK, NULL, "less is in stock than a line asks for; nothing was reserved"},
    {"cancel", TILL_NOT_FOUND, "account", "there is no such merchant"},
    {"cancel", TILL_NOT_FOUND, "order", "the merchant has no such order"},
    {"cancel", TILL_WRONG_STATE, NULL, "the order is paid, or cancelled already"},
    {"cancel", TILL_EXPIRED, NULL, "the order has lapsed"},
    {"pay", TILL_NOT_FOUND, "order", "the merchant has no such order, or it is another customer's"},
    {"pay", TILL_WRONG_STATE, "", "the order is paid already, or cancelled"},
    {"pay", TILL_EXPIRED, NULL, "the order has lapsed"},
    {"pay", TILL_LIMIT_EXCEEDED, "amount", "the amount is not the order's total"},
    {"settle", TILL_NOT_FOUND, NULL, "there is no such merchant"},
    {"settle", TILL_WRONG_STATE, "month", "the month is not over yet"},
    {"settle", TILL_WRONG_STATE, NULL, "an earlier month is to be settled first; detail names it"},
    {"settle", TILL_ALREADY_EXISTS, NULL, "the month is settled already"},
};

const char *answer_sentence(const char *op, int code, const char *detail) {
    for (size_t n = 0; n < sizeof rows / sizeof rows[0]; n++)
        if (rows[n].code == code && strcmp(rows[n].op, op) == 0 && (!rows[n].detail || strcmp(rows[n].detail, detail) == 0))
            return rows[n].sentence;
    return till_code_sentence(code);
}

const char *answer_detail_name(const char *op, int code, const char *detail, uint64_t *ms) {
    bool lapses = strcmp(op, "hold") == 0 || strcmp(op, "order") == 0;
    *ms = 0;
    if (code != TILL_OK) return "detail";
    if (lapses && args_parse_number(detail, ms)) return "deadline";
    return strcmp(op, "stock") == 0 ? "stock" : "detail";
}
