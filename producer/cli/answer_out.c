/* Shows answers: as JSON, as a few lines, as rows. */
#include "producer/cli/answer_out.h"

#include <stdio.h>
#include <string.h>

#include "producer/cli/answer_words.h"
#include "producer/cli/when.h"

json_t *answer_json(const struct till_answer *a) {
    char number[TILL_NUMBER_SIZE];
    json_t *object = json_out_object();
    json_out_text(object, "key", a->key);
    json_out_text(object, "source", a->source);
    json_out_text(object, "op", a->op);
    json_out_number(object, "code", a->code);
    json_out_text(object, "reason", a->reason);
    json_out_text(object, "account", a->account);
    json_out_optional(object, "amount", a->has_amount, a->amount_minor);
    json_out_text(object, "currency", a->currency);
    json_out_optional(object, "balance", a->has_balance, a->balance_minor);
    json_out_optional(object, "held", a->has_held, a->held_minor);
    json_out_text(object, "bill", a->bill);
    json_out_number(object, "at", (int64_t)a->at_ms);
    json_out_text(object, "entry", a->entry);
    json_out_bool(object, "replayed", a->replayed);
    json_out_text(object, "detail", a->detail);
    json_out_text(object, "durable", till_answer_field(a, TILL_ANSWER_FIELDS - 1, number));
    if (a->response[0]) json_out_text(object, "response", a->response);
    return object;
}

static void print_line(const char *name, const char *text) {
    if (!*text) return;
    printf("%-9s", name);
    table_print_safe(text);
    putchar('\n');
}

static void print_amount(const char *name, bool present, int64_t amount, const char *currency) {
    if (present) printf("%-9s%lld %s\n", name, (long long)amount, currency);
}

/* A hold's and an order's is the time it lapses. */
static void print_detail(const struct till_answer *a) {
    char deadline[WHEN_TEXT_SIZE];
    uint64_t ms;
    const char *name = answer_detail_name(a->op, a->code, a->detail, &ms);
    if (ms) when_format(ms, deadline);
    print_line(name, ms ? deadline : a->detail);
}

void answer_print(const struct till_answer *a) {
    const char *colour = !table_colour() ? "" : a->code == 0 ? "\x1b[32m" : "\x1b[31m", *plain = *colour ? "\x1b[0m" : "";
    char number[TILL_NUMBER_SIZE];
    printf("%s%s%s (%d)%s: %s\n", colour, a->reason, plain, a->code, a->replayed ? ", the answer given before" : "",
           answer_sentence(a->op, a->code, a->detail));
    print_detail(a);
    print_line("op", a->op);
    print_line("account", a->account);
    print_amount("amount", a->has_amount, a->amount_minor, a->currency);
    print_amount("balance", a->has_balance, a->balance_minor, a->currency);
    print_amount("held", a->has_held && a->held_minor != 0, a->held_minor, a->currency);
    print_line("bill", a->bill);
    print_line("source", a->source);
    print_line("key", a->key);
    print_line("entry", a->entry);
    if (a->durable != TILL_DURABLE_MEMORY) print_line("durable", till_answer_field(a, TILL_ANSWER_FIELDS - 1, number));
}

const struct table_column answer_columns[] = {{"TIME", false},   {"SOURCE", false},  {"KEY", false},   {"OP", false},  {"CODE", true},
                                              {"REASON", false}, {"ACCOUNT", false}, {"AMOUNT", true}, {"CUR", false}, {"BALANCE", true},
                                              {"BILL", false},   {"DETAIL", false},  {NULL, false}};

void answer_row(struct table *t, const struct till_answer *a) {
    char time[WHEN_TEXT_SIZE];
    when_format(a->at_ms, time);
    table_add(t, time);
    table_add(t, a->source);
    table_add(t, a->key);
    table_add(t, a->op);
    table_addf(t, "%d", a->code);
    table_addf(t, "%s%s", a->reason, a->replayed ? " (again)" : "");
    table_add(t, a->account);
    table_add_number(t, a->has_amount, a->amount_minor);
    table_add(t, a->currency);
    table_add_number(t, a->has_balance, a->balance_minor);
    table_add(t, a->bill);
    table_add(t, a->detail);
}
