/* Where values come from: defaults, the file, the environment; how they are shown; what a reload takes over. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "load_text.h"

static struct config config, fresh; /* large; each test is a process of its own */

static void expect_faults(const char *text, bool with_environment, const char *wanted) {
    char *said = load_text(text, strlen(text), with_environment, &config);
    cr_expect(strcmp(said, wanted) == 0, "%s:\nsaid    %s\nwanted  %s", text, said, wanted);
    free(said);
}

static void expect_shown(enum config_param param, const char *wanted) {
    char shown[1100];
    config_param_show(&config, param, shown, sizeof shown);
    cr_expect(strcmp(shown, wanted) == 0, "%s shows %s, not %s", config_param_name(param), shown, wanted);
}

static void expect_origin(enum config_param param, const char *wanted) {
    cr_expect(strcmp(config.origin[param], wanted) == 0, "%s is from %s, not %s", config_param_name(param), config.origin[param], wanted);
}

Test(config_load, defaults_are_those_of_the_table, .init = load_text_clean_environment) {
    struct config_faults faults;
    cr_assert_eq(config_load(NULL, &config, &faults), CONFIG_OK);
    config_faults_clear(&faults);
    cr_expect_eq(config.worker_batch, 512);
    cr_expect_eq(config.redis_timeout_ms, 5000);
    cr_expect_eq(config.worker_on_data_loss, CONFIG_LOSS_HALT);
    cr_expect_eq(config.log_level, CONFIG_LOG_INFO);
    cr_expect_eq(config.log_format, CONFIG_FORMAT_LOGFMT);
    cr_expect_eq(config.embedded_appendfsync, CONFIG_FSYNC_EVERYSEC);
    cr_expect_str_eq(config.redis_url, "embedded:var/redis");
    for (enum config_param i = 0; i < CONFIG_PARAM_COUNT; i++) {
        expect_shown(i, config_param_default(i));
        expect_origin(i, "default");
    }
}

Test(config_load, values_of_a_file_and_where_they_stand) {
    expect_faults("worker:\n  batch: 1_000\n  block: 2 s\n  name: Höst\n", false,
                  "t.yaml:4:9: worker.name: \"Höst\": only A-Z a-z 0-9 . _ : - are allowed (character 2 is not)");
    expect_faults("worker: {batch: 1_000, block: 2 s}\nembedded:\n  maxmemory: 64MiB\n  appendfsync: no\n", false, "");
    cr_expect_eq(config.worker_batch, 1000);
    cr_expect_eq(config.worker_block_ms, 2000);
    cr_expect_eq(config.embedded_maxmemory, UINT64_C(67108864));
    cr_expect_eq(config.embedded_appendfsync, CONFIG_FSYNC_NO);
    expect_origin(CONFIG_worker_batch, "t.yaml:1:17");
    expect_origin(CONFIG_embedded_maxmemory, "t.yaml:3:14");
    expect_origin(CONFIG_worker_name, "default");
    expect_shown(CONFIG_worker_batch, "1000");
    expect_shown(CONFIG_embedded_maxmemory, "64MiB");
    expect_shown(CONFIG_embedded_appendfsync, "no");
}

Test(config_load, choices_are_the_enums_of_the_header) {
    expect_faults("worker: {on_data_loss: continue}\nlog: {level: debug, format: json}\nembedded: {appendfsync: always}\n", false, "");
    cr_expect_eq(config.worker_on_data_loss, CONFIG_LOSS_CONTINUE);
    cr_expect_eq(config.log_level, CONFIG_LOG_DEBUG);
    cr_expect_eq(config.log_format, CONFIG_FORMAT_JSON);
    cr_expect_eq(config.embedded_appendfsync, CONFIG_FSYNC_ALWAYS);
    expect_faults("log: {level: error}\n", false, "");
    cr_expect_eq(config.log_level, CONFIG_LOG_ERROR);
    expect_faults("log: {level: warn}\n", false, "");
    cr_expect_eq(config.log_level, CONFIG_LOG_WARN);
}

Test(config_load, a_bad_value_leaves_the_default) {
    expect_faults("worker: {batch: 0}\n", false, "t.yaml:1:17: worker.batch: 0 is below the minimum 1");
    cr_expect_eq(config.worker_batch, 512);
    expect_origin(CONFIG_worker_batch, "default");
}

Test(config_load, the_environment_wins, .init = load_text_clean_environment) {
    setenv("TILL_WORKER_BATCH", "7", 1);
    setenv("TILL_WORKER_NAME", "", 1);
    expect_faults("worker: {batch: 5, block: 2s, name: w1}\n", true, "");
    cr_expect_eq(config.worker_batch, 7);
    cr_expect_eq(config.worker_block_ms, 2000);
    cr_expect_str_eq(config.worker_name, "");
    expect_origin(CONFIG_worker_batch, "TILL_WORKER_BATCH");
    expect_origin(CONFIG_worker_block_ms, "t.yaml:1:27");
}

Test(config_load, the_environment_can_be_left_out, .init = load_text_clean_environment) {
    setenv("TILL_WORKER_BATCH", "7", 1);
    setenv("TILL_WORKER_BATHC", "256", 1);
    expect_faults("", false, "");
    cr_expect_eq(config.worker_batch, 512);
}

Test(config_load, every_setting_has_a_variable, .init = load_text_clean_environment) {
    for (enum config_param i = 0; i < CONFIG_PARAM_COUNT; i++) {
        char variable[64], value[64];
        int size = snprintf(variable, sizeof variable, "TILL_%s", config_param_name(i));
        for (int k = 0; k < size; k++) variable[k] = (char)(variable[k] == '.' ? '_' : variable[k] & ~((variable[k] >= 'a') << 5));
        const char *standard = config_param_default(i);
        snprintf(value, sizeof value, "%s", strcmp(standard, "\"\"") == 0 ? "" : standard);
        setenv(variable, value, 1);
        expect_faults("", true, "");
        expect_origin(i, variable);
        expect_shown(i, standard);
        unsetenv(variable);
    }
}

Test(config_load, faults_of_the_environment_name_the_variable, .init = load_text_clean_environment) {
    setenv("TILL_WORKER_BATCH", "5000", 1);
    setenv("TILL_LOG_LEVEL", "", 1);
    setenv("TILL_BOOK_SECRET_FILE", "caf\xe9", 1);
    setenv("TILL_WORKER_BATHC", "1", 1);
    expect_faults("worker: {batch: 0}\n", true,
                  "t.yaml:1:17: worker.batch: 0 is below the minimum 1\n"
                  "TILL_BOOK_SECRET_FILE: book.secret_file: is not UTF-8\n"
                  "TILL_WORKER_BATCH: worker.batch: 5000 is above the maximum 1024\n"
                  "TILL_LOG_LEVEL: log.level: must be one of error, warn, info, debug, is \"\"\n"
                  "TILL_WORKER_BATHC: unknown setting; did you mean TILL_WORKER_BATCH?");
}

Test(config_load, unknown_variables_of_a_section, .init = load_text_clean_environment) {
    setenv("TILL_LOG_ZEBRA", "1", 1);
    expect_faults("", true, "TILL_LOG_ZEBRA: unknown setting; `till config` lists those of log");
}

Test(config_load, variables_that_are_not_ours_are_left_alone, .init = load_text_clean_environment) {
    static const char *const names[] = {"TILL_CONFIG", "TILL_CRASH_AT", "TILL_WORKER", "TILL_WORKERS_X", "TILL_", "TILL",
                                        "XTILL_WORKER_BATHC"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) setenv(names[i], "x", 1);
    expect_faults("", true, "");
}

Test(config_load, timeouts_from_file_and_environment_are_held_together, .init = load_text_clean_environment) {
    setenv("TILL_WORKER_BLOCK", "4s", 1);
    expect_faults("redis: {timeout: 3s}\n", true,
                  "t.yaml:1:18: redis.timeout: 3s is not above worker.block, which is 4s (TILL_WORKER_BLOCK)");
    expect_faults("", true, "");
    setenv("TILL_WORKER_BLOCK", "9s", 1);
    expect_faults("", true, "TILL_WORKER_BLOCK: worker.block: 9s is not below redis.timeout, which is 5s (default)");
    setenv("TILL_REDIS_TIMEOUT", "9s", 1);
    expect_faults("worker: {block: 1s}\n", true,
                  "TILL_REDIS_TIMEOUT: redis.timeout: 9s is not above worker.block, which is 9s (TILL_WORKER_BLOCK)");
}

Test(config_load, nothing_follows_from_a_wrong_variable, .init = load_text_clean_environment) {
    setenv("TILL_WORKER_BLOCK", "200", 1);
    expect_faults("redis: {timeout: 500ms}\n", true,
                  "TILL_WORKER_BLOCK: worker.block: must be a duration such as 250ms, 3s, 5m, 24h or 180d, is \"200\" (it needs a unit)");
}

Test(config_load, a_password_is_never_shown, .init = load_text_clean_environment) {
    static const struct {
        const char *url, *shown;
    } rows[] = {
        {"redis://shop:hunter2@host:6379/1", "redis://shop:***@host:6379/1"},
        {"redis://:hunter2@host", "redis://:***@host"},
        {"redis://hunter2@host", "redis://***@host"},
        {"redis://:hun:ter2@host", "redis://:***@host"},
        {"redis://:hun@ter2@host", "redis://:***@host"},
        {"redis://:hun/ter2@host", "redis://:***@host"},
        {"redis://:hun\"ter2@host", "redis://:***@host"},
        {"redis://shop:@host", "redis://shop:@host"},
        {"redis://host:6379/1", "redis://host:6379/1"},
        {"unix:/run/a@b.sock", "unix:/run/a@b.sock"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        setenv("TILL_REDIS_URL", rows[i].url, 1);
        expect_faults("", true, "");
        cr_expect_str_eq(config.redis_url, rows[i].url);
        char shown[1100];
        config_param_show(&config, CONFIG_redis_url, shown, sizeof shown);
        cr_expect(strcmp(shown, rows[i].shown) == 0, "%s shows %s, not %s", rows[i].url, shown, rows[i].shown);
    }
}

Test(config_load, what_is_shown_reads_back_the_same, .init = load_text_clean_environment) {
    static const char *const paths[] = {"", "a b", "a\"b", "a\\b", "null", "~", "- a", "a: b", "# a",
                                        "*a", "a #b", "'a'", "caf\xc3\xa9", "@a", "{a}"};
    for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++) {
        char shown[1100], text[1200];
        setenv("TILL_BOOK_SECRET_FILE", paths[i], 1);
        expect_faults("", true, "");
        config_param_show(&config, CONFIG_book_secret_file, shown, sizeof shown);
        snprintf(text, sizeof text, "book:\n  secret_file: %s\n", shown);
        expect_faults(text, false, "");
        cr_expect(strcmp(config.book_secret_file, paths[i]) == 0, "%s came back as %s", paths[i], config.book_secret_file);
    }
}

Test(config_load, showing_keeps_within_the_room_given) {
    expect_faults("redis: {url: \"unix:/a b c d e f g h i j k l\"}\n", false, "");
    for (size_t capacity = 1; capacity < 40; capacity++) {
        char shown[64];
        memset(shown, '#', sizeof shown);
        config_param_show(&config, CONFIG_redis_url, shown, capacity);
        cr_expect(memchr(shown, '\0', capacity) != NULL, "capacity %zu is not terminated", capacity);
        cr_expect_eq(shown[capacity], '#', "capacity %zu was overrun", capacity);
    }
}

Test(config_load, files_are_read_by_their_path, .init = load_text_clean_environment) {
    static const char text[] = "worker:\n  batch: 0\n";
    char path[64], wanted[200];
    snprintf(path, sizeof path, "%s", load_text_file(text, strlen(text), 0644));
    struct config_faults faults;
    cr_expect_eq(config_load(path, &config, &faults), CONFIG_BAD);
    snprintf(wanted, sizeof wanted, "%s:2:10: worker.batch: 0 is below the minimum 1", path);
    cr_expect_str_eq(faults.text, wanted);
    config_faults_clear(&faults);
    unlink(path);
    cr_expect_eq(config_load(path, &config, &faults), CONFIG_BAD);
    snprintf(wanted, sizeof wanted, "%s: cannot be read: No such file or directory", path);
    cr_expect_str_eq(faults.text, wanted);
    config_faults_clear(&faults);
    cr_expect_eq(config_load("/tmp", &config, &faults), CONFIG_BAD);
    cr_expect_str_eq(faults.text, "/tmp: cannot be read: Is a directory");
    config_faults_clear(&faults);
}

static void load_both(const char *old_text, const char *new_text) {
    char *said = load_text(old_text, strlen(old_text), false, &config);
    cr_assert_str_eq(said, "");
    free(said);
    said = load_text(new_text, strlen(new_text), false, &fresh);
    cr_assert_str_eq(said, "");
    free(said);
}

Test(config_reload, takes_over_what_may_change_and_names_the_rest) {
    char restart[256] = "x";
    load_both("worker: {batch: 5}\n", "worker: {batch: 6, name: w2, lease_ttl: 4s}\nlog:\n  level: debug\n  format: logfmt\n");
    cr_expect_eq(config_reload(&config, &fresh, restart, sizeof restart), 2);
    cr_expect_str_eq(restart, "worker.name, worker.lease_ttl");
    cr_expect_eq(config.worker_batch, 6);
    cr_expect_eq(config.log_level, CONFIG_LOG_DEBUG);
    cr_expect_str_eq(config.worker_name, "");
    cr_expect_eq(config.worker_lease_ttl_ms, 3000);
    expect_origin(CONFIG_log_level, "t.yaml:3:10");
    expect_origin(CONFIG_log_format, "t.yaml:4:11");
    expect_origin(CONFIG_worker_name, "default");
    cr_expect_eq(config_reload(&config, &fresh, restart, sizeof restart), 0);
    cr_expect_str_eq(restart, "worker.name, worker.lease_ttl");
}

Test(config_reload, nothing_changed) {
    char restart[256] = "x";
    load_both("worker: {batch: 5}\n", "worker: {batch: 5}\n");
    cr_expect_eq(config_reload(&config, &fresh, restart, sizeof restart), 0);
    cr_expect_str_eq(restart, "");
}

Test(config_reload, every_setting_is_either_taken_over_or_named) {
    static const char changed[] =
        "book: {name: b, partitions: 2, secret_file: s}\n"
        "redis: {url: 'unix:/s', password_file: p, sentinel_user: u, sentinel_password_file: q, connect_timeout: 3s, timeout: 6s,"
        " functions: no}\n"
        "tls: {ca_file: a, ca_dir: b, cert_file: c, key_file: d, server_name: e, verify: no}\n"
        "embedded: {appendfsync: always, maxmemory: 1GB}\nbacklog: {max: 1, memory_high_water: 1}\n"
        "producer: {timeout: 1s, bulk_answers: yes}\n"
        "worker: {name: w, batch: 1, lease_ttl: 4s, block: 2s, max_attempts: 1, on_data_loss: continue}\n"
        "archive: {dir: a, fsync_every: 2s, segment_size: 1MB, segment_age: 2h, compress: yes}\nsettlement: {auto: yes}\n"
        "retention: {intents: keep, responses: 1s, ledger: 1s, dead: 1s, discarded: 1s, readers: 0}\n"
        "durability: {replicas: 1, aof: yes, timeout: 2s}\n"
        "log: {level: warn, format: json}\nadmin: {listen: '127.0.0.1:1', token_file: t}\n"
        "gateway: {listen: '', tokens_file: t, operators_file: o, tls_cert_file: c, tls_key_file: k, wait: 1s, body_max: 2KiB, rate: 1,"
        " connections: 20}\ntrace: {file: f}\n";
    load_both("", changed);
    char restart[2048], one[2] = "x";
    unsigned named = 0, reloads = 0, took = config_reload(&config, &fresh, restart, sizeof restart);
    for (enum config_param i = 0; i < CONFIG_PARAM_COUNT; i++) {
        char before[1100], after[1100];
        config_param_show(&config, i, before, sizeof before);
        config_param_show(&fresh, i, after, sizeof after);
        bool listed = strstr(restart, config_param_name(i)) != NULL;
        cr_expect_eq(strcmp(before, after) == 0, config_param_reloads(i), "%s", config_param_name(i));
        cr_expect_eq(listed, !config_param_reloads(i), "%s", config_param_name(i));
        named += listed;
        reloads += config_param_reloads(i);
    }
    cr_expect_eq(took, reloads);
    cr_expect_eq(named + reloads, CONFIG_PARAM_COUNT);
    cr_expect_eq(config_reload(&config, &fresh, one, sizeof one), 0);
    cr_expect_str_eq(one, "", "a list with no room for a name stays empty");
    char two[sizeof "book.name, x"];
    cr_expect_eq(config_reload(&config, &fresh, two, sizeof two), 0);
    cr_expect_str_eq(two, "book.name", "a list is cut behind a whole name");
}

Test(config_reload, a_block_the_old_timeout_does_not_allow_waits) {
    char restart[256];
    load_both("", "redis: {timeout: 20s}\nworker: {block: 8s}\n");
    cr_expect_eq(config_reload(&config, &fresh, restart, sizeof restart), 0);
    cr_expect_str_eq(restart, "redis.timeout, worker.block");
    cr_expect_eq(config.worker_block_ms, 1000);
}
