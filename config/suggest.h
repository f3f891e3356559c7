/* Nearest known word to a mistyped one, for "did you mean". Pure. */
#ifndef CONFIG_SUGGEST_H
#define CONFIG_SUGGEST_H

enum { SUGGEST_WORD_MAX = 64, SUGGEST_FAR = 1000 };

/* Edits (insert, delete, replace, swap neighbours; case ignored) from one word to the other; SUGGEST_FAR when one is too long. */
unsigned suggest_distance(const char *a, const char *b);

struct suggest {
    const char *word; /* borrowed, as are the candidates, while the struct is in use */
    const char *best;
    unsigned distance;
};

void suggest_init(struct suggest *suggest, const char *word);
void suggest_offer(struct suggest *suggest, const char *candidate);
/* The nearest one offered, the first among equals; NULL when none is near enough to be a slip of the finger. */
const char *suggest_best(const struct suggest *suggest);

#endif
