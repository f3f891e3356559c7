/* Fuzzes the configuration: any bytes are either a configuration that shows and reads back the same, or have faults with a text. */
#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "config/config.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

enum { FUZZ_SHOWN_MAX = 1100, FUZZ_TEXT_MAX = 65536 };

/* What is shown is a file again, and that file means the same. A password never gets in from a file, so nothing is masked. */
static void fuzz_read_back(const struct config *config) {
    static struct config again;
    static char text[FUZZ_TEXT_MAX];
    size_t size = 0;
    for (enum config_param i = 0; i < CONFIG_PARAM_COUNT; i++) {
        char shown[FUZZ_SHOWN_MAX];
        const char *name = config_param_name(i), *key = strchr(name, '.') + 1;
        config_param_show(config, i, shown, sizeof shown);
        bool opens = i == 0 || strncmp(config_param_name(i - 1), name, (size_t)(key - name)) != 0;
        if (opens) size += (size_t)snprintf(text + size, sizeof text - size, "%.*s:\n", (int)(key - name - 1), name);
        size += (size_t)snprintf(text + size, sizeof text - size, "  %s: %s\n", key, shown);
        assert(size < sizeof text);
    }
    struct config_faults faults;
    enum config_err err = config_load_bytes("shown", text, size, false, &again, &faults);
    assert(err == CONFIG_OK);
    config_faults_clear(&faults);
    char restart[16];
    unsigned changed = config_reload(&again, config, restart, sizeof restart);
    assert(changed == 0 && restart[0] == '\0');
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
    static struct config config;
    struct config_faults faults;
    enum config_err err = config_load_bytes("fuzz.yaml", bytes, size, false, &config, &faults);
    assert((err == CONFIG_OK) == (faults.count == 0));
    assert((faults.text == NULL) == (faults.count == 0));
    if (faults.text) {
        assert(strlen(faults.text) == faults.size && faults.size > 0);
        size_t lines = 1;
        for (const char *at = faults.text; (at = strchr(at, '\n')); at++) lines++;
        assert(lines == (faults.count > 100 ? 101 : faults.count)); /* no text from the file breaks a line */
    }
    if (err == CONFIG_OK) fuzz_read_back(&config);
    config_faults_clear(&faults);
    return 0;
}
