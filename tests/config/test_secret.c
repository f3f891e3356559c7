/* Secrets from files: what is read, and what is refused with the way out. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "load_text.h"

static struct config config;

#define HEX_HALF "000102030405060708090a0b0c0d0e0f"
#define RAW_HALF "\x00\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0a\x0b\x0c\x0d\x0e\x0f"
#define RAW_32 RAW_HALF RAW_HALF

struct row {
    const char *name, *bytes;
    size_t size;
    unsigned mode;
    const char *fault; /* behind "SETTING: PATH ", NULL: none; %s in it is the path again */
    const char *value;
};

static void wanted_fault(const struct row *row, const char *setting, const char *path, char *out, size_t capacity) {
    const char *again = strstr(row->fault, "%s");
    int before = again ? (int)(again - row->fault) : (int)strlen(row->fault);
    snprintf(out, capacity, "%s: %s %.*s%s", setting, path, before, row->fault, again ? path : "");
}

static void expect_fault(const struct row *row, const char *setting, const char *path, struct config_faults *faults) {
    char wanted[400] = "";
    if (row->fault) wanted_fault(row, setting, path, wanted, sizeof wanted);
    const char *said = faults->text ? faults->text : "";
    cr_expect(strcmp(said, wanted) == 0, "%s:\nsaid    %s\nwanted  %s", row->name, said, wanted);
    config_faults_clear(faults);
}

Test(config_secret, of_the_book) {
    static const struct row rows[] = {
        {"raw", RAW_32, 32, 0600, NULL, NULL},
        {"raw, read only", RAW_32, 32, 0400, NULL, NULL},
        {"hex", HEX_HALF HEX_HALF, 64, 0600, NULL, NULL},
        {"hex and newline", HEX_HALF HEX_HALF "\n", 65, 0600, NULL, NULL},
        {"hex and carriage return", HEX_HALF HEX_HALF "\r\n", 66, 0600, NULL, NULL},
        {"hex in capitals", "000102030405060708090A0B0C0D0E0F" HEX_HALF, 64, 0600, NULL, NULL},
        {"hex and two newlines", HEX_HALF HEX_HALF "\n\n", 66, 0600, "must hold 32 bytes or 64 hex digits, holds 66 bytes", NULL},
        {"not hex", HEX_HALF "000102030405060708090a0b0c0d0e0g", 64, 0600, "must hold 32 bytes or 64 hex digits, holds 64 bytes", NULL},
        {"empty", "", 0, 0600, "must hold 32 bytes or 64 hex digits, holds 0 bytes", NULL},
        {"short", RAW_32, 31, 0600, "must hold 32 bytes or 64 hex digits, holds 31 bytes", NULL},
        {"raw and newline", RAW_32 "\n", 33, 0600, "must hold 32 bytes or 64 hex digits, holds 33 bytes", NULL},
        {"group reads", RAW_32, 32, 0640, "can be read by others than its owner (mode 0640); run: chmod 600 %s", NULL},
        {"all read", RAW_32, 32, 0644, "can be read by others than its owner (mode 0644); run: chmod 600 %s", NULL},
        {"others write", RAW_32, 32, 0602, "can be read by others than its owner (mode 0602); run: chmod 600 %s", NULL},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const char *path = load_text_file(rows[i].bytes, rows[i].size, rows[i].mode);
        snprintf(config.book_secret_file, sizeof config.book_secret_file, "%s", path);
        uint8_t secret[32] = {0xff};
        bool present = rows[i].fault != NULL; /* the opposite of what must come */
        struct config_faults faults;
        enum config_err err = config_read_secret(&config, secret, &present, &faults);
        cr_expect_eq(err == CONFIG_OK, rows[i].fault == NULL, "%s", rows[i].name);
        cr_expect_eq(present, rows[i].fault == NULL, "%s", rows[i].name);
        cr_expect(rows[i].fault || memcmp(secret, RAW_32, 32) == 0, "%s: other bytes", rows[i].name);
        expect_fault(&rows[i], "book.secret_file", path, &faults);
        unlink(path);
    }
}

Test(config_secret, none_configured) {
    uint8_t secret[32];
    bool present = true;
    char password[8] = "x";
    struct config_faults faults;
    cr_expect_eq(config_read_secret(&config, secret, &present, &faults), CONFIG_OK);
    config_faults_clear(&faults);
    cr_expect_not(present);
    cr_expect_eq(config_read_password(&config, password, sizeof password, &faults), CONFIG_OK);
    config_faults_clear(&faults);
    cr_expect_str_eq(password, "");
}

Test(config_secret, file_missing_or_no_file) {
    struct config_faults faults;
    char password[8];
    snprintf(config.redis_password_file, sizeof config.redis_password_file, "/nonexistent/password");
    cr_expect_eq(config_read_password(&config, password, sizeof password, &faults), CONFIG_BAD);
    cr_expect_str_eq(faults.text, "redis.password_file: /nonexistent/password cannot be read: No such file or directory");
    config_faults_clear(&faults);
    snprintf(config.redis_password_file, sizeof config.redis_password_file, "/dev/null");
    cr_expect_eq(config_read_password(&config, password, sizeof password, &faults), CONFIG_BAD);
    cr_expect_str_eq(faults.text, "redis.password_file: /dev/null is not a regular file");
    config_faults_clear(&faults);
}

Test(config_secret, a_pipe_nobody_writes_to_does_not_hang, .timeout = 5) {
    char path[64];
    snprintf(path, sizeof path, "%s", load_text_file("", 0, 0600));
    unlink(path);
    cr_assert_eq(mkfifo(path, 0600), 0);
    snprintf(config.redis_password_file, sizeof config.redis_password_file, "%s", path);
    struct config_faults faults;
    char password[8];
    cr_expect_eq(config_read_password(&config, password, sizeof password, &faults), CONFIG_BAD);
    cr_expect(strstr(faults.text, "is not a regular file") != NULL, "%s", faults.text);
    config_faults_clear(&faults);
    unlink(path);
}

Test(config_secret, password) {
    static const struct row rows[] = {
        {"a line", "hunter2\n", 8, 0600, NULL, "hunter2"},
        {"without newline", "hunter2", 7, 0600, NULL, "hunter2"},
        {"carriage return", "hunter2\r\n", 9, 0600, NULL, "hunter2"},
        {"first line only", "hunter2\nnote\n", 13, 0600, NULL, "hunter2"},
        {"spaces belong to it", " a b \n", 6, 0600, NULL, " a b "},
        {"just fits", "123456789012345", 15, 0600, NULL, "123456789012345"},
        {"too long", "1234567890123456", 16, 0600, "has a first line of 16 bytes, above the maximum 15", ""},
        {"empty", "", 0, 0600, "has an empty first line", ""},
        {"empty first line", "\nhunter2\n", 9, 0600, "has an empty first line", ""},
        {"NUL", "a\0b\n", 4, 0600, "holds a NUL byte in its first line", ""},
        {"others read", "hunter2\n", 8, 0604, "can be read by others than its owner (mode 0604); run: chmod 600 %s", ""},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const char *path = load_text_file(rows[i].bytes, rows[i].size, rows[i].mode);
        snprintf(config.redis_password_file, sizeof config.redis_password_file, "%s", path);
        char password[16] = "x";
        struct config_faults faults;
        enum config_err err = config_read_password(&config, password, sizeof password, &faults);
        cr_expect_eq(err == CONFIG_OK, rows[i].fault == NULL, "%s", rows[i].name);
        cr_expect(strcmp(password, rows[i].value) == 0, "%s: reads %s", rows[i].name, password);
        expect_fault(&rows[i], "redis.password_file", path, &faults);
        unlink(path);
    }
}

Test(config_secret, a_large_file_is_no_secret) {
    static char bytes[5000];
    memset(bytes, 'a', sizeof bytes);
    const char *path = load_text_file(bytes, sizeof bytes, 0600);
    snprintf(config.redis_password_file, sizeof config.redis_password_file, "%s", path);
    char password[16];
    struct config_faults faults;
    cr_expect_eq(config_read_password(&config, password, sizeof password, &faults), CONFIG_BAD);
    cr_expect(strstr(faults.text, "is larger than 4096 bytes: this is no secret") != NULL, "%s", faults.text);
    config_faults_clear(&faults);
    unlink(path);
}
