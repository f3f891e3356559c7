/* Elements of a digest that are made in more than one place. */
#include <string.h>

#include "producer/cli/digest_read.h"
#include "producer/cli/kept.h"
#include "schema/code.h"
#include "schema/ledger.h"

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

void digest_kept_answer(struct digest_element *e, const struct pack_value *answer) {
    digest_begin(e, "answer");
    for (enum response_field field = 0; field < RESPONSE_TOLD_COUNT; field++) {
        if (field == RESPONSE_REASON) add_text(e, code_word((int)kept_field(answer, RESPONSE_CODE).number));
        else add_value(e, kept_field(answer, field));
    }
}

bool digest_element_next(const struct digest_element *e, size_t *at, const char **text, size_t *size) {
    const uint8_t *bytes = e->bytes.data + *at;
    if (*at + 4 > e->bytes.size) return false;
    *size = bytes[0] | (size_t)bytes[1] << 8 | (size_t)bytes[2] << 16 | (size_t)bytes[3] << 24;
    *text = (const char *)bytes + 4;
    *at += 4 + *size;
    return *at <= e->bytes.size;
}
