/* `till pay` and its like: one intent from options that are the wire's fields, sent, its answer awaited and shown. */
#include "producer/cli/cmd_intent.h"

#include <stdio.h>
#include <string.h>

#include "producer/cli/answer_out.h"
#include "producer/cli/args.h"
#include "producer/cli/connect.h"
#include "producer/cli/intent_fields.h"
#include "producer/cli/intent_lines.h"
#include "producer/cli/intent_steps.h"
#include "producer/cli/intent_words.h"
#include "producer/cli/password.h"
#include "producer/cli/when.h"
#include "producer/client_intent.h"

/* Options beside those of fields. */
enum extra_option {
    OPTION_NO_WAIT, OPTION_TIMEOUT, OPTION_PASSWORD, OPTION_OLD_PASSWORD, OPTION_REMOVE, OPTION_STEPS, OPTION_STEPS_CURRENCY, OPTION_COUNT
};

static const struct {
    unsigned extra; /* of which operations; 0: all */
    struct cli_option option;
} extra_options[OPTION_COUNT] = {
    [OPTION_NO_WAIT] = {0, {"no-wait", 0, NULL, "only enqueue it"}},
    [OPTION_TIMEOUT] = {0, {"timeout", 0, "MS", "how long to wait for the answer; default producer.timeout"}},
    [OPTION_PASSWORD] = {EXTRA_SIGNS | EXTRA_SETS_PASSWORD | EXTRA_CHANGES_PASSWORD, {"password-file", 0, "FILE", NULL}},
    [OPTION_OLD_PASSWORD] = {EXTRA_CHANGES_PASSWORD, {"old-password-file", 0, "FILE", "the password it has now"}},
    [OPTION_REMOVE] = {EXTRA_CHANGES_PASSWORD, {"remove", 0, NULL, "from now on nothing need be signed"}},
    [OPTION_STEPS] = {EXTRA_STEPS, {"steps", 0, "FILE", "the steps as a JSON array of objects, instead of arguments; -: stdin"}},
    [OPTION_STEPS_CURRENCY] = {EXTRA_STEPS, {"currency", 0, "CUR", "of steps that do not say theirs"}},
};

static const char *password_help(unsigned extra) {
    if (extra & EXTRA_SIGNS) return "the account's password, if it has one, " PASSWORD_HELP;
    return "the password it gets, " PASSWORD_HELP;
}

/* The options of each operation: those of its fields, then others. */
struct made {
    struct cli_command command;
    struct cli_option options[FIELD_COUNT + OPTION_COUNT + 1];
    char names[FIELD_COUNT][32], about[1200];
    enum field fields[FIELD_COUNT];
    unsigned field_count, option_count, extra;
    int places[OPTION_COUNT]; /* in the options; -1: it has it not */
};

static void add_field(struct made *m, enum op op, enum field field) {
    const struct intent_field_words *words = intent_field_words(op, field);
    char *name = m->names[m->field_count];
    snprintf(name, sizeof m->names[0], "%s", words->name ? words->name : field_name(field));
    for (char *at; (at = strchr(name, '_'));) *at = '-';
    bool flag = field_is_bool(field) && !words->argument;
    m->fields[m->field_count++] = field;
    m->options[m->option_count++] =
        (struct cli_option){name, 0, flag ? NULL : words->argument ? words->argument : "VALUE", words->help ? words->help : ""};
}

static void add_extra(struct made *m, enum extra_option n) {
    m->places[n] = -1;
    if (extra_options[n].extra && !(extra_options[n].extra & m->extra)) return;
    m->places[n] = (int)m->option_count;
    m->options[m->option_count] = extra_options[n].option;
    if (n == OPTION_PASSWORD) m->options[m->option_count].help = password_help(m->extra);
    m->option_count++;
}

/* What an option was given; NULL: it was not, or there is none. */
static const char *extra_value(const struct cli *cli, const struct made *m, enum extra_option n) {
    return m->places[n] < 0 ? NULL : cli->value[m->places[n]];
}

/* How many of the operands are fields. */
static int operand_count(const struct intent_words *words) {
    int count = 0;
    while (words->operand_fields[count] != FIELD_v) count++;
    return count;
}

/* Fields that are no options: set by operands, made from a password, or the book's own. */
static bool is_option(enum field field, enum op op) {
    const struct intent_words *words = intent_words(op);
    if (field == FIELD_account && op == OP_policy) return false;
    for (int n = 0; n < operand_count(words); n++)
        if (words->operand_fields[n] == field) return false;
    return field != FIELD_v && field != FIELD_op && field != FIELD_settings && field != FIELD_steps && field != FIELD_credential;
}

static int run(struct cli *cli);

static void make(struct made *m, enum op op) {
    memset(m, 0, sizeof *m);
    const struct intent_words *words = intent_words(op);
    uint64_t needed = op_fields_needed(op), allowed = op_fields_allowed(op);
    int fields = operand_count(words);
    m->extra = words->extra;
    for (int pass = 0; pass < 2; pass++) /* those it needs come first */
        for (enum field field = 0; field < FIELD_COUNT; field++)
            if (is_option(field, op) && (allowed & FIELD_BIT(field)) && ((needed & FIELD_BIT(field)) == 0) == pass) add_field(m, op, field);
    for (enum extra_option n = 0; n < OPTION_COUNT; n++) add_extra(m, n);
    snprintf(m->about, sizeof m->about, "%sExit code 1 when it was refused.", words->about ? words->about : "");
    m->command = (struct cli_command){
        .name = op_word(op),
        .group = words->group,
        .summary = words->summary ? words->summary : "sends this operation",
        .operands = words->operands ? words->operands : "",
        .operands_min = fields,
        .operands_max = fields ? fields : words->operands ? INTENT_STEPS_MAX : 0,
        .options = m->options,
        .about = m->about,
        .examples = words->examples ? words->examples : "",
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
        if (!op_is_follow_up((enum op)op) && op != OP_settle) make(&all[count++], (enum op)op); /* `till settle` sends many of its */
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

/* What is wrong with an operand, by its name in "MERCHANT SKU +N|-N". */
static int say_operand(struct cli *cli, int place, const char *wrong) {
    const char *name = cli->command->operands;
    for (int n = 0; n < place; n++) name += strcspn(name, " ") + 1;
    if (*name == '+') return cli_usage(cli, "'%s' %s", cli->operands[place], wrong);
    return cli_usage(cli, "%.*s %s %s", (int)strcspn(name, " "), name, cli->operands[place], wrong);
}

static int read_operand_fields(struct cli *cli, const struct intent_words *words, struct intent *intent) {
    for (int n = 0; n < cli->operand_count; n++) {
        const char *wrong = intent_fields_set(intent, words->operand_fields[n], cli->operands[n]);
        if (wrong) return say_operand(cli, n, wrong);
    }
    return CLI_OK;
}

/* Fields, steps or settings. */
static int read_operands(struct cli *cli, const struct made *m, struct intent *intent) {
    struct intent_fault fault;
    if (operand_count(intent_words(intent->op))) return read_operand_fields(cli, intent_words(intent->op), intent);
    const char *file = extra_value(cli, m, OPTION_STEPS), *currency = extra_value(cli, m, OPTION_STEPS_CURRENCY), *wrong;
    if (file && cli->operand_count) return cli_usage(cli, "steps are arguments or in --steps %s, not both", file);
    if (file && (wrong = intent_steps_load(intent, file, currency, &fault))) return cli_usage(cli, "%s", wrong);
    for (int n = 0; n < cli->operand_count; n++) {
        if (m->extra & EXTRA_STEPS && (wrong = intent_steps_add(intent, cli->operands[n], currency, &fault)))
            return cli_usage(cli, "%s", wrong);
        if (m->extra & EXTRA_SETTINGS && (wrong = intent_fields_setting(intent, cli->operands[n])))
            return cli_usage(cli, "'%s' %s", cli->operands[n], wrong);
    }
    return CLI_OK;
}

/* `till credential` wants it said whether the password goes or comes, and both cannot be read from one stdin. */
static int check_passwords(struct cli *cli, const struct made *m) {
    const char *new = extra_value(cli, m, OPTION_PASSWORD), *old = extra_value(cli, m, OPTION_OLD_PASSWORD);
    bool both = new && old && strcmp(new, "-") == 0 && strcmp(old, "-") == 0;
    if (!(m->extra & EXTRA_CHANGES_PASSWORD)) return CLI_OK;
    if (both) return cli_usage(cli, "stdin cannot be both passwords");
    if (!new == !extra_value(cli, m, OPTION_REMOVE)) return cli_usage(cli, "needs either --password-file or --remove");
    return CLI_OK;
}

/* The values of the options; what is wrong is said by option. */
static int read_options(struct cli *cli, const struct made *m, struct intent *intent) {
    for (unsigned n = 0; n < m->field_count; n++) {
        bool many = m->fields[n] == FIELD_lines;
        int count = many ? cli->repeated_count : cli->value[n] != NULL;
        for (int i = 0; i < count; i++) {
            const char *value = many ? cli->repeated[i] : cli->value[n];
            const char *wrong = intent_fields_set(intent, m->fields[n], value);
            if (wrong) return cli_usage(cli, "--%s %s %s", m->names[n], value, wrong);
        }
    }
    return CLI_OK;
}

/* An order has lines or an amount. */
static int check_order(struct cli *cli, const struct intent *intent) {
    bool lines = intent->present & FIELD_BIT(FIELD_lines), amount = intent->present & FIELD_BIT(FIELD_amount);
    if (intent->op != OP_order || lines != amount) return CLI_OK;
    if (lines) return cli_usage(cli, "--amount is not taken beside --line: the prices make the total");
    return cli_usage(cli, "needs --line SKU=QUANTITY, once for each article, or --amount MINOR; `till order --help` shows how");
}

/* Fills the intent, and says what is wrong with it before Redis is asked. The credential is not in it yet. */
static int read_intent(struct cli *cli, const struct made *m, struct intent *intent) {
    struct intent_fault fault;
    intent_clear(intent);
    intent->op = m->command.op;
    intent->present = FIELD_BIT(FIELD_op);
    int code = read_options(cli, m, intent);
    if (!code) code = read_operands(cli, m, intent);
    if (!code) code = check_order(cli, intent);
    if (!code) code = check_passwords(cli, m);
    if (code) return code;
    intent_fields_complete(intent, INTENT_SOURCE_CLI);
    const char *wrong = intent_check(intent, &fault), *dashes = m->extra & EXTRA_SETTINGS ? "" : "--";
    return wrong ? cli_usage(cli, "%s%s; `till %s --help` shows how", dashes, wrong, cli->command->name) : CLI_OK;
}

/* Turns the password files into what the intent carries and what signs it. */
static int read_passwords(struct cli *cli, const struct made *m, const struct config *config, struct intent *intent, uint8_t **key) {
    const char *path = extra_value(cli, m, OPTION_PASSWORD), *old = extra_value(cli, m, OPTION_OLD_PASSWORD);
    if (m->extra & EXTRA_SETTINGS) return password_of_book(cli, config, key);
    uint8_t *given = path ? password_credential(cli, "password-file", path, config->book_name, intent->account) : NULL;
    if (path && !given) return CLI_USAGE;
    if (m->extra & EXTRA_SIGNS) {
        *key = given;
        return CLI_OK;
    }
    const char *wrong = given ? intent_set_bytes(intent, FIELD_credential, given, TILL_CREDENTIAL_SIZE) : NULL;
    password_free(given);
    *key = old && !wrong ? password_credential(cli, "old-password-file", old, config->book_name, intent->account) : NULL;
    return wrong || (old && !*key) ? CLI_USAGE : CLI_OK;
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
        char when[WHEN_TEXT_SIZE];
        when_format(intent->not_before_ms, when);
        bool later = intent->not_before_ms > when_now_ms();
        printf("enqueued%s%s\nkey      %s\nentry    %s\n", later ? ", to be decided at " : "", later ? when : "", result.key, result.entry);
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

/* Its answer comes when its time has come: there is nothing to wait for. */
static bool is_later(const struct intent *intent) { return intent->not_before_ms > when_now_ms(); }

static int send(struct cli *cli, const struct made *m, const struct config *config, struct till *till, const struct intent *intent,
                const uint8_t *key, int timeout_ms) {
    struct client_nested nested;
    struct till_intent out;
    client_intent_borrow(intent, &nested, &out);
    out.sign_with = key;
    if (!timeout_ms) timeout_ms = (int)config->producer_timeout_ms;
    bool waits = !extra_value(cli, m, OPTION_NO_WAIT) && !is_later(intent);
    return (waits ? call : enqueue)(cli, till, &out, timeout_ms);
}

static int run(struct cli *cli) {
    const struct made *m = made_of(cli->command);
    struct config config;
    struct intent intent;
    struct till *till = NULL;
    uint8_t *key = NULL;
    uint64_t timeout_ms = 0;
    int code = read_intent(cli, m, &intent);
    if (!code && !args_number(cli, (unsigned)m->places[OPTION_TIMEOUT], 1, 3600000, &timeout_ms)) code = CLI_USAGE;
    if (!code) code = connect_config(cli, &config);
    if (!code) code = read_passwords(cli, m, &config, &intent, &key);
    if (!code) code = connect_till(cli, &config, &till);
    if (!code) code = send(cli, m, &config, till, &intent, key, (int)timeout_ms);
    explicit_bzero(intent.credential, sizeof intent.credential);
    password_free(key);
    till_close(till);
    return code;
}
