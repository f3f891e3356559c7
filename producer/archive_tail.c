/* Rounds of reading a stream into its archive, and the count that shows what is missing. */
#include "producer/archive_tail.h"

#include <inttypes.h>
#include <string.h>

enum { FIRST_PAGE = 50, PAGE_SIZE = 256 << 10 /* so much Redis puts together in one go: it does nothing else meanwhile */ };

void archive_tail_init(struct archive_tail *t, struct archive_writer *writer, const struct book *book) {
    const struct segment_chain *chain = &writer->chain;
    memset(t, 0, sizeof *t);
    t->writer = writer;
    t->page = FIRST_PAGE;
    t->read_to = chain->last;
    t->checked = chain->before; /* what came since may have been cut short before it was counted */
    if (chain->stream == SEGMENT_INTENTS) t->key_size = keys_intents(t->key, book, chain->partition);
    else t->key_size = keys_ledger(t->key, book, chain->partition);
}

void archive_tail_ask(struct archive_tail *t, struct command *c) {
    command_begin(c, "XINFO");
    command_word(c, "STREAM");
    command_borrow(c, t->key, t->key_size);
}

static bool is_absent(struct reply reply) {
    return reply_type(reply) == REPLY_ERROR && strncmp(reply_text(reply, NULL), "ERR no such key", 15) == 0;
}

bool archive_tail_is_answer(struct reply reply) { return reply_type(reply) == REPLY_ARRAY || is_absent(reply); }

static bool id_of(struct reply reply, struct entry_id *id) {
    size_t size;
    const char *text = reply_text(reply, &size);
    return entry_id_parse(text, size, id);
}

static struct entry_id right_before(struct entry_id id) {
    if (id.seq > 0) return (struct entry_id){id.ms, id.seq - 1};
    return id.ms > 0 ? (struct entry_id){id.ms - 1, UINT64_MAX} : id;
}

static uint64_t known(const struct archive_tail *t) { return t->writer->chain.entries + t->writer->chain.missing; }

static enum archive_err rewound(const struct archive_tail *t, struct archive_fault *fault) {
    char last[ENTRY_TEXT_MAX + 1];
    entry_id_format(t->writer->chain.last, last);
    return archive_fail(fault, ARCHIVE_REWOUND, t->writer->dir,
                        "%s in Redis is not what was archived: it has lost entries, or is another one (archived: %" PRIu64
                        " entries, up to %s)",
                        t->key, known(t), last);
}

static enum archive_err note_gap(struct archive_tail *t, struct entry_id upto, uint64_t missing, struct archive_fault *fault) {
    struct segment_gap gap = {.after = t->checked, .upto = upto, .missing = missing};
    if (entry_id_compare(gap.after, gap.upto) >= 0) gap.after = (struct entry_id){0, 0};
    enum archive_err err = archive_writer_gap(t->writer, &gap, fault);
    if (err) return err;
    t->gap = gap;
    t->gap_count++;
    return ARCHIVE_OK;
}

/* All that the round was about was read: as much as was ever added is archived, or known to be missing. */
static enum archive_err end_round(struct archive_tail *t, struct archive_fault *fault) {
    enum archive_err err = ARCHIVE_OK;
    if (t->added < known(t)) return rewound(t, fault);
    if (t->added > known(t)) err = note_gap(t, t->target, t->added - known(t), fault);
    t->read_to = t->checked = t->target;
    return err;
}

/* When no entry that is archived is there any more, all that were removed and are not archived came before the first one. */
static enum archive_err check_head(struct archive_tail *t, struct reply info, struct archive_fault *fault) {
    struct entry_id first;
    uint64_t length = (uint64_t)reply_integer(reply_field(info, "length"));
    if (length == 0 || length > t->added || !id_of(reply_at(reply_field(info, "first-entry"), 0), &first)) return ARCHIVE_OK;
    if (entry_id_compare(first, t->writer->chain.last) <= 0) return ARCHIVE_OK;
    uint64_t removed = t->added - length;
    if (removed < known(t)) return rewound(t, fault);
    return removed > known(t) ? note_gap(t, right_before(first), removed - known(t), fault) : ARCHIVE_OK;
}

enum archive_err archive_tail_info(struct archive_tail *t, struct reply info, struct archive_fault *fault) {
    t->target = t->read_to;
    if (is_absent(info)) return known(t) == 0 ? ARCHIVE_OK : rewound(t, fault);
    struct reply added = reply_field(info, "entries-added");
    if (!id_of(reply_field(info, "last-generated-id"), &t->target) || reply_type(added) != REPLY_INTEGER)
        return archive_fail(fault, ARCHIVE_SYSTEM, t->key, "XINFO STREAM does not say what it should: Redis 7 or later is needed");
    t->added = (uint64_t)reply_integer(added);
    if (entry_id_compare(t->target, t->writer->chain.last) < 0) return rewound(t, fault);
    enum archive_err err = check_head(t, info, fault);
    if (err || archive_tail_behind(t)) return err;
    return end_round(t, fault);
}

bool archive_tail_behind(const struct archive_tail *t) { return entry_id_compare(t->read_to, t->target) < 0; }

void archive_tail_want(struct archive_tail *t, struct command *c) {
    char from[ENTRY_TEXT_MAX + 2] = "(", to[ENTRY_TEXT_MAX + 1];
    size_t from_size = 1 + entry_id_format(t->read_to, from + 1), to_size = entry_id_format(t->target, to);
    command_begin(c, "XRANGE");
    command_borrow(c, t->key, t->key_size);
    command_copy(c, from, from_size);
    command_copy(c, to, to_size);
    command_word(c, "COUNT");
    command_uint(c, t->page);
}

static enum archive_err take_entry(struct archive_tail *t, struct reply entry, uint64_t *bytes, struct archive_fault *fault) {
    struct entry_id id;
    struct reply strings = reply_at(entry, 1);
    if (!id_of(reply_at(entry, 0), &id) || reply_count(strings) % 2 != 0)
        return archive_fail(fault, ARCHIVE_SYSTEM, t->key, "Redis gave an entry that is none");
    enum archive_err err = archive_writer_entry_begin(t->writer, id, (uint32_t)reply_count(strings), fault);
    if (err) return err;
    for (size_t n = 0; n < reply_count(strings); n++) {
        size_t size;
        const char *text = reply_text(reply_at(strings, n), &size);
        archive_writer_entry_string(t->writer, text, size);
        *bytes += size;
    }
    err = archive_writer_entry_finish(t->writer, fault);
    if (err) return err;
    t->read_to = id;
    t->taken++;
    return ARCHIVE_OK;
}

/* The next page from what this one weighed; not many times as much at once. */
static void size_page(struct archive_tail *t, uint64_t count, uint64_t bytes) {
    uint64_t page = bytes > 0 ? count * PAGE_SIZE / bytes : ARCHIVE_PAGE;
    if (page > 4 * (uint64_t)t->page) page = 4 * (uint64_t)t->page;
    t->page = page < 1 ? 1 : page > ARCHIVE_PAGE ? ARCHIVE_PAGE : (uint32_t)page;
}

enum archive_err archive_tail_page(struct archive_tail *t, struct reply page, struct archive_fault *fault) {
    size_t count = reply_count(page), asked = t->page;
    uint64_t bytes = 0;
    enum archive_err err = ARCHIVE_OK;
    if (reply_type(page) != REPLY_ARRAY) return archive_fail(fault, ARCHIVE_SYSTEM, t->key, "XRANGE gave no entries");
    for (size_t n = 0; n < count && !err; n++) err = take_entry(t, reply_at(page, n), &bytes, fault);
    if (count > 0) size_page(t, count, bytes);
    if (err || (count == asked && archive_tail_behind(t))) return err;
    return end_round(t, fault);
}
