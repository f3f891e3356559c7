/* The answer codes' words, sentences and classes, from code.def. */
#include "schema/code.h"

#include <string.h>

struct code_row {
    int number;
    const char *word, *sentence;
    size_t word_size;
    enum code_class class;
};
static const struct code_row code_rows[] = {
#define X(number, word, class, sentence) {number, #word, sentence, sizeof #word - 1, CODE_CLASS_##class},
#include "schema/code.def"
#undef X
};
enum { CODE_ROWS_COUNT = sizeof code_rows / sizeof code_rows[0] };

static const struct code_row *code_row(int code) {
    static const struct code_row unknown = {0, "unknown", "not a code this version knows", 7, CODE_CLASS_MALFORMED};
    for (size_t i = 0; i < CODE_ROWS_COUNT; i++)
        if (code_rows[i].number == code)
            return &code_rows[i];
    return &unknown;
}

const char *code_word(int code) {
    return code_row(code)->word;
}

const char *code_sentence(int code) {
    return code_row(code)->sentence;
}

enum code_class code_class(int code) {
    return code_row(code)->class;
}

bool code_of_word(const char *word, size_t size, int *code) {
    for (size_t i = 0; i < CODE_ROWS_COUNT; i++)
        if (code_rows[i].word_size == size && memcmp(code_rows[i].word, word, size) == 0) {
            *code = code_rows[i].number;
            return true;
        }
    return false;
}
