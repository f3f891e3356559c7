/* Segment files without Redis: cut at every byte, filled up at every byte, changed at every byte, and gone on with. */
#include <criterion/criterion.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "producer/archive.h"
#include "producer/archive_verify.h"

static const struct book book = {"till", 4};
static const struct archive_options options = {.segment_size = 400, .segment_age_ms = 3600000, .fsync_every_ms = 3600000};
static char dir[64];
static struct archive_fault fault;

static void make_dir(void) {
    snprintf(dir, sizeof dir, "/tmp/archive-XXXXXX");
    cr_assert_not_null(mkdtemp(dir));
}

static const char *in_dir(const char *name) {
    static char path[4][160];
    static int turn;
    turn = (turn + 1) % 4;
    snprintf(path[turn], sizeof path[turn], "%s/0002/%s", dir, name);
    return path[turn];
}

static void remove_all(void) {
    static const char *const streams[] = {"intents", "ledger"};
    char name[64];
    for (int n = 1; n < 20; n++)
        for (int s = 0; s < 2; s++) {
            snprintf(name, sizeof name, "%s-%08d.seg", streams[s], n);
            unlink(in_dir(name));
        }
    unlink(in_dir("manifest"));
    unlink(in_dir("lock"));
}

static void drop_dir(void) {
    remove_all();
    rmdir(in_dir(""));
    rmdir(dir);
}

TestSuite(archive, .init = make_dir, .fini = drop_dir, .timeout = 100);

static size_t load(const char *name, uint8_t bytes[4096]) {
    int fd = open(in_dir(name), O_RDONLY);
    cr_assert_geq(fd, 0, "%s", name);
    ssize_t size = read(fd, bytes, 4096);
    close(fd);
    return (size_t)size;
}

static void store(const char *name, const uint8_t *bytes, size_t size) {
    int fd = open(in_dir(name), O_WRONLY | O_CREAT | O_TRUNC, 0600);
    cr_assert(fd >= 0 && write(fd, bytes, size) == (ssize_t)size, "%s", name);
    close(fd);
}

/* Entry n has the ID n-0. */
static enum archive_err add(struct archive *a, uint64_t n) {
    char value[32];
    snprintf(value, sizeof value, "the %d. intent", (int)n);
    enum archive_err err = archive_writer_entry_begin(&a->intents, (struct entry_id){n, 0}, 2, &fault);
    if (err) return err;
    archive_writer_entry_string(&a->intents, "intent", 6);
    archive_writer_entry_string(&a->intents, value, strlen(value));
    return archive_writer_entry_finish(&a->intents, &fault);
}

static enum archive_err begin(struct archive *a) { return archive_open(a, dir, &options, &book, 2, &fault); }

/* Entries up to `last`, from where the archive ends, and no more to the disk than a killed process leaves. */
static enum archive_err go_on(uint64_t last) {
    struct archive a;
    enum archive_err err = begin(&a);
    for (uint64_t n = a.intents.chain.last.ms + 1; n <= last && !err; n++) {
        err = add(&a, n);
        if (!err) err = archive_tick(&a, &fault);
    }
    archive_close(&a);
    return err;
}

static void count_finding(void *context, const struct archive_fault *found) {
    *(struct archive_fault *)context = *found;
}

static struct archive_verified verified;

static void keep_verified(void *context, const struct archive_verified *v) {
    (void)context;
    if (v->stream == SEGMENT_INTENTS) verified = *v;
}

/* How many findings; the last one is in `fault`. */
static uint64_t verify(void) {
    struct archive_verify v = {.verified = keep_verified, .finding = count_finding, .context = &fault};
    cr_assert_eq(archive_verify(&v, dir, &fault), ARCHIVE_OK, "%s", fault.text);
    return v.found;
}

/* Two segments, the second with entries 7 and 8, of which the manifest, made before, promises nothing. */
static size_t make_torn(uint8_t bytes[4096]) {
    cr_assert_eq(go_on(8), ARCHIVE_OK, "%s", fault.text);
    cr_assert_eq(verify(), 0u, "%s", fault.text);
    cr_assert(verified.segments == 2 && verified.entries == 8, "%d segments", (int)verified.segments);
    return load("intents-00000002.seg", bytes);
}

Test(archive, a_write_that_was_cut_short_is_cut_off_and_made_again) {
    uint8_t whole[4096], again[4096], manifest[4096];
    size_t size = make_torn(whole), manifest_size = load("manifest", manifest);
    for (size_t cut = SEGMENT_HEADER_SIZE; cut <= size; cut++)
        for (int zeros = 0; zeros < 2; zeros++) {
            memcpy(again, whole, cut);
            memset(again + cut, 0, zeros ? 100 : 0);
            store("intents-00000002.seg", again, cut + (zeros ? 100 : 0));
            store("manifest", manifest, manifest_size);
            enum archive_err err = go_on(8);
            if (zeros && err == ARCHIVE_CORRUPT) { /* a record whose end is zeros is not simply cut short: nothing is guessed */
                cr_assert(fault.placed && fault.offset <= cut, "%s", fault.text);
                cr_assert(load("intents-00000002.seg", again) == cut + 100, "it was changed");
                continue;
            }
            cr_assert_eq(err, ARCHIVE_OK, "cut at %zu, zeros %d: %s", cut, zeros, fault.text);
            cr_assert(load("intents-00000002.seg", again) == size && memcmp(again, whole, size) == 0, "cut at %zu, zeros %d", cut, zeros);
            cr_assert_eq(verify(), 0u, "cut at %zu: %s", cut, fault.text);
        }
}

Test(archive, what_the_manifest_promised_may_not_be_missing) {
    uint8_t whole[4096], again[4096];
    struct archive a;
    size_t size = make_torn(whole);
    cr_assert_eq(begin(&a), ARCHIVE_OK);
    archive_close(&a);
    for (size_t cut = 0; cut < size; cut++) {
        store("intents-00000002.seg", whole, cut);
        cr_assert_eq(begin(&a), ARCHIVE_CORRUPT, "cut at %zu", cut);
        archive_close(&a);
        cr_assert(fault.placed && fault.offset <= cut, "cut at %zu: %s", cut, fault.text);
        cr_assert_eq(load("intents-00000002.seg", again), cut, "it was changed");
        cr_assert_eq(verify(), 1u, "cut at %zu", cut);
    }
}

Test(archive, every_flipped_bit_of_every_file_is_found_and_left_alone) {
    static const char *const names[] = {"intents-00000001.seg", "intents-00000002.seg", "manifest"};
    uint8_t whole[4096], again[4096];
    struct archive a;
    make_torn(whole);
    cr_assert_eq(begin(&a), ARCHIVE_OK);
    archive_close(&a);
    for (int n = 0; n < 3; n++) {
        size_t size = load(names[n], whole);
        for (size_t bit = 0; bit < size * 8; bit++) {
            whole[bit / 8] ^= (uint8_t)(1u << bit % 8);
            store(names[n], whole, size);
            cr_assert_eq(verify(), 1u, "%s: bit %zu", names[n], bit);
            cr_assert(fault.placed && fault.offset <= bit / 8 && strcmp(fault.file, in_dir(names[n])) == 0, "%s: bit %zu: %s", names[n],
                      bit, fault.text);
            if (n > 0) { /* the archiver looks at the last segment */
                cr_assert_eq(begin(&a), ARCHIVE_CORRUPT, "%s: bit %zu", names[n], bit);
                archive_close(&a);
                cr_assert(load(names[n], again) == size && memcmp(again, whole, size) == 0, "%s: bit %zu: it was changed", names[n], bit);
            }
            whole[bit / 8] ^= (uint8_t)(1u << bit % 8);
        }
        store(names[n], whole, size);
    }
    cr_assert_eq(verify(), 0u, "%s", fault.text);
}

/* A disk that is full after every possible number of bytes. */
Test(archive, a_full_disk_leaves_nothing_half_done) {
    signal(SIGXFSZ, SIG_IGN);
    struct rlimit before, limit;
    getrlimit(RLIMIT_FSIZE, &before);
    for (rlim_t room = 0; room < 450; room++) {
        limit = (struct rlimit){room, before.rlim_max};
        setrlimit(RLIMIT_FSIZE, &limit);
        enum archive_err err = go_on(6); /* all within a segment, which is finished by the next one */
        setrlimit(RLIMIT_FSIZE, &before);
        cr_assert(err == ARCHIVE_OK || err == ARCHIVE_SYSTEM, "room for %d: %s", (int)room, fault.text);
        cr_assert(err == ARCHIVE_OK || strstr(fault.text, "cannot write: ") != NULL, "room for %d: %s", (int)room, fault.text);
        if (access(in_dir("manifest"), F_OK) == 0) {
            cr_assert_eq(verify(), 0u, "room for %d: %s", (int)room, fault.text);
            cr_assert_eq(verified.torn, 0u, "room for %d", (int)room);
        }
        cr_assert_eq(go_on(8), ARCHIVE_OK, "room for %d: %s", (int)room, fault.text);
        cr_assert_eq(verify(), 0u, "room for %d: %s", (int)room, fault.text);
        cr_assert_eq(verified.entries, 8u, "room for %d", (int)room);
        remove_all();
    }
}

Test(archive, one_process_at_a_time) {
    struct archive a, b;
    cr_assert_eq(begin(&a), ARCHIVE_OK, "%s", fault.text);
    cr_assert_eq(begin(&b), ARCHIVE_TAKEN);
    archive_close(&b);
    archive_close(&a);
    cr_assert_eq(begin(&b), ARCHIVE_OK, "%s", fault.text);
    archive_close(&b);
}

Test(archive, old_segments_are_finished_and_empty_ones_are_not_made) {
    struct archive a;
    cr_assert_eq(begin(&a), ARCHIVE_OK, "%s", fault.text);
    cr_assert_eq(archive_writer_seal_old(&a.intents, UINT64_MAX, &fault), ARCHIVE_OK);
    cr_assert_eq(add(&a, 1), ARCHIVE_OK);
    cr_assert_eq(archive_writer_seal_old(&a.intents, a.intents.chain.created_ms + options.segment_age_ms - 1, &fault), ARCHIVE_OK);
    cr_assert_not(a.intents.chain.ended);
    cr_assert_eq(archive_writer_seal_old(&a.intents, a.intents.chain.created_ms + options.segment_age_ms, &fault), ARCHIVE_OK);
    cr_assert(a.intents.chain.ended);
    cr_assert_eq(archive_writer_seal_old(&a.intents, UINT64_MAX, &fault), ARCHIVE_OK);
    cr_assert_eq(archive_settle(&a, &fault), ARCHIVE_OK);
    archive_close(&a);
    cr_assert(access(in_dir("intents-00000001.seg"), F_OK) == 0 && access(in_dir("intents-00000002.seg"), F_OK) != 0);
    cr_assert_eq(go_on(2), ARCHIVE_OK, "%s", fault.text);
    cr_assert_eq(verify(), 0u, "%s", fault.text);
    cr_assert(verified.segments == 2 && verified.entries == 2);
}

Test(archive, entries_must_come_in_order) {
    struct archive a;
    cr_assert_eq(begin(&a), ARCHIVE_OK, "%s", fault.text);
    cr_assert_eq(add(&a, 5), ARCHIVE_OK);
    cr_assert_eq(add(&a, 5), ARCHIVE_REWOUND);
    cr_assert_eq(add(&a, 4), ARCHIVE_REWOUND);
    cr_assert_eq(add(&a, 6), ARCHIVE_OK);
    cr_assert_eq(archive_settle(&a, &fault), ARCHIVE_OK);
    archive_close(&a);
    cr_assert_eq(verify(), 0u, "%s", fault.text);
    cr_assert_eq(verified.entries, 2u);
}
