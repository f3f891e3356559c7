/* Packing finished segments, and reading packed ones.
 *
 *     zstd frame, with its content's size and checksum | 4 bytes 0x184d2a50 | 4 bytes 4 | CRC-32 of all before these 12 bytes
 *
 * The last 12 bytes are a frame that programs skip. With its CRC no bit of the file can change unseen: zstd itself leaves some of its
 * header unchecked. */
#include "producer/archive_pack.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#ifdef TILL_ZSTD
#include <zstd.h>

enum { CHUNK = 1 << 17, LEVEL = 3, TAIL_SIZE = 12, HEAD_LEAST = 18 /* the longest header of a frame */ };

bool archive_can_pack(void) { return true; }

static void put_u32(uint8_t *at, uint32_t n) {
    for (int i = 0; i < 4; i++) at[i] = (uint8_t)(n >> (8 * i));
}

static void make_tail(uint8_t tail[TAIL_SIZE], uLong crc) {
    put_u32(tail, 0x184d2a50);
    put_u32(tail + 4, 4);
    put_u32(tail + 8, (uint32_t)crc);
}

/* As much as there is, up to `size`. -1: errno. */
static ssize_t read_full(int fd, uint8_t *out, size_t size) {
    size_t done = 0;
    while (done < size) {
        ssize_t got = read(fd, out + done, size - done);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return -1;
        if (got == 0) break;
        done += (size_t)got;
    }
    return (ssize_t)done;
}

/* --- reading --- */

struct archive_unpack {
    int fd;
    ZSTD_DStream *stream;
    ZSTD_inBuffer in;
    uint64_t left; /* of the content */
    bool framed;   /* the frame came to its end */
    uLong crc;     /* of what was taken in of it */
    uint8_t bytes[CHUNK];
};

static bool refill(struct archive_unpack *u) {
    ssize_t got = read_full(u->fd, u->bytes, sizeof u->bytes);
    u->in = (ZSTD_inBuffer){u->bytes, got < 0 ? 0 : (size_t)got, 0};
    return got >= 0;
}

enum archive_err archive_unpack_open(struct archive_unpack **unpack, int fd, const char *file, uint64_t *size,
                                     struct archive_fault *fault) {
    struct archive_unpack *u = *unpack = calloc(1, sizeof *u);
    if (!u || !(u->stream = ZSTD_createDStream())) abort();
    u->fd = fd;
    if (!refill(u)) return archive_fail_errno(fault, file, "read");
    unsigned long long content = ZSTD_getFrameContentSize(u->in.src, u->in.size);
    if (content == ZSTD_CONTENTSIZE_ERROR || content == ZSTD_CONTENTSIZE_UNKNOWN)
        return archive_fail_at(fault, file, 0, "is not a packed segment, or its beginning was changed");
    *size = u->left = content;
    return ARCHIVE_OK;
}

void archive_unpack_close(struct archive_unpack *u) {
    if (!u) return;
    close(u->fd);
    ZSTD_freeDStream(u->stream);
    free(u);
}

/* One step into `out`; false when it cannot go on. */
static bool step(struct archive_unpack *u, ZSTD_outBuffer *out, const char **wrong) {
    if (u->in.pos == u->in.size && !refill(u)) return false;
    size_t from = u->in.pos, made = out->pos;
    size_t result = ZSTD_decompressStream(u->stream, out, &u->in);
    u->crc = crc32(u->crc, u->bytes + from, (uInt)(u->in.pos - from));
    u->framed = result == 0;
    bool moved = u->in.pos > from || out->pos > made;
    if (ZSTD_isError(result)) *wrong = "cannot be unpacked: the packed bytes were changed";
    else if (!u->framed && !moved) *wrong = "cannot be unpacked: the file ends too early";
    return !*wrong;
}

static bool check_tail(struct archive_unpack *u, const char **wrong) {
    uint8_t there[TAIL_SIZE + 1], expected[TAIL_SIZE];
    size_t size = u->in.size - u->in.pos < sizeof there ? u->in.size - u->in.pos : sizeof there;
    memcpy(there, u->bytes + u->in.pos, size);
    ssize_t more = read_full(u->fd, there + size, sizeof there - size);
    if (more < 0) return false;
    make_tail(expected, u->crc);
    if (size + (size_t)more != TAIL_SIZE || memcmp(there, expected, TAIL_SIZE) != 0) *wrong = "the packed bytes were changed";
    return !*wrong;
}

bool archive_unpack_read(struct archive_unpack *u, void *out, size_t size, const char **wrong) {
    ZSTD_outBuffer buffer = {out, size, 0};
    *wrong = NULL;
    while (buffer.pos < size && !u->framed)
        if (!step(u, &buffer, wrong)) return false;
    u->left -= buffer.pos;
    if (buffer.pos < size) *wrong = "there is less in it than its beginning says";
    if (*wrong || u->left > 0) return !*wrong;
    while (!u->framed) /* its checksum; nothing more may come out */
        if (!step(u, &buffer, wrong)) return false;
    return check_tail(u, wrong);
}

/* --- writing --- */

struct packing {
    int from, to;
    ZSTD_CCtx *stream;
    uLong crc;
    uint8_t in[CHUNK], out[CHUNK];
};

static bool put(struct packing *p, const void *bytes, size_t size) {
    p->crc = crc32(p->crc, bytes, (uInt)size);
    return archive_write(p->to, bytes, size);
}

static bool pack_chunk(struct packing *p, size_t size, bool last) {
    ZSTD_inBuffer in = {p->in, size, 0};
    size_t left;
    do {
        ZSTD_outBuffer out = {p->out, sizeof p->out, 0};
        left = ZSTD_compressStream2(p->stream, &out, &in, last ? ZSTD_e_end : ZSTD_e_continue);
        if (ZSTD_isError(left)) abort(); /* out of memory, or a bug */
        if (!put(p, p->out, out.pos)) return false;
    } while (last ? left > 0 : in.pos < in.size);
    return true;
}

static bool pack_all(struct packing *p, uint64_t size) {
    uint8_t tail[TAIL_SIZE];
    ZSTD_CCtx_setParameter(p->stream, ZSTD_c_compressionLevel, LEVEL);
    ZSTD_CCtx_setParameter(p->stream, ZSTD_c_checksumFlag, 1);
    ZSTD_CCtx_setPledgedSrcSize(p->stream, size);
    for (uint64_t done = 0; done < size;) {
        size_t want = size - done < CHUNK ? (size_t)(size - done) : CHUNK;
        ssize_t got = read_full(p->from, p->in, want);
        if (got >= 0 && (size_t)got < want) errno = EIO;
        if (got < 0 || (size_t)got < want) return false;
        done += want;
        if (!pack_chunk(p, want, done == size)) return false;
    }
    make_tail(tail, p->crc);
    return put(p, tail, sizeof tail) && fsync(p->to) == 0;
}

/* Does what was written come out as what was packed? */
static bool reads_back(struct packing *p, const char *file, struct archive_fault *fault) {
    uint8_t *was = p->in, *is = p->out;
    struct archive_unpack *u = NULL;
    const char *wrong = NULL;
    uint64_t size;
    int fd = open(file, O_RDONLY | O_CLOEXEC);
    if (fd < 0 || lseek(p->from, 0, SEEK_SET) != 0) {
        archive_fail_errno(fault, file, "read");
        return false;
    }
    bool same = archive_unpack_open(&u, fd, file, &size, fault) == ARCHIVE_OK;
    while (same && size > 0) {
        size_t want = size < CHUNK ? (size_t)size : CHUNK;
        same = archive_unpack_read(u, is, want, &wrong) && read_full(p->from, was, want) == (ssize_t)want && memcmp(was, is, want) == 0;
        size -= want;
    }
    if (!same) archive_fail_at(fault, file, 0, wrong ? wrong : "does not come out as it was packed");
    archive_unpack_close(u);
    return same;
}

static enum archive_err pack_into(struct packing *p, const char *file, const char *beside, struct archive_fault *fault) {
    struct stat found;
    if (p->from < 0 || fstat(p->from, &found) != 0) return archive_fail_errno(fault, file, "read");
    if (p->to < 0 || !pack_all(p, (uint64_t)found.st_size)) return archive_fail_errno(fault, beside, "write");
    return reads_back(p, beside, fault) ? ARCHIVE_OK : fault->err;
}

enum archive_err archive_pack(const char *dir, const char *file, struct archive_fault *fault) {
    char packed[ARCHIVE_PATH_MAX + 16], beside[ARCHIVE_PATH_MAX + 24];
    struct packing *p = calloc(1, sizeof *p);
    if (!p || !(p->stream = ZSTD_createCCtx())) abort();
    snprintf(packed, sizeof packed, "%s" ARCHIVE_PACK_SUFFIX, file);
    snprintf(beside, sizeof beside, "%s.tmp", packed);
    p->from = open(file, O_RDONLY | O_CLOEXEC);
    p->to = open(beside, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    enum archive_err err = pack_into(p, file, beside, fault);
    if (!err && (rename(beside, packed) != 0 || !archive_sync_dir(dir))) err = archive_fail_errno(fault, packed, "write");
    if (err) unlink(beside);
    else if (unlink(file) != 0) err = archive_fail_errno(fault, file, "remove");
    if (p->from >= 0) close(p->from);
    if (p->to >= 0) close(p->to);
    ZSTD_freeCCtx(p->stream);
    free(p);
    return err;
}

#else /* without libzstd */

bool archive_can_pack(void) { return false; }

enum archive_err archive_pack(const char *dir, const char *file, struct archive_fault *fault) {
    (void)dir;
    return archive_fail(fault, ARCHIVE_SYSTEM, file, ARCHIVE_PACK_NEEDS);
}

enum archive_err archive_unpack_open(struct archive_unpack **unpack, int fd, const char *file, uint64_t *size,
                                     struct archive_fault *fault) {
    *unpack = NULL;
    *size = 0;
    close(fd);
    return archive_fail(fault, ARCHIVE_SYSTEM, file, ARCHIVE_PACK_NEEDS);
}

bool archive_unpack_read(struct archive_unpack *unpack, void *out, size_t size, const char **wrong) {
    (void)unpack, (void)out, (void)size;
    *wrong = ARCHIVE_PACK_NEEDS;
    return false;
}

void archive_unpack_close(struct archive_unpack *unpack) { (void)unpack; }

#endif
