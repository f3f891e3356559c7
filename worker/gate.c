/* One flag, and whose turn it is. */
#include "worker/gate.h"

enum { PACE_FIRST_MS = 50, PACE_LAST_MS = 500 };

void gate_count(struct gate *gate, enum redis_err err) { atomic_fetch_add(&gate->failures[err], 1); }

void gate_shut(struct gate *gate, uint64_t now_ms) {
    bool was_open = false;
    if (!atomic_compare_exchange_strong(&gate->shut, &was_open, true)) return;
    atomic_store(&gate->pace_ms, PACE_FIRST_MS);
    atomic_store(&gate->next_ms, now_ms + PACE_FIRST_MS);
}

void gate_open(struct gate *gate) { atomic_store(&gate->shut, false); }

bool gate_is_shut(const struct gate *gate) { return atomic_load(&gate->shut); }

bool gate_enter(struct gate *gate, uint64_t now_ms) {
    if (!gate_is_shut(gate)) return true;
    uint64_t next_ms = atomic_load(&gate->next_ms);
    uint32_t pace_ms = atomic_load(&gate->pace_ms);
    if (now_ms < next_ms || !atomic_compare_exchange_strong(&gate->next_ms, &next_ms, now_ms + pace_ms)) return false;
    atomic_store(&gate->pace_ms, 2 * pace_ms < PACE_LAST_MS ? 2 * pace_ms : PACE_LAST_MS);
    return true;
}

uint64_t gate_failures(const struct gate *gate) {
    uint64_t sum = 0;
    for (unsigned n = 0; n < REDIS_ERR_COUNT; n++) sum += atomic_load(&gate->failures[n]);
    return sum;
}
