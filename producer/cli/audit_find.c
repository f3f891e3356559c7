/* What the audit found: the first ones in words, the rest counted. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "producer/cli/audit.h"

void audit_find(struct audit *a, const char *format, ...) {
    if (a->found++ >= AUDIT_SHOWN_MAX) return;
    struct audit_finding *f = &a->finding[a->found - 1];
    f->partition = a->part.partition;
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(f->text, sizeof f->text, format, arguments);
    va_end(arguments);
}

unsigned audit_currency(struct audit *a, const char *currency) {
    unsigned n = 0;
    while (n < a->currency_count && strcmp(a->currency[n], currency) != 0) n++;
    if (n < a->currency_count) return n;
    if (n == AUDIT_CURRENCIES_MAX) return n - 1; /* ISO 4217 has fewer: these are none, and were found to be none */
    snprintf(a->currency[n], sizeof a->currency[n], "%s", currency);
    a->currency_count++;
    return n;
}
