/* The answers of a book in a file, to be held against those of another: a line for each, a JSON array of its partition, then the texts
 * `entry source key replayed op code reason account amount currency balance held bill at detail`. In any order. */
#ifndef CLI_DIGEST_ANSWERS_H
#define CLI_DIGEST_ANSWERS_H

#include <stdio.h>

#include "producer/digest.h"

/* `e`: an answer, as the digest takes it. */
void digest_answers_write(FILE *out, unsigned partition, const struct digest_element *e);

/* Says every answer of partitions for which `wanted` holds that is in one of the files only, or differs. How many; -1: a file cannot be
 * read. `got` is read from its beginning. */
int64_t digest_answers_compare(const char *expected_file, FILE *got, const bool *wanted,
                               void (*differs)(void *context, unsigned partition, const char *text), void *context);

#endif
