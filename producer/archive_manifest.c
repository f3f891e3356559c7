/* Writes and reads a partition's manifest: lines of text, the last one their checksum. */
#include "producer/archive_manifest.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

enum { TEXT_SIZE = 1024 };

static void manifest_path(archive_path out, const char *dir) { snprintf(out, ARCHIVE_PATH_MAX + 1, "%s/manifest", dir); }

static size_t print_mark(char *out, size_t room, const char *word, const struct archive_mark *m) {
    char last[ENTRY_TEXT_MAX + 1];
    entry_id_format(m->last, last);
    return (size_t)snprintf(out, room, "%s segment %" PRIu64 " size %" PRIu64 " entries %" PRIu64 " missing %" PRIu64 " last %s\n", word,
                            m->number, m->size, m->entries, m->missing, last);
}

static size_t print_manifest(const struct archive_manifest *m, char out[TEXT_SIZE]) {
    size_t size = (size_t)snprintf(out, TEXT_SIZE, "till-archive 1\nbook %s partitions %u\npartition %u\n", m->book.name,
                                   m->book.partitions, m->partition);
    size += print_mark(out + size, TEXT_SIZE - size, "intents", &m->intents);
    size += print_mark(out + size, TEXT_SIZE - size, "ledger", &m->ledger);
    return size + (size_t)snprintf(out + size, TEXT_SIZE - size, "crc32 %08lx\n", crc32_z(0, (const unsigned char *)out, size));
}

static bool scan_mark(const char *text, const char *word, struct archive_mark *m) {
    const char *line = strstr(text, word);
    char last[ENTRY_TEXT_MAX + 1];
    if (!line || sscanf(line + strlen(word), " segment %" SCNu64 " size %" SCNu64 " entries %" SCNu64 " missing %" SCNu64 " last %41s",
                        &m->number, &m->size, &m->entries, &m->missing, last) != 5)
        return false;
    return entry_id_parse(last, strlen(last), &m->last);
}

/* What was read must be what would be written, to the last byte. */
static bool scan_manifest(const char *text, size_t size, struct archive_manifest *m) {
    char again[TEXT_SIZE];
    if (sscanf(text, "till-archive 1\nbook %32s partitions %u\npartition %u\n", m->book.name, &m->book.partitions, &m->partition) != 3)
        return false;
    if (!scan_mark(text, "\nintents", &m->intents) || !scan_mark(text, "\nledger", &m->ledger)) return false;
    return print_manifest(m, again) == size && memcmp(again, text, size) == 0;
}

enum archive_err archive_manifest_read(const char *dir, struct archive_manifest *m, struct archive_fault *fault) {
    archive_path file;
    char text[TEXT_SIZE];
    memset(m, 0, sizeof *m);
    manifest_path(file, dir);
    int fd = open(file, O_RDONLY | O_CLOEXEC);
    if (fd < 0 && errno == ENOENT) return ARCHIVE_OK;
    ssize_t size = fd < 0 ? -1 : read(fd, text, sizeof text - 1);
    if (size < 0) archive_fail_errno(fault, file, "read");
    if (fd >= 0) close(fd);
    if (size < 0) return ARCHIVE_SYSTEM;
    text[size] = '\0';
    if (!scan_manifest(text, (size_t)size, m)) return archive_fail_at(fault, file, 0, "is no manifest, or was changed");
    m->present = true;
    return ARCHIVE_OK;
}

enum archive_err archive_manifest_write(const char *dir, const struct archive_manifest *m, struct archive_fault *fault) {
    archive_path file;
    char text[TEXT_SIZE];
    manifest_path(file, dir);
    return archive_place(dir, file, text, print_manifest(m, text), fault);
}
