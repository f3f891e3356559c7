/* The table of settings as data, and finding one's way in it, also with a name that is slightly wrong. */
#include "config/param.h"

#include "config/suggest.h"

#include <assert.h>
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#define PARAM_RELOAD_yes true
#define PARAM_RELOAD_no false

static const struct param param_table[CONFIG_PARAM_COUNT] = {
#define X(section_, key_, member, type_, min_, max_, standard_, unit_, reload_, help_)                                                  \
    {#section_, #key_, #section_ "." #key_, PARAM_##type_, min_, max_, standard_, unit_, help_, PARAM_RELOAD_##reload_,                \
     offsetof(struct config, member)},
#include "config/param.def"
#undef X
};

const struct param *param_get(enum config_param index) {
    assert(index < CONFIG_PARAM_COUNT);
    return &param_table[index];
}

enum config_param param_find(const char *section, const char *key) {
    enum config_param i = 0;
    while (i < CONFIG_PARAM_COUNT && (strcmp(param_table[i].section, section) != 0 || strcmp(param_table[i].key, key) != 0)) i++;
    return i;
}

enum config_param param_find_section(const char *section) {
    enum config_param i = 0;
    while (i < CONFIG_PARAM_COUNT && strcmp(param_table[i].section, section) != 0) i++;
    return i;
}

bool param_opens_section(enum config_param index) {
    return param_find_section(param_get(index)->section) == index;
}

void param_variable(const char *section, const char *key, char out[PARAM_VARIABLE_MAX]) {
    int size = snprintf(out, PARAM_VARIABLE_MAX, "TILL_%s_%s", section, key ? key : "");
    assert(size > 0 && size < PARAM_VARIABLE_MAX);
    for (char *c = out; *c; c++) *c = (char)toupper((unsigned char)*c);
}

/* Appends as much as fits. */
static void param_append(char *out, size_t capacity, const char *before, const char *word) {
    size_t used = strlen(out);
    snprintf(out + used, capacity - used, "%s%s", before, word);
}

/* The settings of this name in whatever section: where a wrongly indented or misplaced key belongs. */
static bool param_hint_elsewhere(const char *word, char *out, size_t capacity) {
    bool found = false;
    for (enum config_param i = 0; i < CONFIG_PARAM_COUNT; i++) {
        if (strcmp(param_table[i].key, word) != 0) continue;
        param_append(out, capacity, found ? " or " : "did you mean ", param_table[i].name);
        found = true;
    }
    return found;
}

void param_hint_section(const char *word, char *out, size_t capacity) {
    out[0] = '\0';
    struct suggest suggest;
    suggest_init(&suggest, word);
    for (enum config_param i = 0; i < CONFIG_PARAM_COUNT; i++) suggest_offer(&suggest, param_table[i].section);
    if (suggest_best(&suggest)) {
        snprintf(out, capacity, "did you mean %s?", suggest_best(&suggest));
    } else if (param_hint_elsewhere(word, out, capacity)) {
        param_append(out, capacity, ", ", "indented under its section?");
    } else {
        for (enum config_param i = 0; i < CONFIG_PARAM_COUNT; i++)
            if (param_opens_section(i)) param_append(out, capacity, i ? ", " : "the sections are ", param_table[i].section);
    }
}

void param_hint_key(const char *section, const char *word, char *out, size_t capacity) {
    out[0] = '\0';
    struct suggest suggest;
    suggest_init(&suggest, word);
    enum config_param first = param_find_section(section), end = first;
    for (; end < CONFIG_PARAM_COUNT && strcmp(param_table[end].section, section) == 0; end++)
        suggest_offer(&suggest, param_table[end].key);
    if (suggest_best(&suggest)) {
        snprintf(out, capacity, "did you mean %s?", suggest_best(&suggest));
    } else if (param_hint_elsewhere(word, out, capacity)) {
        param_append(out, capacity, "?", "");
    } else {
        snprintf(out, capacity, "%s has ", section);
        for (enum config_param i = first; i < end; i++) param_append(out, capacity, i == first ? "" : ", ", param_table[i].key);
    }
}
