/* The checker: every entry has its one answer, and repetitions get the first one again. */
#include <stdlib.h>
#include <string.h>

#include "schema/bulk.h"
#include "schema/code.h"
#include "tests/flow/check.h"

static struct check_identity *identity_of(struct check *check, const char *text, bool add) {
    struct check_identity *identity;
    HASH_FIND_STR(check->identities, text, identity);
    if (identity || !add) return identity;
    identity = calloc(1, sizeof *identity);
    if (!identity) abort();
    snprintf(identity->text, sizeof identity->text, "%s", text);
    HASH_ADD_STR(check->identities, text, identity);
    return identity;
}

/* What an intent or a step of a group refers to. */
static void note_of(struct check *check, struct check_identity *identity, const char *account, const char *source, const char *of) {
    char text[INTENT_IDENTITY_MAX + 1];
    if (!*of || (identity->op != OP_capture && identity->op != OP_release)) return;
    snprintf(text, sizeof text, "%s/%s/%s", account, source, of);
    identity->of = identity_of(check, text, true);
}

static void note_steps(struct check *check, struct check_identity *group, const struct intent *intent) {
    char text[INTENT_IDENTITY_MAX + 1];
    for (unsigned n = 0; n < intent->step_count; n++) {
        intent_step_identity(intent, n, text);
        struct check_identity *step = identity_of(check, text, true);
        step->group = group;
        step->op = intent->steps[n].op;
        step->keeps = intent->steps[n].keeps;
        note_of(check, step, intent->account, intent->source, intent->steps[n].of);
    }
}

/* Answers that wait for follow-ups, for another partition, or for a time may come after those of later entries. */
static bool may_wait(const struct intent *intent) {
    enum op op = intent->op;
    bool orders = intent->present & FIELD_BIT(FIELD_order);
    return op == OP_open || op == OP_freeze || op == OP_thaw || op == OP_close || op == OP_transfer || op == OP_settle ||
           (op == OP_pay && orders) || intent->not_before_ms > 0;
}

static struct check_entry *entry_of(const struct check *check, const char *id, const char *identity) {
    char name[ENTRY_TEXT_MAX + INTENT_IDENTITY_MAX + 2];
    struct check_entry *entry;
    snprintf(name, sizeof name, "%s %s", id, identity);
    HASH_FIND_STR(check->entries, name, entry);
    return entry;
}

static struct check_identity *note_entry(struct check *check, const char *id, const struct intent *intent, bool valid) {
    char text[INTENT_IDENTITY_MAX + 1];
    intent_identity(intent, text);
    struct check_entry *entry = entry_of(check, id, text);
    check->totals->entries++;
    if (entry) { /* twice in a bulk entry */
        entry->copies++;
        entry->identity->sent++;
        return entry->identity;
    }
    entry = calloc(1, sizeof *entry);
    if (!entry) abort();
    entry->copies = 1;
    snprintf(entry->text, sizeof entry->text, "%s", id);
    snprintf(entry->name, sizeof entry->name, "%s %s", id, text);
    entry->identity = identity_of(check, text, true);
    entry->identity->sent++;
    entry->op = intent->op;
    entry->kind = intent->kind;
    entry->may_wait = may_wait(intent);
    if (valid && entry->identity->op == OP_NONE) {
        entry->identity->op = intent->op;
        entry->identity->put_off = intent->not_before_ms > 0;
        entry->identity->keeps = (intent->present & FIELD_BIT(FIELD_final)) && !intent->final;
        note_of(check, entry->identity, intent->account, intent->source, intent->of);
        check_shop_intent(check, entry->identity, intent);
        if (intent->op == OP_group) note_steps(check, entry->identity, intent);
    }
    HASH_ADD_STR(check->entries, name, entry);
    return entry->identity;
}

static void visit_bytes(struct check *check, const char *id, const void *bytes, size_t size, bool shared) {
    struct intent intent;
    struct intent_fault fault;
    enum intent_err err = intent_decode(bytes, size, &intent, &fault);
    if (err == INTENT_UNREADABLE) check->totals->unreadable++;
    else if (strcmp(intent.source, INTENT_SOURCE_TILL) == 0) check->totals->follow_ups++;
    else note_entry(check, id, &intent, err == INTENT_OK)->shared |= shared;
}

static void visit_intent(struct check *check, const char *id, struct reply fields) {
    struct bulk_part parts[BULK_INTENTS_MAX];
    size_t size;
    unsigned count = 0;
    const char *bytes = check_field(fields, "intents", &size);
    if (size > 0 && bulk_split(bytes, size, NULL, 0, parts, &count)) check_fault(check, "%s cannot be taken apart", id);
    for (unsigned n = 0; n < count; n++) visit_bytes(check, id, parts[n].bytes, parts[n].size, true);
    if (size > 0) return;
    bytes = check_field(fields, "intent", &size);
    visit_bytes(check, id, bytes, size, false);
}

void check_intents(struct check *check) {
    check_stream(check, flow_key(check->flow, keys_intents, check->partition), visit_intent);
}

/* All fields that an answer and its copies have in common, as one text: all but `replayed` and `durable`. */
static char *joined(struct reply fields) {
    char *text;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    if (!out) abort();
    for (size_t n = 0; n + 1 < reply_count(fields); n += 2) {
        const char *name = reply_text(reply_at(fields, n), NULL);
        if (strcmp(name, "replayed") != 0 && strcmp(name, "durable") != 0)
            fprintf(out, "%s=%s ", name, reply_text(reply_at(fields, n + 1), NULL));
    }
    fclose(out);
    return text;
}

static void check_order(struct check *check, const struct check_entry *entry, const char *account) {
    struct entry_id id;
    if (entry->may_wait || !entry_id_parse(entry->text, strlen(entry->text), &id)) return;
    struct check_chain *chain = check_chain_of(check, account);
    if (entry_id_compare(id, chain->answered) < 0) check_fault(check, "%s of %s was answered out of order", entry->text, account);
    chain->answered = id;
}

static void note_effect(struct check *check, const struct check_entry *entry, struct reply fields) {
    const char *bill = check_field(fields, "bill", NULL);
    struct check_identity *identity = entry->identity;
    if (!*bill) return;
    if (identity->bill[0]) check_fault(check, "%s has two bills, %s and %s", identity->text, identity->bill, bill);
    snprintf(identity->bill, sizeof identity->bill, "%s", bill);
    identity->bill_minor = strtoll(check_field(fields, "amount", NULL), NULL, 10);
    identity->code = (int)strtol(check_field(fields, "code", NULL), NULL, 10);
    if (identity->op == OP_group) identity->last_step = check_bill_number(check_field(fields, "detail", NULL));
    entry_id_parse(entry->text, strlen(entry->text), &identity->bill_entry);
    check->totals->bills++;
}

static void note_merchant(struct check *check, const struct check_entry *entry, const char *account, const char *code) {
    if (entry->op != OP_open || entry->kind != KIND_merchant || strcmp(code, "0") != 0) return;
    check->merchants = realloc(check->merchants, (check->merchant_count + 1) * sizeof *check->merchants);
    if (!check->merchants) abort();
    snprintf(check->merchants[check->merchant_count++], sizeof *check->merchants, "%s", account);
}

static void visit_first(struct check *check, struct check_entry *entry, struct reply fields, char *answer) {
    int code = (int)strtol(check_field(fields, "code", NULL), NULL, 10);
    if (entry->answer && entry->copies > 1 && code_class(code) != CODE_CLASS_DECIDED) { /* not stored, so decided again */
        entry->copies--;
        free(answer);
        return;
    }
    if (entry->answer) {
        check_fault(check, "%s was answered twice:\n  %s\n  %s", entry->text, entry->answer, answer);
        free(answer);
        return;
    }
    entry->answer = answer;
    check_order(check, entry, check_field(fields, "account", NULL));
    note_effect(check, entry, fields);
    check_shop_answer(check, entry->identity, code);
    note_merchant(check, entry, check_field(fields, "account", NULL), check_field(fields, "code", NULL));
}

static void visit_replay(struct check *check, const struct check_entry *entry, char *answer) {
    check->totals->replays++;
    if (!entry->answer) check_fault(check, "a replay before the first answer: %s", answer);
    else if (strcmp(entry->answer, answer) != 0) check_fault(check, "a replay that differs:\n  %s\n  %s", entry->answer, answer);
    free(answer);
}

struct response {
    struct check *check;
    const char *id;
};

static void visit_answer(void *context, struct reply fields) {
    const struct response *response = context;
    struct check *check = response->check;
    char text[INTENT_IDENTITY_MAX + 1];
    struct check_entry *entry;
    snprintf(text, sizeof text, "%s/%s/%s", check_field(fields, "account", NULL), check_field(fields, "source", NULL),
             check_field(fields, "key", NULL));
    struct check_identity *identity = identity_of(check, text, false);
    const char *of = check_field(fields, "entry", NULL);
    entry = entry_of(check, of, text);
    check->totals->answers++;
    long code = strtol(check_field(fields, "code", NULL), NULL, 10);
    if (code >= 0 && code < 32) check->totals->by_code[code]++;
    if (!identity || !entry || entry->identity != identity) {
        check_fault(check, "response %s answers %s of %s, which was not sent", response->id, of, text);
        return;
    }
    identity->answers++;
    if (strcmp(check_field(fields, "replayed", NULL), "1") == 0) visit_replay(check, entry, joined(fields));
    else visit_first(check, entry, fields, joined(fields));
}

static void visit_response(struct check *check, const char *id, struct reply fields) {
    flow_each_in(fields, visit_answer, &(struct response){check, id});
}

void check_responses(struct check *check) {
    static const char *const sources[] = FLOW_SOURCES;
    struct check_identity *identity, *next;
    struct check_chain *chain, *next_chain;
    struct reply length;
    keys_buffer key;
    for (size_t n = 0; n < sizeof sources / sizeof *sources; n++) {
        keys_responses(key, &check->flow->book, check->partition, sources[n]);
        check_stream(check, key, visit_response);
        HASH_ITER(hh, check->chains, chain, next_chain) { chain->answered = (struct entry_id){0, 0}; }
    }
    HASH_ITER(hh, check->identities, identity, next) {
        if (identity->sent != identity->answers)
            check_fault(check, "%s was sent %llu times and answered %llu times", identity->text, (unsigned long long)identity->sent,
                        (unsigned long long)identity->answers);
    }
    if (!flow_call(check->flow, &length, "XLEN", flow_key(check->flow, keys_dead, check->partition), NULL))
        check->totals->dead += (uint64_t)reply_integer(length);
}
