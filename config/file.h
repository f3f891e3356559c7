/* The shape of the file: a map of sections, each a map of settings. */
#ifndef CONFIG_FILE_H
#define CONFIG_FILE_H

#include "config/load.h"

enum { FILE_SIZE_MAX = 65536 };

/* Sets in `load` what the bytes say, and gathers what is wrong with them. `name` is for messages. */
void file_load(struct load *load, const char *name, const void *bytes, size_t size);

#endif
