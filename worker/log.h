/* The worker's voice: one line per event on stderr, logfmt or JSON. Never an intent's body, never a secret, never a line per payment at the
 * default level. Thread-safe: a line is one write(2).
 *
 *     log_event(LOG_INFO, "partition_taken", {"partition", LOG_N(p)}, {"epoch", LOG_N(e)}, {"from", LOG_S(name)});
 */
#ifndef WORKER_LOG_H
#define WORKER_LOG_H

#include <stdbool.h>
#include <stdint.h>

enum log_level { LOG_ERROR, LOG_WARN, LOG_INFO, LOG_DEBUG };

/* A value of a line: text (borrowed) or number. */
struct log_value {
    const char *text;
    int64_t number;
};
#define LOG_S(s) ((struct log_value){.text = (s)})
#define LOG_N(n) ((struct log_value){.number = (int64_t)(n)})

struct log_field {
    const char *name;
    struct log_value value;
};

/* May be called again at any time (SIGHUP). */
void log_configure(enum log_level level, bool json);

/* Fields up to one without a name. */
void log_fields(enum log_level level, const char *event, const struct log_field *fields);
#define log_event(level, event, ...) log_fields((level), (event), (const struct log_field[]){__VA_ARGS__ __VA_OPT__(,) {0}})

#endif
