/* Secrets from files: only from such as their owner alone can read. */
#include "config/config.h"

#include "config/faults.h"
#include "config/slurp.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

enum { SECRET_SIZE = 32, SECRET_HEX_SIZE = 64, SECRET_FILE_MAX = 4096 };

struct secret {
    struct faults faults;
    const char *name, *path;
    char bytes[SECRET_FILE_MAX + 1];
    size_t size;
};

#define SECRET_FAIL(secret, format, ...) \
    faults_add(&(secret)->faults, (secret)->name, (struct place){0}, "%s " format, (secret)->path, ##__VA_ARGS__)

/* Reads the file; adds a fault when it is not fit to hold a secret. */
static bool secret_read(struct secret *secret) {
    struct stat status;
    int err = slurp_read(secret->path, secret->bytes, SECRET_FILE_MAX, &secret->size, &status);
    if (err == EFBIG)
        SECRET_FAIL(secret, "is larger than %d bytes: this is no secret", SECRET_FILE_MAX);
    else if (err)
        SECRET_FAIL(secret, "cannot be read: %s", strerror(err));
    else if (!S_ISREG(status.st_mode))
        SECRET_FAIL(secret, "is not a regular file");
    else if (status.st_mode & 077)
        SECRET_FAIL(secret, "can be read by others than its owner (mode %04o); run: chmod 600 %s", (unsigned)status.st_mode & 07777,
                    secret->path);
    else
        return true;
    return false;
}

static int secret_nibble(char c) {
    return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

static bool secret_decode_hex(const char *text, uint8_t out[SECRET_SIZE]) {
    for (size_t i = 0; i < SECRET_SIZE; i++) {
        int high = secret_nibble(text[2 * i]), low = secret_nibble(text[2 * i + 1]);
        if (high < 0 || low < 0) return false;
        out[i] = (uint8_t)(high << 4 | low);
    }
    return true;
}

/* Without one newline at the end, \n or \r\n. */
static size_t secret_trim(const char *bytes, size_t size) {
    if (size && bytes[size - 1] == '\n') size--;
    if (size && bytes[size - 1] == '\r') size--;
    return size;
}

enum config_err config_read_secret(const struct config *config, uint8_t out[32], bool *present, struct config_faults *faults) {
    struct secret secret = {.name = "book.secret_file", .path = config->book_secret_file};
    *present = false;
    if (*secret.path && secret_read(&secret)) {
        if (secret.size == SECRET_SIZE) {
            memcpy(out, secret.bytes, SECRET_SIZE);
            *present = true;
        } else if (secret_trim(secret.bytes, secret.size) == SECRET_HEX_SIZE) {
            *present = secret_decode_hex(secret.bytes, out);
        }
        if (!*present) SECRET_FAIL(&secret, "must hold 32 bytes or 64 hex digits, holds %zu bytes", secret.size);
    }
    explicit_bzero(secret.bytes, sizeof secret.bytes);
    return faults_finish(&secret.faults, faults);
}

static void secret_take_line(struct secret *secret, char *out, size_t capacity) {
    const char *newline = memchr(secret->bytes, '\n', secret->size);
    size_t size = secret_trim(secret->bytes, newline ? (size_t)(newline - secret->bytes) + 1 : secret->size);
    if (size == 0)
        SECRET_FAIL(secret, "has an empty first line");
    else if (memchr(secret->bytes, '\0', size))
        SECRET_FAIL(secret, "holds a NUL byte in its first line");
    else if (size >= capacity)
        SECRET_FAIL(secret, "has a first line of %zu bytes, above the maximum %zu", size, capacity - 1);
    else
        memcpy(out, secret->bytes, size), out[size] = '\0';
}

enum config_err config_read_secret_line(const char *name, const char *path, char *out, size_t capacity, struct config_faults *faults) {
    struct secret secret = {.name = name, .path = path};
    out[0] = '\0';
    if (*secret.path && secret_read(&secret)) secret_take_line(&secret, out, capacity);
    explicit_bzero(secret.bytes, sizeof secret.bytes);
    return faults_finish(&secret.faults, faults);
}

enum config_err config_read_password(const struct config *config, char *out, size_t capacity, struct config_faults *faults) {
    return config_read_secret_line("redis.password_file", config->redis_password_file, out, capacity, faults);
}

enum config_err config_read_admin_token(const struct config *config, char *out, size_t capacity, struct config_faults *faults) {
    return config_read_secret_line("admin.token_file", config->admin_token_file, out, capacity, faults);
}
