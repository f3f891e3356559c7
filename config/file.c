/* The shape of the file: walks two levels of maps, notes what does not belong there and goes on. */
#include "config/file.h"

#include "config/value.h"
#include "config/yaml.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

struct file {
    struct load *load;
    const char *name;
    struct yaml_reader *reader;
    struct yaml_node node;
    unsigned lines[CONFIG_PARAM_COUNT];         /* where each setting was first given; 0: not yet */
    unsigned section_lines[CONFIG_PARAM_COUNT]; /* likewise each section, at the index of its first setting */
};

/* A key: its text may be longer than any we know, then it is cut. */
struct file_key {
    char text[FAULTS_QUOTE_MAX * 2];
    char shown[FAULTS_QUOTE_MAX]; /* fit for a message */
    struct place place;
};

static struct place file_place(const struct file *file) {
    return (struct place){.line = file->node.line, .column = file->node.column};
}

/* The next node; false at the end, and after a fault that nothing can be read behind. */
static bool file_next(struct file *file) {
    yaml_reader_next(file->reader, &file->node);
    struct place place = file_place(file);
    if (file->node.kind == YAML_KIND_FAULT) faults_add(&file->load->faults, file->name, place, "%s", file->node.text);
    if (file->node.anchor) faults_add(&file->load->faults, file->name, place, "anchors (&name) are not allowed");
    if (file->node.tag) faults_add(&file->load->faults, file->name, place, "tags (!name) are not allowed");
    return file->node.kind != YAML_KIND_FAULT && file->node.kind != YAML_KIND_END;
}

/* Past the value that starts with the present node. */
static bool file_skip(struct file *file) {
    unsigned depth = 0;
    do {
        if (file->node.kind == YAML_KIND_MAP || file->node.kind == YAML_KIND_LIST) depth++;
        if (file->node.kind == YAML_KIND_MAP_END || file->node.kind == YAML_KIND_LIST_END) depth--;
    } while (depth > 0 && file_next(file));
    return depth == 0;
}

/* Nothing behind the colon, or what YAML takes for nothing. */
static bool file_unset(const struct yaml_node *node) {
    return node->kind == YAML_KIND_TEXT && node->plain &&
           (node->size == 0 || strcmp(node->text, "~") == 0 || strcasecmp(node->text, "null") == 0);
}

static const char *file_kind_name(enum yaml_kind kind) {
    switch (kind) {
    case YAML_KIND_TEXT: return "text";
    case YAML_KIND_ALIAS: return "an alias (*name), which is not allowed";
    case YAML_KIND_LIST: return "a list";
    case YAML_KIND_MAP: return "a map";
    case YAML_KIND_LIST_END:
    case YAML_KIND_MAP_END:
    case YAML_KIND_END:
    case YAML_KIND_FAULT: break;
    }
    return "nothing";
}

/* The present node as a key; false (and the key and its value are past) when it is none. */
static bool file_key(struct file *file, struct file_key *key, bool *alive) {
    key->place = file_place(file);
    *alive = true;
    if (file->node.kind == YAML_KIND_TEXT && strlen(file->node.text) == file->node.size && file->node.size > 0) {
        snprintf(key->text, sizeof key->text, "%s", file->node.text);
        faults_show(key->text, key->shown);
        return true;
    }
    if (file->node.kind == YAML_KIND_TEXT)
        faults_add(&file->load->faults, file->name, key->place, "a key must be a word, is %s", file->node.size ? "a NUL byte" : "empty");
    else
        faults_add(&file->load->faults, file->name, key->place, "a key must be a word, is %s", file_kind_name(file->node.kind));
    *alive = file_skip(file) && file_next(file) && file_skip(file);
    return false;
}

static void file_fail(struct file *file, const struct param *param, struct place place, const char *why) {
    faults_add(&file->load->faults, file->name, place, "%s: %s", param->name, why);
    file->load->bad[param_find(param->section, param->key)] = true;
}

static void file_unknown_setting(struct file *file, const char *section, const struct file_key *key) {
    char hint[512];
    param_hint_key(section, key->text, hint, sizeof hint);
    faults_add(&file->load->faults, file->name, key->place, "%s.%s: unknown setting; %s", section, key->shown, hint);
}

static void file_set(struct file *file, enum config_param index, struct place place) {
    const struct param *param = param_get(index);
    struct load *load = file->load;
    char why[VALUE_WHY_MAX];
    size_t start, size;
    load->places[index] = place;
    if (!value_set(load->config, param, file->node.text, file->node.size, why)) {
        file_fail(file, param, place, why);
        return;
    }
    if (index == CONFIG_redis_url && value_find_password(file->node.text, &start, &size)) {
        file_fail(file, param, place,
                  "holds a password; secrets only from files or the environment: use redis.password_file or TILL_REDIS_URL"
                  " (a user alone is written redis://user:@host)");
        return;
    }
    int name_max = CONFIG_ORIGIN_MAX - 32;
    const char *name = strlen(file->name) > (size_t)name_max ? file->name + strlen(file->name) - (size_t)name_max : file->name;
    snprintf(load->config->origin[index], CONFIG_ORIGIN_MAX, "%s:%u:%u", name, place.line, place.column);
}

/* The present node is the value of this key. */
static void file_setting(struct file *file, const char *section, const struct file_key *key) {
    enum config_param index = param_find(section, key->text);
    if (index == CONFIG_PARAM_COUNT) {
        file_unknown_setting(file, section, key);
        return;
    }
    const struct param *param = param_get(index);
    if (file->lines[index])
        faults_add(&file->load->faults, file->name, key->place, "%s: given twice, first on line %u", param->name, file->lines[index]);
    else
        file->lines[index] = key->place.line;
    if (file_unset(&file->node)) {
        char why[VALUE_WHY_MAX];
        const char *quote = param->standard[0] ? "" : "\"\"";
        snprintf(why, sizeof why, "has no value; give one, or leave the line out for the default %s%s", param->standard, quote);
        file_fail(file, param, key->place, why);
    } else if (file->node.kind == YAML_KIND_TEXT) {
        file_set(file, index, file_place(file));
    } else {
        char wants[128], why[VALUE_WHY_MAX];
        value_wants(param, wants, sizeof wants);
        snprintf(why, sizeof why, "must be %s, is %s", wants, file_kind_name(file->node.kind));
        file_fail(file, param, file_place(file), why);
    }
}

/* The settings of a section, up to its end. */
static bool file_settings(struct file *file, const char *section) {
    bool alive = true;
    while (alive && (alive = file_next(file)) && file->node.kind != YAML_KIND_MAP_END) {
        struct file_key key;
        if (!file_key(file, &key, &alive)) continue;
        alive = file_next(file);
        if (!alive) break;
        file_setting(file, section, &key);
        alive = file_skip(file);
    }
    return alive;
}

/* The present node is the value of this key, a section's. False when nothing can be read behind it. */
static bool file_section(struct file *file, const struct file_key *key) {
    enum config_param index = param_find_section(key->text);
    if (index == CONFIG_PARAM_COUNT) {
        char hint[512];
        param_hint_section(key->text, hint, sizeof hint);
        faults_add(&file->load->faults, file->name, key->place, "%s: unknown section; %s", key->shown, hint);
        return file_skip(file);
    }
    const char *section = param_get(index)->section;
    if (file->section_lines[index])
        faults_add(&file->load->faults, file->name, key->place, "%s: given twice, first on line %u", section, file->section_lines[index]);
    else
        file->section_lines[index] = key->place.line;
    if (file->node.kind == YAML_KIND_MAP) return file_settings(file, section);
    if (!file_unset(&file->node)) /* a section whose settings are all commented out is fine */
        faults_add(&file->load->faults, file->name, file_place(file), "%s: must be a map of settings, is %s", section,
                   file_kind_name(file->node.kind));
    return file_skip(file);
}

static bool file_sections(struct file *file) {
    bool alive = true;
    while (alive && (alive = file_next(file)) && file->node.kind != YAML_KIND_MAP_END) {
        struct file_key key;
        if (!file_key(file, &key, &alive)) continue;
        alive = file_next(file) && file_section(file, &key);
    }
    return alive;
}

static void file_walk(struct file *file) {
    if (!file_next(file)) return; /* an empty file: all defaults */
    bool alive;
    if (file->node.kind == YAML_KIND_MAP) {
        alive = file_sections(file);
    } else {
        if (!file_unset(&file->node))
            faults_add(&file->load->faults, file->name, file_place(file), "must be a map of sections, is %s",
                       file_kind_name(file->node.kind));
        alive = file_skip(file);
    }
    if (alive) (void)file_next(file); /* the end, or a fault: a second document, or something behind the map */
}

void file_load(struct load *load, const char *name, const void *bytes, size_t size) {
    struct file file = {.load = load, .name = name};
    if (size > FILE_SIZE_MAX) {
        faults_add(&load->faults, name, (struct place){0}, "is larger than %d bytes: this is not a configuration", FILE_SIZE_MAX);
        return;
    }
    file.reader = yaml_reader_open(size ? bytes : "", size);
    if (file.reader)
        file_walk(&file);
    else
        faults_add(&load->faults, name, (struct place){0}, "out of memory");
    yaml_reader_close(file.reader);
}
