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

#include "schema/bulk.h"
#include "tests/support/process.h"
#include "tests/worker/fold.h"
#include "tests/worker/model.h"
#include "tests/worker/random.h"

enum { STEPS = 4000, PAUSE_EVERY = 40, RUNS_MAX = 4 };

static struct fold fold;

/* Intents that wait to share an entry, by partition: as many as come before something else does, so that the order stays. */
static struct bulk_writer bulks[FOLD_PARTITIONS_MAX];

/* A recorded stream; of a bulk entry the bytes of both fields. */
struct record { struct entry_id id; char *bytes, *sig; size_t size, sig_size; bool bulk; };

/* Half of those that share an entry are to be answered in bulk: what is told is the same. */
static void add_record(unsigned p, const struct record *r) {
    bool shares = r->bulk && random_one_in(2);
    const char *fields[] = {r->bulk ? "intents" : "intent", r->bytes, "answers", "bulk", r->bulk ? "sigs" : "sig", r->sig};
    size_t sizes[] = {r->bulk ? 7 : 6, r->size, 7, 4, r->bulk ? 4 : 3, r->sig_size};
    size_t skipped = shares ? 0 : 2;
    if (!shares) memcpy(fields + 2, fields + 4, 2 * sizeof *fields), memcpy(sizes + 2, sizes + 4, 2 * sizeof *sizes);
    fold_add_fields(&fold, p, (r->sig ? 6 : 4) - skipped, fields, sizes);
}

static void end_bulk(unsigned p) {
    struct record r = {.bulk = bulks[p].count > 1};
    if (bulks[p].count == 0) return;
    r.bytes = (char *)bulk_intents(&bulks[p], &r.size);
    r.sig = (char *)bulk_sigs(&bulks[p], &r.sig_size);
    if (!r.bulk) r.bytes++, r.size--, r.sig = r.sig ? (char *)bulks[p].sigs[0] : NULL, r.sig_size = SIGN_SIZE;
    add_record(p, &r);
    bulk_begin(&bulks[p]);
}

/* Adds an intent, alone or to an entry with others. */
static void add_intent(unsigned p, const struct intent *i, const uint8_t *key) {
    uint8_t bytes[INTENT_SIZE_MAX], sig[SIGN_SIZE];
    size_t size;
    cr_assert(intent_encode(i, bytes, sizeof bytes, &size));
    if (key) sign_make(key, bytes, size, sig);
    bool may = bulk_takes(i) && !random_one_in(4);
    if (may && bulk_add(&bulks[p], bytes, size, key ? sig : NULL)) {
        if (random_one_in(12)) end_bulk(p);
        return;
    }
    end_bulk(p);
    fold_add_intent_signed(&fold, p, i, key);
}

static void end_bulks(void) {
    for (unsigned p = 0; p < fold.door.book.partitions; p++) end_bulk(p);
}

static void step(void) {
    static struct intent i;
    uint8_t key[SIGN_KEY_SIZE];
    fold.clock_ms += random_pause_ms(true);
    bool is_signed = random_intent(fold.clock_ms, &i, key);
    unsigned partitions = fold.door.book.partitions, anywhere = (unsigned)random_below(partitions);
    unsigned home = i.op == OP_policy ? anywhere : fold_partition_of(&fold, i.account);
    add_intent(random_one_in(100) ? anywhere : home, &i, is_signed ? key : NULL);
    if (random_one_in(300)) fold_add_bytes(&fold, home, "\xc1", 1);
}

static unsigned parts_of(const struct record *r, struct bulk_part parts[BULK_INTENTS_MAX]) {
    unsigned count = 1;
    parts[0] = (struct bulk_part){r->bytes, r->sig, r->size, r->sig_size, NULL, 0};
    const char *why = r->bulk ? bulk_split(r->bytes, r->size, r->sig, r->sig_size, parts, &count) : NULL;
    cr_assert(!why, "%s", why);
    return count;
}

static char *copy_of(struct reply text, size_t *size) {
    const char *bytes = reply_text(text, size);
    char *copy = malloc(*size + 1);
    memcpy(copy, bytes, *size);
    return copy;
}

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
        struct reply fields = reply_at(reply_at(range, n), 1);
        r->bulk = reply_is(reply_at(fields, 0), "intents");
        r->bytes = copy_of(reply_at(fields, 1), &r->size);
        struct reply sig = reply_field(fields, r->bulk ? "sigs" : "sig");
        if (sig.node) r->sig = copy_of(sig, &r->sig_size);
    }
    return count;
}

static void free_records(struct record *records, size_t count) {
    for (size_t n = 0; n < count; n++) free(records[n].bytes);
    for (size_t n = 0; n < count; n++) free(records[n].sig);
    free(records);
}

static void feed_model(struct model *model, unsigned p, const struct record *records, size_t count) {
    static struct intent intent;
    struct intent_fault fault;
    for (size_t n = 0; n < count; n++) {
        struct bulk_part parts[BULK_INTENTS_MAX];
        unsigned count_here = parts_of(&records[n], parts);
        for (unsigned part = 0; part < count_here; part++) {
            const struct bulk_part *one = &parts[part];
            struct model_entry entry = {records[n].id, &intent, one->bytes, one->size, one->sig, one->sig_size};
            enum intent_err err = intent_decode(one->bytes, one->size, &intent, &fault);
            cr_assert_neq(err, INTENT_INVALID, "%s", fault.text);
            if (err) model_bury(model, p, records[n].id);
            else model_apply(model, p, &entry);
        }
    }
}

static int compare_lines(const void *a, const void *b) { return strcmp(*(char *const *)a, *(char *const *)b); }

/* What the model does not speak of: the dead stream, and what the scripts keep for themselves. */
static bool is_private(const char *line) {
    static const char *const fields[] = {" rules=", " recent=", " limit_tat=", " lock_until=0"};
    if (strncmp(line, "dead ", 5) == 0) return true;
    if (strncmp(line, "sku:", 4) == 0 && strstr(line, " stock=0") && line[strlen(line) - 2] == '=') return true; /* as good as none */
    for (size_t n = 0; n < sizeof fields / sizeof *fields; n++)
        if (strncmp(line, "account:", 8) == 0 && strstr(line, fields[n])) return true;
    return false;
}

/* The lines of a text, sorted, without private ones. Frees it. */
static char *sort_lines(char *text) {
    size_t count = 0, size;
    char *sorted, *save = NULL, **lines = calloc(strlen(text) / 2 + 2, sizeof *lines);
    for (char *line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save))
        if (!is_private(line)) lines[count++] = line;
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

/* TILL_SHOW=FOLDER: leaves what differs there, to be compared by other means. */
static void show(const char *what, unsigned p, const char *suffix, const char *text) {
    char path[300];
    snprintf(path, sizeof path, "%s/%s of %u, %s", getenv("TILL_SHOW"), what, p, suffix);
    FILE *out = fopen(path, "w");
    if (!out) process_die(NULL, "cannot write %s", path);
    fputs(text, out);
    fclose(out);
}

static void expect_same(uint64_t seed, const char *what, unsigned p, char *got, char *wanted) {
    const char *difference = fold_difference(got, wanted);
    if (difference && getenv("TILL_SHOW")) {
        show(what, p, "got", got);
        show(what, p, "wanted", wanted);
    }
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
        if (model_may_wait(op)) continue;
        fprintf(out, "responses:%s", source);
        for (size_t f = 0; f < RESPONSE_TOLD_COUNT; f++) fprintf(out, " %s=%s", response_field_name[f], answers[n].text[f]);
        fprintf(out, "\n");
    }
    fclose(out);
    free(answers);
    return text;
}

/* As the model would send it. */
static void print_follow_up(const struct intent *i, FILE *out) {
    struct model_follow_up f = {.op = i->op, .amount = (int64_t)i->amount_minor, .code = (int)i->code,
                                .gross = (int64_t)i->gross_minor, .refunds = (int64_t)i->refunds_minor};
    snprintf(f.to, sizeof f.to, "%s", i->to);
    snprintf(f.order, sizeof f.order, "%s", i->order);
    snprintf(f.month, sizeof f.month, "%s", i->month);
    snprintf(f.account, sizeof f.account, "%s", i->account);
    snprintf(f.key, sizeof f.key, "%s", i->key);
    snprintf(f.origin, sizeof f.origin, "%s", i->origin);
    snprintf(f.entry, sizeof f.entry, "%s", i->entry);
    snprintf(f.status, sizeof f.status, "%s", i->status == STATUS_NONE ? "" : status_word(i->status));
    snprintf(f.currency, sizeof f.currency, "%s", i->currency);
    model_print_follow_up(&f, out);
}

static char *sent_follow_ups(const struct record *records, size_t count, unsigned from) {
    char *text;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    static struct intent i;
    struct intent_fault fault;
    for (size_t n = 0; n < count; n++) {
        if (intent_decode(records[n].bytes, records[n].size, &i, &fault) || !op_is_follow_up(i.op) || op_is_own(i.op)) continue;
        if (strtoul(i.origin, NULL, 10) == from) print_follow_up(&i, out);
    }
    fclose(out);
    return text;
}

static void print_intent(FILE *out, const struct intent *i) {
    fprintf(out, "%s %s/%s/%s", op_word(i->op), i->account, i->source, i->key);
    for (enum field f = FIELD_to; f < FIELD_COUNT; f++) {
        size_t size;
        if (!(i->present & FIELD_BIT(f))) continue;
        if (field_is_number(f) || field_is_bool(f)) fprintf(out, " %s=%llu", field_name(f), (unsigned long long)intent_number(i, f));
        else fprintf(out, " %s=%s", field_name(f), field_shape(f) == SHAPE_TEXT ? intent_text(i, f, &size) : "...");
    }
    for (enum setting n = 0; n < SETTING_COUNT; n++)
        if (i->settings.present & 1u << n) fprintf(out, " %s:%llu", setting_name(n), (unsigned long long)i->settings.value[n]);
}

/* A stream for people, with TILL_SHOW. */
static void show_stream(unsigned p, const struct record *records, size_t count) {
    static struct intent i, step;
    struct intent_fault fault;
    char *text;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    for (size_t n = 0; n < count; n++) {
        const struct record *r = &records[n];
        if (intent_decode(r->bytes, r->size, &i, &fault)) continue; /* a bulk entry is not shown */
        fprintf(out, "%llu-%llu %s", (unsigned long long)r->id.ms, (unsigned long long)r->id.seq, r->sig ? "signed " : "");
        print_intent(out, &i);
        for (unsigned s = 0; s < i.step_count; s++) {
            intent_step_alone(&i, s, &step);
            fprintf(out, "\n      ");
            print_intent(out, &step);
        }
        fprintf(out, "\n");
    }
    fclose(out);
    show("the stream", p, "as text", text);
    free(text);
}

static void compare_with_model(uint64_t seed, struct record **records, const size_t *counts, unsigned partitions) {
    struct model *model = model_new(partitions);
    for (unsigned p = 0; p < partitions; p++) feed_model(model, p, records[p], counts[p]);
    for (unsigned p = 0; p < partitions; p++) {
        expect_same(seed, "the state", p, sort_lines(fold_dump(&fold, p)), sort_lines(text_of(write_all, model, p, NULL)));
        for (size_t s = 0; s < 2; s++)
            expect_same(seed, "the order of answers", p, prompt_answers(p, random_sources[s]),
                        text_of(write_prompt, model, p, random_sources[s]));
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
        for (size_t more = 1 + random_below(300); n < count && more > 0; n++, more--) {
            fold.clock_ms = records[n].id.ms;
            fold.seq = records[n].id.seq - 1;
            add_record(p, &records[n]);
        }
        fold_set_batch(&fold, 1 + (unsigned)random_below(random_one_in(3) ? 3 : 200));
        enum redis_err err = fold_try(&fold, p);
        cr_assert_eq(err, REDIS_OK, "%s: %s", redis_err_word(err), fold.lanes[p]->suspect_reason);
    }
}

static void compare_with_replay(uint64_t seed, struct record **records, const size_t *counts, unsigned partitions) {
    char *dumps[FOLD_PARTITIONS_MAX], *orders[FOLD_PARTITIONS_MAX][2];
    for (unsigned p = 0; p < partitions; p++) {
        dumps[p] = fold_dump(&fold, p);
        for (size_t s = 0; s < 2; s++) orders[p][s] = prompt_answers(p, random_sources[s]);
    }
    fold_reset(&fold);
    for (unsigned p = 0; p < partitions; p++) {
        replay(p, records[p], counts[p]);
        expect_same(seed, "the replayed state", p, fold_dump(&fold, p), dumps[p]);
        for (size_t s = 0; s < 2; s++)
            expect_same(seed, "the replayed order of answers", p, prompt_answers(p, random_sources[s]), orders[p][s]);
    }
}

/* A code that never came has shown nothing: here is what came. */
static const char *const codes[] = {"0", "1", "2", "3", "4", "5", "6", "7", "10", "11", "12", "13", "14", "15", "17", "18", "20"};
static size_t seen[sizeof codes / sizeof *codes], replayed;

static void note_variety(unsigned partitions) {
    for (unsigned p = 0; p < partitions; p++)
        for (size_t s = 0; s < 2; s++) {
            struct fold_answer *answers;
            size_t count = fold_answers(&fold, p, random_sources[s], &answers);
            for (size_t n = 0; n < count; n++) {
                replayed += *answers[n].text[RESPONSE_REPLAYED] == '1';
                for (size_t c = 0; c < sizeof codes / sizeof *codes; c++) seen[c] += strcmp(answers[n].text[RESPONSE_CODE], codes[c]) == 0;
            }
            free(answers);
        }
}

/* NULL, or a code that is missing. */
static const char *missing(void) {
    for (size_t c = 0; c < sizeof codes / sizeof *codes; c++)
        if (seen[c] == 0) return codes[c];
    return replayed > 0 ? NULL : "any that is replayed";
}

static void run_seed(uint64_t seed, unsigned partitions, unsigned steps) {
    struct record *records[FOLD_PARTITIONS_MAX];
    size_t counts[FOLD_PARTITIONS_MAX];
    random_start(seed);
    fold_start(&fold, partitions, FOLD_BATCH);
    for (unsigned p = 0; p < partitions; p++) bulk_begin(&bulks[p]);
    for (unsigned n = 0; n < steps; n++) {
        step();
        if (!random_one_in(PAUSE_EVERY)) continue;
        end_bulks();
        fold_set_batch(&fold, 1 + (unsigned)random_below(random_one_in(2) ? 4 : 128));
        if (random_one_in(10)) fold_take_over(&fold);
        fold_run(&fold);
        if (random_one_in(2)) fold_add_due(&fold);
    }
    end_bulks();
    fold_run(&fold);
    note_variety(partitions);
    for (unsigned p = 0; p < partitions; p++) counts[p] = record_stream(p, &records[p]);
    for (unsigned p = 0; p < partitions && getenv("TILL_SHOW"); p++) show_stream(p, records[p], counts[p]);
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
    for (uint64_t more = 1; steps >= STEPS && more < RUNS_MAX && missing(); more++) {
        fprintf(stderr, "property: code %s did not come; TILL_SEED=%llu too\n", missing(), (unsigned long long)(seed + more));
        run_seed(seed + more, partitions, steps);
    }
    cr_expect(steps < STEPS || !missing(), "TILL_SEED=%llu and the next ones: code %s never came", (unsigned long long)seed, missing());
}

Test(property, one_partition, .timeout = 300) { run(1); }
Test(property, three_partitions, .timeout = 300) { run(3); }
