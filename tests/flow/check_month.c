/* The checker: months. What a merchant's shard counts of each is what its rows say; what was settled of it moved to the merchant's home
 * once, and the fee on it was taken once. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "tests/flow/check.h"

/* A month of a merchant, of all its shards. */
struct check_settlement {
    char name[INTENT_ACCOUNT_MAX + 10]; /* MERCHANT YYYY-MM */
    int64_t gross_minor;                /* that was settled */
    int64_t fee_gross_minor, fee_minor, basis_points; /* as the home has it */
    UT_hash_handle hh;
};

static struct check_settlement *settlement_of(struct check *check, const char *merchant, const char *month) {
    struct check_settlement *s;
    char name[INTENT_ACCOUNT_MAX + 10];
    snprintf(name, sizeof name, "%.64s %.7s", merchant, month);
    HASH_FIND_STR(check->settlements, name, s);
    if (s) return s;
    s = calloc(1, sizeof *s);
    if (!s) abort();
    memcpy(s->name, name, sizeof name);
    HASH_ADD_STR(check->settlements, name, s);
    return s;
}

static struct check_month *month_of(struct check *check, struct check_chain *chain, const char *text) {
    for (unsigned n = 0; n < chain->month_count; n++)
        if (strcmp(chain->months[n].text, text) == 0) return &chain->months[n];
    if (chain->month_count == CHECK_MONTHS_MAX) {
        check_fault(check, "%s: more than %d months", chain->account, CHECK_MONTHS_MAX);
        return &chain->months[0];
    }
    struct check_month *month = &chain->months[chain->month_count++];
    *month = (struct check_month){0};
    snprintf(month->text, sizeof month->text, "%.7s", text);
    return month;
}

void check_month_row(struct check *check, struct check_chain *chain, const struct ledger_row *row) {
    char text[8];
    struct tm tm;
    time_t seconds = (time_t)(row->at_ms / 1000);
    size_t size = strlen(row->account);
    if (row->amount_minor == 0) return;
    if (strcmp(row->op, "settle") == 0 || strcmp(row->op, "swept") == 0) {
        chain->swept_minor += row->amount_minor;
        return;
    }
    strftime(text, sizeof text, "%Y-%m", gmtime_r(&seconds, &tm));
    struct check_month *month = month_of(check, chain, text);
    bool own = strncmp(row->identity, row->account, size) == 0 && row->identity[size] == '/';
    if (own) month->other_minor += row->amount_minor;
    else if (row->amount_minor > 0) month->gross_minor += row->amount_minor;
    else month->refunds_minor -= row->amount_minor;
}

/* --- what the account says --- */

/* Takes the month out of the rows' ones: it must be the same. What of it was settled. */
static int64_t check_record(struct check *check, struct check_chain *chain, const char *text, const char *record) {
    int64_t gross, refunds, other;
    char settled[16] = "";
    struct check_month *month = month_of(check, chain, text);
    if (sscanf(record, "%" SCNd64 " %" SCNd64 " %" SCNd64 " %15s", &gross, &refunds, &other, settled) < 3 || gross != month->gross_minor ||
        refunds != month->refunds_minor || other != month->other_minor)
        check_fault(check, "%s: %s has '%s', by its rows it is %" PRId64 " %" PRId64 " %" PRId64, chain->account, text, record,
                    month->gross_minor, month->refunds_minor, month->other_minor);
    *month = (struct check_month){.text = "-"};
    if (strcmp(settled, "settled") != 0) return 0;
    settlement_of(check, chain->account, text)->gross_minor += gross;
    return gross - refunds;
}

/* The fee of a month: on what those partitions took that it names. What of it was taken. */
static int64_t check_fee(struct check *check, const struct check_chain *chain, const char *month, const char *record) {
    struct check_settlement *s = settlement_of(check, chain->account, month);
    char partitions[512];
    if (sscanf(record, "%" SCNd64 " %" SCNd64 " %" SCNd64 " %511s", &s->basis_points, &s->fee_gross_minor, &s->fee_minor, partitions) != 4)
        check_fault(check, "%s: the fee of %s is '%s'", chain->account, month, record);
    return s->fee_minor;
}

void check_months(struct check *check, struct check_chain *chain, const char *key) {
    struct reply h;
    int64_t swept_minor = 0;
    if (chain->account[0] == '@' || flow_call(check->flow, &h, "HGETALL", key, NULL)) return;
    if (strcmp(check_field(h, "kind", NULL), "merchant") != 0) return;
    for (size_t n = 0; n + 1 < reply_count(h); n += 2) {
        const char *name = reply_text(reply_at(h, n), NULL), *value = reply_text(reply_at(h, n + 1), NULL);
        char month[8];
        if (strcmp(name, "earning") == 0) {
            snprintf(month, sizeof month, "%.7s", value);
            check_record(check, chain, month, value + strlen(month));
        } else if (strncmp(name, "month:", 6) == 0) {
            swept_minor -= check_record(check, chain, name + 6, value);
        } else if (strncmp(name, "fee:", 4) == 0) {
            check_fee(check, chain, name + 4, value);
        }
    }
    for (unsigned n = 0; n < chain->month_count; n++)
        if (chain->months[n].text[0] != '-') check_fault(check, "%s: it knows nothing of %s", chain->account, chain->months[n].text);
    check->swept_minor += chain->swept_minor;
    bool home = keys_partition(&check->flow->book, chain->account, strlen(chain->account)) == check->partition;
    if (!home && swept_minor != chain->swept_minor)
        check_fault(check, "%s: settlement moved %" PRId64 ", %" PRId64 " were to go", chain->account, chain->swept_minor, swept_minor);
}

/* Half to even. */
static int64_t fee_of(const struct check_settlement *s) {
    __int128 parts = (__int128)s->basis_points * s->fee_gross_minor;
    int64_t whole = (int64_t)(parts / 10000), rest = (int64_t)(parts % 10000);
    return whole + (rest > 5000 || (rest == 5000 && whole % 2 == 1));
}

void check_settlements(struct check *check) {
    struct check_settlement *s, *next;
    HASH_ITER(hh, check->settlements, s, next) {
        if (s->gross_minor != s->fee_gross_minor || s->fee_minor != fee_of(s))
            check_fault(check, "%s: %" PRId64 " were settled; the fee is %" PRId64 " on %" PRId64, s->name, s->gross_minor, s->fee_minor,
                        s->fee_gross_minor);
        check->swept_minor += s->fee_minor;
        HASH_DEL(check->settlements, s);
        free(s);
    }
    if (check->swept_minor != 0) check_fault(check, "settlement made %" PRId64 " out of nothing", check->swept_minor);
}
