/* Elements of a digest that are made in more than one place. */
#include <string.h>

#include "producer/cli/digest_read.h"
#include "schema/code.h"
#include "schema/ledger.h"
#include "schema/response.h"

static void add_text(struct digest_element *e, const char *text) { digest_text(e, text, strlen(text)); }

void digest_row(struct digest_element *e, const struct ledger_row *row) {
    digest_begin(e, "row");
    add_text(e, row->bill);
    add_text(e, row->identity);
    add_text(e, row->op);
    add_text(e, row->account);
    digest_number(e, row->amount_minor);
    digest_number(e, row->hold_minor);
    digest_number(e, row->balance_minor);
    digest_number(e, row->held_minor);
    digest_number(e, (int64_t)row->seq);
    digest_number(e, (int64_t)row->at_ms);
    add_text(e, row->note);
}

static void add_value(struct digest_element *e, struct pack_value v) {
    if (v.type == PACK_UINT) digest_number(e, (int64_t)v.number);
    else if (v.type == PACK_NEGATIVE) digest_number(e, v.negative);
    else digest_text(e, v.bytes, v.type == PACK_TEXT || v.type == PACK_BYTES ? v.count : 0);
}

/* [place of its stream, then the fields of the answer but for the reason, which the code tells]. */
bool digest_kept_answer(struct digest_element *e, struct pack_tree *tree, const char *bytes, size_t size) {
    struct pack_value root;
    if (!pack_decode(tree, bytes, size, &root) || root.type != PACK_ARRAY || root.count != RESPONSE_FIELD_COUNT) return false;
    struct pack_value place = pack_at(&root, 0);
    if (place.type != PACK_UINT || place.number == 0) return false;
    digest_begin(e, "answer");
    for (uint32_t n = 1; n < root.count; n++) {
        struct pack_value value = pack_at(&root, n);
        add_value(e, value);
        if (n == RESPONSE_CODE + 1) add_text(e, code_word((int)value.number));
    }
    return true;
}

bool digest_element_next(const struct digest_element *e, size_t *at, const char **text, size_t *size) {
    const uint8_t *bytes = e->bytes.data + *at;
    if (*at + 4 > e->bytes.size) return false;
    *size = bytes[0] | (size_t)bytes[1] << 8 | (size_t)bytes[2] << 16 | (size_t)bytes[3] << 24;
    *text = (const char *)bytes + 4;
    *at += 4 + *size;
    return *at <= e->bytes.size;
}
