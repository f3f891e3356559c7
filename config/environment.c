/* TILL_SECTION_KEY variables over what the file said: the known ones taken over, the mistyped ones pointed out. */
#include "config/environment.h"

#include "config/suggest.h"
#include "config/value.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void environment_set(struct load *load, enum config_param index, const char *variable, const char *text) {
    const struct param *param = param_get(index);
    char why[VALUE_WHY_MAX];
    if (value_set(load->config, param, text, strlen(text), why)) {
        load->places[index] = FAULTS_LAST;
        snprintf(load->config->origin[index], CONFIG_ORIGIN_MAX, "%s", variable);
        return;
    }
    load->bad[index] = true;
    faults_add(&load->faults, variable, FAULTS_LAST, "%s: %s", param->name, why);
}

/* The setting whose section the variable begins with; CONFIG_PARAM_COUNT when it is none of ours. */
static enum config_param environment_section(const char *variable) {
    for (enum config_param i = 0; i < CONFIG_PARAM_COUNT; i++) {
        char prefix[PARAM_VARIABLE_MAX];
        param_variable(param_get(i)->section, NULL, prefix);
        if (strncmp(variable, prefix, strlen(prefix)) == 0) return i;
    }
    return CONFIG_PARAM_COUNT;
}

static bool environment_known(const char *variable) {
    for (enum config_param i = 0; i < CONFIG_PARAM_COUNT; i++) {
        char known[PARAM_VARIABLE_MAX];
        param_variable(param_get(i)->section, param_get(i)->key, known);
        if (strcmp(variable, known) == 0) return true;
    }
    return false;
}

static void environment_unknown(struct load *load, const char *variable, enum config_param section_index) {
    const char *section = param_get(section_index)->section;
    struct suggest suggest;
    char candidates[CONFIG_PARAM_COUNT][PARAM_VARIABLE_MAX];
    suggest_init(&suggest, variable);
    for (enum config_param i = section_index; i < CONFIG_PARAM_COUNT && strcmp(param_get(i)->section, section) == 0; i++) {
        param_variable(section, param_get(i)->key, candidates[i]);
        /* what the names have in common must not make them look alike: only the part behind the section is compared */
        suggest.word = variable + strlen("TILL_") + strlen(section) + 1;
        suggest_offer(&suggest, candidates[i] + strlen("TILL_") + strlen(section) + 1);
    }
    char shown[FAULTS_QUOTE_MAX];
    faults_show(variable, shown);
    const char *best = suggest_best(&suggest);
    if (best)
        faults_add(&load->faults, shown, FAULTS_LAST, "unknown setting; did you mean %s?", best - strlen("TILL_") - strlen(section) - 1);
    else
        faults_add(&load->faults, shown, FAULTS_LAST, "unknown setting; `till config` lists those of %s", section);
}

static void environment_check_names(struct load *load) {
    for (char **entry = environ; entry && *entry; entry++) {
        char variable[PARAM_VARIABLE_MAX * 2];
        size_t size = strcspn(*entry, "=");
        snprintf(variable, sizeof variable, "%.*s", (int)(size < sizeof variable ? size : sizeof variable - 1), *entry);
        enum config_param section_index = environment_section(variable);
        if (section_index != CONFIG_PARAM_COUNT && !environment_known(variable)) environment_unknown(load, variable, section_index);
    }
}

void environment_load(struct load *load) {
    for (enum config_param i = 0; i < CONFIG_PARAM_COUNT; i++) {
        char variable[PARAM_VARIABLE_MAX];
        param_variable(param_get(i)->section, param_get(i)->key, variable);
        const char *text = getenv(variable);
        if (text) environment_set(load, i, variable, text);
    }
    environment_check_names(load);
}
