/* A whole small file into memory: short reads and EINTR handled once, a limit always. */
#include "config/slurp.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

/* Fills the buffer until it is full or the file ends. */
static int slurp_fill(int fd, char *bytes, size_t capacity, size_t *size) {
    *size = 0;
    while (*size < capacity) {
        ssize_t got = read(fd, bytes + *size, capacity - *size);
        if (got == 0) return 0;
        if (got < 0 && errno != EINTR) return errno;
        if (got > 0) *size += (size_t)got;
    }
    char more;
    ssize_t got;
    do got = read(fd, &more, 1);
    while (got < 0 && errno == EINTR);
    return got > 0 ? EFBIG : got < 0 ? errno : 0;
}

int slurp_read(const char *path, void *bytes, size_t capacity, size_t *size, struct stat *status) {
    int fd = open(path, O_RDONLY | O_CLOEXEC | (status ? O_NONBLOCK : 0));
    if (fd < 0) return errno;
    struct stat ignored;
    int err = fstat(fd, status ? status : &ignored) == 0 ? slurp_fill(fd, bytes, capacity, size) : errno;
    close(fd);
    return err;
}
