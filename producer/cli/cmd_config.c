/* `till config`: the effective configuration, and where each value came from. */
#include <stdio.h>
#include <string.h>

#include "producer/cli/commands.h"
#include "producer/cli/connect.h"
#include "producer/cli/json_out.h"
#include "producer/cli/table.h"

/* As YAML text; the url without its password. */
static void show(const struct config *config, enum config_param param, char *out, size_t capacity) {
    struct redis_url url;
    if (param == CONFIG_redis_url && redis_url_parse(config->redis_url, &url) == NULL) redis_url_show(&url, out, (unsigned)capacity);
    else config_param_show(config, param, out, capacity);
}

static void print_json(const char *path, const struct config *config) {
    json_t *object = json_out_object(), *settings = json_out_object();
    char value[CONFIG_TEXT_MAX + 64];
    json_out_value(object, "file", path ? json_out_string(path, strlen(path)) : json_null());
    for (int p = 0; p < CONFIG_PARAM_COUNT; p++) {
        json_t *setting = json_out_object();
        show(config, (enum config_param)p, value, sizeof value);
        json_out_text(setting, "value", value);
        json_out_text(setting, "from", config->origin[p]);
        json_out_text(setting, "default", config_param_default((enum config_param)p));
        json_out_bool(setting, "reloads", config_param_reloads((enum config_param)p));
        json_out_text(setting, "help", config_param_help((enum config_param)p));
        json_out_value(settings, config_param_name((enum config_param)p), setting);
    }
    json_out_value(object, "settings", settings);
    json_out(object);
}

static void print_table(const char *path, const struct config *config) {
    static const struct table_column columns[] = {{"SETTING", false}, {"VALUE", false}, {"FROM", false}, {NULL, false}};
    struct table table;
    char value[CONFIG_TEXT_MAX + 64];
    printf("file: %s\n\n", path ? path : "none found; defaults and environment");
    table_init(&table, columns);
    for (int p = 0; p < CONFIG_PARAM_COUNT; p++) {
        show(config, (enum config_param)p, value, sizeof value);
        table_add(&table, config_param_name((enum config_param)p));
        table_add(&table, value);
        table_add(&table, config->origin[p]);
    }
    table_flush(&table);
    table_clear(&table);
}

static int run(struct cli *cli) {
    struct config config;
    int code = connect_config(cli, &config);
    if (code) return code;
    (cli->json ? print_json : print_table)(connect_config_path(cli), &config);
    return CLI_OK;
}

const struct cli_command cmd_config = {
    .name = "config",
    .group = CLI_OPERATE,
    .summary = "shows every setting, its value and where that came from",
    .operands = "",
    .about = "Exit code 100 when the configuration is wrong, with all faults at once.",
    .examples = "  till config\n  till config --json",
    .run = run,
};
