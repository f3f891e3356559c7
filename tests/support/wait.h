/* Waiting for a condition with a deadline, instead of sleeping. */
#ifndef TESTS_SUPPORT_WAIT_H
#define TESTS_SUPPORT_WAIT_H

#include <stdbool.h>
#include <stdint.h>

/* Milliseconds of the monotonic clock. */
int64_t wait_now_ms(void);
/* How long is fair here: $TILL_SLOW times as long, where workers are slowed down by a sanitizer. */
int64_t wait_fair_ms(int64_t timeout_ms);
/* Lets time pass, where it is the time itself that is wanted: everything else is waited for. */
void wait_pass(int ms);
/* Sleeps 2 ms; false when the deadline (of wait_now_ms) has come. */
bool wait_more(int64_t deadline_ms);

/* Evaluates the condition again and again until it holds or the (fair) time is over; the value says which.
 *
 *     cr_assert(WAIT_UNTIL(server_integer(&server, "XLEN", key, NULL) == 3, 5000)); */
#define WAIT_UNTIL(condition, timeout_ms) \
    __extension__({ \
        int64_t wait_deadline_ms_ = wait_now_ms() + wait_fair_ms(timeout_ms); \
        bool wait_holds_; \
        while (!(wait_holds_ = (condition))) \
            if (!wait_more(wait_deadline_ms_)) break; \
        wait_holds_; \
    })

#endif
