/* Where partitions of an archive end together: follow-ups that came of nothing archived are cut off, with all that came of those. */
#include <criterion/criterion.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "producer/archive.h"
#include "producer/replay_source.h"
#include "producer/replay_survey.h"
#include "schema/followup.h"

static const struct book book = {"till", 4};
static const struct archive_options options = {.segment_size = 600, .segment_age_ms = 3600000, .fsync_every_ms = 0};
static char dir[64];
static struct archive_fault fault;

static int drop(const char *path, const struct stat *status, int type, struct FTW *where) {
    (void)status, (void)type, (void)where;
    return remove(path);
}

static void make_dir(void) {
    snprintf(dir, sizeof dir, "/tmp/survey-XXXXXX");
    cr_assert_not_null(mkdtemp(dir));
}

static void drop_dir(void) { nftw(dir, drop, 8, FTW_DEPTH | FTW_PHYS); }

TestSuite(replay_survey, .init = make_dir, .fini = drop_dir, .timeout = 100);

static size_t plain(uint8_t bytes[INTENT_SIZE_MAX]) {
    struct intent i;
    size_t size;
    intent_clear(&i);
    i.op = OP_inquire;
    i.v = i.at_ms = 1;
    i.present = op_fields_needed(OP_inquire);
    snprintf(i.source, sizeof i.source, "shop");
    snprintf(i.key, sizeof i.key, "origin"); /* not what it looks like */
    snprintf(i.account, sizeof i.account, "alice");
    cr_assert(intent_encode(&i, bytes, INTENT_SIZE_MAX, &size));
    return size;
}

static size_t follow_up(uint8_t bytes[INTENT_SIZE_MAX], unsigned from, unsigned ms) {
    struct intent i;
    size_t size;
    intent_clear(&i);
    i.op = OP_settled;
    i.v = i.at_ms = 1;
    i.present = op_fields_needed(OP_settled);
    snprintf(i.source, sizeof i.source, "till");
    snprintf(i.key, sizeof i.key, "alice/shop/k>settled");
    snprintf(i.account, sizeof i.account, "alice");
    snprintf(i.origin, sizeof i.origin, "%u:%u-0", from, ms);
    snprintf(i.entry, sizeof i.entry, "1-0");
    cr_assert(intent_encode(&i, bytes, INTENT_SIZE_MAX, &size));
    return size;
}

/* "5 8<1:7 g12": an entry 5-0, a follow-up 8-0 that came of entry 7-0 of partition 1, a gap up to 12-0. */
static void archive(unsigned partition, const char *words) {
    struct archive a;
    uint8_t bytes[INTENT_SIZE_MAX];
    cr_assert_eq(archive_open(&a, dir, &options, &book, partition, &fault), ARCHIVE_OK, "%s", fault.text);
    for (int used; *words; words += used) {
        unsigned ms, from, origin;
        if (sscanf(words, "g%u %n", &ms, &used) == 1) {
            struct segment_gap gap = {a.intents.chain.last, {ms, 0}, 1};
            cr_assert_eq(archive_writer_gap(&a.intents, &gap, &fault), ARCHIVE_OK);
            continue;
        }
        bool follows = sscanf(words, "%u<%u:%u %n", &ms, &from, &origin, &used) == 3;
        if (!follows) cr_assert_eq(sscanf(words, "%u %n", &ms, &used), 1, "%s", words);
        size_t size = follows ? follow_up(bytes, from, origin) : plain(bytes);
        cr_assert_eq(archive_writer_entry_begin(&a.intents, (struct entry_id){ms, 0}, 2, &fault), ARCHIVE_OK);
        archive_writer_entry_string(&a.intents, "intent", 6);
        archive_writer_entry_string(&a.intents, bytes, size);
        cr_assert_eq(archive_writer_entry_finish(&a.intents, &fault), ARCHIVE_OK);
        cr_assert_eq(archive_tick(&a, &fault), ARCHIVE_OK);
    }
    cr_assert_eq(archive_settle(&a, &fault), ARCHIVE_OK);
    archive_close(&a);
}

static enum archive_err look(struct replay_survey *s) {
    enum archive_err err = ARCHIVE_OK;
    for (unsigned p = 0; p < book.partitions && !err; p++) err = replay_survey_partition(s, p, &fault);
    return err ? err : replay_survey_finish(s, &fault);
}

static uint64_t recorded(struct replay_survey *s, unsigned from, unsigned to) { return replay_survey_recorded(s, from, to)->ms; }

Test(replay_survey, ends_that_fit_together) {
    static const struct {
        const char *name, *words[4];
        uint64_t bound, entries[4], left_out[4];
        struct { uint64_t from, to, ms; } recorded[3];
    } rows[] = {
        {"nothing refers to anything", {"1 2 3", "4 5", "", "6"}, 99, {3, 2, 0, 1}, {0}, {{0, 1, 0}}},
        {"all is there", {"1 2 3", "4<0:1 5<0:3", "6<1:5", ""}, 99, {3, 2, 1, 0}, {0}, {{0, 1, 3}, {1, 2, 5}, {1, 0, 0}}},
        {"the last one came of nothing", {"1 2", "4<0:1 5<0:3 6 7", "", ""}, 99, {2, 1, 0, 0}, {0, 3, 0, 0}, {{0, 1, 1}}},
        {"and others came of that", {"1 2", "4<0:1 5<0:3 6", "7 8<1:6 9", "10<2:9 11"}, 99, {2, 1, 1, 0}, {0, 2, 2, 2}, {{1, 2, 0}, {2, 3, 0}}},
        {"also in partitions before", {"1 9<3:8 10", "11<0:10 12", "", "7 8<1:12"}, 99, {3, 2, 0, 2}, {0}, {{3, 0, 8}, {0, 1, 10}}},
        {"round and round", {"1 9<3:8", "11<0:9 12", "13<1:12", "7 8<2:14"}, 99, {1, 0, 0, 1}, {1, 2, 1, 1}, {{3, 0, 0}, {2, 3, 0}}},
        {"not beyond the bound", {"1 2 30", "4<0:1 31<0:30", "", ""}, 20, {2, 1, 0, 0}, {0}, {{0, 1, 1}}},
        {"an old one comes again", {"1 2", "4<0:2 5<0:1", "", ""}, 99, {2, 2, 0, 0}, {0}, {{0, 1, 2}}},
        {"of a partition that there is not", {"1", "4<7:9 5", "", ""}, 99, {1, 2, 0, 0}, {0}, {{0, 1, 0}}},
    };
    for (size_t n = 0; n < sizeof rows / sizeof *rows; n++) {
        struct replay_survey s;
        for (unsigned p = 0; p < 4; p++) archive(p, rows[n].words[p]);
        replay_survey_init(&s, &book, dir, (struct entry_id){rows[n].bound, UINT64_MAX});
        cr_assert_eq(look(&s), ARCHIVE_OK, "%s: %s", rows[n].name, fault.text);
        for (unsigned p = 0; p < 4; p++) {
            cr_assert_eq(s.streams[p].entries, rows[n].entries[p], "%s: partition %u: %d", rows[n].name, p, (int)s.streams[p].entries);
            cr_assert_eq(s.streams[p].left_out, rows[n].left_out[p], "%s: partition %u: %d left out", rows[n].name, p,
                         (int)s.streams[p].left_out);
        }
        for (size_t m = 0; m < 3; m++) {
            unsigned from = (unsigned)rows[n].recorded[m].from, to = (unsigned)rows[n].recorded[m].to;
            if (from != to) cr_assert_eq(recorded(&s, from, to), rows[n].recorded[m].ms, "%s: %u to %u: %d", rows[n].name, from, to,
                                         (int)recorded(&s, from, to));
        }
        replay_survey_clear(&s);
        drop_dir();
        make_dir();
    }
}

/* What is there already counts as if it were archived, may not be cut off, and makes up for gaps. */
Test(replay_survey, on_what_is_there) {
    struct replay_survey s;
    archive(0, "g5 6 7 8");
    archive(1, "g5 9<0:8 10<2:40 11");
    archive(2, "");
    archive(3, "");
    replay_survey_init(&s, &book, dir, (struct entry_id){99, 0});
    cr_assert_eq(look(&s), ARCHIVE_CORRUPT, "entries are missing");
    cr_assert(strstr(fault.text, "does not have them") && fault.placed, "%s", fault.text);
    replay_survey_clear(&s);

    replay_survey_init(&s, &book, dir, (struct entry_id){99, 0});
    for (unsigned p = 0; p < 4; p++) s.streams[p].there = s.streams[p].applied = (struct entry_id){p == 2 ? 40 : 6, 0};
    *replay_survey_recorded(&s, 2, 1) = (struct entry_id){30, 0};
    cr_assert_eq(look(&s), ARCHIVE_OK, "%s", fault.text);
    cr_assert_eq(s.streams[0].entries, 2);
    cr_assert_eq(s.streams[1].entries, 3);
    cr_assert_eq(recorded(&s, 2, 1), 40);
    cr_assert_eq(recorded(&s, 0, 1), 8);
    replay_survey_clear(&s);

    replay_survey_init(&s, &book, dir, (struct entry_id){99, 0});
    s.streams[0].there = s.streams[0].applied = s.streams[1].applied = (struct entry_id){6, 0};
    s.streams[1].there = (struct entry_id){10, 0}; /* its 10-0 came of an entry that is nowhere */
    cr_assert_eq(look(&s), ARCHIVE_CORRUPT);
    cr_assert(strstr(fault.text, "entry 10-0, which came of entry 40-0 of partition 2"), "%s", fault.text);
    replay_survey_clear(&s);
}

/* In a book with a secret, what is not signed is no follow-up. */
Test(replay_survey, unsigned_follow_ups_do_not_count) {
    struct replay_survey s;
    archive(0, "1");
    archive(1, "4<0:9 5");
    archive(2, "");
    archive(3, "");
    replay_survey_init(&s, &book, dir, (struct entry_id){99, 0});
    s.has_secret = true;
    cr_assert_eq(look(&s), ARCHIVE_OK);
    cr_assert(s.streams[1].entries == 2 && recorded(&s, 0, 1) == 0);
    replay_survey_clear(&s);
}

/* From every entry on, across segments. */
Test(replay_survey, source_begins_anywhere) {
    archive(2, "1 2 3 5 6 7 8 9 10 11 12 13 14 15");
    for (uint64_t from = 0; from < 18; from++) {
        struct replay_source source;
        struct segment_record entry;
        uint64_t count = 0, expected = 0;
        bool more = true;
        cr_assert_eq(replay_source_open(&source, dir, 2, SEGMENT_INTENTS, (struct entry_id){from, 0}, &fault), ARCHIVE_OK);
        cr_assert_gt(source.highest, 2, "one segment only");
        for (uint64_t id = from; id <= 15; id++) {
            if (id == 0 || id == 4) continue;
            expected++;
            cr_assert(replay_source_next(&source, &entry, &more, &fault) == ARCHIVE_OK && more, "from %d: %d", (int)from, (int)id);
            cr_assert_eq(entry.id.ms, id, "from %d: %d, not %d", (int)from, (int)entry.id.ms, (int)id);
            count++;
        }
        cr_assert(replay_source_next(&source, &entry, &more, &fault) == ARCHIVE_OK && !more && count == expected);
        cr_assert_eq(source.entries, from > 15 ? source.entries : 14, "from %d: %d entries ever", (int)from, (int)source.entries);
        replay_source_close(&source);
    }
}
