/* Reads partitions of a book for their digests, while workers may go on: a partition that changed meanwhile is read again. */
#ifndef CLI_DIGEST_READ_H
#define CLI_DIGEST_READ_H

#include <stdio.h>

#include "producer/cli/connect.h"
#include "producer/digest.h"

/* Into out[p] for every wanted p below the book's partitions; up to `tries` times, until it stands still for as long as that takes. One
 * that never did is marked as moved. Each answer of partitions that did not move is written into `answers` too, as digest_answers.h tells,
 * unless that is NULL. CLI_OK or an exit code, said. */
int digest_read(struct connection *c, const bool *wanted, unsigned tries, struct digest_partition *out, FILE *answers)
    __attribute__((warn_unused_result));

/* Elements that others have elsewhere too: a row as an archive has it; an answer that is kept (kept.h). */
struct ledger_row;
void digest_row(struct digest_element *e, const struct ledger_row *row);
struct pack_value;
void digest_kept_answer(struct digest_element *e, const struct pack_value *answer);
/* The next text of an element; false behind the last. Start with *at = 0. */
bool digest_element_next(const struct digest_element *e, size_t *at, const char **text, size_t *size);

#endif
