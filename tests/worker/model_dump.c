/* What the reference model expects to find, as text; and whether it agrees with itself. */
#include "tests/worker/model.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "schema/keys.h"
#include "tests/worker/model_state.h"

static void dump_rules(const struct model_account *a, FILE *out) {
    if (a->has_credential) fprintf(out, "account:%s credential=", a->name);
    for (size_t n = 0; a->has_credential && n < SIGN_KEY_SIZE; n++) fprintf(out, "%02x", a->credential[n]);
    if (a->has_credential) fprintf(out, "\n");
    if (*a->lock_token) fprintf(out, "account:%s lock_token=%s\n", a->name, a->lock_token);
    if (*a->lock_token && a->lock_until_ms) fprintf(out, "account:%s lock_until=%" PRIu64 "\n", a->name, a->lock_until_ms);
    if (a->limit_payments) fprintf(out, "account:%s limit_payments=%" PRIu64 "\n", a->name, a->limit_payments);
    if (a->limit_payments) fprintf(out, "account:%s limit_per=%" PRIu64 "\n", a->name, a->limit_per_ms);
}

static void dump_account(const struct model_account *a, FILE *out) {
    if (a->opened_ms == 0) return; /* a system account without a posting */
    fprintf(out, "account:%s balance=%" PRId64 "\n", a->name, a->balance);
    fprintf(out, "account:%s changed=%" PRIu64 "\n", a->name, a->changed_ms);
    fprintf(out, "account:%s currency=%s\n", a->name, a->currency);
    fprintf(out, "account:%s held=%" PRId64 "\n", a->name, a->held);
    fprintf(out, "account:%s kind=%s\n", a->name, a->kind);
    fprintf(out, "account:%s opened=%" PRIu64 "\n", a->name, a->opened_ms);
    fprintf(out, "account:%s seq=%" PRId64 "\n", a->name, a->seq);
    fprintf(out, "account:%s status=%s\n", a->name, a->status);
    dump_rules(a, out);
    if (model_is(a->kind, "merchant")) fprintf(out, "merchants %s\n", a->name);
    if (a->month == 0) return;
    char month[8];
    model_month_text(a->month, month);
    fprintf(out, "account:%s earning=%s %" PRId64 " %" PRId64 " %" PRId64 "\n", a->name, month, a->gross, a->refunds, a->other);
}

static void dump_month(const struct model_month *t, FILE *out) {
    char month[8];
    model_month_text(t->month, month);
    fprintf(out, "account:%s month:%s=%" PRId64 " %" PRId64 " %" PRId64 "%s\n", t->account, month, t->gross, t->refunds, t->other,
            t->settled ? " settled" : "");
}

static void dump_fee(const struct model_fee *f, FILE *out) {
    char month[8];
    model_month_text(f->month, month);
    fprintf(out, "account:%s fee:%s=%" PRId64 " %" PRId64 " %" PRId64 " ", f->account, month, f->basis_points, f->gross, f->fee);
    for (unsigned n = 0; n < f->partition_count; n++) fprintf(out, "%s%u", n ? "," : "", f->partitions[n]);
    fprintf(out, "\n");
}

static void dump_article(const struct model_article *a, FILE *out) {
    fprintf(out, "sku:%s/%s changed=%" PRIu64 "\n", a->merchant, a->sku, a->changed_ms);
    if (a->has_price) fprintf(out, "sku:%s/%s price=%" PRId64 "\n", a->merchant, a->sku, a->price);
    if (a->has_stock) fprintf(out, "sku:%s/%s stock=%" PRId64 "\n", a->merchant, a->sku, a->stock);
}

static void dump_order(const struct model_order *o, FILE *out) {
    char name[140], deadline[24] = "";
    snprintf(name, sizeof name, "order:%s/%s", o->merchant, o->order);
    if (o->deadline_ms) snprintf(deadline, sizeof deadline, "%" PRIu64, o->deadline_ms);
    fprintf(out, "%s amount=%" PRId64 "\n%s changed=%" PRIu64 "\n", name, o->amount, name, o->changed_ms);
    fprintf(out, "%s currency=%s\n%s deadline=%s\n", name, o->currency, name, deadline);
    fprintf(out, "%s entry=%" PRIu64 "-%" PRIu64 "\n%s identity=%s\n", name, o->id.ms, o->id.seq, name, o->identity);
    fprintf(out, "%s lines=", name);
    for (unsigned n = 0; n < o->line_count; n++)
        fprintf(out, "%s%s %" PRIu64 " %" PRId64, n ? " " : "", o->lines[n].sku, o->lines[n].quantity, o->prices[n]);
    fprintf(out, "\n%s opened=%" PRIu64 "\n", name, o->opened_ms);
    if (*o->payer) fprintf(out, "%s payer=%s\n", name, o->payer);
    fprintf(out, "%s state=%s\n%s to=%s\n", name, o->state, name, o->to);
}

static void dump_shops(const struct model *m, unsigned partition, FILE *out) {
    for (size_t n = 0; n < m->month_count; n++)
        if (m->months[n].partition == partition) dump_month(&m->months[n], out);
    for (size_t n = 0; n < m->fee_count; n++)
        if (model_home(m, m->fees[n].account) == partition) dump_fee(&m->fees[n], out);
    for (size_t n = 0; n < m->article_count; n++)
        if (model_home(m, m->articles[n].merchant) == partition) dump_article(&m->articles[n], out);
    for (size_t n = 0; n < m->order_count; n++)
        if (model_home(m, m->orders[n].merchant) == partition) dump_order(&m->orders[n], out);
}

static void dump_bill(const struct model_bill *b, FILE *out) {
    char day[9];
    keys_day_text((uint32_t)b->day, day);
    fprintf(out, "bills:%s %s/%s/%s=%s|%d|%s|%s|", day, b->account, b->source, b->key, b->fingerprint, b->code, op_word(b->op), b->number);
    fprintf(out, "%s|%s|%s|%s|", b->amount, b->currency, b->balance, b->held);
    fprintf(out, "%" PRIu64 "|%" PRIu64 "-%" PRIu64 "|", b->id.ms, b->id.ms, b->id.seq);
    fprintf(out, "%s|%s|%" PRId64 "|%" PRId64 "|%s\n", b->to, b->state, b->captured, b->refunded, b->detail);
}

static void dump_due(const struct model_due *d, FILE *out) {
    fprintf(out, "due %s|%" PRIu64 "-%" PRIu64 "|%s%s%s=%" PRIu64 "\n", op_word(d->op), d->id.ms, d->id.seq, d->identity,
            *d->order ? " " : "", d->order, d->at_ms);
    if (d->op != OP_due) return;
    fprintf(out, "scheduled %" PRIu64 "-%" PRIu64 "=#", d->id.ms, d->id.seq);
    for (size_t n = 0; n < d->size; n++) fprintf(out, "%02x", (unsigned char)d->bytes[n]);
    fprintf(out, "\n");
}

static void dump_meta(const struct model *m, const struct model_shard *s, FILE *out) {
    fprintf(out, "meta applied=%" PRIu64 "-%" PRIu64 "\n", s->applied.ms, s->applied.seq);
    fprintf(out, "meta bill=%" PRIu64 "\n", s->bill);
    for (unsigned p = 0; p < m->partitions; p++)
        if (s->has_from[p]) fprintf(out, "meta from:%u=%" PRIu64 "-%" PRIu64 "\n", p, s->from[p].ms, s->from[p].seq);
    for (enum setting n = 0; n < SETTING_COUNT; n++)
        if (s->has_policy[n]) fprintf(out, "meta policy:%s=%" PRIu64 "\n", setting_name(n), s->policy[n]);
    if (s->lowered_day) fprintf(out, "meta lowered=%" PRIu64 " %" PRIu64 "\n", s->lowered_day, s->lowered_from);
}

void model_dump(const struct model *m, unsigned partition, FILE *out) {
    const struct model_shard *s = &m->shards[partition];
    uint64_t today = model_day(s->applied);
    for (size_t n = 0; n < m->account_count; n++)
        if (m->accounts[n].partition == partition) dump_account(&m->accounts[n], out);
    for (size_t n = 0; n < m->bill_count; n++)
        if (m->bills[n].partition == partition && model_is_day_kept(m, partition, m->bills[n].day, today)) dump_bill(&m->bills[n], out);
    for (size_t n = 0; n < m->due_count; n++)
        if (m->dues[n].partition == partition) dump_due(&m->dues[n], out);
    dump_shops(m, partition, out);
    for (size_t n = 0; n < m->row_count; n++)
        if (m->rows[n].partition == partition) fprintf(out, "%s\n", m->rows[n].text);
    for (size_t n = 0; n < m->answer_count; n++)
        if (m->answers[n].partition == partition) fprintf(out, "%s\n", m->answers[n].text);
    dump_meta(m, s, out);
}

void model_dump_prompt(const struct model *m, unsigned partition, const char *source, FILE *out) {
    for (size_t n = 0; n < m->answer_count; n++) {
        const struct model_line *l = &m->answers[n];
        if (l->partition == partition && l->prompt && model_is(l->source, source)) fprintf(out, "%s\n", l->text);
    }
}

void model_print_follow_up(const struct model_follow_up *f, FILE *out) {
    fprintf(out, "%s %s %s %s %s %s %s %" PRId64 " %d to=%s order=%s month=%s %" PRId64 " %" PRId64 "\n", op_word(f->op), f->account,
            f->key, f->origin, f->entry, f->status, f->currency, f->amount, f->code, f->to, f->order, f->month, f->gross, f->refunds);
}

void model_dump_follow_ups(const struct model *m, unsigned from, unsigned to, FILE *out) {
    for (size_t n = 0; n < m->follow_up_count; n++)
        if (m->follow_ups[n].from == from && m->follow_ups[n].to_partition == to) model_print_follow_up(&m->follow_ups[n], out);
}

const struct model_follow_up *model_follow_up_at(const struct model *m, size_t n) {
    return n < m->follow_up_count ? &m->follow_ups[n] : NULL;
}

static int compare_dues(const void *a, const void *b) {
    const struct model_due *x = *(const struct model_due *const *)a, *y = *(const struct model_due *const *)b;
    return x->at_ms != y->at_ms ? (x->at_ms > y->at_ms) - (x->at_ms < y->at_ms) : strcmp(x->identity, y->identity);
}

bool model_due_at(const struct model *m, unsigned partition, uint64_t ms, size_t n, struct model_follow_up *own) {
    size_t count = 0;
    const struct model_due **dues = calloc(m->due_count + 1, sizeof *dues);
    for (size_t d = 0; d < m->due_count; d++)
        if (m->dues[d].partition == partition && m->dues[d].at_ms <= ms) dues[count++] = &m->dues[d];
    qsort(dues, count, sizeof *dues, compare_dues);
    if (n < count) {
        *own = (struct model_follow_up){.from = partition, .to_partition = partition, .op = dues[n]->op};
        entry_id_format(dues[n]->id, own->entry);
        snprintf(own->account, sizeof own->account, "%.*s", (int)strcspn(dues[n]->identity, "/"), dues[n]->identity);
        if (snprintf(own->key, sizeof own->key, "%s>%s", dues[n]->identity, op_word(own->op)) >= (int)sizeof own->key) abort();
        memcpy(own->order, dues[n]->order, sizeof own->order);
    }
    free(dues);
    return n < count;
}

/* What the open holds of an account hold, and its payments of orders that are on their way. */
static int64_t held_by_bills(const struct model *m, const struct model_account *a) {
    int64_t held = 0;
    for (size_t n = 0; n < m->bill_count; n++) {
        const struct model_bill *b = &m->bills[n];
        if (b->partition != a->partition || !model_is(b->account, a->name)) continue;
        if (model_is(b->state, "open") || (b->op == OP_pay && model_is(b->state, "in_progress"))) held += b->moved - b->captured;
    }
    return held;
}

const char *model_unsound(const struct model *m, unsigned partition) {
    static char fault[200];
    int64_t sum = 0;
    *fault = '\0';
    for (size_t n = 0; n < m->account_count; n++) {
        const struct model_account *a = &m->accounts[n];
        if (a->partition != partition) continue;
        sum += a->balance;
        bool person = model_is(a->kind, "user") || model_is(a->kind, "app");
        if (person && (a->balance < a->held || a->held < 0))
            snprintf(fault, sizeof fault, "%s owns %" PRId64 " of which %" PRId64 " are held", a->name, a->balance, a->held);
        if (a->held != held_by_bills(m, a))
            snprintf(fault, sizeof fault, "of %s %" PRId64 " are held, by its bills %" PRId64, a->name, a->held, held_by_bills(m, a));
    }
    if (sum) snprintf(fault, sizeof fault, "the accounts sum to %" PRId64, sum);
    return *fault ? fault : NULL;
}

/* What a merchant earned in all partitions, less its fees. */
static int64_t earned(const struct model *m, const char *merchant) {
    int64_t sum = 0;
    for (size_t n = 0; n < m->account_count; n++)
        if (model_is(m->accounts[n].name, merchant)) sum += m->accounts[n].gross - m->accounts[n].refunds + m->accounts[n].other;
    for (size_t n = 0; n < m->month_count; n++)
        if (model_is(m->months[n].account, merchant)) sum += m->months[n].gross - m->months[n].refunds + m->months[n].other;
    for (size_t n = 0; n < m->fee_count; n++)
        if (model_is(m->fees[n].account, merchant)) sum -= m->fees[n].fee;
    return sum;
}

const char *model_unsettled(const struct model *m) {
    static char fault[200];
    for (size_t n = 0; n < m->account_count; n++) {
        const char *name = m->accounts[n].name;
        int64_t sum = 0;
        if (!model_is(m->accounts[n].kind, "merchant")) continue;
        for (size_t s = 0; s < m->account_count; s++)
            if (model_is(m->accounts[s].name, name)) sum += m->accounts[s].balance;
        snprintf(fault, sizeof fault, "%s owns %" PRId64 ", but earned %" PRId64, name, sum, earned(m, name));
        if (sum != earned(m, name)) return fault;
    }
    return NULL;
}
