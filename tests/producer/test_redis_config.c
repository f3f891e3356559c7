/* From the configuration to options of a connection. */
#include "producer/redis_config.h"
#include "tests/support/process.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static void load(struct config *config, const char *yaml) {
    struct config_faults faults;
    enum config_err err = config_load_bytes("test.yaml", yaml, strlen(yaml), false, config, &faults);
    cr_assert_eq(err, CONFIG_OK, "%s", faults.text);
    config_faults_clear(&faults);
}

static void write_file(const char *path, const char *text, mode_t mode) {
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    cr_assert(fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text));
    cr_assert_eq(fchmod(fd, mode), 0);
    close(fd);
}

Test(redis_config, url_and_times) {
    static struct config config;
    struct redis_options options;
    load(&config, "redis:\n  url: redis://till:@db:7000/2\n  timeout: 7s\n  connect_timeout: 300ms\n");
    cr_assert_null(redis_options_of_config(&config, &options));
    cr_expect_str_eq(options.url.host, "db");
    cr_expect_str_eq(options.url.user, "till");
    cr_expect_str_eq(options.url.password, "");
    cr_expect_eq(options.url.port, 7000);
    cr_expect_eq(options.timeout_ms, 7000);
    cr_expect_eq(options.connect_timeout_ms, 300);
    cr_expect_null(options.client_name);
}

Test(redis_config, password_file_wins_and_must_be_private) {
    static struct config config;
    struct redis_options options;
    char dir[64], path[80], yaml[200];
    process_make_dir("till", dir, sizeof dir);
    snprintf(path, sizeof path, "%s/password", dir);
    snprintf(yaml, sizeof yaml, "redis:\n  url: redis://db\n  password_file: %s\n", path);
    load(&config, yaml);
    snprintf(config.redis_url, sizeof config.redis_url, "redis://till:inurl@db"); /* as from the environment */
    write_file(path, "infile\nsecond line\n", 0600);
    const char *wrong = redis_options_of_config(&config, &options);
    cr_expect_null(wrong, "%s", wrong);
    cr_expect_str_eq(options.url.password, "infile");
    cr_expect_str_eq(options.url.user, "till");
    write_file(path, "infile\n", 0644);
    wrong = redis_options_of_config(&config, &options);
    cr_expect(wrong && strstr(wrong, "redis.password_file: ") && strstr(wrong, path), "says %s", wrong ? wrong : "nothing");
    cr_expect(wrong && !strstr(wrong, "infile"));
    process_remove_tree(dir);
}

Test(redis_config, says_what_is_wrong_with_the_url) {
    static struct config config;
    struct redis_options options;
    load(&config, "redis:\n  url: redis://db\n");
    snprintf(config.redis_url, sizeof config.redis_url, "redis://:hidden@db:0");
    const char *wrong = redis_options_of_config(&config, &options);
    cr_assert_not_null(wrong);
    cr_expect_str_eq(wrong, "redis.url: the port must be a number from 1 to 65535");
}
