/* Reads lines. */
#include "producer/cli/lines.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { BUFFER_SIZE = 2 * LINES_SIZE_MAX };

void lines_init(struct lines *l, int fd) {
    struct stat stat;
    *l = (struct lines){.fd = fd};
    l->buffer = malloc(BUFFER_SIZE);
    if (!l->buffer) abort();
    if (fstat(fd, &stat) == 0 && S_ISREG(stat.st_mode)) l->size = (uint64_t)stat.st_size;
}

void lines_clear(struct lines *l) {
    free(l->buffer);
    l->buffer = NULL;
}

/* Reads more. LINES_LINE: something may have come. */
static enum lines_got fill(struct lines *l, int timeout_ms) {
    struct pollfd poll_fd = {.fd = l->fd, .events = POLLIN};
    if (l->from > 0) {
        memmove(l->buffer, l->buffer + l->from, l->to - l->from);
        l->to -= l->from;
        l->from = 0;
    }
    int ready = poll(&poll_fd, 1, timeout_ms);
    if (ready == 0 || (ready < 0 && errno == EINTR)) return LINES_WAIT;
    ssize_t got = ready < 0 ? -1 : read(l->fd, l->buffer + l->to, BUFFER_SIZE - l->to);
    if (got < 0) return errno == EINTR || errno == EAGAIN ? LINES_WAIT : LINES_FAILED;
    l->ended = got == 0;
    l->to += (size_t)got;
    l->bytes += (uint64_t)got;
    return LINES_LINE;
}

/* A line, or what is left at the end, out of the buffer; LINES_WAIT when more must be read. */
static enum lines_got take(struct lines *l, const char **line, size_t *size) {
    char *start = l->buffer + l->from, *newline = memchr(start, '\n', l->to - l->from);
    size_t length = newline ? (size_t)(newline - start) : l->to - l->from;
    if (!newline && !l->ended && length <= LINES_SIZE_MAX) return LINES_WAIT;
    if (!newline && l->ended && length == 0 && !l->skipping) return LINES_END;
    bool too_long = l->skipping || length > LINES_SIZE_MAX;
    l->from += length + (newline != NULL);
    l->skipping = too_long && !newline && !l->ended;
    if (l->skipping) return LINES_WAIT;
    l->number++;
    *line = start;
    *size = length;
    return too_long ? LINES_TOO_LONG : LINES_LINE;
}

enum lines_got lines_next(struct lines *l, int timeout_ms, const char **line, size_t *size) {
    for (;;) {
        enum lines_got got = take(l, line, size);
        if (got != LINES_WAIT) return got;
        got = fill(l, timeout_ms);
        if (got != LINES_LINE) return got;
    }
}
