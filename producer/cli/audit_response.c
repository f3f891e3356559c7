/* The answers given: each decided one must have its bill record, with the same code. */
#include <stdio.h>
#include <string.h>

#include "producer/cli/audit.h"
#include "producer/cli/pages.h"
#include "schema/code.h"
#include "schema/response.h"

enum { PAGE = 500, FIELD_MAX = 300 };

/* The text of a field; the fields stand in the wire's order. */
static struct reply field(struct reply fields, enum response_field field) {
    return reply_is(reply_at(fields, 2 * (size_t)field), response_field_name[field]) ? reply_at(fields, 2 * (size_t)field + 1)
                                                                                     : (struct reply){0};
}

static size_t join_identity(struct reply fields, char out[3 * FIELD_MAX]) {
    static const enum response_field parts[] = {RESPONSE_ACCOUNT, RESPONSE_SOURCE, RESPONSE_KEY};
    size_t at = 0, size;
    for (size_t n = 0; n < 3; n++) {
        const char *text = reply_text(field(fields, parts[n]), &size);
        if (size >= FIELD_MAX - 1) size = FIELD_MAX - 2;
        if (n > 0) out[at++] = '/';
        memcpy(out + at, text, size);
        at += size;
    }
    out[at] = '\0';
    return at;
}

static void take_answer(struct audit *a, const char *source, struct reply entry, bool name) {
    struct reply fields = reply_at(entry, 1);
    char identity[3 * FIELD_MAX];
    int code = (int)reply_integer(field(fields, RESPONSE_CODE));
    if (!name) a->answers++;
    if (reply_type(field(fields, RESPONSE_CODE)) == REPLY_NIL) {
        if (!name) audit_find(a, "responses of %s: entry %s is no response", source, reply_text(reply_at(entry, 0), NULL));
        return;
    }
    if (code_class(code) != CODE_CLASS_DECIDED) return;
    size_t size = join_identity(fields, identity);
    if (!name) audit_bill_answer(a, identity, size, code, (uint64_t)reply_integer(field(fields, RESPONSE_AT)));
    else if (audit_bill_is_unrecorded(a, identity, size))
        audit_find(a, "responses of %s: entry %s: %s was answered %d, but has no bill record", source, reply_text(reply_at(entry, 0), NULL),
                   identity, code);
}

static int read_source(struct audit *a, const char *source, bool name) {
    struct pages pages;
    struct reply entries;
    char key[256];
    bool more = true;
    int code;
    snprintf(key, sizeof key, "{%s:%u}:responses:%s", a->c->book.name, a->part.partition, source);
    pages_stream(&pages, a->c, "reading the responses", key, (struct entry_id){0, 0}, a->bound, PAGE);
    while (!(code = pages_next(&pages, &entries, &more)) && more) {
        for (size_t n = 0; n < reply_count(entries); n++) take_answer(a, source, reply_at(entries, n), name);
        if (!name) progress_add(&a->progress, reply_count(entries));
    }
    pages_end(&pages);
    return code;
}

int audit_responses(struct audit *a, bool name) {
    int code = CLI_OK;
    for (const char *at = NULL; !code && (at = audit_name_next(&a->names[a->part.partition], 'r', at));) code = read_source(a, at, name);
    return code;
}
