/* `till pay` and its like: one intent from options that are the wire's fields, sent, its answer awaited and shown. */
#include "producer/cli/cmd_intent.h"

#include <stdio.h>
#include <string.h>

#include "producer/cli/answer_out.h"
#include "producer/cli/args.h"
#include "producer/cli/connect.h"
#include "producer/cli/intent_fields.h"
#include "producer/client_intent.h"

/* What is said of an operation. */
struct words {
    enum cli_group group;
    const char *summary, *examples;
};

static const struct words words[OP_COUNT] = {
    [OP_open] =
        {CLI_ACCOUNTS, "creates an account: a user, a merchant or an app",
         "  till open --account alice --kind user --currency CNY\n  till open --account coffee --kind merchant --currency CNY --json"},
    [OP_freeze] = {CLI_ACCOUNTS, "stops an account paying and receiving",
                   "  till freeze --account alice\n  till freeze --account coffee --note 'under review'"},
    [OP_thaw] = {CLI_ACCOUNTS, "lets a frozen account pay and receive again",
                 "  till thaw --account alice\n  till thaw --account alice --json"},
    [OP_close] = {CLI_ACCOUNTS, "closes an empty account for good", "  till close --account alice\n  till close --account alice --json"},
    [OP_inquire] = {CLI_ACCOUNTS, "answers the balance as of this place in the stream",
                    "  till inquire --account alice\n  till inquire --account alice --json"},
    [OP_topup] =
        {CLI_MONEY, "books money coming in from outside",
         "  till topup --account alice --amount 10000 --currency CNY\n  till topup --account alice --amount 1 --currency CNY --no-wait"},
    [OP_withdraw] = {CLI_MONEY, "books money going out",
                     "  till withdraw --account alice --amount 500\n  till withdraw --account alice --amount 500 --json"},
    [OP_pay] = {CLI_MONEY, "pays a merchant",
                "  till pay --source shop --key k1 --account alice --to coffee --amount 1999 --currency CNY\n"
                "  till pay --account alice --to coffee --amount 300 --currency CNY --note 'table 4' --json"},
    [OP_refund] = {CLI_MONEY, "gives back all or part of a payment",
                   "  till refund --source shop --account alice --of k1 --amount 500\n  till refund --source shop --account alice --of k1"},
    [OP_rollback] = {CLI_MONEY, "undoes a topup, withdraw or pay whole, once",
                     "  till topup --source shop --key t9 --account alice --amount 700 --currency CNY\n"
                     "  till rollback --source shop --account alice --of t9"},
};

static const char *const field_help[FIELD_COUNT][2] = {
    [FIELD_source] = {"NAME", "the upstream it comes from; default " INTENT_SOURCE_CLI},
    [FIELD_key] = {"KEY", "idempotency key; without it one is made and shown"},
    [FIELD_at] = {"TIME", "when it was created; a retry says what it said first; default now"},
    [FIELD_account] = {"ID", "the account it acts on"},
    [FIELD_to] = {"ID", "the merchant"},
    [FIELD_amount] = {"MINOR", "in minor units: 1999 is 19.99"},
    [FIELD_currency] = {"CUR", "three capital letters"},
    [FIELD_of] = {"KEY", "key of the intent referred to, of the same source and account"},
    [FIELD_of_at] = {"TIME", "when that was created, if known; finds it faster"},
    [FIELD_kind] = {"KIND", "user, merchant or app"},
    [FIELD_allow_duplicate] = {NULL, "also when it looks like a payment made a moment ago"},
    [FIELD_note] = {"TEXT", "kept in the ledger, up to 256 bytes"},
};

/* The options of each operation: those of its fields, then these two. */
struct made {
    struct cli_command command;
    struct cli_option options[FIELD_COUNT + 3];
    char names[FIELD_COUNT][32];
    enum field fields[FIELD_COUNT];
    unsigned field_count, wait_option, timeout_option;
};

static void add_field(struct made *m, enum field field) {
    char *name = m->names[m->field_count];
    snprintf(name, sizeof m->names[0], "%s", field_name(field));
    for (char *at; (at = strchr(name, '_'));) *at = '-';
    const char *argument = field_help[field][0], *help = field_help[field][1];
    m->fields[m->field_count] = field;
    m->options[m->field_count++] = (struct cli_option){name, 0,
                                                       field_is_bool(field) ? NULL
                                                       : argument           ? argument
                                                                            : "VALUE",
                                                       help ? help : ""};
}

static int run(struct cli *cli);

static void make(struct made *m, enum op op) {
    memset(m, 0, sizeof *m);
    uint32_t needed = op_fields_needed(op), allowed = op_fields_allowed(op);
    for (int pass = 0; pass < 2; pass++) /* those it needs come first */
        for (int field = 0; field < FIELD_COUNT; field++)
            if (field != FIELD_v && field != FIELD_op && (allowed & FIELD_BIT(field)) && ((needed & FIELD_BIT(field)) == 0) == pass)
                add_field(m, (enum field)field);
    m->wait_option = m->field_count;
    m->options[m->field_count] = (struct cli_option){"no-wait", 0, NULL, "only enqueue it"};
    m->timeout_option = m->field_count + 1;
    m->options[m->field_count + 1] = (struct cli_option){"timeout", 0, "MS", "how long to wait for the answer; default producer.timeout"};
    m->command = (struct cli_command){
        .name = op_word(op),
        .group = words[op].group,
        .summary = words[op].summary ? words[op].summary : "sends this operation",
        .operands = "",
        .options = m->options,
        .about = "Exit code 1 when it was refused.",
        .examples = words[op].examples ? words[op].examples : "",
        .op = op,
        .run = run,
    };
}

/* The table is made once, at the first call: a program of one thread. */
static const struct made *made_at(size_t place) {
    static struct made all[OP_COUNT];
    static size_t count;
    static bool made;
    for (int op = OP_NONE + 1; !made && op < OP_COUNT; op++)
        if (!op_is_follow_up((enum op)op)) make(&all[count++], (enum op)op);
    made = true;
    return place < count ? &all[place] : NULL;
}

size_t cmd_intent_count(void) {
    size_t count = 0;
    while (made_at(count)) count++;
    return count;
}

const struct cli_command *cmd_intent_at(size_t place) {
    const struct made *m = made_at(place);
    return m ? &m->command : NULL;
}

static const struct made *made_of(const struct cli_command *command) {
    const struct made *m;
    for (size_t n = 0; (m = made_at(n)); n++)
        if (&m->command == command) return m;
    return NULL;
}

/* Fills the intent; what is wrong is said by option, before Redis is asked. */
static int read_intent(struct cli *cli, const struct made *m, struct intent *intent) {
    struct intent_fault fault;
    *intent = (struct intent){.op = m->command.op, .present = FIELD_BIT(FIELD_op)};
    for (unsigned n = 0; n < m->field_count; n++) {
        if (!cli->value[n]) continue;
        const char *wrong = intent_fields_set(intent, m->fields[n], cli->value[n]);
        if (wrong) return cli_usage(cli, "--%s %s %s", m->names[n], cli->value[n], wrong);
    }
    intent_fields_complete(intent, INTENT_SOURCE_CLI);
    const char *wrong = intent_check(intent, &fault);
    return wrong ? cli_usage(cli, "--%s; `till %s --help` shows how", wrong, cli->command->name) : CLI_OK;
}

static int enqueue(struct cli *cli, struct till *till, const struct till_intent *intent, int timeout_ms) {
    struct till_result result;
    size_t sent = till_send(till, intent, 1, timeout_ms, &result);
    if (cli->json) {
        json_t *object = json_out_object();
        json_out_number(object, "code", result.code);
        json_out_text(object, "reason", till_code_word(result.code));
        json_out_text(object, "entry", result.entry);
        json_out_text(object, "key", result.key);
        json_out_number(object, "at", (int64_t)result.at_ms);
        json_out_text(object, "detail", result.text);
        json_out(object);
    } else if (sent) {
        printf("enqueued\nkey      %s\nentry    %s\n", result.key, result.entry);
    } else {
        cli_say(cli, "%s: %s", till_code_sentence(result.code), result.text);
    }
    return sent ? CLI_OK : result.code == TILL_READ_FAILED || result.code == TILL_WRITE_FAILED ? CLI_UNREACHABLE : CLI_FOUND;
}

static int call(struct cli *cli, struct till *till, const struct till_intent *intent, int timeout_ms) {
    struct till_answer answer;
    int code = till_call(till, intent, timeout_ms, &answer);
    if (cli->json) json_out(answer_json(&answer));
    else answer_print(&answer);
    if (code == TILL_WRITE_FAILED)
        cli_say(cli, "to ask for the answer again, or to send it again safely, say the same with --key %s --at %llu", answer.key,
                (unsigned long long)answer.at_ms);
    if (code == TILL_OK) return CLI_OK;
    return code == TILL_READ_FAILED || (code == TILL_WRITE_FAILED && !answer.entry[0]) ? CLI_UNREACHABLE : CLI_FOUND;
}

static int run(struct cli *cli) {
    const struct made *m = made_of(cli->command);
    struct config config;
    struct intent intent;
    struct till_intent out;
    struct till *till = NULL;
    uint64_t timeout_ms = 0;
    int code = read_intent(cli, m, &intent);
    if (!code && !args_number(cli, m->timeout_option, 1, 3600000, &timeout_ms)) code = CLI_USAGE;
    if (!code) code = connect_till(cli, &config, &till);
    if (code) goto out;
    client_intent_borrow(&intent, &out);
    if (!timeout_ms) timeout_ms = config.producer_timeout_ms;
    code = (cli->value[m->wait_option] ? enqueue : call)(cli, till, &out, (int)timeout_ms);
out:
    till_close(till);
    return code;
}
