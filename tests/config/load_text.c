/* For the tests of the configuration: load a text, compare what came of it. */
#include "load_text.h"

#include <assert.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

char *load_text(const char *text, size_t size, bool with_environment, struct config *config) {
    static struct config unused;
    struct config_faults faults;
    enum config_err err = config_load_bytes("t.yaml", text, size, with_environment, config ? config : &unused, &faults);
    assert((err == CONFIG_OK) == (faults.count == 0));
    assert((faults.text != NULL) == (faults.count != 0));
    char *said = strdup(faults.text ? faults.text : "");
    config_faults_clear(&faults);
    assert(said && faults.text == NULL && faults.count == 0);
    return said;
}

const char *load_text_file(const char *bytes, size_t size, unsigned mode) {
    static char path[64];
    snprintf(path, sizeof path, "/tmp/till-config-XXXXXX");
    int fd = mkstemp(path);
    assert(fd >= 0);
    ssize_t written = write(fd, bytes, size);
    assert(written == (ssize_t)size);
    int err = fchmod(fd, mode);
    assert(err == 0);
    close(fd);
    return path;
}

void load_text_clean_environment(void) {
    for (char **entry = environ; entry && *entry;) {
        char name[256];
        snprintf(name, sizeof name, "%.*s", (int)strcspn(*entry, "="), *entry);
        if (strncmp(name, "TILL_", 5) == 0)
            unsetenv(name), entry = environ;
        else
            entry++;
    }
}
