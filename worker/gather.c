/* The pause before reading, as a small state machine. */
#include "worker/gather.h"

enum {
    AT_ONCE_US = 100,    /* an answer this fast means that the entries were there already */
    PAUSE_FIRST_US = 500,
    PAUSE_LAST_US = 4000,
    GATHERED_LEAST = 4,  /* fewer than this in a pause: it does not pay */
};

uint32_t gather_next(struct gather *gather, uint32_t count, uint32_t max, uint64_t waited_us) {
    uint32_t pause_us = gather->pause_us;
    if (count >= max / 2) pause_us /= 2;
    else if (pause_us == 0) pause_us = waited_us < AT_ONCE_US && count >= GATHERED_LEAST ? PAUSE_FIRST_US : 0;
    else if (count < GATHERED_LEAST) pause_us = 0;
    else pause_us *= 2;
    if (pause_us > PAUSE_LAST_US) pause_us = PAUSE_LAST_US;
    if (pause_us < PAUSE_FIRST_US) pause_us = 0;
    return gather->pause_us = pause_us;
}
