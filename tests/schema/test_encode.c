/* Encoding: random intents there and back, buffers of every size, identities. */
#include <criterion/criterion.h>
#include <string.h>

#include "schema/intent.h"
#include "tests/schema/random_intent.h"

Test(encode, random_intents_there_and_back) {
    uint64_t state = random_seed("encode");
    uint64_t ops_seen = 0;
    for (int round = 0; round < 10000; round++) {
        struct intent intent = random_intent(&state), again;
        struct intent_fault fault;
        uint8_t bytes[INTENT_FOLLOW_UP_SIZE_MAX + 1];
        size_t size;
        char before[INTENT_FINGERPRINT_SIZE + 1], after[INTENT_FINGERPRINT_SIZE + 1];
        cr_assert_null(intent_check(&intent, &fault), "round %d: %s", round, fault.text);
        cr_assert(intent_encode(&intent, bytes, sizeof bytes, &size), "round %d", round);
        cr_assert(intent_decode(bytes, size, &again, &fault) == INTENT_OK, "round %d: %s", round, fault.text);
        cr_assert(intents_equal(&intent, &again), "round %d: %s", round, op_word(intent.op));
        intent_fingerprint(&intent, before);
        intent_fingerprint(&again, after);
        cr_assert_str_eq(before, after);
        ops_seen |= UINT64_C(1) << intent.op;
    }
    cr_assert(ops_seen == ((UINT64_C(1) << OP_COUNT) - 2), "every operation came");
}

Test(encode, a_buffer_too_small_is_told_and_not_passed) {
    uint64_t state = random_seed("encode, small");
    for (int round = 0; round < 50; round++) {
        struct intent intent = random_intent(&state);
        uint8_t bytes[INTENT_FOLLOW_UP_SIZE_MAX + 1];
        size_t size, needed;
        cr_assert(intent_encode(&intent, bytes, sizeof bytes, &needed));
        for (size_t capacity = 0; capacity <= needed; capacity++) {
            memset(bytes, 0x5a, needed + 1);
            cr_assert(intent_encode(&intent, bytes, capacity, &size) == (capacity == needed), "capacity %zu of %zu", capacity, needed);
            cr_assert(size <= capacity && bytes[capacity] == 0x5a, "capacity %zu", capacity);
        }
    }
}

Test(encode, identities) {
    struct intent intent = {.account = "alice", .source = "shop", .key = "k1", .of = "k0"};
    char identity[INTENT_IDENTITY_MAX + 1];
    cr_assert(intent_identity(&intent, identity) == 13);
    cr_assert_str_eq(identity, "alice/shop/k1");
    cr_assert(intent_identity_of(&intent, identity) == 13);
    cr_assert_str_eq(identity, "alice/shop/k0");
    memset(intent.account, 'a', INTENT_ACCOUNT_MAX);
    memset(intent.source, 's', INTENT_SOURCE_MAX);
    memset(intent.key, 'k', INTENT_FOLLOW_UP_KEY_MAX);
    cr_assert(intent_identity(&intent, identity) == INTENT_IDENTITY_MAX && strlen(identity) == INTENT_IDENTITY_MAX);
}
