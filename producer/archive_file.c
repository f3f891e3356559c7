/* Names and durable writing of an archive's files. */
#include "producer/archive_file.h"

#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "producer/archive_pack.h"

enum { NAME_ROOM = 40 /* of a file in a partition's directory, with .tmp behind it */ };

static void place_fault(struct archive_fault *fault, enum archive_err err, const char *file) {
    *fault = (struct archive_fault){.err = err};
    snprintf(fault->file, sizeof fault->file, "%s", file);
}

enum archive_err archive_fail(struct archive_fault *fault, enum archive_err err, const char *file, const char *format, ...) {
    va_list arguments;
    place_fault(fault, err, file);
    va_start(arguments, format);
    vsnprintf(fault->text, sizeof fault->text, format, arguments);
    va_end(arguments);
    return err;
}

enum archive_err archive_fail_at(struct archive_fault *fault, const char *file, uint64_t offset, const char *text) {
    archive_fail(fault, ARCHIVE_CORRUPT, file, "%s", text);
    fault->placed = true;
    fault->offset = offset;
    return ARCHIVE_CORRUPT;
}

enum archive_err archive_fail_errno(struct archive_fault *fault, const char *file, const char *doing) {
    return archive_fail(fault, ARCHIVE_SYSTEM, file, "cannot %s: %s", doing, strerror(errno));
}

bool archive_path_partition(archive_path out, const char *dir, unsigned partition) {
    return snprintf(out, ARCHIVE_PATH_MAX + 1, "%s/%04u", dir, partition) <= ARCHIVE_PATH_MAX - NAME_ROOM;
}

void archive_path_segment(archive_path out, const char *partition_dir, enum segment_stream stream, uint64_t number) {
    int size = snprintf(out, ARCHIVE_PATH_MAX + 1, "%s/%s-%08" PRIu64 ".seg", partition_dir, segment_stream_word(stream), number);
    assert(size > 0 && size <= ARCHIVE_PATH_MAX);
}

uint64_t archive_segment_number(const char *name, enum segment_stream stream) {
    char word[32], again[NAME_ROOM];
    uint64_t number = 0;
    snprintf(word, sizeof word, "%s-", segment_stream_word(stream));
    if (strncmp(name, word, strlen(word)) != 0 || sscanf(name + strlen(word), "%" SCNu64, &number) != 1) return 0;
    int size = snprintf(again, sizeof again, "%s%08" PRIu64 ".seg", word, number);
    bool same = strncmp(again, name, (size_t)size) == 0;
    return same && (!name[size] || strcmp(name + size, ARCHIVE_PACK_SUFFIX) == 0) ? number : 0;
}

bool archive_has_segment(const char *file) {
    char packed[ARCHIVE_PATH_MAX + 8];
    snprintf(packed, sizeof packed, "%s" ARCHIVE_PACK_SUFFIX, file);
    return access(file, F_OK) == 0 || access(packed, F_OK) == 0;
}

/* Killed between packing it and removing what was packed: there are both. */
static bool is_double(const char *partition_dir, const char *name, enum segment_stream stream, uint64_t number) {
    archive_path file;
    archive_path_segment(file, partition_dir, stream, number);
    return strlen(name) > strlen(strrchr(file, '/') + 1) && access(file, F_OK) == 0;
}

enum archive_err archive_segments(const char *partition_dir, enum segment_stream stream, uint64_t *lowest, uint64_t *highest,
                                  uint64_t *count, struct archive_fault *fault) {
    *lowest = *highest = *count = 0;
    DIR *dir = opendir(partition_dir);
    if (!dir) return archive_fail_errno(fault, partition_dir, "read the directory");
    for (const struct dirent *entry; (entry = readdir(dir));) {
        uint64_t number = archive_segment_number(entry->d_name, stream);
        if (number == 0 || is_double(partition_dir, entry->d_name, stream, number)) continue;
        (*count)++;
        if (*lowest == 0 || number < *lowest) *lowest = number;
        if (number > *highest) *highest = number;
    }
    closedir(dir);
    return ARCHIVE_OK;
}

bool archive_write(int fd, const void *bytes, size_t size) {
    const char *at = bytes;
    while (size > 0) {
        ssize_t written = write(fd, at, size);
        if (written < 0 && errno == EINTR) continue;
        if (written <= 0) {
            if (written == 0) errno = ENOSPC;
            return false;
        }
        at += written;
        size -= (size_t)written;
    }
    return true;
}

bool archive_sync_dir(const char *dir) {
    int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    bool synced = fd >= 0 && fsync(fd) == 0;
    int why = errno;
    if (fd >= 0) close(fd);
    errno = why;
    return synced;
}

static bool write_new(const char *file, const void *bytes, size_t size) {
    int fd = open(file, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd < 0) return false;
    bool written = archive_write(fd, bytes, size) && fsync(fd) == 0;
    int why = errno;
    close(fd);
    errno = why;
    return written;
}

enum archive_err archive_place(const char *dir, const char *file, const void *bytes, size_t size, struct archive_fault *fault) {
    char beside[ARCHIVE_PATH_MAX + 8];
    snprintf(beside, sizeof beside, "%s.tmp", file);
    if (!write_new(beside, bytes, size) || rename(beside, file) != 0) {
        archive_fail_errno(fault, file, "write");
        unlink(beside);
        return ARCHIVE_SYSTEM;
    }
    return archive_sync_dir(dir) ? ARCHIVE_OK : archive_fail_errno(fault, dir, "sync the directory");
}

enum archive_err archive_make_dir(const char *dir, struct archive_fault *fault) {
    char parent[ARCHIVE_PATH_MAX + 8];
    struct stat found;
    if (mkdir(dir, 0700) == 0) {
        snprintf(parent, sizeof parent, "%s/..", dir);
        return archive_sync_dir(parent) ? ARCHIVE_OK : archive_fail_errno(fault, dir, "sync the directory above");
    }
    if (errno != EEXIST) return archive_fail_errno(fault, dir, "make the directory");
    if (stat(dir, &found) != 0) return archive_fail_errno(fault, dir, "look at the directory");
    return S_ISDIR(found.st_mode) ? ARCHIVE_OK : archive_fail(fault, ARCHIVE_SYSTEM, dir, "is no directory");
}
