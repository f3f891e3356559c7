/* Programs built against the first release's till.h go on working: the sizes and places they were compiled with are still those. */
#include <criterion/criterion.h>
#include <stddef.h>

#include "producer/till.h"

/* As the first release had them, where pointers have 8 bytes. */
static const struct {
    const char *name;
    size_t now, then;
} rows[] = {
    {"till_options", sizeof(struct till_options), 128},
    {"till_intent", sizeof(struct till_intent), 232},
    {"till_result", sizeof(struct till_result), 544},
    {"till_answer", sizeof(struct till_answer), 872},
    {"till_account", sizeof(struct till_account), 192},
    {"till_bill", sizeof(struct till_bill), 576},
    {"till_options.url", offsetof(struct till_options, url), 0},
    {"till_options.backlog_max", offsetof(struct till_options, backlog_max), 40},
    {"till_options.client_name", offsetof(struct till_options, client_name), 56},
    {"till_options.tls", offsetof(struct till_options, tls), 80}, /* NULL before there was one */
    {"till_options.bulk", offsetof(struct till_options, bulk), 88}, /* 0 before there was one */
    {"till_options.password_file", offsetof(struct till_options, password_file), 104}, /* NULL before there was one */
    {"till_options.bulk_answers", offsetof(struct till_options, bulk_answers), 120}, /* false before there was one */
    {"till_options.reserved", offsetof(struct till_options, reserved), 121},
    {"till_intent.op", offsetof(struct till_intent, op), 0},
    {"till_intent.source", offsetof(struct till_intent, source), 8},
    {"till_intent.key", offsetof(struct till_intent, key), 16},
    {"till_intent.at_ms", offsetof(struct till_intent, at_ms), 24},
    {"till_intent.account", offsetof(struct till_intent, account), 32},
    {"till_intent.to", offsetof(struct till_intent, to), 40},
    {"till_intent.amount_minor", offsetof(struct till_intent, amount_minor), 48},
    {"till_intent.currency", offsetof(struct till_intent, currency), 56},
    {"till_intent.of", offsetof(struct till_intent, of), 64},
    {"till_intent.of_at_ms", offsetof(struct till_intent, of_at_ms), 72},
    {"till_intent.kind", offsetof(struct till_intent, kind), 80},
    {"till_intent.allow_duplicate", offsetof(struct till_intent, allow_duplicate), 88},
    {"till_intent.note", offsetof(struct till_intent, note), 96},
    {"till_result.key", offsetof(struct till_result, key), 46},
    {"till_result.at_ms", offsetof(struct till_result, at_ms), 304},
    {"till_result.text", offsetof(struct till_result, text), 377},
    {"till_answer.code", offsetof(struct till_answer, code), 324},
    {"till_answer.amount_minor", offsetof(struct till_answer, amount_minor), 440},
    {"till_answer.detail", offsetof(struct till_answer, detail), 563},
    {"till_answer.partition", offsetof(struct till_answer, partition), 864},
    {"till_account.balance_minor", offsetof(struct till_account, balance_minor), 144},
    {"till_account.shards", offsetof(struct till_account, shards), 188},
    {"till_bill.amount_minor", offsetof(struct till_bill, amount_minor), 80},
    {"till_bill.captured_minor", offsetof(struct till_bill, captured_minor), 272},
    {"till_bill.partition", offsetof(struct till_bill, partition), 572},
    {"where reserved began", offsetof(struct till_intent, expires_ms), 104},
};

Test(till_abi, old_members_stay_where_they_were) {
    if (sizeof(void *) != 8)
        cr_skip("no release for such a machine");
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        cr_assert_eq(rows[i].now, rows[i].then, "%s: %zu, was %zu", rows[i].name, rows[i].now, rows[i].then);
}
