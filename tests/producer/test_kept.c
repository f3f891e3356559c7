/* What Redis keeps of answers that are not given yet: alone or several, with and without a mark and a traceparent. */
#include <criterion/criterion.h>

#include "producer/cli/kept.h"

/* An array of so many values, the first of them a number, the sixth, the code, too. */
static void pack_answer(struct pack_writer *w, uint32_t values, uint64_t place) {
    pack_array(w, values);
    for (uint32_t n = 0; n < values; n++) {
        if (n == 0 || n == 4) pack_uint(w, n == 0 ? place : 3);
        else pack_text(w, "x", 1);
    }
}

static uint32_t open_kept(struct pack_tree *tree, uint32_t several, uint32_t values, struct pack_value *root) {
    static uint8_t bytes[1000];
    struct pack_writer w;
    pack_writer_init(&w, bytes, sizeof bytes);
    if (several) pack_array(&w, several);
    for (uint32_t n = 0; n < (several ? several : 1); n++) pack_answer(&w, values, n);
    cr_assert(!w.full);
    return kept_open(tree, (const char *)bytes, w.size, root);
}

Test(kept, alone_or_several) {
    static const struct { uint32_t values; bool good; } rows[] = {{14, false}, {15, true}, {16, true}, {17, true}, {18, false}};
    struct pack_tree *tree = pack_tree_new();
    struct pack_value root, answer;
    for (size_t n = 0; n < sizeof rows / sizeof *rows; n++) {
        cr_expect_eq(open_kept(tree, 0, rows[n].values, &root), rows[n].good ? 1 : 0, "%u values", rows[n].values);
        cr_expect_eq(open_kept(tree, 3, rows[n].values, &root), rows[n].good ? 3 : 0, "%u values, three times", rows[n].values);
        if (!rows[n].good) continue;
        cr_expect(!kept_at(&root, 0, &answer), "nobody is told");
        cr_expect(kept_at(&root, 2, &answer) && kept_field(&answer, RESPONSE_CODE).number == 3, "%u values", rows[n].values);
    }
    pack_tree_free(tree);
}
