/* HMAC-SHA256 of follow-up intents under the book's secret. */
#include "schema/sign.h"

#include <sodium.h>

_Static_assert(SIGN_KEY_SIZE == crypto_auth_hmacsha256_KEYBYTES, "libsodium's key");
_Static_assert(SIGN_SIZE == crypto_auth_hmacsha256_BYTES, "libsodium's signature");

void sign_make(const uint8_t key[SIGN_KEY_SIZE], const void *bytes, size_t size, uint8_t out[SIGN_SIZE]) {
    crypto_auth_hmacsha256(out, bytes, size, key);
}

bool sign_verify(const uint8_t key[SIGN_KEY_SIZE], const void *bytes, size_t size, const void *sig, size_t sig_size) {
    return sig_size == SIGN_SIZE && crypto_auth_hmacsha256_verify(sig, bytes, size, key) == 0;
}
