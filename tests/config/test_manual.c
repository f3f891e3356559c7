/* param.def, config/till.yaml and the table of config/README.md say the same: every setting, its default, its bounds. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/param_words.h"
#include "config/slurp.h"
#include "load_text.h"

enum { TEXT_MAX = 65536, LINE_MAX_SIZE = 1024 };

static char text[TEXT_MAX + 1];

static void read_source(const char *name) {
    char path[512];
    size_t size = 0;
    snprintf(path, sizeof path, "%s/%s", TILL_SOURCE_DIR, name);
    cr_assert_eq(slurp_read(path, text, TEXT_MAX, &size, NULL), 0, "%s", path);
    text[size] = '\0';
}

static size_t count_of(const char *needle) {
    size_t count = 0;
    for (const char *at = text; (at = strstr(at, needle)); at += strlen(needle)) count++;
    return count;
}

Test(config_manual, the_table_is_the_manual) {
    read_source("config/README.md");
    for (enum config_param i = 0; i < CONFIG_PARAM_COUNT; i++) {
        const struct param *param = param_get(i);
        char bounds[128], kind[64], help[256], row[LINE_MAX_SIZE];
        param_words_bounds(param, bounds, sizeof bounds);
        param_words_kind(param, kind, sizeof kind);
        param_words_help(param, help, sizeof help);
        snprintf(row, sizeof row, "\n| `%s` | `%s` | %s | %s | %s | %s |\n", param->name, config_param_default(i), kind, bounds,
                 param->reload ? "yes" : "no", help);
        cr_expect_eq(count_of(row), 1, "config/README.md lacks the row:%s", row);
    }
    cr_expect_eq(count_of("\n| `"), CONFIG_PARAM_COUNT, "config/README.md has rows for settings that are none");
}

Test(config_manual, the_table_is_the_sample) {
    read_source("config/till.yaml");
    for (enum config_param i = 0; i < CONFIG_PARAM_COUNT; i++) {
        const struct param *param = param_get(i);
        char bounds[128], kind[64], help[256], block[LINE_MAX_SIZE];
        param_words_bounds(param, bounds, sizeof bounds);
        param_words_kind(param, kind, sizeof kind);
        param_words_help(param, help, sizeof help);
        snprintf(block, sizeof block, "\n  # %s\n  # %s: %s; %s\n  %s: %s\n", help, kind, bounds,
                 param->reload ? "SIGHUP applies it" : "needs a restart", param->key, config_param_default(i));
        cr_expect_eq(count_of(block), 1, "config/till.yaml lacks:%s", block);
    }
}

Test(config_manual, the_sample_holds_every_setting_with_its_default) {
    struct config config;
    read_source("config/till.yaml");
    char *said = load_text(text, strlen(text), false, &config);
    cr_expect_str_eq(said, "");
    free(said);
    for (enum config_param i = 0; i < CONFIG_PARAM_COUNT; i++) {
        char shown[1100];
        config_param_show(&config, i, shown, sizeof shown);
        cr_expect(strncmp(config.origin[i], "t.yaml:", 7) == 0, "%s is not in the sample", config_param_name(i));
        cr_expect(strcmp(shown, config_param_default(i)) == 0, "%s is %s in the sample", config_param_name(i), shown);
    }
}

Test(config_manual, the_table_is_in_order) {
    for (enum config_param i = 0; i < CONFIG_PARAM_COUNT; i++) {
        const struct param *param = param_get(i);
        cr_expect(param->min <= param->max, "%s", param->name);
        cr_expect(param->help[0] && strlen(param->help) < 200, "%s", param->name);
        cr_expect_eq(param_find(param->section, param->key), i, "%s is in the table twice", param->name);
        bool starts = i == 0 || strcmp(param_get(i - 1)->section, param->section) != 0;
        cr_expect_eq(param_opens_section(i), starts, "the settings of %s do not stand together", param->section);
        cr_expect(param->type != PARAM_TEXT || param->max < sizeof(config_text), "%s", param->name);
    }
    cr_expect_eq(param_find("worker", "nonesuch"), CONFIG_PARAM_COUNT);
    cr_expect_eq(param_find_section("nonesuch"), CONFIG_PARAM_COUNT);
}
