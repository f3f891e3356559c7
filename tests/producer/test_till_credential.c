/* Credentials: the golden vectors, what is refused, and that nothing of a password stays behind in the process. */
#include <criterion/criterion.h>
#include <fcntl.h>
#include <inttypes.h>
#include <jansson.h>
#include <pthread.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "producer/till.h"

static const char *text_of(json_t *vector, const char *name) {
    const char *text = json_string_value(json_object_get(vector, name));
    cr_assert(text != NULL, "no %s", name);
    return text;
}

Test(till_credential, golden_vectors) {
    json_error_t error;
    json_t *vectors = json_load_file(TILL_SOURCE_DIR "/tests/vectors/credentials.json", 0, &error), *vector;
    size_t i;
    cr_assert(json_array_size(vectors) >= 6, "%s", error.text);
    json_array_foreach(vectors, i, vector) {
        char password[TILL_PASSWORD_MAX], hex[2 * TILL_CREDENTIAL_SIZE + 1];
        uint8_t out[TILL_CREDENTIAL_SIZE];
        size_t size;
        const char *name = text_of(vector, "name"), *given = text_of(vector, "password_hex");
        cr_assert_eq(sodium_hex2bin((uint8_t *)password, sizeof password, given, strlen(given), NULL, &size, NULL), 0, "%s", name);
        cr_assert_eq(till_credential(text_of(vector, "book"), text_of(vector, "account"), password, size, out), TILL_OK, "%s", name);
        sodium_bin2hex(hex, sizeof hex, out, sizeof out);
        cr_assert_str_eq(hex, text_of(vector, "credential"), "%s", name);
    }
    json_decref(vectors);
}

Test(till_credential, no_book_is_the_default_one) {
    uint8_t named[TILL_CREDENTIAL_SIZE], unnamed[TILL_CREDENTIAL_SIZE];
    cr_assert_eq(till_credential("till", "alice", "p", 1, named), TILL_OK);
    cr_assert_eq(till_credential(NULL, "alice", "p", 1, unnamed), TILL_OK);
    cr_assert_arr_eq(named, unnamed, sizeof named);
}

Test(till_credential, what_is_wrong_is_refused_and_gives_zeros) {
    static const uint8_t zeros[TILL_CREDENTIAL_SIZE];
    static const char long_password[TILL_PASSWORD_MAX + 1];
    const struct {
        const char *name, *book, *account, *password;
        size_t size;
    } rows[] = {
        {"no account", "till", NULL, "p", 1},
        {"empty account", "till", "", "p", 1},
        {"no account's name", "till", "a/b", "p", 1},
        {"a system account", "till", "@book", "p", 1},
        {"a book with a slash", "till/a", "b", "p", 1},
        {"an empty book", "", "b", "p", 1},
        {"no password", "till", "b", NULL, 1},
        {"an empty password", "till", "b", "p", 0},
        {"too long a password", "till", "b", long_password, TILL_PASSWORD_MAX + 1},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        uint8_t out[TILL_CREDENTIAL_SIZE];
        memset(out, 0xaa, sizeof out);
        cr_assert_eq(till_credential(rows[i].book, rows[i].account, rows[i].password, rows[i].size, out), TILL_INVALID, "%s", rows[i].name);
        cr_assert_arr_eq(out, zeros, sizeof out, "%s", rows[i].name);
    }
}

/* A password that stands nowhere but where it is put: kept here with every byte shifted. */
enum { MARKER_SIZE = 40, LARGEST_SEARCHED = 1 << 30 };
static uint8_t turned[MARKER_SIZE];

static void marker_write(char *out) {
    for (size_t i = 0; i < MARKER_SIZE; i++)
        out[i] = (char)(uint8_t)(turned[i] - 101);
}

static bool marker_at(const uint8_t *bytes) {
    size_t i = 0;
    while (i < MARKER_SIZE && (uint8_t)(bytes[i] + 101) == turned[i])
        i++;
    return i == MARKER_SIZE;
}

/* How often the marker stands in this process' writable memory. */
static unsigned marker_count(void) {
    static uint8_t page[1 << 16];
    FILE *maps = fopen("/proc/self/maps", "r");
    int memory = open("/proc/self/mem", O_RDONLY | O_CLOEXEC);
    char line[512], rights[8];
    unsigned found = 0;
    uint64_t from, to;
    cr_assert(maps != NULL && memory >= 0);
    while (fgets(line, sizeof line, maps) != NULL) {
        if (sscanf(line, "%" SCNx64 "-%" SCNx64 " %7s", &from, &to, rights) != 3 || rights[0] != 'r' || rights[1] != 'w')
            continue;
        if (to - from > LARGEST_SEARCHED)
            continue; /* a sanitizer's */
        for (uint64_t at = from; at + MARKER_SIZE <= to; at += sizeof page - MARKER_SIZE) {
            if (at + MARKER_SIZE > (uintptr_t)page && at < (uintptr_t)page + sizeof page)
                continue; /* what is read is not found again where it is read to */
            size_t want = to - at < sizeof page ? to - at : sizeof page;
            ssize_t got = pread(memory, page, want, (off_t)at);
            for (ssize_t i = 0; i + MARKER_SIZE <= got; i++)
                found += marker_at(page + i);
            memset(page, 0, sizeof page);
        }
    }
    close(memory);
    fclose(maps);
    return found;
}

Test(till_credential, nothing_of_the_password_stays_behind, .timeout = 120) {
    uint8_t out[TILL_CREDENTIAL_SIZE];
    cr_assert_geq(sodium_init(), 0);
    randombytes_buf(turned, sizeof turned);
    char *password = sodium_malloc(MARKER_SIZE);
    cr_assert_not_null(password);
    marker_write(password);
    cr_assert_eq(marker_count(), 1u, "the search finds what is there");
    cr_assert_eq(till_credential("till", "alice", password, MARKER_SIZE, out), TILL_OK);
    sodium_free(password);
    cr_assert_eq(marker_count(), 0u, "the password is still in memory");
}
