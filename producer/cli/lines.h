/* Lines from a file or a pipe, without waiting longer than one likes: what was read so far need not wait for what comes later. */
#ifndef CLI_LINES_H
#define CLI_LINES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { LINES_SIZE_MAX = 65536 };

enum lines_got { LINES_LINE, LINES_TOO_LONG, LINES_WAIT, LINES_END, LINES_FAILED /* errno says why */ };

struct lines {
    int fd;
    char *buffer; /* 2 * LINES_SIZE_MAX */
    size_t from, to;
    bool skipping, ended;
    uint64_t number; /* of the line given out last, from 1 */
    uint64_t bytes;  /* read so far */
    uint64_t size;   /* of a regular file, 0 unknown */
};

void lines_init(struct lines *l, int fd);
void lines_clear(struct lines *l);
/* The next line without its newline, valid until the next call. LINES_WAIT: none within timeout_ms, or a signal came. */
enum lines_got lines_next(struct lines *l, int timeout_ms, const char **line, size_t *size);

#endif
