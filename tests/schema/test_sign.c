/* Signatures: any bit changed anywhere is noticed. */
#include <criterion/criterion.h>

#include "schema/sign.h"

Test(sign, every_changed_bit_is_noticed) {
    uint8_t key[SIGN_KEY_SIZE] = {1, 2, 3}, bytes[20] = "an intent", sig[SIGN_SIZE];
    sign_make(key, bytes, sizeof bytes, sig);
    cr_assert(sign_verify(key, bytes, sizeof bytes, sig, sizeof sig));
    struct { const char *name; uint8_t *at; size_t size; } parts[] = {
        {"key", key, sizeof key}, {"bytes", bytes, sizeof bytes}, {"sig", sig, sizeof sig},
    };
    for (size_t p = 0; p < 3; p++)
        for (size_t bit = 0; bit < parts[p].size * 8; bit++) {
            parts[p].at[bit / 8] ^= (uint8_t)(1u << bit % 8);
            cr_assert_not(sign_verify(key, bytes, sizeof bytes, sig, sizeof sig), "%s bit %zu", parts[p].name, bit);
            parts[p].at[bit / 8] ^= (uint8_t)(1u << bit % 8);
        }
    cr_assert(sign_verify(key, bytes, sizeof bytes, sig, sizeof sig));
}

Test(sign, only_the_whole_signature_counts) {
    uint8_t key[SIGN_KEY_SIZE] = {7}, sig[SIGN_SIZE + 1] = {0};
    sign_make(key, "x", 1, sig);
    for (size_t size = 0; size <= SIGN_SIZE + 1; size++)
        cr_assert(sign_verify(key, "x", 1, sig, size) == (size == SIGN_SIZE), "size %zu", size);
}
