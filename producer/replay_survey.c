/* Checks archived intents, and finds out where they end together. */
#include "producer/replay_survey.h"

#include <stdlib.h>
#include <string.h>

#include "producer/replay_source.h"
#include "schema/followup.h"

/* A follow-up as it lies in the archive. */
struct sighting {
    uint32_t from, to;
    struct entry_id at;     /* its own entry, in `to` */
    struct entry_id origin; /* the one that caused it, in `from` */
};

enum archive_err replay_survey_book(const char *dir, struct book *book, struct archive_fault *fault) {
    struct archive_manifest manifest;
    archive_path partition_dir;
    if (!archive_path_partition(partition_dir, dir, 0)) return archive_fail(fault, ARCHIVE_SYSTEM, dir, "the name is too long");
    enum archive_err err = archive_manifest_read(partition_dir, &manifest, fault);
    if (err) return err;
    if (!manifest.present) return archive_fail(fault, ARCHIVE_SYSTEM, dir, "there is no archive: partition 0 has no manifest");
    *book = manifest.book;
    return ARCHIVE_OK;
}

void replay_survey_init(struct replay_survey *s, const struct book *book, const char *dir, struct entry_id bound) {
    memset(s, 0, sizeof *s);
    s->book = *book;
    s->dir = dir;
    s->bound = bound;
    s->streams = calloc(book->partitions, sizeof *s->streams);
    s->recorded = calloc((size_t)book->partitions * book->partitions, sizeof *s->recorded);
    if (!s->streams || !s->recorded) abort();
    s->spool = tmpfile();
    s->spool_failed = s->spool == NULL;
}

void replay_survey_clear(struct replay_survey *s) {
    if (s->spool) fclose(s->spool);
    free(s->streams);
    free(s->recorded);
    memset(s, 0, sizeof *s);
}

struct entry_id *replay_survey_recorded(struct replay_survey *s, unsigned from, unsigned to) {
    return &s->recorded[(size_t)from * s->book.partitions + to];
}

static bool above(struct entry_id a, struct entry_id b) { return entry_id_compare(a, b) > 0; }

/* The strings of the entry's field; false when it has none of that name. */
static bool find_field(const struct segment_record *r, const char *wanted, const char **value, size_t *value_size) {
    const char *name;
    size_t at = 0, size;
    while (segment_record_string(r, &at, &name, &size) && segment_record_string(r, &at, value, value_size))
        if (size == strlen(wanted) && memcmp(name, wanted, size) == 0) return true;
    return false;
}

/* Is it a follow-up from another partition, as the door would take it? */
static bool read_follow_up(const struct replay_survey *s, const struct segment_record *r, struct sighting *sighting) {
    struct intent intent;
    struct intent_fault fault = {{0}, {0}};
    char entry[INTENT_ENTRY_MAX + 1];
    const char *bytes, *sig;
    size_t size, sig_size;
    unsigned from;
    if (!find_field(r, "intent", &bytes, &size) || !memmem(bytes, size, "origin", 6)) return false;
    if (intent_decode(bytes, size, &intent, &fault) != INTENT_OK || !op_is_follow_up(intent.op) || op_is_own(intent.op)) return false;
    if (s->has_secret && (!find_field(r, "sig", &sig, &sig_size) || !sign_verify(s->secret, bytes, size, sig, sig_size))) return false;
    if (!followup_origin(intent.origin, &from, entry) || from >= s->book.partitions) return false;
    sighting->from = from;
    sighting->at = r->id;
    return entry_id_parse(entry, strlen(entry), &sighting->origin);
}

/* One partition under way. */
struct walk {
    struct replay_survey *survey;
    unsigned partition;
};

static enum archive_err see(void *context, const struct archive_reader *reader, const struct segment_record *r,
                            struct archive_fault *fault) {
    struct walk *w = context;
    struct replay_survey *s = w->survey;
    struct replay_stream *stream = &s->streams[w->partition];
    struct sighting sighting = {.to = w->partition};
    if (r->type == SEGMENT_GAP) {
        if (!above(r->gap.upto, stream->there)) return ARCHIVE_OK;
        return archive_fail_at(fault, reader->file, reader->offset,
                               "entries are missing here, and the book to be rebuilt does not have them either");
    }
    if (above(r->id, s->bound)) return ARCHIVE_OK;
    stream->last = r->id;
    stream->entries += above(r->id, stream->there);
    if (above(r->id, stream->applied) && read_follow_up(s, r, &sighting))
        s->spool_failed = fwrite(&sighting, sizeof sighting, 1, s->spool) != 1 || s->spool_failed;
    return ARCHIVE_OK;
}

static enum archive_err walk_segments(struct walk *w, const char *dir, const struct archive_manifest *m, struct archive_fault *fault) {
    struct segment_chain chain;
    uint64_t number, highest;
    archive_path file;
    const struct replay_stream *stream = &w->survey->streams[w->partition];
    enum archive_err err = replay_source_find(dir, SEGMENT_INTENTS, entry_id_after(stream->applied), &number, &highest, fault);
    if (err) return err;
    if (m->intents.number > highest) {
        archive_path_segment(file, dir, SEGMENT_INTENTS, highest + 1);
        return archive_fail(fault, ARCHIVE_CORRUPT, file, "is missing, but the manifest says it was written");
    }
    segment_chain_init(&chain, &m->book, w->partition, SEGMENT_INTENTS);
    for (uint64_t first = number; number && number <= highest && !err; number++) {
        struct archive_scan scan = {.partition_dir = dir, .number = number, .mark = &m->intents, .each = see, .context = w};
        scan.trust = number == first && first > 1;
        err = archive_scan(&scan, &chain, number < highest, fault);
        w->survey->streams[w->partition].torn = scan.torn;
    }
    w->survey->streams[w->partition].total = chain.entries + chain.missing;
    return err;
}

enum archive_err replay_survey_partition(struct replay_survey *s, unsigned partition, struct archive_fault *fault) {
    struct archive_manifest m;
    archive_path dir;
    struct walk w = {s, partition};
    if (!archive_path_partition(dir, s->dir, partition)) return archive_fail(fault, ARCHIVE_SYSTEM, s->dir, "the name is too long");
    enum archive_err err = archive_manifest_read(dir, &m, fault);
    if (err) return err;
    if (!m.present) return archive_fail(fault, ARCHIVE_CORRUPT, dir, "there is no manifest: is this partition archived elsewhere?");
    if (m.partition != partition || m.book.partitions != s->book.partitions || strcmp(m.book.name, s->book.name) != 0)
        return archive_fail(fault, ARCHIVE_CORRUPT, dir, "is not the archive of partition %u of book '%s'", partition, s->book.name);
    err = walk_segments(&w, dir, &m, fault);
    s->streams[partition].archived = s->streams[partition].last.ms > 0;
    if (!err && s->spool_failed) err = archive_fail(fault, ARCHIVE_SYSTEM, "a temporary file", "cannot be written: is the disk full?");
    return err;
}

static struct entry_id before(struct entry_id id) {
    if (id.seq > 0) return (struct entry_id){id.ms, id.seq - 1};
    return id.ms > 0 ? (struct entry_id){id.ms - 1, UINT64_MAX} : id;
}

static struct entry_id later(struct entry_id a, struct entry_id b) { return above(a, b) ? a : b; }

static enum archive_err misfit(const struct replay_survey *s, const struct sighting *f, struct archive_fault *fault) {
    char at[ENTRY_TEXT_MAX + 1], origin[ENTRY_TEXT_MAX + 1];
    entry_id_format(f->at, at);
    entry_id_format(f->origin, origin);
    return archive_fail(fault, ARCHIVE_CORRUPT, s->dir,
                        "in partition %u there is entry %s, which came of entry %s of partition %u; but that one is neither there nor"
                        " archived",
                        f->to, at, origin, f->from);
}

/* Cuts partitions off before follow-ups that came of nothing, until none is left. */
static enum archive_err cut(struct replay_survey *s, struct archive_fault *fault) {
    struct sighting f;
    for (bool changed = true; changed;) {
        changed = false;
        rewind(s->spool);
        while (fread(&f, sizeof f, 1, s->spool) == 1) {
            const struct replay_stream *from = &s->streams[f.from];
            struct replay_stream *to = &s->streams[f.to];
            if (above(f.at, later(to->end, to->there)) || !above(f.origin, later(from->end, from->there))) continue;
            if (!above(f.at, to->there)) return misfit(s, &f, fault);
            to->end = before(f.at);
            changed = true;
        }
    }
    return ARCHIVE_OK;
}

/* What is archived above the end is not fed. */
static enum archive_err count_left_out(struct replay_survey *s, unsigned partition, struct archive_fault *fault) {
    struct replay_stream *stream = &s->streams[partition];
    struct replay_source source;
    struct segment_record entry;
    bool more = true;
    struct entry_id last = later(stream->end, stream->there);
    if (!above(stream->last, last)) return ARCHIVE_OK;
    enum archive_err err = replay_source_open(&source, s->dir, partition, SEGMENT_INTENTS, entry_id_after(last), fault);
    while (!err && !(err = replay_source_next(&source, &entry, &more, fault)) && more && !above(entry.id, s->bound)) stream->left_out++;
    replay_source_close(&source);
    stream->entries -= stream->left_out;
    return err;
}

enum archive_err replay_survey_finish(struct replay_survey *s, struct archive_fault *fault) {
    struct sighting f;
    for (unsigned p = 0; p < s->book.partitions; p++) s->streams[p].end = s->streams[p].last;
    enum archive_err err = cut(s, fault);
    for (unsigned p = 0; p < s->book.partitions && !err; p++) err = count_left_out(s, p, fault);
    rewind(s->spool);
    while (!err && fread(&f, sizeof f, 1, s->spool) == 1) {
        struct entry_id *recorded = replay_survey_recorded(s, f.from, f.to);
        const struct replay_stream *to = &s->streams[f.to];
        if (!above(f.at, later(to->end, to->there))) *recorded = later(*recorded, f.origin);
    }
    return err;
}
