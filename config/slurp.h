/* A whole small file into memory. */
#ifndef CONFIG_SLURP_H
#define CONFIG_SLURP_H

#include <stddef.h>
#include <sys/stat.h>

/* Reads up to `capacity` bytes into `bytes`; *size is how many. 0, or an errno: EFBIG when there is more than that. `status`, unless NULL,
 * is filled in from the very file that was read, so that its mode cannot be changed in between; such a caller wants a regular file, so a
 * pipe is then not waited for. */
int slurp_read(const char *path, void *bytes, size_t capacity, size_t *size, struct stat *status) __attribute__((warn_unused_result));

#endif
