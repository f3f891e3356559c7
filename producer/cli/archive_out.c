/* Tables and JSON about an archive. */
#include "producer/cli/archive_out.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "producer/archive_verify.h"
#include "producer/cli/json_out.h"
#include "producer/cli/table.h"

enum { FINDINGS_MAX = 100 };

static const struct table_column tail_columns[] = {{"PARTITION", true}, {"STREAM", false}, {"ARCHIVED", true},  {"TOTAL", true},
                                                   {"MISSING", true},   {"SEGMENT", true}, {"UP TO", false},    {NULL, false}};
static const struct table_column verify_columns[] = {{"PARTITION", true}, {"STREAM", false}, {"SEGMENTS", true}, {"ENTRIES", true},
                                                     {"MISSING", true},   {"FIRST", false},  {"UP TO", false},   {NULL, false}};
static struct table table;
static bool shown;

void archive_out_fault(const struct cli *cli, const struct archive_fault *fault) {
    if (fault->placed) cli_say(cli, "%s: at offset %" PRIu64 ": %s", fault->file, fault->offset, fault->text);
    else cli_say(cli, "%s: %s", fault->file, fault->text);
}

void archive_out_gap(const struct cli *cli, const char *key, const struct segment_gap *gap) {
    char after[ENTRY_TEXT_MAX + 1], upto[ENTRY_TEXT_MAX + 1];
    entry_id_format(gap->after, after);
    entry_id_format(gap->upto, upto);
    cli_say(cli, "NOT ARCHIVED: %s: %" PRIu64 " entries were removed from the stream before: after %s, up to %s", key, gap->missing, after,
            upto);
}

static const char *id_text(struct entry_id id, char out[ENTRY_TEXT_MAX + 1]) {
    entry_id_format(id, out);
    return id.ms || id.seq ? out : "";
}

void archive_out_begin(const struct cli *cli) {
    shown = true;
    if (!cli->json) table_init(&table, tail_columns);
}

void archive_out_tail(const struct cli *cli, const struct archive_tail *t) {
    const struct segment_chain *c = &t->writer->chain;
    char last[ENTRY_TEXT_MAX + 1];
    if (!shown) return;
    if (cli->json) {
        json_t *object = json_out_object();
        json_out_number(object, "partition", c->partition);
        json_out_text(object, "stream", segment_stream_word(c->stream));
        json_out_number(object, "archived", (int64_t)t->taken);
        json_out_number(object, "gaps", (int64_t)t->gap_count);
        json_out_number(object, "entries", (int64_t)c->entries);
        json_out_number(object, "missing", (int64_t)c->missing);
        json_out_number(object, "segment", (int64_t)c->number);
        json_out_text(object, "last", id_text(c->last, last));
        json_out(object);
        return;
    }
    table_addf(&table, "%u", c->partition);
    table_add(&table, segment_stream_word(c->stream));
    table_addf(&table, "%" PRIu64, t->taken);
    table_addf(&table, "%" PRIu64, c->entries);
    table_addf(&table, "%" PRIu64, c->missing);
    table_addf(&table, "%" PRIu64, c->number);
    table_add(&table, id_text(c->last, last));
}

void archive_out_end(const struct cli *cli) {
    if (!shown || cli->json) return;
    table_flush(&table);
    table_clear(&table);
}

/* A verify under way. */
struct report {
    const struct cli *cli;
    struct table table;
    json_t *streams, *findings;
    uint64_t entries, torn;
};

static void add_verified(void *context, const struct archive_verified *v) {
    struct report *r = context;
    char first[ENTRY_TEXT_MAX + 1], last[ENTRY_TEXT_MAX + 1];
    r->entries += v->entries;
    r->torn += v->torn;
    if (!r->cli->json) {
        table_addf(&r->table, "%u", v->partition);
        table_add(&r->table, segment_stream_word(v->stream));
        table_addf(&r->table, "%" PRIu64, v->segments);
        table_addf(&r->table, "%" PRIu64, v->entries);
        table_addf(&r->table, "%" PRIu64, v->missing);
        table_add(&r->table, id_text(v->first, first));
        table_add(&r->table, id_text(v->last, last));
        return;
    }
    json_t *object = json_out_object();
    json_out_number(object, "partition", v->partition);
    json_out_text(object, "stream", segment_stream_word(v->stream));
    json_out_bool(object, "sound", v->sound);
    json_out_number(object, "segments", (int64_t)v->segments);
    json_out_number(object, "entries", (int64_t)v->entries);
    json_out_number(object, "missing", (int64_t)v->missing);
    json_out_text(object, "first", id_text(v->first, first));
    json_out_text(object, "last", id_text(v->last, last));
    json_out_number(object, "torn", (int64_t)v->torn);
    json_out_append(r->streams, object);
}

static void add_finding(void *context, const struct archive_fault *fault) {
    struct report *r = context;
    if (json_array_size(r->findings) >= FINDINGS_MAX) return;
    json_t *object = json_out_object();
    json_out_text(object, "file", fault->file);
    json_out_optional(object, "offset", fault->placed, (int64_t)fault->offset);
    json_out_text(object, "text", fault->text);
    json_out_append(r->findings, object);
    if (!r->cli->json) archive_out_fault(r->cli, fault);
}

int archive_out_verify(const struct cli *cli, const char *dir) {
    struct report r = {.cli = cli, .streams = json_out_array(), .findings = json_out_array()};
    struct archive_verify v = {.verified = add_verified, .finding = add_finding, .context = &r};
    struct archive_fault fault;
    table_init(&r.table, verify_columns);
    if (archive_verify(&v, dir, &fault) != ARCHIVE_OK) {
        archive_out_fault(cli, &fault);
        json_decref(r.streams);
        json_decref(r.findings);
        table_clear(&r.table);
        return CLI_USAGE;
    }
    if (cli->json) {
        json_t *object = json_out_object();
        json_out_bool(object, "sound", v.found == 0);
        json_out_text(object, "book", v.book.name);
        json_out_number(object, "partitions", v.book.partitions);
        json_out_number(object, "archived", v.partitions);
        json_out_number(object, "found", (int64_t)v.found);
        json_out_value(object, "findings", json_incref(r.findings));
        json_out_value(object, "streams", json_incref(r.streams));
        json_out(object);
    } else {
        table_flush(&r.table);
        printf("%s: %u of %u partitions of book %s, %" PRIu64 " entries, %" PRIu64 " found\n", v.found ? "NOT SOUND" : "sound",
               v.partitions, v.book.partitions, v.book.name, r.entries, v.found);
        if (r.torn) printf("%" PRIu64 " bytes of writes that are under way, or were cut short\n", r.torn);
    }
    json_decref(r.streams);
    json_decref(r.findings);
    table_clear(&r.table);
    return v.found ? CLI_FOUND : CLI_OK;
}
