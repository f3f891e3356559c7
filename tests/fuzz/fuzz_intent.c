/* Fuzzes the decoder of intents: no bytes may crash it, and what it accepts must survive encoding and decoding unchanged. */
#include <assert.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "schema/code.h"
#include "schema/followup.h"
#include "schema/intent.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_fault(enum intent_err err, const struct intent *intent, const struct intent_fault *fault) {
    assert(memchr(fault->field, '\0', sizeof fault->field) != NULL && memchr(fault->text, '\0', sizeof fault->text) != NULL);
    assert((err == INTENT_OK) == (fault->text[0] == '\0'));
    assert(err != INTENT_INVALID ||
           (intent->source[0] != '\0' && strcmp(intent->source, INTENT_SOURCE_TILL) != 0 && fault->field[0] != '\0'));
}

/* The steps of a group by themselves, and what a follow-up is about: no bytes may lead those astray either. */
static void check_parts(const struct intent *intent) {
    char text[INTENT_IDENTITY_MAX + 1], fingerprint[INTENT_FINGERPRINT_SIZE + 1];
    struct followup_original original;
    struct intent_fault fault;
    for (unsigned n = 0; n < intent->step_count; n++) {
        struct intent alone;
        intent_step_alone(intent, n, &alone);
        assert(intent_check(&alone, &fault) == NULL);
        assert(intent_step_identity(intent, n, text) == strlen(text));
        intent_step_fingerprint(intent, n, fingerprint);
        assert(strcmp(alone.key, intent->steps[n].key) == 0);
    }
    (void)followup_original(intent, &original);
}

/* What would follow it, wherever it lay: the note stands for whatever its answer's detail may be. */
static void check_follow_ups(const struct intent *intent) {
    static const int codes[] = {CODE_ok, CODE_in_progress, CODE_wrong_state};
    const struct book book = {.name = "till", .partitions = 3};
    struct intent out;
    struct intent_fault fault;
    if (intent->currency[0] == '\0')
        return; /* whoever derives puts the account's there */
    for (unsigned n = 0; n < 3 * 3 * 3; n++)
        if (followup_derive(intent, codes[n % 3], true, "17-4", &book, n / 3 % 3, n / 9, intent->note, &out)) {
            bool to_itself = strcmp(out.to, out.account) == 0; /* of a forged key; the other side refuses it */
            assert((intent_check(&out, &fault) == NULL) != to_itself);
        }
}

/* What was decoded from here and from there: but for where `inner` lies they are the same to the byte. */
static void check_same(const struct intent *a, struct intent *b) {
    assert(a->inner_size == b->inner_size && (a->inner_size == 0 || memcmp(a->inner, b->inner, a->inner_size) == 0));
    b->inner = a->inner;
    assert(memcmp(a, b, sizeof *a) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct intent intent = {0}, again = {0}, own;
    struct intent_fault fault;
    if (followup_own((const char *)data, size, data, size, &own))
        assert(intent_check(&own, &fault) == NULL);
    enum intent_err err = intent_decode(data, size, &intent, &fault);
    check_fault(err, &intent, &fault);
    if (err != INTENT_OK)
        return 0;
    uint8_t bytes[INTENT_FOLLOW_UP_SIZE_MAX];
    size_t bytes_size;
    char before[INTENT_FINGERPRINT_SIZE + 1], after[INTENT_FINGERPRINT_SIZE + 1], identity[INTENT_IDENTITY_MAX + 1];
    assert(intent_check(&intent, &fault) == NULL);
    assert(intent_encode(&intent, bytes, sizeof bytes, &bytes_size));
    assert(intent_decode(bytes, bytes_size, &again, &fault) == INTENT_OK);
    check_same(&intent, &again);
    check_parts(&intent);
    check_follow_ups(&intent);
    intent_fingerprint(&intent, before);
    intent_fingerprint(&again, after);
    assert(strcmp(before, after) == 0);
    assert(intent_identity(&intent, identity) == strlen(identity));
    return 0;
}
