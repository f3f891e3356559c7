/* From the configuration to how to reach Redis. */
#include "producer/redis_config.h"

#include <stdio.h>

#include "producer/redis_password.h"

static const char *options_fault(struct redis_options *options, const char *where, const char *what) {
    snprintf(options->fault, sizeof options->fault, "%s%s", where, what);
    return options->fault;
}

/* What the files say wins: a password belongs in a file. */
static const char *options_take_passwords(const struct config *config, struct redis_options *options) {
    snprintf(options->password_file, sizeof options->password_file, "%.255s", config->redis_password_file);
    snprintf(options->sentinel_password_file, sizeof options->sentinel_password_file, "%.255s", config->redis_sentinel_password_file);
    const char *wrong = redis_password_renew("redis.password_file", options->password_file, options->url.password, options->fault,
                                             sizeof options->fault);
    return wrong ? wrong : redis_password_renew("redis.sentinel_password_file", options->sentinel_password_file,
                                                options->sentinel_password, options->fault, sizeof options->fault);
}

const char *redis_options_of_config(const struct config *config, struct redis_options *options) {
    *options = (struct redis_options){
        .connect_timeout_ms = (int)config->redis_connect_timeout_ms,
        .timeout_ms = (int)config->redis_timeout_ms,
        .functions = config->redis_functions != CONFIG_NO,
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
    return options_take_passwords(config, options);
}
