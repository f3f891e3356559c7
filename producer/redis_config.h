/* From the configuration to how to reach Redis. */
#ifndef PRODUCER_REDIS_CONFIG_H
#define PRODUCER_REDIS_CONFIG_H

#include "config/config.h"
#include "producer/redis.h"

/* Fills `options`, reading the password file; client_name is left NULL. NULL, or what is wrong, as
 * "redis.url: ...", valid as long as `options`. */
const char *redis_options_of_config(const struct config *config, struct redis_options *options);

#endif
