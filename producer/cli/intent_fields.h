/* An intent from what a command was given, as text. */
#ifndef CLI_INTENT_FIELDS_H
#define CLI_INTENT_FIELDS_H

#include "schema/intent.h"

#define INTENT_SOURCE_CLI "cli" /* unless --source says otherwise */

/* Sets one field from text as typed: numbers in digits, times and lengths of time as when.h reads them, yes or no ("" is yes: a flag), a
 * guard as seq=3,balance_min=100, a quantity as +5 or -5, of lines one more as tea=2. NULL, or what is wrong. */
const char *intent_fields_set(struct intent *intent, enum field field, const char *text);
/* Sets one setting of a policy, typed as fee=250, duplicate_window=30s, bills_keep=90d. */
const char *intent_fields_setting(struct intent *intent, const char *text);
/* The currency of an intent that needs one and does not say it; NULL: none. */
void intent_fields_currency(struct intent *intent, const char *currency);
/* A text field, as given: like intent_set_text, but the workers' own source is not for anybody else. */
const char *intent_fields_set_text(struct intent *intent, enum field field, const char *text, size_t size);
/* Fills in what is missing of v, at, source and key, and the account of a policy; `source` NULL: "cli". */
void intent_fields_complete(struct intent *intent, const char *source);

#endif
