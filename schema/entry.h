/* Stream entry IDs: "MS-SEQ". The millisecond part is the clock of every decision. Pure and thread-safe. */
#ifndef SCHEMA_ENTRY_H
#define SCHEMA_ENTRY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { ENTRY_TEXT_MAX = 41 };

struct entry_id { uint64_t ms, seq; };

/* False when the text is not MS-SEQ in decimal as Redis writes it: no sign, no leading zeros, both fitting 64 bits. "MS" alone
 * is MS-0. `id` is only written on success. */
bool entry_id_parse(const char *text, size_t size, struct entry_id *id);
/* The same, but "MS" alone is refused: what Redis and Till write is never half an ID. */
bool entry_id_parse_whole(const char *text, size_t size, struct entry_id *id);
size_t entry_id_format(struct entry_id id, char out[ENTRY_TEXT_MAX + 1]);
/* <0, 0, >0 as a comes before, is, comes after b. */
int entry_id_compare(struct entry_id a, struct entry_id b);
/* The ID right after; the last possible one stays itself. */
struct entry_id entry_id_after(struct entry_id id);

#endif
