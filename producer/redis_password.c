/* Reading a password again. */
#include "producer/redis_password.h"

#include <stdio.h>
#include <string.h>

#include "config/config.h"

const char *redis_password_renew(const char *name, const char *path, char password[REDIS_PASSWORD_SIZE], char *why, size_t capacity) {
    char fresh[REDIS_PASSWORD_SIZE];
    struct config_faults faults = {0};
    if (!*path) return NULL;
    enum config_err err = config_read_secret_line(name, path, fresh, sizeof fresh, &faults);
    if (err) snprintf(why, capacity, "%s", faults.text ? faults.text : "the password's file cannot be read");
    else memcpy(password, fresh, sizeof fresh);
    explicit_bzero(fresh, sizeof fresh);
    config_faults_clear(&faults);
    return err ? why : NULL;
}
