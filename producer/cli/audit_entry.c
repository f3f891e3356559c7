/* One answer for each intent of an entry: none is answered twice, and what a record says was decided was answered, or is about to be. Steps
 * of a group have records of their own and the group's entry and answer: those that were taken have bills from its first to its last, the
 * one that failed has its source and account, and no bill. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "producer/cli/args.h"
#include "producer/cli/audit.h"
#include "producer/cli/kept.h"
#include "schema/code.h"

enum { FIRST_SLOTS = 1024 };

struct source {
    char name[INTENT_SOURCE_MAX + 1];
    uint64_t first_ms; /* when the oldest answer in its stream was given: older ones may have been trimmed */
};

/* A record that no answer was seen for. */
struct missing {
    char *identity, *entry, *bill;
    int code;
};

struct audit_entries {
    uint64_t *answered; /* hashes of entry and identity, or what stands for the steps of a group; 0: free */
    uint64_t slot_count, slot_used;
    struct source *sources;
    size_t source_count, source_capacity;
    struct missing *missing;
    size_t missing_count, missing_capacity;
};

static struct audit_entries *entries_of(struct audit *a) {
    if (!a->part.entries) a->part.entries = calloc(1, sizeof *a->part.entries);
    if (!a->part.entries) abort();
    return a->part.entries;
}

static uint64_t *find(uint64_t *slots, uint64_t count, uint64_t hash) {
    uint64_t at = hash & (count - 1);
    while (slots[at] != 0 && slots[at] != hash) at = (at + 1) & (count - 1);
    return &slots[at];
}

static void grow(struct audit_entries *e) {
    uint64_t count = e->slot_count ? 2 * e->slot_count : FIRST_SLOTS;
    uint64_t *slots = calloc(count, sizeof *slots);
    if (!slots) abort();
    for (uint64_t n = 0; n < e->slot_count; n++)
        if (e->answered[n]) *find(slots, count, e->answered[n]) = e->answered[n];
    free(e->answered);
    e->answered = slots;
    e->slot_count = count;
}

static bool add_hash(struct audit_entries *e, uint64_t hash) {
    if (4 * e->slot_used >= 3 * e->slot_count) grow(e);
    uint64_t *slot = find(e->answered, e->slot_count, hash);
    if (*slot) return false;
    *slot = hash;
    e->slot_used++;
    return true;
}

/* What is told of `what` in that entry. */
static uint64_t hash_in(struct audit *a, const char *entry, size_t size, const char *what, size_t what_size) {
    uint64_t hash = audit_hash(a, entry, size) ^ audit_hash(a, what, what_size);
    return hash ? hash : 1;
}

/* "ACCOUNT/SOURCE/", which is nobody's identity: a step's, when its group failed. */
static size_t without_key(const char *identity, size_t size) {
    size_t slashes = 0, n = 0;
    while (n < size && slashes < 2) slashes += identity[n++] == '/';
    return n;
}

/* The number in "p-n"; 0: it is none. */
static uint64_t bill_number(const struct audit_told *told, enum response_field field) {
    char text[40];
    uint64_t number;
    snprintf(text, sizeof text, "%.*s", (int)told->size[field], told->text[field]);
    const char *dash = strchr(text, '-');
    return dash && args_parse_number(dash + 1, &number) ? number : 0;
}

static void note_steps(struct audit *a, const struct audit_told *told, const char *identity, size_t size) {
    const char *entry = told->text[RESPONSE_ENTRY];
    size_t entry_size = told->size[RESPONSE_ENTRY];
    uint64_t first = bill_number(told, RESPONSE_BILL), last = first ? bill_number(told, RESPONSE_DETAIL) : 0;
    char bill[40];
    if (told->code != CODE_ok) add_hash(entries_of(a), hash_in(a, entry, entry_size, identity, without_key(identity, size)));
    for (uint64_t n = first; n != 0 && n <= last && n < first + INTENT_STEPS_MAX; n++) {
        int bill_size = snprintf(bill, sizeof bill, "%u-%llu", a->part.partition, (unsigned long long)n);
        add_hash(entries_of(a), hash_in(a, entry, entry_size, bill, (size_t)bill_size));
    }
}

bool audit_entry_answer(struct audit *a, const struct audit_told *told) {
    char identity[AUDIT_IDENTITY_SIZE];
    size_t size = audit_told_identity(told, identity);
    bool first = add_hash(entries_of(a), hash_in(a, told->text[RESPONSE_ENTRY], told->size[RESPONSE_ENTRY], identity, size));
    if (told->size[RESPONSE_OP] == 5 && memcmp(told->text[RESPONSE_OP], "group", 5) == 0) note_steps(a, told, identity, size);
    return first || (identity[0] == '@' && audit_is_carried(a, told->text[RESPONSE_ENTRY], told->size[RESPONSE_ENTRY]));
}

static bool has_hash(const struct audit_entries *e, uint64_t hash) {
    return e->slot_count && *find(e->answered, e->slot_count, hash);
}

static bool is_answered(struct audit *a, const char *identity, const char *entry, const char *bill, int code) {
    struct audit_entries *e = entries_of(a);
    size_t size = strlen(entry), identity_size = strlen(identity);
    if (has_hash(e, hash_in(a, entry, size, identity, identity_size))) return true;
    if (*bill) return has_hash(e, hash_in(a, entry, size, bill, strlen(bill)));
    return code != CODE_ok && has_hash(e, hash_in(a, entry, size, identity, without_key(identity, identity_size)));
}

void audit_entry_source(struct audit *a, const char *source, uint64_t first_ms) {
    struct audit_entries *e = entries_of(a);
    e->sources = audit_grow(e->sources, e->source_count, &e->source_capacity, sizeof *e->sources);
    struct source *s = &e->sources[e->source_count++];
    *s = (struct source){.first_ms = first_ms};
    snprintf(s->name, sizeof s->name, "%s", source);
}

/* May the answer of an intent of that time have been trimmed? Of a source without any answers, all of them. */
static bool may_be_trimmed(const struct audit_entries *e, const char *identity, uint64_t at_ms) {
    const char *source = strchr(identity, '/');
    size_t size = source ? strcspn(++source, "/") : 0;
    for (size_t n = 0; source && n < e->source_count; n++)
        if (strlen(e->sources[n].name) == size && memcmp(e->sources[n].name, source, size) == 0) return at_ms <= e->sources[n].first_ms;
    return true;
}

static char *copy(const char *text) {
    char *out = strdup(text);
    if (!out) abort();
    return out;
}

void audit_entry_record(struct audit *a, const char *identity, const struct bill *bill) {
    struct audit_entries *e = entries_of(a);
    if (bill->code == CODE_in_progress || may_be_trimmed(e, identity, bill->at_ms)) return;
    if (is_answered(a, identity, bill->entry, bill->bill, bill->code)) return;
    if (audit_is_carried(a, bill->entry, strlen(bill->entry))) return; /* trimmed in one of the partitions that are one now */
    e->missing = audit_grow(e->missing, e->missing_count, &e->missing_capacity, sizeof *e->missing);
    e->missing[e->missing_count++] = (struct missing){copy(identity), copy(bill->entry), copy(bill->bill), bill->code};
}

static void drop(struct audit_entries *e, size_t n) {
    free(e->missing[n].identity);
    free(e->missing[n].entry);
    free(e->missing[n].bill);
    e->missing[n] = e->missing[--e->missing_count];
}

static void drop_answered(struct audit *a, struct audit_entries *e) {
    for (size_t n = e->missing_count; n-- > 0;) {
        const struct missing *m = &e->missing[n];
        if (is_answered(a, m->identity, m->entry, m->bill, m->code)) drop(e, n);
    }
}

/* What is kept answers its entry, or an earlier one that had to wait for it. */
static void note_kept(struct audit *a, const struct pack_value *answer) {
    struct audit_told told;
    for (enum response_field f = 0; f < RESPONSE_TOLD_COUNT; f++) {
        struct pack_value value = kept_field(answer, f);
        told.size[f] = value.type == PACK_TEXT ? value.count : 0;
        told.text[f] = told.size[f] ? value.bytes : "";
    }
    struct pack_value code = kept_field(answer, RESPONSE_CODE);
    told.code = code.type == PACK_UINT ? (int)code.number : CODE_dead;
    if (told.size[RESPONSE_REPLAYED] == 1 && *told.text[RESPONSE_REPLAYED] == '0') (void)audit_entry_answer(a, &told);
}

static void note_all_kept(struct audit *a, struct pack_tree *tree, struct reply kept) {
    struct pack_value root, answer;
    size_t size;
    const char *text = reply_text(kept, &size);
    uint32_t count = kept_open(tree, text, size, &root);
    for (uint32_t n = 0; n < count; n++)
        if (kept_at(&root, n, &answer)) note_kept(a, &answer);
}

/* Those whose answer is kept, until others have heard or it is durable, are answered later. */
static int drop_unanswered(struct audit *a, struct audit_entries *e) {
    struct reply reply;
    if (!e->missing_count) return CLI_OK;
    command_begin(&a->c->command, "HGETALL");
    audit_key(a->c, a->part.partition, "unanswered", "");
    int code = connect_call(a->c, "looking for kept answers", &reply);
    struct pack_tree *tree = pack_tree_new();
    if (!tree) abort();
    for (size_t n = 0; !code && n + 1 < reply_count(reply); n += 2) note_all_kept(a, tree, reply_at(reply, n + 1));
    pack_tree_free(tree);
    drop_answered(a, e);
    return code;
}

/* A record is written together with its answer or with an answer that is kept, and that one is dropped together with being given. So an
 * answer that is seen neither among the answers given until now, nor kept, nor among those given meanwhile was never given. */
int audit_entry_finish(struct audit *a) {
    struct audit_entries *e = entries_of(a);
    int code = e->missing_count ? audit_responses(a, AUDIT_LATER) : CLI_OK;
    drop_answered(a, e);
    if (!code) code = drop_unanswered(a, e);
    if (!code && e->missing_count) code = audit_responses(a, AUDIT_LATER);
    drop_answered(a, e);
    for (size_t n = 0; !code && n < e->missing_count; n++)
        audit_find(a, "bill record %s: was decided with %d, but its entry %s was never answered", e->missing[n].identity,
                   e->missing[n].code, e->missing[n].entry);
    return code;
}

void audit_entry_clear(struct audit *a) {
    struct audit_entries *e = a->part.entries;
    if (!e) return;
    while (e->missing_count) drop(e, e->missing_count - 1);
    free(e->missing);
    free(e->sources);
    free(e->answered);
    free(e);
    a->part.entries = NULL;
}
