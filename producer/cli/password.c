/* Reads passwords. */
#include "producer/cli/password.h"

#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <termios.h>
#include <unistd.h>

#include "producer/till.h"

enum { PASSWORD_BUFFER = TILL_PASSWORD_MAX + 3 }; /* room for a newline of two, and to see that there is too much */

static uint8_t *locked_memory(size_t size) {
    uint8_t *memory = sodium_init() < 0 ? NULL : sodium_malloc(size);
    if (!memory) abort();
    return memory;
}

static uint8_t *password_memory(void) { return locked_memory(TILL_CREDENTIAL_SIZE); }

void password_free(uint8_t *credential) { sodium_free(credential); }

/* Up to the end, or to the end of the line on a terminal. -1: errno says why. */
static ssize_t read_all(int fd, uint8_t *out, bool line) {
    size_t size = 0;
    while (size < PASSWORD_BUFFER) {
        ssize_t got = read(fd, out + size, PASSWORD_BUFFER - size);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return -1;
        if (got == 0) break;
        size += (size_t)got;
        if (line && out[size - 1] == '\n') break;
    }
    return (ssize_t)size;
}

static ssize_t read_terminal(int fd, const char *account, uint8_t *out) {
    struct termios before, silent;
    if (tcgetattr(fd, &before) != 0) return -1;
    silent = before;
    silent.c_lflag &= ~(tcflag_t)ECHO;
    cli_say(&(struct cli){0}, "password of %s:", account);
    tcsetattr(fd, TCSAFLUSH, &silent);
    ssize_t size = read_all(fd, out, true);
    tcsetattr(fd, TCSAFLUSH, &before);
    return size;
}

/* NULL, or why this is no file for a secret. */
static const char *fault_of(int fd) {
    struct stat status;
    if (fstat(fd, &status) != 0) return strerror(errno);
    if (S_ISDIR(status.st_mode)) return "is a directory";
    if (S_ISREG(status.st_mode) && (status.st_mode & 077)) return "can be read by others than its owner; run chmod 600 on it";
    return NULL;
}

/* The password into locked memory; how long it is, or -1, and said. */
static ssize_t read_password(const struct cli *cli, const char *option, const char *path, const char *account, uint8_t *out) {
    bool standard = strcmp(path, "-") == 0;
    int fd = standard ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);
    const char *fault = fd < 0 ? strerror(errno) : standard ? NULL : fault_of(fd);
    ssize_t size = fault ? -1 : isatty(fd) ? read_terminal(fd, account, out) : read_all(fd, out, false);
    if (!fault && size < 0) fault = strerror(errno);
    if (!standard && fd >= 0) close(fd);
    if (size > 0 && out[size - 1] == '\n') size--;
    if (size > 0 && out[size - 1] == '\r') size--;
    if (size == 0) fault = "holds no password";
    if (size > TILL_PASSWORD_MAX) fault = "holds more than 1024 bytes: this is no password";
    if (!fault) return size;
    (void)cli_usage(cli, "--%s: %s %s", option, standard ? "stdin" : path, fault);
    return -1;
}

uint8_t *password_credential(const struct cli *cli, const char *option, const char *path, const char *book, const char *account) {
    uint8_t *password = locked_memory(PASSWORD_BUFFER), *credential = NULL;
    ssize_t size = read_password(cli, option, path, account, password);
    if (size > 0) {
        credential = password_memory();
        int code = till_credential(book, account, (const char *)password, (size_t)size, credential);
        if (code == TILL_BUSY) (void)cli_usage(cli, "--%s: the 64 MiB of memory this takes are not to be had", option);
        if (code == TILL_INVALID) (void)cli_usage(cli, "--%s: '%s' is no account's name", option, account);
        if (code != TILL_OK) {
            password_free(credential);
            credential = NULL;
        }
    }
    sodium_free(password);
    return credential;
}

int password_of_book(const struct cli *cli, const struct config *config, uint8_t **key) {
    struct config_faults faults = {0};
    bool present = false;
    *key = password_memory();
    bool bad = config_read_secret(config, *key, &present, &faults) != CONFIG_OK;
    if (bad) cli_say(cli, "%s", faults.text ? faults.text : "the book's secret cannot be read");
    config_faults_clear(&faults);
    if (bad || !present) {
        password_free(*key);
        *key = NULL;
    }
    return bad ? CLI_USAGE : CLI_OK;
}
