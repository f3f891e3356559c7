/* `till bill`: what was decided about an intent. */
#include <stdio.h>
#include <string.h>

#include "producer/cli/answer_words.h"
#include "producer/cli/bill_out.h"
#include "producer/cli/commands.h"
#include "producer/cli/connect.h"
#include "producer/cli/json_out.h"
#include "producer/cli/table.h"
#include "producer/cli/when.h"

enum { OPTION_AT };

static const char *detail_name(const struct till_bill *b) {
    uint64_t ms;
    return answer_detail_name(b->op, b->code, b->detail, &ms);
}

/* Can it still be captured? One that has lapsed cannot, swept or not. */
static bool is_open(const struct till_bill *b) {
    return strcmp(b->state, "open") == 0 && b->has_amount && (!bill_deadline_ms(b) || bill_deadline_ms(b) > when_now_ms());
}

static void print_json(const struct till_bill *b, char **operands) { json_out(bill_json(b, operands[0], operands[1], operands[2])); }

static void print_text(const char *name, const char *text) {
    if (!*text) return;
    printf("%-12s", name);
    table_print_safe(text);
    putchar('\n');
}

static void print_amount(const char *name, bool present, int64_t amount, const char *currency) {
    if (present) printf("%-12s%lld %s\n", name, (long long)amount, currency);
}

static void print_lines(const struct till_bill *b, char **operands) {
    char at[WHEN_TEXT_SIZE], deadline[WHEN_TEXT_SIZE];
    (void)operands;
    when_format(b->at_ms, at);
    when_format(bill_deadline_ms(b), deadline);
    printf("%s (%d): %s\n", till_code_word(b->code), b->code, answer_sentence(b->op, b->code, b->detail));
    print_text("op", b->op);
    print_text("bill", b->bill);
    print_amount("amount", b->has_amount, b->amount_minor, b->currency);
    print_text("to", b->to);
    print_text("state", b->state);
    if (bill_deadline_ms(b)) print_text("deadline", deadline);
    print_amount("captured", b->captured_minor != 0, b->captured_minor, b->currency);
    print_amount("refunded", b->refunded_minor != 0, b->refunded_minor, b->currency);
    print_amount("left", is_open(b), b->amount_minor - b->captured_minor, b->currency);
    print_amount("balance", b->has_balance, b->balance_minor, b->currency);
    print_amount("held", b->has_balance && b->held_minor != 0, b->held_minor, b->currency);
    if (!bill_deadline_ms(b)) print_text(detail_name(b), b->detail);
    print_text("at", at);
    print_text("entry", b->entry);
    print_text("day", b->day);
}

static int run(struct cli *cli) {
    struct till *till = NULL;
    struct till_bill bill;
    uint64_t at_ms = 0;
    if (cli->value[OPTION_AT] && !when_parse(cli->value[OPTION_AT], &at_ms)) return cli_usage(cli, "--at must be a time: " WHEN_FORMS);
    int code = connect_till(cli, NULL, &till);
    if (!code) {
        int found = till_bill(till, cli->operands[0], cli->operands[1], cli->operands[2], at_ms, &bill);
        if (found == TILL_NOT_FOUND) {
            cli_say(cli, "nothing was decided about %s/%s/%s, or its day was dropped", cli->operands[0], cli->operands[1],
                    cli->operands[2]);
            code = CLI_FOUND;
        } else if (found != TILL_OK) {
            code = connect_till_failed(cli, till, found, "reading the bill");
        } else {
            (cli->json ? print_json : print_lines)(&bill, cli->operands);
        }
    }
    till_close(till);
    return code;
}

static const struct cli_option options[] = {{"at", 0, "TIME", "the intent's `at`, if known; finds it faster"}, {0}};

const struct cli_command cmd_bill = {
    .name = "bill",
    .group = CLI_LOOK,
    .summary = "shows what was decided about an intent, and how its captures and refunds stand",
    .operands = "ACCOUNT SOURCE KEY",
    .operands_min = 3,
    .operands_max = 3,
    .options = options,
    .about = "state: captured or released of what was paid; open, captured, released or expired of a hold, with its deadline and what is\n"
             "left; in_progress of a transfer or of an order's payment on its way; scheduled of what is for later. Refusals are kept\n"
             "too. Exit code 1 when nothing was decided about it.",
    .examples = "  till bill alice shop k1\n  till bill alice shop h1 --json",
    .run = run,
};
