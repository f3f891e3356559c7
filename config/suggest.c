/* Nearest known word to a mistyped one: optimal string alignment over three rows, and a limit to how far a guess may go. */
#include "config/suggest.h"

#include <ctype.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

enum { SUGGEST_BEGIN_MIN = 4 }; /* this much of a word's start stands for the word: password, password_file */

static unsigned suggest_min(unsigned a, unsigned b) {
    return a < b ? a : b;
}

static int suggest_fold(char c) {
    return c == '-' ? '_' : tolower((unsigned char)c);
}

unsigned suggest_distance(const char *a, const char *b) {
    size_t a_size = strlen(a), b_size = strlen(b);
    if (a_size > SUGGEST_WORD_MAX || b_size > SUGGEST_WORD_MAX) return SUGGEST_FAR;
    unsigned rows[3][SUGGEST_WORD_MAX + 1] = {0};
    for (size_t j = 0; j <= b_size; j++) rows[0][j] = (unsigned)j;
    for (size_t i = 1; i <= a_size; i++) {
        unsigned *row = rows[i % 3], *above = rows[(i + 2) % 3], *above2 = rows[(i + 1) % 3];
        row[0] = (unsigned)i;
        for (size_t j = 1; j <= b_size; j++) {
            int ca = suggest_fold(a[i - 1]), cb = suggest_fold(b[j - 1]);
            row[j] = suggest_min(suggest_min(above[j], row[j - 1]) + 1, above[j - 1] + (ca != cb));
            bool swapped = i > 1 && j > 1 && ca == suggest_fold(b[j - 2]) && cb == suggest_fold(a[i - 2]);
            if (swapped) row[j] = suggest_min(row[j], above2[j - 2] + 1);
        }
    }
    return rows[a_size % 3][b_size];
}

void suggest_init(struct suggest *suggest, const char *word) {
    *suggest = (struct suggest){.word = word, .distance = SUGGEST_FAR};
}

void suggest_offer(struct suggest *suggest, const char *candidate) {
    size_t size = strlen(suggest->word);
    bool begins = size >= SUGGEST_BEGIN_MIN && strncmp(suggest->word, candidate, size) == 0;
    unsigned distance = begins ? 1 : suggest_distance(suggest->word, candidate);
    if (distance >= suggest->distance) return;
    suggest->best = candidate;
    suggest->distance = distance;
}

const char *suggest_best(const struct suggest *suggest) {
    if (!suggest->best) return NULL;
    size_t longer = strlen(suggest->word) > strlen(suggest->best) ? strlen(suggest->word) : strlen(suggest->best);
    size_t limit = longer < 3 ? 0 : longer < 6 ? 2 : longer / 3;
    return suggest->distance <= limit && suggest->distance < longer - 1 ? suggest->best : NULL;
}
