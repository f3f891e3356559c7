/* For the tests of the configuration: load a text, compare what came of it. */
#ifndef TESTS_CONFIG_LOAD_TEXT_H
#define TESTS_CONFIG_LOAD_TEXT_H

#include "config/config.h"

/* The faults of this text under the name t.yaml, "" when there are none; owned by the caller. `config` may be NULL. */
char *load_text(const char *text, size_t size, bool with_environment, struct config *config);

/* Writes a file of this mode into a directory of the test's own; the path is static until the next call. */
const char *load_text_file(const char *bytes, size_t size, unsigned mode);

/* Takes every TILL_ variable out of the environment. */
void load_text_clean_environment(void);

#endif
