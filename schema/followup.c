/* Derives the intents that a decided intent sends to other partitions, and those that a partition sends to itself. */
#include "schema/followup.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "schema/code.h"
#include "schema/entry.h"

/* What an op leaves to do elsewhere: OP_NONE for nothing. */
struct followup_rule {
    enum op op;
    enum status status; /* of a mark */
    const char *step;   /* after '>' in its key */
};

static struct followup_rule followup_of_merchant(const struct intent *intent, bool merchant) {
    if (intent->op == OP_open && intent->kind == KIND_merchant)
        return (struct followup_rule){OP_adopt, STATUS_NONE, "adopt"};
    if (merchant && intent->op == OP_freeze)
        return (struct followup_rule){OP_mark, STATUS_frozen, "freeze"};
    if (merchant && intent->op == OP_thaw)
        return (struct followup_rule){OP_mark, STATUS_active, "thaw"};
    if (merchant && intent->op == OP_close)
        return (struct followup_rule){OP_mark, STATUS_closed, "close"};
    return (struct followup_rule){OP_NONE, STATUS_NONE, NULL};
}

/* Does it go out to another account, and come back to tell? */
static bool is_outward(enum op op) {
    return op == OP_arrive || op == OP_paid || op == OP_recover;
}

static struct followup_rule followup_rule(const struct intent *intent, int code, bool merchant) {
    if (intent->op == OP_transfer && code == CODE_in_progress)
        return (struct followup_rule){OP_arrive, STATUS_NONE, "arrive"};
    if (intent->op == OP_pay && code == CODE_in_progress && (intent->present & FIELD_BIT(FIELD_order)))
        return (struct followup_rule){OP_paid, STATUS_NONE, "paid"};
    if (intent->op == OP_settle && code == CODE_ok)
        return (struct followup_rule){OP_swept, STATUS_NONE, "swept"};
    if (is_outward(intent->op) && code == CODE_ok)
        return (struct followup_rule){OP_settled, STATUS_NONE, "settled"};
    if (is_outward(intent->op))
        return (struct followup_rule){OP_bounce, STATUS_NONE, "bounce"};
    return code == CODE_ok ? followup_of_merchant(intent, merchant) : (struct followup_rule){OP_NONE, STATUS_NONE, NULL};
}

bool followup_any(const struct intent *intent, int code, bool merchant, unsigned partitions) {
    return partitions > 1 && followup_rule(intent, code, merchant).op != OP_NONE;
}

/* The text written must fit: its parts are bounded. */
static void followup_fits(int size, size_t capacity) {
    assert(size > 0 && (size_t)size < capacity);
    (void)size, (void)capacity;
}

/* Splits "ACCOUNT/SOURCE/KEY" or, with `step` set, "ACCOUNT/SOURCE/KEY>step". A key may have '>' in it, a step has none. */
static bool followup_split(const char *text, size_t size, bool step, struct followup_original *out) {
    const char *source = memchr(text, '/', size), *end = step ? memrchr(text, '>', size) : text + size;
    const char *key = source != NULL ? memchr(source + 1, '/', (size_t)(text + size - source - 1)) : NULL;
    struct intent check;
    if (key == NULL || end == NULL || end < key)
        return false;
    intent_clear(&check);
    if (intent_set_text(&check, FIELD_account, text, (size_t)(source - text)) != NULL ||
        intent_set_text(&check, FIELD_source, source + 1, (size_t)(key - source - 1)) != NULL ||
        text[0] == '@' || strcmp(check.source, INTENT_SOURCE_TILL) == 0 || /* neither has consequences */
        intent_set_text(&check, FIELD_key, key + 1, (size_t)(end - key - 1)) != NULL)
        return false;
    memcpy(out->account, check.account, sizeof out->account);
    memcpy(out->source, check.source, sizeof out->source);
    memcpy(out->key, check.key, sizeof out->key);
    return true;
}

bool followup_original(const struct intent *follow_up, struct followup_original *out) {
    return followup_split(follow_up->key, strlen(follow_up->key), true, out);
}

static void followup_begin(struct intent *out, enum op op, uint64_t at_ms, const struct followup_original *of, const char *step) {
    intent_clear(out);
    out->op = op;
    out->v = 1;
    out->at_ms = at_ms;
    out->present = op_fields_needed(op);
    memcpy(out->source, INTENT_SOURCE_TILL, sizeof INTENT_SOURCE_TILL);
    followup_fits(snprintf(out->key, sizeof out->key, "%s/%s/%s>%s", of->account, of->source, of->key, step), sizeof out->key);
}

/* What the derived one is about, and in which account: of what went out the payer, of others the intent itself. */
static bool followup_about(const struct intent *intent, struct followup_original *of) {
    if (is_outward(intent->op))
        return followup_original(intent, of);
    memcpy(of->account, intent->account, sizeof of->account);
    memcpy(of->source, intent->source, sizeof of->source);
    memcpy(of->key, intent->key, sizeof of->key - 1);
    of->key[sizeof of->key - 1] = '\0';
    return true;
}

/* Reads a number up to `end`, written as Till writes it: digits, no zero before others. */
static bool followup_number(const char *text, const char *end, uint64_t *number) {
    size_t size = (size_t)(end - text);
    if (size < 1 || size > 16 || (size > 1 && text[0] == '0'))
        return false;
    *number = 0;
    for (; text < end; text++) {
        if (*text < '0' || *text > '9')
            return false;
        *number = *number * 10 + (uint64_t)(*text - '0');
    }
    return *number <= INTENT_AMOUNT_MAX;
}

/* What a settlement found: "GROSS REFUNDS". False when there is nothing to tell. */
static bool followup_swept(const char *detail, struct intent *out) {
    const char *space = strchr(detail, ' ');
    return space != NULL && followup_number(detail, space, &out->gross_minor) &&
           followup_number(space + 1, detail + strlen(detail), &out->refunds_minor) && (out->gross_minor > 0 || out->refunds_minor > 0);
}

/* The fields of its own. */
static bool followup_fill(const struct intent *intent, int code, const char *detail, struct intent *out) {
    if (out->op == OP_adopt)
        out->kind = intent->kind;
    if (out->op == OP_bounce)
        out->code = (uint64_t)code;
    if (out->present & FIELD_BIT(FIELD_currency)) {
        assert(intent->currency[0] != '\0');
        memcpy(out->currency, intent->currency, sizeof out->currency);
    }
    if (is_outward(out->op))
        out->amount_minor = intent->amount_minor;
    if (out->op == OP_paid)
        memcpy(out->order, intent->order, sizeof out->order);
    if (out->op == OP_settled && (intent->present & FIELD_BIT(FIELD_order))) {
        memcpy(out->to, intent->account, sizeof out->to);
        out->present |= FIELD_BIT(FIELD_to);
    }
    if (out->op != OP_swept)
        return true;
    memcpy(out->month, intent->month, sizeof out->month);
    return followup_swept(detail, out);
}

bool followup_derive(const struct intent *intent, int code, bool merchant, const char *entry, const struct book *book, unsigned from,
                     unsigned target, const char *detail, struct intent *out) {
    struct followup_rule rule = followup_rule(intent, code, merchant);
    struct followup_original of;
    if (rule.op == OP_NONE || target == from || target >= book->partitions || !followup_about(intent, &of))
        return false;
    const char *account = is_outward(rule.op) ? intent->to : of.account;
    bool everywhere = rule.op == OP_adopt || rule.op == OP_mark;
    if (!everywhere && keys_partition(book, account, strlen(account)) != target)
        return false;
    followup_begin(out, rule.op, intent->at_ms, &of, rule.step);
    memcpy(out->account, account, sizeof out->account);
    followup_fits(snprintf(out->origin, sizeof out->origin, "%u:%s", from, entry), sizeof out->origin);
    const char *original = is_outward(intent->op) ? intent->entry : entry;
    followup_fits(snprintf(out->entry, sizeof out->entry, "%s", original), sizeof out->entry);
    out->status = rule.status;
    return followup_fill(intent, code, detail, out);
}

/* Splits "IDENTITY ORDER": neither has a space in it. The order's size is 0 when there is none. */
static size_t followup_order(const char *text, size_t *size) {
    const char *space = *size > 0 ? memrchr(text, ' ', *size) : NULL;
    size_t order_size = space != NULL ? (size_t)(text + *size - space - 1) : 0;
    *size = space != NULL ? (size_t)(space - text) : *size;
    return order_size;
}

/* Is this what brings it: the bytes of an intent put off, an order, or nothing? */
static bool followup_brings(struct intent *out, const char *order, size_t order_size, const void *bytes, size_t bytes_size) {
    if (out->op == OP_due)
        return intent_set_bytes(out, FIELD_inner, bytes, bytes_size) == NULL;
    return out->op != OP_lapse || intent_set_text(out, FIELD_order, order, order_size) == NULL;
}

bool followup_own(const char *member, size_t size, const void *bytes, size_t bytes_size, struct intent *out) {
    const char *entry = size > 0 ? memchr(member, '|', size) : NULL;
    const char *identity = entry != NULL ? memchr(entry + 1, '|', (size_t)(member + size - entry - 1)) : NULL;
    struct followup_original of;
    struct entry_id id;
    if (identity == NULL)
        return false;
    enum op op = op_of_word(member, (size_t)(entry - member));
    size_t identity_size = (size_t)(member + size - identity - 1), entry_size = (size_t)(identity - entry - 1);
    size_t order_size = op == OP_lapse ? followup_order(identity + 1, &identity_size) : 0;
    if (!op_is_own(op) || !entry_id_parse_whole(entry + 1, entry_size, &id) ||
        !followup_split(identity + 1, identity_size, false, &of))
        return false;
    uint64_t at_ms = id.ms < 1 ? 1 : id.ms < INTENT_AMOUNT_MAX ? id.ms : INTENT_AMOUNT_MAX; /* what the field `at` takes */
    followup_begin(out, op, at_ms, &of, op_word(op));
    memcpy(out->account, of.account, sizeof out->account);
    memcpy(out->entry, entry + 1, entry_size);
    return followup_brings(out, member + size - order_size, order_size, bytes, bytes_size);
}

bool followup_recover(const struct followup_lost *lost, uint64_t at_ms, struct intent *out) {
    struct followup_original of;
    if (!followup_split(lost->identity, strlen(lost->identity), false, &of))
        return false;
    followup_begin(out, OP_recover, at_ms, &of, op_word(OP_recover));
    followup_fits(snprintf(out->account, sizeof out->account, "%s", lost->to), sizeof out->account);
    followup_fits(snprintf(out->entry, sizeof out->entry, "%s", lost->entry), sizeof out->entry);
    followup_fits(snprintf(out->currency, sizeof out->currency, "%s", lost->currency), sizeof out->currency);
    out->amount_minor = lost->amount_minor;
    if (lost->code != CODE_ok) {
        out->code = (uint64_t)lost->code;
        out->present |= FIELD_BIT(FIELD_code);
    }
    if (lost->order[0] == '\0')
        return true;
    out->present |= FIELD_BIT(FIELD_order);
    return intent_set_text(out, FIELD_order, lost->order, strlen(lost->order)) == NULL;
}

/* Sent again by an operator, about a merchant. */
static void followup_again(enum op op, const char *merchant, const char *currency, unsigned from, uint64_t at_ms, struct intent *out) {
    struct followup_original of = {.source = "repair", .key = "again"};
    followup_fits(snprintf(of.account, sizeof of.account, "%s", merchant), sizeof of.account);
    followup_begin(out, op, at_ms, &of, op_word(op));
    memcpy(out->account, of.account, sizeof out->account);
    followup_fits(snprintf(out->currency, sizeof out->currency, "%s", currency), sizeof out->currency);
    followup_fits(snprintf(out->origin, sizeof out->origin, "%u:0-1", from), sizeof out->origin);
    memcpy(out->entry, "0-1", sizeof "0-1");
}

void followup_shard(const char *merchant, const char *currency, enum status status, unsigned home, uint64_t at_ms, struct intent *out) {
    followup_again(OP_adopt, merchant, currency, home, at_ms, out);
    out->kind = KIND_merchant;
    out->status = status;
    out->present |= FIELD_BIT(FIELD_status);
}

void followup_month(const struct followup_month *lost, unsigned from, uint64_t at_ms, struct intent *out) {
    followup_again(OP_swept, lost->merchant, lost->currency, from, at_ms, out);
    followup_fits(snprintf(out->month, sizeof out->month, "%s", lost->month), sizeof out->month);
    out->gross_minor = lost->gross_minor;
    out->refunds_minor = lost->refunds_minor;
}

bool followup_origin(const char *origin, unsigned *partition, char entry[INTENT_ENTRY_MAX + 1]) {
    const char *colon = strchr(origin, ':');
    size_t digits = colon != NULL ? (size_t)(colon - origin) : 0;
    struct entry_id number, id; /* a partition's number is written like an ID without '-' */
    if (digits == 0 || memchr(origin, '-', digits) != NULL || !entry_id_parse(origin, digits, &number))
        return false;
    if (number.ms >= KEYS_PARTITIONS_MAX || !entry_id_parse_whole(colon + 1, strlen(colon + 1), &id))
        return false;
    *partition = (unsigned)number.ms;
    size_t size = strlen(colon + 1);
    assert(size <= INTENT_ENTRY_MAX);
    memcpy(entry, colon + 1, size + 1);
    return true;
}
