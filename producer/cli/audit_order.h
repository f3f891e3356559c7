/* What the audit reads of an order, or of an article. */
#ifndef CLI_AUDIT_ORDER_H
#define CLI_AUDIT_ORDER_H

#include "producer/cli/audit.h"

enum { ORDER_NAME_SIZE = 256, ORDER_DAY_MS = 86400000 };

struct order {
    unsigned partition;
    bool is_article;
    char name[ORDER_NAME_SIZE]; /* MERCHANT/ORDER, MERCHANT/SKU */
    char state[16], entry[ENTRY_TEXT_MAX + 1], identity[360], to[70], payer[360];
    uint64_t amount_minor, deadline_ms, changed_ms; /* deadline 0: none asked */
    struct entry_id at;
    bool present; /* it could be read */
    bool odd;     /* what it was looked up by does not fit */
    bool billed;  /* who paid it has a bill that says something of it */
    char shown[64]; /* what was found instead */
};

/* HMGET of its fields on the side connection. */
void audit_order_append(struct audit *a, const struct order *o);
/* NULL, or what is wrong with the hash by itself. Of one that is not there: NULL, not present. */
const char *audit_order_parse(struct order *o, struct reply hash);
const char *audit_article_parse(struct order *o, struct reply hash);
/* May it fall due then? */
bool audit_order_is_due(const struct order *o, uint64_t time_ms);
/* "lapse|ENTRY|IDENTITY ORDER"; the size. */
size_t audit_order_member(const struct order *o, char *out, size_t capacity);

#endif
