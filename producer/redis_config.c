/* From the configuration to how to reach Redis. */
#include "producer/redis_config.h"

#include <stdio.h>
#include <string.h>

static const char *options_fault(struct redis_options *options, const char *where, const char *what) {
    snprintf(options->fault, sizeof options->fault, "%s%s", where, what);
    return options->fault;
}

/* The file wins over the url: a password belongs in a file. */
static const char *options_read_password(const struct config *config, struct redis_options *options) {
    char password[sizeof options->url.password];
    struct config_faults faults = {0};
    const char *wrong = NULL;
    if (config_read_password(config, password, sizeof password, &faults))
        wrong = options_fault(options, "", faults.text ? faults.text : "redis.password_file: cannot be read");
    else if (*password)
        memcpy(options->url.password, password, sizeof password);
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
    return wrong ? options_fault(options, "redis.url: ", wrong) : options_read_password(config, options);
}
