/* Configuration: defaults, then the file, then the environment, then what only the whole can tell; and what a reload may change. */
#include "config/config.h"

#include "config/environment.h"
#include "config/file.h"
#include "config/load.h"
#include "config/param.h"
#include "config/slurp.h"
#include "config/units.h"
#include "config/value.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char config_origin_default[] = "default";

static void config_load_defaults(struct load *load, struct config *config) {
    *load = (struct load){.config = config};
    *config = (struct config){0};
    for (enum config_param i = 0; i < CONFIG_PARAM_COUNT; i++) {
        const struct param *param = param_get(i);
        char why[VALUE_WHY_MAX];
        bool set = value_set(config, param, param->standard, strlen(param->standard), why);
        assert(set); /* param.def's own defaults keep its own bounds */
        memcpy(config->origin[i], config_origin_default, sizeof config_origin_default);
    }
}

static bool config_given(const struct load *load, enum config_param param) {
    return strcmp(load->config->origin[param], config_origin_default) != 0;
}

/* A connection counts as dead when it is silent for redis.timeout; a read that waits for worker.block is silent that long in peace. */
static void config_check_timeouts(struct load *load, const char *name) {
    const struct config *config = load->config;
    if (load->bad[CONFIG_redis_timeout_ms] || load->bad[CONFIG_worker_block_ms]) return;
    if (config->redis_timeout_ms > config->worker_block_ms) return;
    bool at_timeout = config_given(load, CONFIG_redis_timeout_ms);
    enum config_param param = at_timeout ? CONFIG_redis_timeout_ms : CONFIG_worker_block_ms;
    enum config_param other = at_timeout ? CONFIG_worker_block_ms : CONFIG_redis_timeout_ms;
    char value[UNITS_SHOW_MAX], bound[UNITS_SHOW_MAX];
    config_param_show(config, param, value, sizeof value);
    config_param_show(config, other, bound, sizeof bound);
    const char *where = load->places[param].line == FAULTS_LAST.line ? config->origin[param] : name;
    faults_add(&load->faults, where, load->places[param], "%s: %s is not %s %s, which is %s (%s)", config_param_name(param), value,
               at_timeout ? "above" : "below", config_param_name(other), bound, config->origin[other]);
}

static enum config_err config_load_finish(struct load *load, const char *name, bool with_environment, struct config_faults *faults) {
    if (with_environment) environment_load(load);
    config_check_timeouts(load, name);
    return faults_finish(&load->faults, faults);
}

enum config_err config_load_bytes(const char *name, const void *bytes, size_t size, bool with_environment, struct config *config,
                                  struct config_faults *faults) {
    struct load load;
    config_load_defaults(&load, config);
    file_load(&load, name, bytes, size);
    return config_load_finish(&load, name, with_environment, faults);
}

static void config_load_path(struct load *load, const char *path) {
    char *bytes = malloc(FILE_SIZE_MAX + 1);
    size_t size = 0;
    int err = bytes ? slurp_read(path, bytes, FILE_SIZE_MAX + 1, &size, NULL) : ENOMEM;
    if (err == 0 || err == EFBIG)
        file_load(load, path, bytes, size);
    else
        faults_add(&load->faults, path, (struct place){0}, "cannot be read: %s", strerror(err));
    free(bytes);
}

enum config_err config_load(const char *path, struct config *config, struct config_faults *faults) {
    struct load load;
    config_load_defaults(&load, config);
    if (path) config_load_path(&load, path);
    return config_load_finish(&load, path ? path : "", true, faults);
}

static void config_list_append(char *list, size_t capacity, const char *name) {
    size_t used = strlen(list);
    int need = snprintf(NULL, 0, "%s%s", used ? ", " : "", name);
    if (used + (size_t)need < capacity) snprintf(list + used, capacity - used, "%s%s", used ? ", " : "", name);
}

/* May this setting be taken over now? The rule between timeout and block must also hold for the mixture of old and new. */
static bool config_reload_allowed(const struct config *config, const struct config *fresh, enum config_param param) {
    if (param == CONFIG_worker_block_ms && fresh->worker_block_ms >= config->redis_timeout_ms) return false;
    return param_get(param)->reload;
}

unsigned config_reload(struct config *config, const struct config *fresh, char *needs_restart, size_t capacity) {
    assert(capacity > 0);
    unsigned changed = 0;
    needs_restart[0] = '\0';
    for (enum config_param i = 0; i < CONFIG_PARAM_COUNT; i++) {
        bool same = value_same(config, fresh, param_get(i));
        if (!same && !config_reload_allowed(config, fresh, i)) {
            config_list_append(needs_restart, capacity, config_param_name(i));
            continue;
        }
        value_copy(config, fresh, param_get(i));
        memcpy(config->origin[i], fresh->origin[i], sizeof config->origin[i]);
        changed += !same;
    }
    return changed;
}

const char *config_param_name(enum config_param param) {
    return param_get(param)->name;
}

void config_param_show(const struct config *config, enum config_param param, char *out, size_t capacity) {
    value_show(config, param_get(param), out, capacity);
}

const char *config_param_help(enum config_param param) {
    return param_get(param)->help;
}

const char *config_param_default(enum config_param param) {
    const char *standard = param_get(param)->standard;
    return *standard ? standard : "\"\"";
}

uint64_t config_param_max(enum config_param param) {
    return param_get(param)->max;
}

bool config_param_reloads(enum config_param param) {
    return param_get(param)->reload;
}
