/* Reads and shows the lines of an order. */
#include "producer/cli/intent_lines.h"

#include <stdio.h>
#include <string.h>

#include "producer/cli/args.h"
#include "producer/cli/json_out.h"

/* A name may have '=' in it, a number has not. */
const char *intent_lines_add(struct intent *order, const char *text) {
    const char *equals = strrchr(text, '=');
    uint64_t quantity;
    if (!equals || !args_parse_number(equals + 1, &quantity)) return "must be SKU=QUANTITY, the quantity a whole number: tea=2";
    return intent_add_line(order, text, (size_t)(equals - text), quantity);
}

static const char *read_line(struct intent *order, const json_t *line) {
    const json_t *sku = json_array_get(line, 0), *quantity = json_array_get(line, 1);
    if (json_array_size(line) != 2 || !json_is_string(sku) || !json_is_integer(quantity)) return "must be [SKU, QUANTITY], as [\"tea\", 2]";
    json_int_t number = json_integer_value(quantity);
    return intent_add_line(order, json_string_value(sku), json_string_length(sku), number > 0 ? (uint64_t)number : 0);
}

bool intent_lines_read(struct intent *order, const json_t *array, struct intent_fault *fault) {
    size_t n;
    const json_t *line;
    const char *wrong = json_array_size(array) ? NULL : "must be an array like [[\"tea\", 2], [\"cake\", 1]]";
    snprintf(fault->field, sizeof fault->field, "lines");
    snprintf(fault->text, sizeof fault->text, "lines %s", wrong ? wrong : "");
    if (wrong) return false;
    json_array_foreach(array, n, line) {
        wrong = read_line(order, line);
        snprintf(fault->text, sizeof fault->text, "lines: line %zu %s", n + 1, wrong ? wrong : "");
        if (wrong) return false;
    }
    return true;
}

json_t *intent_lines_show(const struct intent *order) {
    json_t *array = json_out_array();
    for (unsigned n = 0; n < order->line_count; n++) {
        json_t *line = json_out_array();
        json_out_append(line, json_out_string(order->lines[n].sku, strlen(order->lines[n].sku)));
        json_out_append(line, json_integer((json_int_t)order->lines[n].quantity));
        json_out_append(array, line);
    }
    return array;
}
