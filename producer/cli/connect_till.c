/* Opens libtill by the configuration. */
#include <poll.h>
#include <stdio.h>
#include <string.h>

#include "producer/cli/connect.h"
#include "producer/cli/progress.h"

int connect_till_open(const struct cli *cli, const struct config *config, struct till **till) {
    *till = NULL;
    struct till_tls tls = {.ca_file = config->tls_ca_file,
                           .ca_dir = config->tls_ca_dir,
                           .cert_file = config->tls_cert_file,
                           .key_file = config->tls_key_file,
                           .server_name = config->tls_server_name,
                           .unverified = config->tls_verify == CONFIG_NO};
    struct till_options options = {
        .url = config->redis_url,
        .password_file = config->redis_password_file,
        .book = config->book_name,
        .partitions = (unsigned)config->book_partitions,
        .connect_timeout_ms = (int)config->redis_connect_timeout_ms,
        .timeout_ms = (int)config->redis_timeout_ms,
        .backlog_max = config->backlog_max ? config->backlog_max : TILL_NO_LIMIT,
        .memory_high_water_percent = (unsigned)config->backlog_memory_high_water,
        .durability_replicas = (unsigned)config->durability_replicas,
        .durability_aof = config->durability_aof == CONFIG_YES,
        .durability_timeout_ms = (int)config->durability_timeout_ms,
        .bulk_answers = config->producer_bulk_answers == CONFIG_YES,
        .client_name = "till-cli",
        .sentinel_user = *config->redis_sentinel_user ? config->redis_sentinel_user : NULL,
        .sentinel_password_file = config->redis_sentinel_password_file,
        .tls = &tls,
    };
    int64_t until_ms = progress_now_ms() + config->producer_timeout_ms;
    int code = till_open(till, &options);
    for (unsigned tries = 1; code == TILL_READ_FAILED || code == TILL_BUSY; tries++) { /* it may restart or fail over: a second or two */
        int wait_ms = redis_err_wait_ms(REDIS_LOST, tries);
        if (progress_now_ms() + wait_ms >= until_ms) break;
        poll(NULL, 0, wait_ms);
        till_close(*till);
        code = till_open(till, &options);
    }
    if (code == TILL_NOT_FOUND) return cli_usage(cli, "%s (the first till-worker creates the book)", till_error(*till));
    return code ? connect_till_failed(cli, *till, code, "connecting") : CLI_OK;
}

int connect_till(const struct cli *cli, struct config *config, struct till **till) {
    struct config own;
    if (!config) config = &own;
    *till = NULL;
    int code = connect_config(cli, config);
    return code ? code : connect_till_open(cli, config, till);
}

int connect_till_failed(const struct cli *cli, struct till *till, int code, const char *doing) {
    cli_say(cli, "%s: %s", doing, till_error(till));
    return code == TILL_READ_FAILED || code == TILL_WRITE_FAILED || code == TILL_BUSY ? CLI_UNREACHABLE : CLI_USAGE;
}
