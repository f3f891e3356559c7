/* What the reference model expects to find, as text. */
#include "tests/worker/model.h"

#include <inttypes.h>
#include <string.h>

#include "schema/keys.h"
#include "tests/worker/model_state.h"

enum { KEEP_DAYS = 180 };

static void dump_account(const struct model_account *a, FILE *out) {
    if (a->opened_ms == 0) return; /* a system account without a posting */
    fprintf(out, "account:%s balance=%" PRId64 "\n", a->name, a->balance);
    fprintf(out, "account:%s changed=%" PRIu64 "\n", a->name, a->changed_ms);
    fprintf(out, "account:%s currency=%s\n", a->name, a->currency);
    fprintf(out, "account:%s held=0\n", a->name);
    fprintf(out, "account:%s kind=%s\n", a->name, a->kind);
    fprintf(out, "account:%s opened=%" PRIu64 "\n", a->name, a->opened_ms);
    fprintf(out, "account:%s seq=%" PRId64 "\n", a->name, a->seq);
    fprintf(out, "account:%s status=%s\n", a->name, a->status);
}

static void dump_bill(const struct model_bill *b, FILE *out) {
    char fingerprint[INTENT_FINGERPRINT_SIZE + 1], day[9];
    const struct intent *i = &b->intent;
    intent_fingerprint(i, fingerprint);
    keys_day_text((uint32_t)b->day, day);
    fprintf(out, "bills:%s %s/%s/%s=%s|%d|%s|%s|", day, i->account, i->source, i->key, fingerprint, b->code, op_word(i->op), b->number);
    fprintf(out, "%s|%s|%s|%s|", b->amount, b->currency, b->balance, b->held);
    fprintf(out, "%" PRIu64 "|%" PRIu64 "-%" PRIu64 "|", b->id.ms, b->id.ms, b->id.seq);
    fprintf(out, "%s|%s|%" PRId64 "|%" PRId64 "|%s\n", b->to, b->state, b->captured, b->refunded, b->detail);
}

static void dump_meta(const struct model *m, const struct model_shard *s, FILE *out) {
    fprintf(out, "meta applied=%" PRIu64 "-%" PRIu64 "\n", s->applied.ms, s->applied.seq);
    fprintf(out, "meta bill=%" PRIu64 "\n", s->bill);
    for (unsigned p = 0; p < m->partitions; p++)
        if (s->has_from[p]) fprintf(out, "meta from:%u=%" PRIu64 "-%" PRIu64 "\n", p, s->from[p].ms, s->from[p].seq);
}

void model_dump(const struct model *m, unsigned partition, FILE *out) {
    const struct model_shard *s = &m->shards[partition];
    uint64_t today = s->applied.ms / 86400000;
    for (size_t n = 0; n < m->account_count; n++)
        if (m->accounts[n].partition == partition) dump_account(&m->accounts[n], out);
    for (size_t n = 0; n < m->bill_count; n++)
        if (m->bills[n].partition == partition && m->bills[n].day + KEEP_DAYS >= today) dump_bill(&m->bills[n], out);
    for (size_t n = 0; n < m->row_count; n++)
        if (m->rows[n].partition == partition) fprintf(out, "%s\n", m->rows[n].text);
    for (size_t n = 0; n < m->answer_count; n++)
        if (m->answers[n].partition == partition) fprintf(out, "%s\n", m->answers[n].text);
    dump_meta(m, s, out);
}

void model_dump_prompt(const struct model *m, unsigned partition, const char *source, FILE *out) {
    for (size_t n = 0; n < m->answer_count; n++) {
        const struct model_line *l = &m->answers[n];
        if (l->partition == partition && l->prompt && strcmp(l->source, source) == 0) fprintf(out, "%s\n", l->text);
    }
}

void model_dump_follow_ups(const struct model *m, unsigned from, unsigned to, FILE *out) {
    for (size_t n = 0; n < m->follow_up_count; n++)
        if (m->follow_ups[n].from == from && m->follow_ups[n].to == to) fprintf(out, "%s\n", m->follow_ups[n].text);
}
