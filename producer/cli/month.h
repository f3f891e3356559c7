/* Months as settlement counts them: 12 * year + month - 1, by an offset from UTC. Pure and thread-safe. */
#ifndef CLI_MONTH_H
#define CLI_MONTH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { MONTH_TEXT_SIZE = 8, MONTH_OFFSET_SIZE = 8 };

/* "2026-11", exactly, from 1970-01 on. */
bool month_parse(const char *text, size_t size, int *month);
void month_text(int month, char out[MONTH_TEXT_SIZE]);
/* When it begins by a policy's settlement_offset: minutes east of UTC, from 841 on 1440 - n minutes west. */
uint64_t month_begins(int month, unsigned offset);
/* "+08:00" */
void month_offset_text(unsigned offset, char out[MONTH_OFFSET_SIZE]);

#endif
