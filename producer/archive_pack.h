/* Finished segments may lie compressed: FILE.zst in place of FILE, byte by byte in schema/README.md. Everything else about a segment, its
 * offsets and digests too, is about what is in it. The one seam to libzstd; without that library nothing can be packed or unpacked, and
 * that is said. */
#ifndef PRODUCER_ARCHIVE_PACK_H
#define PRODUCER_ARCHIVE_PACK_H

#include "producer/archive_file.h"

#define ARCHIVE_PACK_SUFFIX ".zst"
/* What an ARCHIVE_SYSTEM fault says, and configuration errors. */
#define ARCHIVE_PACK_NEEDS "this build of till has no zstd: it was made without libzstd"

/* Whether this build can. */
bool archive_can_pack(void);

/* Puts FILE.zst in FILE's place: written beside, synced, read back, renamed; only then FILE is removed. Killed anywhere, at least one of
 * the two is whole, and FILE counts while it is there. */
enum archive_err archive_pack(const char *dir, const char *file, struct archive_fault *fault) __attribute__((warn_unused_result));

struct archive_unpack;
/* Takes over `fd`, of a packed file; `*size` is that of what was packed. archive_unpack_close in any case. */
enum archive_err archive_unpack_open(struct archive_unpack **unpack, int fd, const char *file, uint64_t *size, struct archive_fault *fault)
    __attribute__((warn_unused_result));
/* The next `size` bytes, no more than are left. With the last ones comes the check of the whole file. False: `*wrong` says why, static
 * text; NULL: errno does. */
bool archive_unpack_read(struct archive_unpack *unpack, void *out, size_t size, const char **wrong) __attribute__((warn_unused_result));
void archive_unpack_close(struct archive_unpack *unpack); /* NULL is fine */

#endif
