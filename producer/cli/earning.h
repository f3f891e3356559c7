/* What a merchant's shard says of its months, in the fields of its account: `earning`, `month:YYYY-MM` and, at its home, `fee:YYYY-MM`.
 * Pure and thread-safe. */
#ifndef CLI_EARNING_H
#define CLI_EARNING_H

#include <stdbool.h>
#include <stdint.h>

/* Of a month, or of some. */
struct earning_sums {
    int64_t gross, refunds, other;
};

enum earning_kind { EARNING_NONE, EARNING_SUMS, EARNING_FEE };

struct earning_field {
    enum earning_kind kind; /* EARNING_NONE: the field is about something else */
    int month;              /* month.h */
    struct earning_sums sums;
    bool settled;
    int64_t basis_points, fee_gross, fee;
    const char *partitions; /* "0,3,7": within the text that was read */
};

/* False when it is one of these fields, but malformed. */
bool earning_read(const char *name, const char *text, struct earning_field *out);
/* Goes through a fee's partitions: *list moves on. False at the end; *partition is UINT32_MAX when what stands there is none. */
bool earning_next_partition(const char **list, unsigned partitions, unsigned *partition);
/* Each false when it passes what can be counted. */
bool earning_add(int64_t *sum, int64_t amount);
bool earning_add_sums(struct earning_sums *sum, const struct earning_sums *more);
/* Basis points of an amount, half to even. */
int64_t earning_fee_on(int64_t gross, unsigned basis_points);

#endif
