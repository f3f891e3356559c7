/* From the configuration to what lanes read while they run. */
#include "worker/settings.h"

#include "config/config.h"
#include "worker/log.h"

void settings_apply(struct settings *settings, const struct config *config) {
    uint64_t block_ms = config->worker_block_ms, third = config->worker_lease_ttl_ms / 3;
    atomic_store(&settings->batch, (unsigned)config->worker_batch);
    atomic_store(&settings->block_ms, (unsigned)(block_ms < third ? block_ms : third)); /* the lease is renewed between two waits */
    atomic_store(&settings->max_attempts, (unsigned)config->worker_max_attempts);
    atomic_store(&settings->halt_on_loss, config->worker_on_data_loss == CONFIG_LOSS_HALT);
    atomic_store(&settings->durable_replicas, (unsigned)config->durability_replicas);
    atomic_store(&settings->durable_aof, config->durability_aof == CONFIG_YES);
    atomic_store(&settings->durable_timeout_ms, (unsigned)config->durability_timeout_ms);
    atomic_store(&settings->settle_auto, config->settlement_auto == CONFIG_YES);
    atomic_store(&settings->sweep_due, true);
    atomic_store(&settings->kept_ms[STREAM_INTENTS], config->retention_intents_ms);
    atomic_store(&settings->kept_ms[STREAM_LEDGER], config->retention_ledger_ms);
    atomic_store(&settings->kept_ms[STREAM_DEAD], config->retention_dead_ms);
    atomic_store(&settings->kept_ms[STREAM_DISCARDED], config->retention_discarded_ms);
    atomic_store(&settings->kept_ms[STREAM_RESPONSES], config->retention_responses_ms);
    atomic_store(&settings->readers_ms, config->retention_readers_ms);
    log_configure((enum log_level)config->log_level, config->log_format == CONFIG_FORMAT_JSON);
}
