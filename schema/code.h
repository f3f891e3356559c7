/* Answer codes: what became of an intent. See code.def for the list. Pure and thread-safe. */
#ifndef SCHEMA_CODE_H
#define SCHEMA_CODE_H

#include <stdbool.h>
#include <stddef.h>

enum code_class { CODE_CLASS_DECIDED, CODE_CLASS_MALFORMED, CODE_CLASS_NOT_NOW, CODE_CLASS_CLIENT };

enum code {
#define X(number, word, class, sentence) CODE_##word = (number),
#include "schema/code.def"
#undef X
};

/* The code's word ("insufficient_funds"), its sentence for people, its class. An unknown number gives "unknown" and
 * CODE_CLASS_MALFORMED. The strings are static. */
const char *code_word(int code);
const char *code_sentence(int code);
enum code_class code_class(int code);

/* The number of a word of this size; false when there is no such word. */
bool code_of_word(const char *word, size_t size, int *code);

#endif
