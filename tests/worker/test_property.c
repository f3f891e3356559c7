/* Random intents from a seed: the fold gives what the reference model gives, and its streams into an empty Redis give it again
 * (invariant 7). Few accounts, few keys and jumps in time, so that everything collides. TILL_SEED=... TILL_STEPS=... repeat a run.
 *
 * Replaying a book of several partitions: the recorded streams contain the follow-ups, the lanes would send them again. Partitions share
 * nothing but those, so one partition is replayed after the other, and the copies that it sends are thrown away. Compared are accounts,
 * bills, ledger rows, watermarks and answers; the order of answers for all but operations that may wait for follow-ups, whose answers come
 * when those are under way: after the rest of their batch, whatever its size. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "tests/support/process.h"
#include "tests/worker/fold.h"
#include "tests/worker/model.h"

enum { STEPS = 4000, SENT_MAX = 64, PAUSE_EVERY = 40 };

static struct fold fold;
static uint64_t state;
static struct intent sent[SENT_MAX]; /* the last ones, for repetitions */
static size_t sent_count;
static unsigned steps_done;

static uint64_t rnd(uint64_t below) {
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return (state >> 11) % below;
}

static bool one_in(uint64_t n) { return rnd(n) == 0; }

#define PICK(list) (list)[rnd(sizeof(list) / sizeof *(list))]

static const char *const sources[] = {"shop", "app"};
static const char *const currencies[] = {"CNY", "CNY", "CNY", "CNY", "CNY", "CNY", "USD"};
static const enum op ops[] = {OP_open, OP_open, OP_topup, OP_topup, OP_topup, OP_withdraw, OP_pay, OP_pay, OP_pay, OP_pay, OP_pay,
                              OP_refund, OP_refund, OP_refund, OP_rollback, OP_rollback, OP_freeze, OP_thaw, OP_thaw, OP_close, OP_inquire};

static void set_text(struct intent *i, enum field f, const char *text) {
    const char *why = intent_set_text(i, f, text, strlen(text));
    cr_assert(!why, "%s: %s", text, why ? why : "");
}

static void set_number(struct intent *i, enum field f, uint64_t n) {
    const char *why = intent_set_number(i, f, n);
    cr_assert(!why, "%s: %s", field_name(f), why ? why : "");
}

/* Few at a time, but with time others: those of long ago are closed by then. */
static const char *user_name(void) {
    static char name[16];
    snprintf(name, sizeof name, "u%u", steps_done / 300 + (unsigned)rnd(5));
    return name;
}

static const char *merchant_name(void) {
    static char name[16];
    snprintf(name, sizeof name, "m%u", steps_done / 500 + (unsigned)rnd(3));
    return name;
}

static void set_key(struct intent *i, enum field f) {
    char key[16];
    snprintf(key, sizeof key, "k%u", (unsigned)rnd(40));
    set_text(i, f, key);
}

static uint64_t amount(void) {
    if (one_in(25)) return INTENT_AMOUNT_MAX - rnd(3);
    return 1 + rnd(one_in(3) ? 2000 : 60);
}

/* Mostly now; sometimes at the edges of what is taken. */
static uint64_t created_at(void) {
    static const int64_t edges[] = {-23 * 3600000, -23 * 3600000 - 1, 300000, 300001, -3600000, -23 * 3600000 + 1, -86400000};
    return (uint64_t)((int64_t)fold.clock_ms + (one_in(8) ? PICK(edges) : -(int64_t)rnd(1000)));
}

static enum op pick_op(void) {
    enum op op = PICK(ops);
    return (op == OP_close && !one_in(10)) || (op == OP_freeze && !one_in(4)) ? OP_pay : op;
}

static void fill_field(struct intent *i, enum field f, bool merchant) {
    switch (f) {
    case FIELD_amount: set_number(i, f, amount()); return;
    case FIELD_currency: set_text(i, f, PICK(currencies)); return;
    case FIELD_to: set_text(i, f, one_in(20) ? user_name() : merchant_name()); return;
    case FIELD_of: set_key(i, f); return;
    case FIELD_of_at: set_number(i, f, fold.clock_ms - rnd(4 * FOLD_DAY_MS)); return;
    case FIELD_kind: set_text(i, f, merchant ? "merchant" : one_in(5) ? "app" : "user"); return;
    case FIELD_allow_duplicate: set_number(i, f, rnd(2)); return;
    case FIELD_note: set_text(i, f, "n"); return;
    case FIELD_v:
    case FIELD_op:
    case FIELD_source:
    case FIELD_key:
    case FIELD_at:
    case FIELD_account:
    case FIELD_status:
    case FIELD_origin:
    case FIELD_entry:
    case FIELD_COUNT: return;
    }
}

/* To something that was sent, whatever became of it. */
static void refer_to_sent(struct intent *i) {
    const struct intent *other = &sent[rnd(sent_count)];
    for (int n = 0; n < 5 && other->op != OP_pay; n++) other = &sent[rnd(sent_count)];
    set_text(i, FIELD_source, other->source);
    set_text(i, FIELD_account, other->account);
    set_text(i, FIELD_of, other->key);
    if (i->present & FIELD_BIT(FIELD_of_at)) set_number(i, FIELD_of_at, other->at_ms);
    if ((i->present & FIELD_BIT(FIELD_to)) && *other->to) set_text(i, FIELD_to, other->to);
    if ((i->present & FIELD_BIT(FIELD_currency)) && *other->currency) set_text(i, FIELD_currency, other->currency);
}

static void make_intent(struct intent *i) {
    struct intent_fault fault;
    do {
        bool merchant = one_in(5);
        memset(i, 0, sizeof *i);
        set_number(i, FIELD_v, 1);
        set_text(i, FIELD_source, PICK(sources));
        set_text(i, FIELD_op, op_word(pick_op()));
        set_key(i, FIELD_key);
        set_number(i, FIELD_at, created_at());
        set_text(i, FIELD_account, merchant ? merchant_name() : user_name());
        for (enum field f = 0; f < FIELD_COUNT; f++) {
            if (op_fields_needed(i->op) & FIELD_BIT(f)) fill_field(i, f, merchant);
            else if ((op_fields_allowed(i->op) & FIELD_BIT(f)) && one_in(4)) fill_field(i, f, merchant);
        }
        if (i->op == OP_open && !one_in(20)) set_text(i, FIELD_currency, "CNY");
        if ((i->op == OP_refund || i->op == OP_rollback) && sent_count && !one_in(4)) refer_to_sent(i);
    } while (intent_check(i, &fault));
}

/* The same again, or almost: another amount, without what may be left out, later than allowed. */
static void repeat_intent(struct intent *i) {
    *i = sent[rnd(sent_count)];
    if (one_in(5) && (i->present & FIELD_BIT(FIELD_amount))) set_number(i, FIELD_amount, amount());
    if (one_in(8) && i->op == OP_refund) {
        i->present &= ~(FIELD_BIT(FIELD_to) | FIELD_BIT(FIELD_currency));
        *i->to = *i->currency = '\0';
    }
    if (one_in(6)) set_number(i, FIELD_at, created_at());
}

static void advance_clock(void) {
    static const uint64_t jumps[] = {3600000, 6 * 3600000, 23 * 3600000, FOLD_DAY_MS, 2 * FOLD_DAY_MS, 3 * FOLD_DAY_MS};
    fold.clock_ms += rnd(300);
    if (one_in(60)) fold.clock_ms += PICK(jumps);
    if (one_in(1500)) fold.clock_ms += 30 * FOLD_DAY_MS + rnd(170) * FOLD_DAY_MS;
}

static void step(void) {
    struct intent i;
    steps_done++;
    advance_clock();
    if (sent_count && one_in(8)) repeat_intent(&i);
    else make_intent(&i);
    sent[sent_count < SENT_MAX ? sent_count++ : rnd(SENT_MAX)] = i;
    unsigned home = fold_partition_of(&fold, i.account);
    fold_add_intent(&fold, one_in(100) ? (unsigned)rnd(fold.door.book.partitions) : home, &i);
    if (one_in(300)) fold_add_bytes(&fold, home, "\xc1", 1);
}

/* A recorded stream. */
struct record { struct entry_id id; char *bytes; size_t size; };

static size_t record_stream(unsigned p, struct record **records) {
    struct reply range;
    command_begin(&fold.command, "XRANGE");
    command_word(&fold.command, fold_key(&fold, p, "intents"));
    command_word(&fold.command, "-");
    command_word(&fold.command, "+");
    cr_assert_eq(redis_call(fold.redis, &fold.command, &range), REDIS_OK);
    size_t count = reply_count(range);
    *records = calloc(count + 1, sizeof **records);
    for (size_t n = 0; n < count; n++) {
        struct record *r = &(*records)[n];
        size_t size;
        const char *id = reply_text(reply_at(reply_at(range, n), 0), &size);
        cr_assert(entry_id_parse(id, size, &r->id));
        const char *bytes = reply_text(reply_at(reply_at(reply_at(range, n), 1), 1), &r->size);
        r->bytes = malloc(r->size + 1);
        memcpy(r->bytes, bytes, r->size);
    }
    return count;
}

static void free_records(struct record *records, size_t count) {
    for (size_t n = 0; n < count; n++) free(records[n].bytes);
    free(records);
}

static void feed_model(struct model *model, unsigned p, const struct record *records, size_t count) {
    struct intent intent;
    struct intent_fault fault;
    for (size_t n = 0; n < count; n++) {
        enum intent_err err = intent_decode(records[n].bytes, records[n].size, &intent, &fault);
        cr_assert_neq(err, INTENT_INVALID, "%s", fault.text);
        if (err) model_bury(model, p, records[n].id);
        else model_apply(model, p, records[n].id, &intent);
    }
}

static int compare_lines(const void *a, const void *b) { return strcmp(*(char *const *)a, *(char *const *)b); }

/* The lines of a text, sorted, without those of the dead stream. Frees it. */
static char *sort_lines(char *text) {
    size_t count = 0, size;
    char *sorted, *save = NULL, **lines = calloc(strlen(text) / 2 + 2, sizeof *lines);
    for (char *line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save))
        if (strncmp(line, "dead ", 5) != 0) lines[count++] = line;
    qsort(lines, count, sizeof *lines, compare_lines);
    FILE *out = open_memstream(&sorted, &size);
    for (size_t n = 0; n < count; n++) fprintf(out, "%s\n", lines[n]);
    fclose(out);
    free(lines);
    free(text);
    return sorted;
}

typedef void model_writer(const struct model *model, unsigned p, const void *what, FILE *out);

static void write_all(const struct model *model, unsigned p, const void *what, FILE *out) {
    (void)what;
    model_dump(model, p, out);
}

static void write_prompt(const struct model *model, unsigned p, const void *what, FILE *out) { model_dump_prompt(model, p, what, out); }

static void write_follow_ups(const struct model *model, unsigned p, const void *what, FILE *out) {
    model_dump_follow_ups(model, p, *(const unsigned *)what, out);
}

static char *text_of(model_writer *write, const struct model *model, unsigned p, const void *what) {
    char *text;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    write(model, p, what, out);
    fclose(out);
    return text;
}

static void expect_same(uint64_t seed, const char *what, unsigned p, char *got, char *wanted) {
    const char *difference = fold_difference(got, wanted);
    cr_expect(!difference, "TILL_SEED=%llu: %s of partition %u: %s", (unsigned long long)seed, what, p, difference ? difference : "");
    free(got);
    free(wanted);
}

/* The answers to a source in the order of their stream, but for those of operations that may wait. */
static char *prompt_answers(unsigned p, const char *source) {
    char *text;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    struct fold_answer *answers;
    size_t count = fold_answers(&fold, p, source, &answers);
    for (size_t n = 0; n < count; n++) {
        enum op op = op_of_word(answers[n].text[RESPONSE_OP], strlen(answers[n].text[RESPONSE_OP]));
        if (op == OP_open || op == OP_freeze || op == OP_thaw || op == OP_close) continue;
        fprintf(out, "responses:%s", source);
        for (size_t f = 0; f < RESPONSE_FIELD_COUNT; f++) fprintf(out, " %s=%s", response_field_name[f], answers[n].text[f]);
        fprintf(out, "\n");
    }
    fclose(out);
    free(answers);
    return text;
}

static char *sent_follow_ups(const struct record *records, size_t count, unsigned from) {
    char *text;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    struct intent i;
    struct intent_fault fault;
    for (size_t n = 0; n < count; n++) {
        if (intent_decode(records[n].bytes, records[n].size, &i, &fault) != INTENT_OK || !op_is_follow_up(i.op)) continue;
        if (strtoul(i.origin, NULL, 10) == from)
            fprintf(out, "%s %s %s %s\n", op_word(i.op), i.account, i.status == STATUS_NONE ? "" : status_word(i.status), i.origin);
    }
    fclose(out);
    return text;
}

static void compare_with_model(uint64_t seed, struct record **records, const size_t *counts, unsigned partitions) {
    struct model *model = model_new(partitions);
    for (unsigned p = 0; p < partitions; p++) feed_model(model, p, records[p], counts[p]);
    for (unsigned p = 0; p < partitions; p++) {
        expect_same(seed, "the state", p, sort_lines(fold_dump(&fold, p)), sort_lines(text_of(write_all, model, p, NULL)));
        for (size_t s = 0; s < 2; s++)
            expect_same(seed, "the order of answers", p, prompt_answers(p, sources[s]), text_of(write_prompt, model, p, sources[s]));
        for (unsigned from = 0; from < partitions; from++)
            expect_same(seed, "follow-ups", p, sent_follow_ups(records[p], counts[p], from), text_of(write_follow_ups, model, from, &p));
        const char *fault = fold_unsound(&fold, p);
        cr_expect(!fault, "TILL_SEED=%llu: partition %u: %s", (unsigned long long)seed, p, fault ? fault : "");
    }
    model_free(model);
}

/* One partition's stream again, in batches of another size, from scratch. */
static void replay(unsigned p, const struct record *records, size_t count) {
    for (unsigned q = 0; q < fold.door.book.partitions; q++) server_text(&fold.server, "DEL", fold_key(&fold, q, "intents"), NULL);
    for (size_t n = 0; n < count;) {
        for (size_t more = 1 + rnd(300); n < count && more > 0; n++, more--) {
            fold.clock_ms = records[n].id.ms;
            fold.seq = records[n].id.seq - 1;
            fold_add_bytes(&fold, p, records[n].bytes, records[n].size);
        }
        fold_set_batch(&fold, 1 + (unsigned)rnd(one_in(3) ? 3 : 200));
        enum redis_err err = fold_try(&fold, p);
        cr_assert_eq(err, REDIS_OK, "%s", redis_err_word(err));
    }
}

static void compare_with_replay(uint64_t seed, struct record **records, const size_t *counts, unsigned partitions) {
    char *dumps[FOLD_PARTITIONS_MAX], *orders[FOLD_PARTITIONS_MAX][2];
    for (unsigned p = 0; p < partitions; p++) {
        dumps[p] = fold_dump(&fold, p);
        for (size_t s = 0; s < 2; s++) orders[p][s] = prompt_answers(p, sources[s]);
    }
    fold_reset(&fold);
    for (unsigned p = 0; p < partitions; p++) {
        replay(p, records[p], counts[p]);
        expect_same(seed, "the replayed state", p, fold_dump(&fold, p), dumps[p]);
        for (size_t s = 0; s < 2; s++) expect_same(seed, "the replayed order of answers", p, prompt_answers(p, sources[s]), orders[p][s]);
    }
}

/* A run in which a code never came has shown nothing about it. */
static void expect_variety(uint64_t seed, unsigned partitions) {
    static const char *const codes[] = {"0", "1", "3", "4", "6", "7", "10", "11", "12", "14", "15"};
    size_t seen[sizeof codes / sizeof *codes] = {0}, replayed = 0;
    for (unsigned p = 0; p < partitions; p++)
        for (size_t s = 0; s < 2; s++) {
            struct fold_answer *answers;
            size_t count = fold_answers(&fold, p, sources[s], &answers);
            for (size_t n = 0; n < count; n++) {
                replayed += *answers[n].text[RESPONSE_REPLAYED] == '1';
                for (size_t c = 0; c < sizeof codes / sizeof *codes; c++) seen[c] += strcmp(answers[n].text[RESPONSE_CODE], codes[c]) == 0;
            }
            free(answers);
        }
    for (size_t c = 0; c < sizeof codes / sizeof *codes; c++)
        cr_expect(seen[c], "TILL_SEED=%llu: code %s never came", (unsigned long long)seed, codes[c]);
    cr_expect(replayed, "TILL_SEED=%llu: nothing was replayed", (unsigned long long)seed);
}

static void run_seed(uint64_t seed, unsigned partitions, unsigned steps) {
    struct record *records[FOLD_PARTITIONS_MAX];
    size_t counts[FOLD_PARTITIONS_MAX];
    state = seed * 0x9e3779b97f4a7c15u | 1;
    sent_count = 0;
    steps_done = 0;
    fold_start(&fold, partitions, FOLD_BATCH);
    for (unsigned n = 0; n < steps; n++) {
        step();
        if (!one_in(PAUSE_EVERY)) continue;
        fold_set_batch(&fold, 1 + (unsigned)rnd(one_in(2) ? 4 : 128));
        if (one_in(10)) fold_take_over(&fold);
        fold_run(&fold);
    }
    fold_run(&fold);
    if (steps >= STEPS) expect_variety(seed, partitions);
    for (unsigned p = 0; p < partitions; p++) counts[p] = record_stream(p, &records[p]);
    compare_with_model(seed, records, counts, partitions);
    compare_with_replay(seed, records, counts, partitions);
    for (unsigned p = 0; p < partitions; p++) free_records(records[p], counts[p]);
    fold_stop(&fold);
}

static uint64_t number_of_environment(const char *name, uint64_t otherwise) {
    const char *text = getenv(name);
    return text && *text ? strtoull(text, NULL, 10) : otherwise;
}

static void run(unsigned partitions) {
    uint64_t seed = number_of_environment("TILL_SEED", (uint64_t)time(NULL) * 7919 % 1000000 + partitions);
    unsigned steps = (unsigned)number_of_environment("TILL_STEPS", STEPS);
    fprintf(stderr, "property: partitions %u, TILL_SEED=%llu TILL_STEPS=%u\n", partitions, (unsigned long long)seed, steps);
    run_seed(seed, partitions, steps);
}

Test(property, one_partition, .timeout = 300) { run(1); }
Test(property, three_partitions, .timeout = 300) { run(3); }
