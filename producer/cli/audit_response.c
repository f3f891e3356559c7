/* The answers given: each decided one must have its bill record, with the same code. */
#include <stdio.h>
#include <string.h>

#include "producer/cli/audit.h"
#include "producer/cli/pages.h"
#include "producer/client_answer.h"
#include "schema/code.h"

enum { PAGE = 500 };

size_t audit_told_identity(const struct audit_told *told, char out[AUDIT_IDENTITY_SIZE]) {
    static const enum response_field parts[] = {RESPONSE_ACCOUNT, RESPONSE_SOURCE, RESPONSE_KEY};
    size_t at = 0;
    for (size_t n = 0; n < 3; n++) {
        size_t size = told->size[parts[n]], most = AUDIT_IDENTITY_SIZE / 3 - 2;
        if (size > most) size = most;
        if (n > 0) out[at++] = '/';
        memcpy(out + at, told->text[parts[n]], size);
        at += size;
    }
    out[at] = '\0';
    return at;
}

static void read_told(const struct answers *walk, struct audit_told *told) {
    for (enum response_field f = 0; f < RESPONSE_TOLD_COUNT; f++) {
        told->text[f] = walk->value[f].text;
        told->size[f] = walk->value[f].size;
    }
    told->code = (int)client_answers_number(walk, RESPONSE_CODE);
}

/* What was decided is told once; replayed ones are copies of that. (One that is twice in an entry, and not decided, is answered twice.) */
static void note_entry(struct audit *a, const char *source, struct reply entry, const struct audit_told *told, enum audit_pass pass) {
    bool decided = code_class(told->code) == CODE_CLASS_DECIDED;
    if (told->size[RESPONSE_REPLAYED] != 1 || *told->text[RESPONSE_REPLAYED] != '0') return;
    if (!audit_entry_answer(a, told) && decided && pass == AUDIT_TAKE)
        audit_find(a, "responses of %s: entry %s: %.*s was answered before", source, reply_text(reply_at(entry, 0), NULL),
                   (int)told->size[RESPONSE_ENTRY], told->text[RESPONSE_ENTRY]);
}

/* A settlement that is refused leaves its key free: nothing is recorded, and later it may be done. */
static bool leaves_record(const struct audit_told *told) {
    const char *settle = op_word(OP_settle);
    bool settles = told->size[RESPONSE_OP] == strlen(settle) && memcmp(told->text[RESPONSE_OP], settle, strlen(settle)) == 0;
    return code_class(told->code) == CODE_CLASS_DECIDED && (told->code == CODE_ok || !settles);
}

static void take_answer(struct audit *a, const char *source, struct reply entry, const struct answers *walk, const struct audit_told *told,
                        bool name) {
    char identity[AUDIT_IDENTITY_SIZE];
    if (!name) a->answers++;
    if (!leaves_record(told)) return;
    size_t size = audit_told_identity(told, identity);
    if (!name) audit_bill_answer(a, identity, size, told->code, (uint64_t)client_answers_number(walk, RESPONSE_AT));
    else if (audit_bill_is_unrecorded(a, identity, size))
        audit_find(a, "responses of %s: entry %s: %s was answered %d, but has no bill record", source, reply_text(reply_at(entry, 0), NULL),
                   identity, told->code);
}

/* Each of the answers in an entry of the stream. */
static void take_entry(struct audit *a, const char *source, struct reply entry, enum audit_pass pass) {
    struct answers walk;
    struct audit_told told;
    client_answers_begin(&walk, entry);
    while (answers_next(&walk)) {
        read_told(&walk, &told);
        if (pass != AUDIT_NAME) note_entry(a, source, entry, &told, pass);
        if (pass != AUDIT_LATER) take_answer(a, source, entry, &walk, &told, pass == AUDIT_NAME);
    }
    if (walk.fault && pass == AUDIT_TAKE)
        audit_find(a, "responses of %s: entry %s is no response: %s", source, reply_text(reply_at(entry, 0), NULL), walk.fault);
}

static uint64_t entry_ms(struct reply entry) {
    struct entry_id id;
    size_t size;
    const char *text = reply_text(reply_at(entry, 0), &size);
    return entry_id_parse(text, size, &id) ? id.ms : 0;
}

/* When the oldest answer that is still there was given; 0 when none was ever trimmed. Asked after they were read: what is complete now was
 * so all the time. */
static int note_source(struct audit *a, const char *source, uint64_t oldest_ms) {
    struct reply info;
    command_begin(&a->c->command, "XINFO");
    command_word(&a->c->command, "STREAM");
    audit_key(a->c, a->part.partition, "responses:", source);
    int code = connect_call(a->c, "reading the responses", &info);
    if (code) return code;
    int64_t length = reply_integer(audit_group_field(info, "length")), added = reply_integer(audit_group_field(info, "entries-added"));
    uint64_t first_ms = length ? entry_ms(audit_group_field(info, "first-entry")) : UINT64_MAX; /* trimmed while it was read? */
    if (oldest_ms) audit_entry_source(a, source, length == added ? 0 : first_ms > oldest_ms ? first_ms : oldest_ms);
    return CLI_OK;
}

static void take_page(struct audit *a, const char *source, struct reply entries, enum audit_pass pass) {
    for (size_t n = 0; n < reply_count(entries); n++) take_entry(a, source, reply_at(entries, n), pass);
    if (pass == AUDIT_TAKE) progress_add(&a->progress, reply_count(entries));
}

static int read_source(struct audit *a, const char *source, enum audit_pass pass) {
    struct pages pages;
    struct reply entries;
    struct entry_id after = {0, 0};
    uint64_t oldest_ms = 0;
    char key[256];
    bool more = true;
    int code;
    if (pass == AUDIT_LATER) entry_id_parse(a->bound, strlen(a->bound), &after);
    snprintf(key, sizeof key, "{%s:%u}:responses:%s", a->c->book.name, a->part.partition, source);
    pages_stream(&pages, a->c, "reading the responses", key, after, pass == AUDIT_LATER ? "+" : a->bound, PAGE);
    while (!(code = pages_next(&pages, &entries, &more)) && more) {
        if (!oldest_ms) oldest_ms = entry_ms(reply_at(entries, 0));
        take_page(a, source, entries, pass);
    }
    pages_end(&pages);
    return code || pass != AUDIT_TAKE ? code : note_source(a, source, oldest_ms);
}

int audit_responses(struct audit *a, enum audit_pass pass) {
    int code = CLI_OK;
    for (const char *at = NULL; !code && (at = audit_name_next(&a->names[a->part.partition], 'r', at));) code = read_source(a, at, pass);
    return code;
}
