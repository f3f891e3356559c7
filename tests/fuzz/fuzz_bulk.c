/* Fuzzes the splitters of bulk entries and of bulk answers: no bytes may crash them or lead a part out of its bounds, and what is taken
 * apart of an entry can be put together again. The first byte says how many of the rest are `sigs`. */
#include <assert.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "schema/answers.h"
#include "schema/bulk.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_part(const struct bulk_part *part, const uint8_t *from, const uint8_t *end) {
    const uint8_t *bytes = part->bytes;
    assert(bytes >= from && part->size > 0 && part->size <= (size_t)(end - bytes));
    assert(part->sig == NULL || part->sig_size == SIGN_SIZE);
}

static void check_again(const struct bulk_part *parts, unsigned count) {
    static struct bulk_writer writer;
    struct bulk_part again[BULK_INTENTS_MAX];
    size_t size, sigs_size = 0;
    unsigned found;
    bulk_begin(&writer);
    for (unsigned n = 0; n < count; n++)
        if (!bulk_add(&writer, parts[n].bytes, parts[n].size, parts[n].sig))
            return; /* it was filled to the brim, in shorter headers than ours */
    const void *intents = bulk_intents(&writer, &size), *sigs = bulk_sigs(&writer, &sigs_size);
    assert(bulk_split(intents, size, sigs, sigs_size, again, &found) == NULL && found == count);
    for (unsigned n = 0; n < count; n++) {
        assert(again[n].size == parts[n].size && memcmp(again[n].bytes, parts[n].bytes, parts[n].size) == 0);
        assert((again[n].sig == NULL) == (parts[n].sig == NULL));
    }
}

static void check_answers(const char *lines, size_t size) {
    struct answers walk;
    unsigned count = 0;
    answers_begin(&walk);
    answers_field(&walk, "source", 6, "shop", 4);
    answers_field(&walk, "at", 2, "9", 1);
    answers_field(&walk, "entry", 5, "9-0", 3);
    answers_field(&walk, "answers", 7, lines, size);
    for (; answers_next(&walk); count++) {
        assert(walk.line.text >= lines && walk.line.size <= (size_t)(lines + size - walk.line.text));
        assert(answers_is_last(&walk) == (walk.line.text + walk.line.size == lines + size));
        for (unsigned n = 0; n < RESPONSE_FIELD_COUNT; n++)
            for (size_t i = 0; i < walk.value[n].size; i++)
                assert(walk.value[n].text[i] != '\t' && walk.value[n].text[i] != '\n');
    }
    assert(walk.bulk && count <= ANSWERS_MAX && (walk.fault != NULL || count > 0));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    check_answers((const char *)data, size);
    struct bulk_part parts[BULK_INTENTS_MAX];
    unsigned count;
    if (size == 0)
        return 0;
    size_t sigs_size = data[0] < size ? data[0] : 0;
    const uint8_t *sigs = data + 1, *intents = sigs + (sigs_size ? sigs_size : 0);
    size_t intents_size = size - 1 - (sigs_size ? sigs_size : 0);
    if (sigs_size > size - 1 || bulk_split(intents, intents_size, sigs_size ? sigs : NULL, sigs_size, parts, &count) != NULL)
        return 0;
    assert(count >= BULK_INTENTS_MIN && count <= BULK_INTENTS_MAX);
    for (unsigned n = 0; n < count; n++)
        check_part(&parts[n], intents, intents + intents_size);
    bulk_split_traces(sigs, sigs_size, parts, count); /* whatever they are */
    for (unsigned n = 0; n < count; n++)
        assert(parts[n].trace == NULL || parts[n].trace_size <= sigs_size);
    check_again(parts, count);
    return 0;
}
