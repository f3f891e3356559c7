/* Reads kept answers. */
#include "producer/cli/kept.h"

enum { KEPT_COUNT = RESPONSE_TOLD_COUNT, MARK_COUNT = 2 }; /* the place stands where the reason is missing */

static bool is_answer(const struct pack_value *value) {
    return value->type == PACK_ARRAY && value->count >= KEPT_COUNT && value->count <= KEPT_COUNT + MARK_COUNT &&
           pack_at(value, 0).type == PACK_UINT;
}

uint32_t kept_open(struct pack_tree *tree, const char *bytes, size_t size, struct pack_value *root) {
    if (!pack_decode(tree, bytes, size, root) || root->type != PACK_ARRAY) return 0;
    if (is_answer(root)) return 1;
    for (uint32_t n = 0; n < root->count; n++) {
        struct pack_value one = pack_at(root, n);
        if (!is_answer(&one)) return 0;
    }
    return root->count;
}

bool kept_at(const struct pack_value *root, uint32_t n, struct pack_value *answer) {
    *answer = is_answer(root) ? *root : pack_at(root, n);
    return pack_at(answer, 0).number != 0;
}

struct pack_value kept_field(const struct pack_value *answer, enum response_field field) {
    return pack_at(answer, field < RESPONSE_REASON ? (uint32_t)field + 1 : (uint32_t)field);
}
