/* The parts of a digest that are streams: ledger and answers. */
#include <stdio.h>
#include <string.h>

#include "producer/cli/digest_reader.h"
#include "producer/cli/pages.h"
#include "producer/client_answer.h"
#include "schema/ledger.h"

enum { PAGE = 1000 };

/* An entry of the ledger; `*first`: the bill of its first row. */
static void take_rows(struct digest_reader *r, struct reply entry, struct digest_list *rows, char first[40]) {
    size_t size;
    uint32_t count = 0;
    struct pack_value list;
    struct ledger_row row;
    const char *bytes = reply_text(reply_field(reply_at(entry, 1), "rows"), &size);
    const char *wrong = ledger_decode(r->tree, bytes, size, &list, &count);
    for (uint32_t n = 0; !wrong && n < count; n++) {
        if ((wrong = ledger_row_at(&list, n, &row))) break;
        if (!*first) snprintf(first, 40, "%s", row.bill);
        digest_row(&r->element, &row);
        digest_list_add(rows, &r->element);
    }
    if (!wrong) return;
    digest_begin(&r->element, "unreadable");
    digest_text(&r->element, bytes, size);
    digest_list_add(rows, &r->element);
}

static int read_ledger(struct digest_reader *r) {
    struct digest_part *part = &r->out->part[DIGEST_ledger];
    struct digest_list rows;
    struct pages pages;
    struct reply entries;
    char key[256], first[40] = "", one[40];
    bool more = true;
    int code;
    digest_list_init(&rows);
    snprintf(key, sizeof key, "{%s:%u}:ledger", r->c->book.name, r->partition);
    pages_stream(&pages, r->c, "reading the ledger", key, (struct entry_id){0, 0}, "+", PAGE / 4);
    while (!(code = pages_next(&pages, &entries, &more)) && more) {
        for (size_t n = 0; n < reply_count(entries); n++) take_rows(r, reply_at(entries, n), &rows, first);
        progress_add(&r->progress, reply_count(entries));
    }
    pages_end(&pages);
    part->count = rows.count;
    digest_list_finish(&rows, part->digest);
    snprintf(one, sizeof one, "%u-1", r->partition);
    part->trimmed = *first ? strcmp(first, one) != 0 : r->out->bill > 0;
    return code;
}

/* An entry that is no response, or from there on. */
static void take_unreadable(struct digest_reader *r, struct reply fields) {
    digest_begin(&r->element, "unreadable");
    for (size_t n = 0; n < reply_count(fields); n++) digest_reader_text(r, reply_at(fields, n));
    digest_reader_answer(r);
}

/* Those that an operator had sent again (till replay --since) came of no intent. */
static void take_answers(struct digest_reader *r, struct reply entry) {
    struct answers walk;
    client_answers_begin(&walk, entry);
    while (answers_next(&walk)) {
        if (walk.again) return;
        digest_begin(&r->element, "answer");
        for (size_t n = 0; n < RESPONSE_TOLD_COUNT; n++) digest_text(&r->element, walk.value[n].text, walk.value[n].size);
        digest_reader_answer(r);
    }
    if (walk.fault && !walk.again) take_unreadable(r, reply_at(entry, 1));
}

static int read_source(struct digest_reader *r, const char *name) {
    struct pages pages;
    struct reply reply;
    char key[256];
    bool more = true;
    int code;
    snprintf(key, sizeof key, "{%s:%u}:%s", r->c->book.name, r->partition, name);
    pages_stream(&pages, r->c, "reading the answers", key, (struct entry_id){0, 0}, "+", PAGE);
    while (!(code = pages_next(&pages, &reply, &more)) && more) {
        for (size_t n = 0; n < reply_count(reply); n++) take_answers(r, reply_at(reply, n));
        progress_add(&r->progress, reply_count(reply));
    }
    pages_end(&pages);
    if (code) return code;
    command_begin(&r->c->command, "XINFO");
    command_word(&r->c->command, "STREAM");
    command_borrow(&r->c->command, key, strlen(key));
    code = connect_call(r->c, "reading the answers", &reply);
    if (!code && reply_integer(reply_field(reply, "length")) < reply_integer(reply_field(reply, "entries-added")))
        r->out->part[DIGEST_answers].trimmed = true;
    return code;
}

static int read_answers(struct digest_reader *r) {
    struct digest_part *part = &r->out->part[DIGEST_answers];
    int code = CLI_OK;
    for (size_t n = 0; !code && n < r->list.count; n++)
        if (digest_reader_name_behind(r->list.names[n], "responses:")) code = read_source(r, r->list.names[n]);
    part->count = r->answers.count;
    memcpy(part->digest, r->answers.sum, sizeof part->digest);
    return code;
}

int digest_streams_read(struct digest_reader *r) {
    int code = read_ledger(r);
    return code ? code : read_answers(r);
}
