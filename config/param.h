/* The table of settings as data: param.def with what a parser needs to know of each. Pure. */
#ifndef CONFIG_PARAM_H
#define CONFIG_PARAM_H

#include "config/config.h"

enum param_type { PARAM_TEXT, PARAM_UINT, PARAM_DURATION, PARAM_RETENTION, PARAM_SIZE, PARAM_CHOICE };

struct param {
    const char *section, *key, *name; /* "worker", "batch", "worker.batch" */
    enum param_type type;
    uint64_t min, max;
    const char *standard, *unit, *help; /* the default as it would stand in the file, without quotes */
    bool reload;
    size_t offset; /* of the member in struct config */
};

enum { PARAM_VARIABLE_MAX = 64 };

const struct param *param_get(enum config_param index);
/* CONFIG_PARAM_COUNT when there is none. */
enum config_param param_find(const char *section, const char *key);
/* The first setting of the section, which also stands for it; CONFIG_PARAM_COUNT when there is none. */
enum config_param param_find_section(const char *section);
bool param_opens_section(enum config_param index);

/* "TILL_WORKER_BATCH", or with key NULL "TILL_WORKER_". */
void param_variable(const char *section, const char *key, char out[PARAM_VARIABLE_MAX]);

/* "did you mean ...", or what there is to choose from, as the end of a message. */
void param_hint_section(const char *word, char *out, size_t capacity);
void param_hint_key(const char *section, const char *word, char *out, size_t capacity);

#endif
