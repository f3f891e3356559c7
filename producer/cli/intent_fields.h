/* An intent from what a command was given, as text. */
#ifndef CLI_INTENT_FIELDS_H
#define CLI_INTENT_FIELDS_H

#include "schema/intent.h"

#define INTENT_SOURCE_CLI "cli" /* unless --source says otherwise */

/* Sets one field from text as typed: numbers in digits, times as when.h reads them, a flag from anything but "false". NULL, or what is
 * wrong. */
const char *intent_fields_set(struct intent *intent, enum field field, const char *text);
/* A text field, as given: like intent_set_text, but the workers' own source is not for anybody else. */
const char *intent_fields_set_text(struct intent *intent, enum field field, const char *text, size_t size);
/* Fills in what is missing of v, at, source and key; `source` NULL: "cli". */
void intent_fields_complete(struct intent *intent, const char *source);

#endif
