/* Reads what a merchant's shard says of its months. */
#include "producer/cli/earning.h"

#include <stdlib.h>
#include <string.h>

#include "producer/cli/month.h"
#include "schema/intent.h"

/* The next number, and the space behind it, if any. */
static bool take_number(const char **at, int64_t *number) {
    char *end;
    size_t digits = strspn(*at + (**at == '-'), "0123456789");
    if (digits == 0 || digits > 16) return false;
    *number = strtoll(*at, &end, 10);
    *at = end + (*end == ' ');
    return *number >= -INTENT_AMOUNT_MAX && *number <= INTENT_AMOUNT_MAX && (*end == ' ' || *end == '\0');
}

/* "GROSS REFUNDS OTHER", perhaps with "settled". */
static bool read_sums(const char *text, struct earning_field *out) {
    struct earning_sums *sums = &out->sums;
    out->kind = EARNING_SUMS;
    if (!take_number(&text, &sums->gross) || !take_number(&text, &sums->refunds) || !take_number(&text, &sums->other)) return false;
    out->settled = strcmp(text, "settled") == 0;
    return (*text == '\0' || out->settled) && sums->gross >= 0 && sums->refunds >= 0;
}

/* "BP GROSS FEE PARTITIONS". */
static bool read_fee(const char *text, struct earning_field *out) {
    out->kind = EARNING_FEE;
    bool fine = take_number(&text, &out->basis_points) && take_number(&text, &out->fee_gross) && take_number(&text, &out->fee);
    out->partitions = text;
    return fine && out->basis_points >= 0 && out->basis_points <= 10000 && out->fee_gross >= 0 && out->fee >= 0;
}

bool earning_read(const char *name, const char *text, struct earning_field *out) {
    bool month = strncmp(name, "month:", 6) == 0, fee = strncmp(name, "fee:", 4) == 0;
    *out = (struct earning_field){0};
    if (strcmp(name, "earning") == 0)
        return strlen(text) > 8 && text[7] == ' ' && month_parse(text, 7, &out->month) && read_sums(text + 8, out) && !out->settled;
    if (!month && !fee) return true;
    name += month ? 6 : 4;
    if (!month_parse(name, strlen(name), &out->month)) return false;
    return month ? read_sums(text, out) : read_fee(text, out);
}

bool earning_next_partition(const char **list, unsigned partitions, unsigned *partition) {
    char *end;
    if (**list == '\0') return false;
    unsigned long number = strtoul(*list, &end, 10);
    bool fine = end != *list && **list >= '0' && **list <= '9' && (*end == ',' || *end == '\0') && number < partitions;
    *partition = fine ? (unsigned)number : UINT32_MAX;
    *list += strcspn(*list, ",");
    *list += **list == ',';
    return true;
}

bool earning_add(int64_t *sum, int64_t amount) { return !__builtin_add_overflow(*sum, amount, sum); }

bool earning_add_sums(struct earning_sums *sum, const struct earning_sums *more) {
    return earning_add(&sum->gross, more->gross) && earning_add(&sum->refunds, more->refunds) && earning_add(&sum->other, more->other);
}

int64_t earning_fee_on(int64_t gross, unsigned basis_points) {
    int64_t rest = gross % 10000 * basis_points, fee = gross / 10000 * basis_points + rest / 10000, over = rest % 10000;
    return fee + (over > 5000 || (over == 5000 && fee % 2 == 1));
}
