/* Who may come in: tokens, of which only hashes are kept. A file has a line `NAME HASH` for each; several of one name are fine, so that a
 * token can be replaced without a gap. A token is 256 bits of chance, so a plain hash hides it well enough. */
#ifndef GATEWAY_TOKENS_H
#define GATEWAY_TOKENS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { TOKENS_NAME_SIZE = 33, TOKENS_HASH_SIZE = 32, TOKENS_TEXT_SIZE = 64, TOKENS_MAX = 1024, TOKENS_WHY_SIZE = 400 };

struct tokens {
    struct token {
        char name[TOKENS_NAME_SIZE];
        uint8_t hash[TOKENS_HASH_SIZE];
    } *list;
    size_t count;
};

/* False: `why` says what is wrong with the file. Only its owner may be able to write it. */
bool tokens_read(struct tokens *tokens, const char *path, char why[TOKENS_WHY_SIZE]) __attribute__((warn_unused_result));
void tokens_clear(struct tokens *tokens);
/* Whose token this is, NULL: nobody's. Takes equally long whatever is wrong with it. */
const char *tokens_find(const struct tokens *tokens, const char *token);
/* A new token, added to the file (made if it is not there) under this name. False: `why`. */
bool tokens_add(const char *path, const char *name, char token[TOKENS_TEXT_SIZE], char why[TOKENS_WHY_SIZE])
    __attribute__((warn_unused_result));

#endif
