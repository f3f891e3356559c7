/* The book's own signature on follow-up intents: HMAC-SHA256 (libsodium) of the `intent` bytes. Pure and thread-safe. */
#ifndef SCHEMA_SIGN_H
#define SCHEMA_SIGN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { SIGN_KEY_SIZE = 32, SIGN_SIZE = 32 };

void sign_make(const uint8_t key[SIGN_KEY_SIZE], const void *bytes, size_t size, uint8_t out[SIGN_SIZE]);
/* Constant time. */
bool sign_verify(const uint8_t key[SIGN_KEY_SIZE], const void *bytes, size_t size, const void *sig, size_t sig_size);

#endif
