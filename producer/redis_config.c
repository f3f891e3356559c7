/* From the configuration to how to reach Redis. */
#include "producer/redis_config.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

static_assert(sizeof((struct redis_url *)0)->password == sizeof((struct redis_options *)0)->sentinel_password, "one reader for both");

static const char *options_fault(struct redis_options *options, const char *where, const char *what) {
    snprintf(options->fault, sizeof options->fault, "%s%s", where, what);
    return options->fault;
}

typedef enum config_err password_reader(const struct config *config, char *out, size_t capacity, struct config_faults *faults);

/* What the file says wins: a password belongs in a file. */
static const char *options_read_password(const struct config *config, struct redis_options *options, password_reader *read, char *out) {
    char password[sizeof options->url.password];
    struct config_faults faults = {0};
    const char *wrong = NULL;
    if (read(config, password, sizeof password, &faults))
        wrong = options_fault(options, "", faults.text ? faults.text : "the password's file cannot be read");
    else if (*password)
        memcpy(out, password, sizeof password);
    explicit_bzero(password, sizeof password);
    config_faults_clear(&faults);
    return wrong;
}

const char *redis_options_of_config(const struct config *config, struct redis_options *options) {
    *options = (struct redis_options){
        .connect_timeout_ms = (int)config->redis_connect_timeout_ms,
        .timeout_ms = (int)config->redis_timeout_ms,
    };
    const char *wrong = redis_url_parse(config->redis_url, &options->url);
    if (wrong) return options_fault(options, "redis.url: ", wrong);
    options->tls.unverified = config->tls_verify == CONFIG_NO;
    snprintf(options->tls.ca_file, sizeof options->tls.ca_file, "%.255s", config->tls_ca_file);
    snprintf(options->tls.ca_dir, sizeof options->tls.ca_dir, "%.255s", config->tls_ca_dir);
    snprintf(options->tls.cert_file, sizeof options->tls.cert_file, "%.255s", config->tls_cert_file);
    snprintf(options->tls.key_file, sizeof options->tls.key_file, "%.255s", config->tls_key_file);
    snprintf(options->tls.server_name, sizeof options->tls.server_name, "%.255s", config->tls_server_name);
    if (options->url.tls && (wrong = redis_tls_wrong(&options->tls))) return options_fault(options, "", wrong);
    snprintf(options->sentinel_user, sizeof options->sentinel_user, "%.63s", config->redis_sentinel_user);
    wrong = options_read_password(config, options, config_read_password, options->url.password);
    return wrong ? wrong : options_read_password(config, options, config_read_sentinel_password, options->sentinel_password);
}
