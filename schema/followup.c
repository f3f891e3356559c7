/* Derives the intents that a decided intent sends to other partitions. */
#include "schema/followup.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "schema/code.h"
#include "schema/entry.h"

/* What an op leaves to do in the other partitions: OP_NONE for nothing. */
struct followup_rule {
    enum op op;
    enum status status; /* of a mark */
    const char *step;   /* after '>' in its key */
};

static struct followup_rule followup_rule(const struct intent *intent, int code, bool merchant) {
    static const struct followup_rule none = {OP_NONE, STATUS_NONE, NULL};
    if (code != CODE_ok)
        return none;
    if (intent->op == OP_open && intent->kind == KIND_merchant)
        return (struct followup_rule){OP_adopt, STATUS_NONE, "adopt"};
    if (!merchant)
        return none;
    if (intent->op == OP_freeze)
        return (struct followup_rule){OP_mark, STATUS_frozen, "freeze"};
    if (intent->op == OP_thaw)
        return (struct followup_rule){OP_mark, STATUS_active, "thaw"};
    if (intent->op == OP_close)
        return (struct followup_rule){OP_mark, STATUS_closed, "close"};
    return none;
}

bool followup_any(const struct intent *intent, int code, bool merchant, unsigned partitions) {
    return partitions > 1 && followup_rule(intent, code, merchant).op != OP_NONE;
}

/* The text written must fit: its parts are bounded. */
static void followup_fits(int size, size_t capacity) {
    assert(size > 0 && (size_t)size < capacity);
    (void)size, (void)capacity;
}

bool followup_derive(const struct intent *intent, int code, bool merchant, const char *entry, const struct book *book, unsigned from,
                     unsigned target, struct intent *out) {
    struct followup_rule rule = followup_rule(intent, code, merchant);
    if (rule.op == OP_NONE || target == from || target >= book->partitions)
        return false;
    *out = (struct intent){.op = rule.op, .v = 1, .at_ms = intent->at_ms, .source = INTENT_SOURCE_TILL};
    out->present = op_fields_needed(rule.op);
    memcpy(out->account, intent->account, sizeof out->account);
    followup_fits(snprintf(out->key, sizeof out->key, "%s/%s/%s>%s", intent->account, intent->source, intent->key, rule.step),
                  sizeof out->key);
    followup_fits(snprintf(out->origin, sizeof out->origin, "%u:%s", from, entry), sizeof out->origin);
    followup_fits(snprintf(out->entry, sizeof out->entry, "%s", entry), sizeof out->entry);
    out->status = rule.status;
    if (rule.op == OP_adopt) {
        out->kind = intent->kind;
        memcpy(out->currency, intent->currency, sizeof out->currency);
    }
    return true;
}

bool followup_origin(const char *origin, unsigned *partition, char entry[INTENT_ENTRY_MAX + 1]) {
    const char *colon = strchr(origin, ':');
    size_t digits = colon != NULL ? (size_t)(colon - origin) : 0;
    struct entry_id number, id; /* a partition's number is written like an ID without '-' */
    if (digits == 0 || memchr(origin, '-', digits) != NULL || !entry_id_parse(origin, digits, &number))
        return false;
    if (number.ms >= KEYS_PARTITIONS_MAX || strchr(colon, '-') == NULL || !entry_id_parse(colon + 1, strlen(colon + 1), &id))
        return false;
    *partition = (unsigned)number.ms;
    size_t size = strlen(colon + 1);
    assert(size <= INTENT_ENTRY_MAX);
    memcpy(entry, colon + 1, size + 1);
    return true;
}
