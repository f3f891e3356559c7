/* Fuzzes the decoder of intents: no bytes may crash it, and what it accepts must survive encoding and decoding unchanged. */
#include <assert.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "schema/intent.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_fault(enum intent_err err, const struct intent *intent, const struct intent_fault *fault) {
    assert(memchr(fault->field, '\0', sizeof fault->field) != NULL && memchr(fault->text, '\0', sizeof fault->text) != NULL);
    assert((err == INTENT_OK) == (fault->text[0] == '\0'));
    assert(err != INTENT_INVALID ||
           (intent->source[0] != '\0' && strcmp(intent->source, INTENT_SOURCE_TILL) != 0 && fault->field[0] != '\0'));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct intent intent, again;
    struct intent_fault fault;
    enum intent_err err = intent_decode(data, size, &intent, &fault);
    check_fault(err, &intent, &fault);
    if (err != INTENT_OK)
        return 0;
    uint8_t bytes[INTENT_SIZE_MAX];
    size_t bytes_size;
    char before[INTENT_FINGERPRINT_SIZE + 1], after[INTENT_FINGERPRINT_SIZE + 1], identity[INTENT_IDENTITY_MAX + 1];
    assert(intent_check(&intent, &fault) == NULL);
    assert(intent_encode(&intent, bytes, sizeof bytes, &bytes_size));
    assert(intent_decode(bytes, bytes_size, &again, &fault) == INTENT_OK);
    assert(memcmp(&intent, &again, sizeof intent) == 0);
    intent_fingerprint(&intent, before);
    intent_fingerprint(&again, after);
    assert(strcmp(before, after) == 0);
    assert(intent_identity(&intent, identity) == strlen(identity));
    return 0;
}
