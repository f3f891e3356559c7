/* One answer for each entry: none is answered twice, and what a record says was decided was answered, or is about to be. Steps of a group
 * have records of their own and the group's entry. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "producer/cli/audit.h"
#include "producer/cli/kept.h"
#include "schema/code.h"

enum { FIRST_SLOTS = 1024 };

struct source {
    char name[INTENT_SOURCE_MAX + 1];
    uint64_t first_ms; /* when the oldest answer in its stream was given: older ones may have been trimmed */
};

/* A record whose entry no answer was seen for. */
struct missing {
    char *identity, *entry;
    int code;
};

struct audit_entries {
    uint64_t *answered; /* hashes of entry IDs, 0: free */
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

bool audit_entry_answer(struct audit *a, const char *entry, size_t size, const char *identity, size_t identity_size) {
    struct audit_entries *e = entries_of(a);
    uint64_t hash = audit_hash(a, entry, size), whose = hash ^ audit_hash(a, identity, identity_size);
    bool first = add_hash(e, hash), alone = add_hash(e, whose ? whose : 1);
    return first || alone || (identity[0] == '@' && audit_is_carried(a, entry, size));
}

static bool is_answered(struct audit *a, const char *entry) {
    struct audit_entries *e = entries_of(a);
    return e->slot_count && *find(e->answered, e->slot_count, audit_hash(a, entry, strlen(entry)));
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
    if (bill->code == CODE_in_progress || is_answered(a, bill->entry) || may_be_trimmed(e, identity, bill->at_ms)) return;
    if (audit_is_carried(a, bill->entry, strlen(bill->entry))) return; /* trimmed in one of the partitions that are one now */
    e->missing = audit_grow(e->missing, e->missing_count, &e->missing_capacity, sizeof *e->missing);
    e->missing[e->missing_count++] = (struct missing){copy(identity), copy(bill->entry), bill->code};
}

static void drop(struct audit_entries *e, size_t n) {
    free(e->missing[n].identity);
    free(e->missing[n].entry);
    e->missing[n] = e->missing[--e->missing_count];
}

static void drop_answered(struct audit *a, struct audit_entries *e) {
    for (size_t n = e->missing_count; n-- > 0;)
        if (is_answered(a, e->missing[n].entry)) drop(e, n);
}

static void drop_entry(struct audit_entries *e, const char *entry, size_t size) {
    for (size_t n = e->missing_count; n-- > 0;)
        if (strlen(e->missing[n].entry) == size && memcmp(e->missing[n].entry, entry, size) == 0) drop(e, n);
}

/* What is kept for an entry answers it, or an earlier one that had to wait for it. */
static void drop_kept(struct audit_entries *e, struct pack_tree *tree, struct reply entry, struct reply kept) {
    struct pack_value root, answer;
    size_t size;
    const char *text = reply_text(entry, &size);
    drop_entry(e, text, size);
    text = reply_text(kept, &size);
    uint32_t count = kept_open(tree, text, size, &root);
    for (uint32_t n = 0; n < count; n++) {
        bool told = kept_at(&root, n, &answer);
        struct pack_value replayed = kept_field(&answer, RESPONSE_REPLAYED), of = kept_field(&answer, RESPONSE_ENTRY);
        if (told && of.type == PACK_TEXT && replayed.type == PACK_TEXT && replayed.count == 1 && *replayed.bytes == '0')
            drop_entry(e, of.bytes, of.count);
    }
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
    for (size_t n = 0; !code && n + 1 < reply_count(reply); n += 2) drop_kept(e, tree, reply_at(reply, n), reply_at(reply, n + 1));
    pack_tree_free(tree);
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
