/* What a setting takes and does, in the words of the manual, the sample till.yaml and the page till.yaml(5). Pure. */
#ifndef CONFIG_PARAM_WORDS_H
#define CONFIG_PARAM_WORDS_H

#include "config/param.h"

enum { PARAM_WORDS_MAX = 256 };

/* "10ms to 1m", "1 to 32 bytes", "halt, continue". */
void param_words_bounds(const struct param *param, char *out, size_t capacity);
/* "duration", "whole number, entries". */
void param_words_kind(const struct param *param, char *out, size_t capacity);
/* Its help, without the words of a choice. */
void param_words_help(const struct param *param, char *out, size_t capacity);

#endif
