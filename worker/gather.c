/* The pause before reading. */
#include "worker/gather.h"

#include <stdbool.h>

enum {
    AT_ONCE_US = 100,    /* an answer this fast means that the entries were there already */
    PAUSE_FIRST_US = 300,
    PAUSE_LAST_US = 20000,
    GATHERED_LEAST = 4,  /* fewer than this in a pause: it does not pay */
};

uint32_t gather_next(struct gather *gather, uint32_t count, uint32_t max, uint64_t waited_us, uint64_t took_us) {
    bool busy = count >= GATHERED_LEAST && (gather->pause_us > 0 || waited_us < AT_ONCE_US);
    uint64_t pause_us = busy && count < max - max / 4 ? 2 * took_us : 0;
    if (pause_us > PAUSE_LAST_US) pause_us = PAUSE_LAST_US;
    if (pause_us < PAUSE_FIRST_US) pause_us = busy && pause_us > 0 ? PAUSE_FIRST_US : 0;
    return gather->pause_us = (uint32_t)pause_us;
}
