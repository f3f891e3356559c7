/* From an intent to the gist of it. */
#include "worker/gist.h"

#include <stddef.h>
#include <string.h>

static const struct intent blank;

/* Those that a partition is made of, and the fields they mostly have. */
static bool is_common(const struct intent *i) {
    static const uint64_t fields = FIELD_BIT(FIELD_v) | FIELD_BIT(FIELD_op) | FIELD_BIT(FIELD_source) | FIELD_BIT(FIELD_key) |
                                   FIELD_BIT(FIELD_at) | FIELD_BIT(FIELD_account) | FIELD_BIT(FIELD_to) | FIELD_BIT(FIELD_amount) |
                                   FIELD_BIT(FIELD_currency) | FIELD_BIT(FIELD_of) | FIELD_BIT(FIELD_of_at) | FIELD_BIT(FIELD_expires) |
                                   FIELD_BIT(FIELD_final) | FIELD_BIT(FIELD_allow_duplicate) | FIELD_BIT(FIELD_note);
    bool alone = i->op == OP_pay || i->op == OP_hold || i->op == OP_capture || i->op == OP_release || i->op == OP_refund ||
                 i->op == OP_rollback || i->op == OP_topup || i->op == OP_withdraw || i->op == OP_inquire; /* no follow-ups */
    return alone && (i->present & ~fields) == 0;
}

/* As much of it as there is. */
static struct intent *keep_whole(const struct intent *intent, struct arena *arena) {
    size_t size = intent->step_count > 0 ? sizeof *intent : offsetof(struct intent, lines) + intent->line_count * sizeof intent->lines[0];
    return memcpy(arena_take(arena, size), intent, size);
}

static const char *keep(struct arena *arena, const char *text) { return arena_text(arena, text, strlen(text)); }

void gist_keep(struct gist *gist, const struct intent *i, struct arena *arena) {
    gist->op = i->op;
    gist->keeps = (i->present & FIELD_BIT(FIELD_final)) && !i->final;
    gist->allow_duplicate = i->allow_duplicate;
    gist->amount_minor = i->amount_minor;
    gist->expires_ms = i->expires_ms;
    gist->of_at_ms = i->of_at_ms;
    gist->source = keep(arena, i->source);
    gist->key = keep(arena, i->key);
    gist->account = keep(arena, i->account);
    gist->to = keep(arena, i->to);
    gist->of = keep(arena, i->of);
    gist->currency = keep(arena, i->currency);
    gist->note = keep(arena, i->note);
    gist->intent = is_common(i) ? &blank : keep_whole(i, arena);
}

void gist_name_currency(struct gist *gist, const char *currency, struct arena *arena) {
    struct intent *named = keep_whole(gist->intent, arena);
    memcpy(named->currency, currency, sizeof named->currency);
    gist->intent = named;
    gist->currency = named->currency;
}

void gist_clear(struct gist *gist) {
    *gist = (struct gist){.source = "", .key = "", .account = "", .to = "", .of = "", .currency = "", .note = "", .intent = &blank};
}
