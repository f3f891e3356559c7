/* Passwords that stand in files: read anew for each connection, so that one that was changed is used without a restart. */
#ifndef PRODUCER_REDIS_PASSWORD_H
#define PRODUCER_REDIS_PASSWORD_H

#include <stddef.h>

enum { REDIS_PASSWORD_SIZE = 256 };

/* The first line of the file into `password`, which stays as it is when the path is "" or something is wrong: then what is said is in
 * `why`, and begins with `name`. NULL, or `why`. */
const char *redis_password_renew(const char *name, const char *path, char password[REDIS_PASSWORD_SIZE], char *why, size_t capacity)
    __attribute__((warn_unused_result));

#endif
