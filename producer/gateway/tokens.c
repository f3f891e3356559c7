/* Files of hashed tokens. */
#include "producer/gateway/tokens.h"

#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "config/slurp.h"

enum { FILE_MAX = 128 * 1024, HEX_SIZE = 2 * TOKENS_HASH_SIZE, RANDOM_SIZE = 32 };

static void hash_of(const char *token, uint8_t hash[TOKENS_HASH_SIZE]) {
    crypto_generichash(hash, TOKENS_HASH_SIZE, (const uint8_t *)token, strlen(token), NULL, 0);
}

static bool name_ok(const char *name, size_t size) {
    static const char may[] = "abcdefghijklmnopqrstuvwxyz0123456789._-";
    for (size_t n = 0; n < size; n++)
        if (!strchr(may, name[n])) return false;
    return size > 0 && size < TOKENS_NAME_SIZE && !(size == 4 && memcmp(name, "till", 4) == 0);
}

/* "shop 5f...": a name of a source's letters, a space, 64 hex digits. */
static bool take_line(struct tokens *t, const char *line, size_t size) {
    const char *space = memchr(line, ' ', size);
    size_t name_size = space ? (size_t)(space - line) : 0, hash_size;
    if (t->count == TOKENS_MAX || !name_ok(line, name_size) || size != name_size + 1 + HEX_SIZE) return false;
    struct token *token = &t->list[t->count];
    if (sodium_hex2bin(token->hash, sizeof token->hash, space + 1, HEX_SIZE, NULL, &hash_size, NULL) != 0) return false;
    memcpy(token->name, line, name_size);
    token->name[name_size] = '\0';
    t->count += hash_size == sizeof token->hash;
    return hash_size == sizeof token->hash;
}

static bool take_text(struct tokens *t, char *text, const char *path, char *why) {
    unsigned number = 1;
    for (char *line = text, *end; *line; line = end + (*end != '\0'), number++) {
        end = line + strcspn(line, "\n");
        size_t size = (size_t)(end - line);
        if (size > 0 && line[size - 1] == '\r') size--;
        if (size == 0 || *line == '#' || take_line(t, line, size)) continue;
        snprintf(why, TOKENS_WHY_SIZE, "%s:%u: must be NAME and 64 hex digits, as `till gateway token NAME` writes it", path, number);
        return false;
    }
    return true;
}

bool tokens_read(struct tokens *t, const char *path, char why[TOKENS_WHY_SIZE]) {
    struct stat status;
    size_t size = 0;
    char *text = malloc(FILE_MAX + 1);
    *t = (struct tokens){calloc(TOKENS_MAX, sizeof *t->list), 0};
    if (!text || !t->list) abort();
    int err = slurp_read(path, text, FILE_MAX, &size, &status);
    text[size] = '\0';
    bool ok = false;
    if (err) snprintf(why, TOKENS_WHY_SIZE, "%s cannot be read: %s", path, strerror(err));
    else if (!S_ISREG(status.st_mode)) snprintf(why, TOKENS_WHY_SIZE, "%s is not a regular file", path);
    else if (status.st_mode & 022)
        snprintf(why, TOKENS_WHY_SIZE, "%s can be written by others than its owner; run: chmod go-w %s", path, path);
    else ok = take_text(t, text, path, why);
    free(text);
    if (!ok) tokens_clear(t);
    return ok;
}

void tokens_clear(struct tokens *t) {
    free(t->list);
    *t = (struct tokens){0};
}

const char *tokens_find(const struct tokens *t, const char *token) {
    uint8_t hash[TOKENS_HASH_SIZE];
    const char *name = NULL;
    hash_of(token, hash);
    for (size_t n = 0; n < t->count; n++)
        if (sodium_memcmp(hash, t->list[n].hash, sizeof hash) == 0) name = t->list[n].name;
    return name;
}

bool tokens_add(const char *path, const char *name, char token[TOKENS_TEXT_SIZE], char why[TOKENS_WHY_SIZE]) {
    uint8_t random[RANDOM_SIZE], hash[TOKENS_HASH_SIZE];
    char line[TOKENS_NAME_SIZE + HEX_SIZE + 3], hex[HEX_SIZE + 1];
    if (!name_ok(name, strlen(name))) {
        snprintf(why, TOKENS_WHY_SIZE, "'%s' is no name: 1..32 of a-z 0-9 . _ -, and not till", name);
        return false;
    }
    randombytes_buf(random, sizeof random);
    sodium_bin2base64(token, TOKENS_TEXT_SIZE, random, sizeof random, sodium_base64_VARIANT_URLSAFE_NO_PADDING);
    sodium_memzero(random, sizeof random);
    hash_of(token, hash);
    sodium_bin2hex(hex, sizeof hex, hash, sizeof hash);
    int size = snprintf(line, sizeof line, "%s %s\n", name, hex), fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    bool ok = fd >= 0 && write(fd, line, (size_t)size) == size && fsync(fd) == 0;
    if (!ok) snprintf(why, TOKENS_WHY_SIZE, "%s: %s", path, strerror(errno));
    if (fd >= 0) close(fd);
    return ok;
}
