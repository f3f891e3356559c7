/* From a password to the key that signs an account's intents: Argon2id, with a salt that anybody can compute (schema/README.md). */
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "producer/client.h"

/* Part of the contract: another cost is another credential. */
enum { ARGON_PASSES = 2, SALT_HASH_SIZE = 32, STACK_SIZE = 16384 };
#define ARGON_MEMORY (64 * 1024 * 1024)
_Static_assert(SALT_HASH_SIZE >= crypto_pwhash_SALTBYTES && crypto_pwhash_SALTBYTES == 16, "the salt is the head of the hash");
_Static_assert(TILL_CREDENTIAL_SIZE == 32 && TILL_PASSWORD_MAX == 1024, "schema/README.md");

static bool account_ok(const char *account) {
    struct intent scratch = {0};
    return account != NULL && account[0] != '@' && intent_set_text(&scratch, FIELD_account, account, strlen(account)) == NULL;
}

/* "BOOK/ACCOUNT": a book's name has no slash, so no two pairs meet. */
static void salt_make(const char *book, const char *account, uint8_t salt[SALT_HASH_SIZE]) {
    crypto_generichash_state state;
    crypto_generichash_init(&state, NULL, 0, SALT_HASH_SIZE);
    crypto_generichash_update(&state, (const uint8_t *)book, strlen(book));
    crypto_generichash_update(&state, (const uint8_t *)"/", 1);
    crypto_generichash_update(&state, (const uint8_t *)account, strlen(account));
    crypto_generichash_final(&state, salt, SALT_HASH_SIZE);
}

int till_credential(const char *book, const char *account, const char *password, size_t size, uint8_t out[TILL_CREDENTIAL_SIZE]) {
    uint8_t salt[SALT_HASH_SIZE];
    if (sodium_init() < 0)
        abort();
    sodium_memzero(out, TILL_CREDENTIAL_SIZE);
    book = book != NULL ? book : "till";
    if (!client_book_name_ok(book) || !account_ok(account) || password == NULL || size == 0 || size > TILL_PASSWORD_MAX)
        return TILL_INVALID;
    salt_make(book, account, salt);
    int failed = crypto_pwhash(out, TILL_CREDENTIAL_SIZE, password, size, salt, ARGON_PASSES, ARGON_MEMORY, crypto_pwhash_ALG_ARGON2ID13);
    sodium_stackzero(STACK_SIZE); /* the first hash of it leaves the password's last bytes behind, where the stack was */
    return failed ? TILL_BUSY : TILL_OK;
}
