/* Idempotency keys for callers who bring none: UUIDv7 (RFC 9562), so that they sort by time. */
#include <sodium.h>
#include <stdint.h>
#include <stdlib.h>

#include "producer/client.h"

void till_key(char out[TILL_UUID_SIZE]) {
    static const char hex[] = "0123456789abcdef";
    uint8_t bytes[16];
    uint64_t ms = client_wall_ms();
    if (sodium_init() < 0)
        abort(); /* no randomness: a key that repeats would swallow a payment */
    randombytes_buf(bytes, sizeof bytes);
    for (int i = 0; i < 6; i++)
        bytes[i] = (uint8_t)(ms >> (40 - 8 * i));
    bytes[6] = (uint8_t)(0x70 | (bytes[6] & 0x0f));
    bytes[8] = (uint8_t)(0x80 | (bytes[8] & 0x3f));
    for (int i = 0; i < 16; i++) {
        if (i == 4 || i == 6 || i == 8 || i == 10)
            *out++ = '-';
        *out++ = hex[bytes[i] >> 4];
        *out++ = hex[bytes[i] & 15];
    }
    *out = '\0';
}
