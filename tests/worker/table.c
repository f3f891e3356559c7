/* Runs table rows of operations. */
#include "tests/worker/table.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "schema/code.h"

/* The value of NAME=VALUE in a line; false when there is none. */
static bool find_value(const char *line, const char *name, char *out, size_t capacity) {
    size_t name_size = strlen(name);
    for (const char *t = line; *(t += strspn(t, " ")); t += strcspn(t, " ")) {
        size_t size = strcspn(t, " ");
        if (size <= name_size || strncmp(t, name, name_size) != 0 || t[name_size] != '=') continue;
        const char *value = t + name_size + 1;
        snprintf(out, capacity, "%.*s", (int)(size - name_size - 1), value);
        for (char *tilde = out; (tilde = strchr(tilde, '~')) != NULL;) *tilde = ' ';
        return true;
    }
    return false;
}

static void op_of_line(const char *line, char *out, size_t capacity) {
    if (*line == '!') line++;
    if (strncmp(line, "p=", 2) == 0) line += strcspn(line, " ") + 1;
    if (strncmp(line, "raw ", 4) == 0) line += 4;
    snprintf(out, capacity, "%.*s", (int)strcspn(line, " "), line);
}

/* What a field of the answer must be when the row does not say it. */
static void default_value(const struct fold *fold, const char *line, const char *entry, const char *wanted, enum response_field field,
                          char *out, size_t capacity) {
    char code[16] = "0";
    *out = '\0';
    switch (field) {
    case RESPONSE_KEY:
        if (!find_value(line, "key", out, capacity)) snprintf(out, capacity, "k%u", fold->keys_made);
        return;
    case RESPONSE_SOURCE:
        if (!find_value(line, "source", out, capacity)) snprintf(out, capacity, "shop");
        return;
    case RESPONSE_OP: op_of_line(line, out, capacity); return;
    case RESPONSE_REASON:
        find_value(wanted, "code", code, sizeof code);
        snprintf(out, capacity, "%s", code_word((int)strtol(code, NULL, 10)));
        return;
    case RESPONSE_ACCOUNT: find_value(line, "account", out, capacity); return;
    case RESPONSE_CURRENCY: snprintf(out, capacity, "CNY"); return;
    case RESPONSE_AT: snprintf(out, capacity, "%.*s", (int)strcspn(entry, "-"), entry); return;
    case RESPONSE_ENTRY: snprintf(out, capacity, "%s", entry); return;
    case RESPONSE_REPLAYED: snprintf(out, capacity, "0"); return;
    case RESPONSE_DURABLE: snprintf(out, capacity, "memory"); return;
    case RESPONSE_CODE:
    case RESPONSE_AMOUNT:
    case RESPONSE_BALANCE:
    case RESPONSE_HELD:
    case RESPONSE_BILL:
    case RESPONSE_DETAIL:
    case RESPONSE_FIELD_COUNT: return;
    }
}

bool table_expect(const char *name, const struct fold *fold, const char *line, const char *entry, const char *wanted,
                  const struct fold_answer *answer) {
    bool same = true;
    for (size_t f = 0; f < RESPONSE_FIELD_COUNT; f++) {
        char want[FOLD_VALUE_MAX];
        if (!find_value(wanted, response_field_name[f], want, sizeof want))
            default_value(fold, line, entry, wanted, (enum response_field)f, want, sizeof want);
        if (strcmp(want, answer->text[f]) == 0) continue;
        same = false;
        cr_expect(false, "%s: %s is \"%s\", not \"%s\" (code %s %s, detail %s)", name, response_field_name[f], answer->text[f], want,
                  answer->text[RESPONSE_CODE], answer->text[RESPONSE_REASON], answer->text[RESPONSE_DETAIL]);
    }
    return same;
}

/* The answer that names this entry; false when there is not exactly one with this `replayed`. */
static bool find_answer(struct fold *fold, const char *line, const char *entry, const char *replayed, struct fold_answer *found) {
    char source[40] = "shop";
    struct fold_answer *answers;
    size_t hits = 0;
    find_value(line, "source", source, sizeof source);
    size_t count = fold_answers(fold, fold->partition, source, &answers);
    memset(found, 0, sizeof *found);
    for (size_t n = 0; n < count; n++) {
        if (strcmp(answers[n].text[RESPONSE_ENTRY], entry) != 0 || strcmp(answers[n].text[RESPONSE_REPLAYED], replayed) != 0) continue;
        *found = answers[n];
        hits++;
    }
    free(answers);
    return hits == 1;
}

/* Sends the line once more as it is: same key, same `at`. */
static void add_again(struct fold *fold, const char *line, uint64_t first_ms) {
    char again[1400], key[32], at[40];
    if (find_value(line, "key", key, sizeof key)) *key = '\0';
    else snprintf(key, sizeof key, " key=k%u", fold->keys_made);
    if (find_value(line, "at", at, sizeof at) || strstr(line, " -at")) *at = '\0';
    else snprintf(at, sizeof at, " at=%llu", (unsigned long long)first_ms);
    if (strstr(line, " -key")) *key = '\0';
    snprintf(again, sizeof again, "%s%s%s", line, key, at);
    fold_add(fold, again);
}

/* Is it the answer to this intent from then on? A settlement that was refused will be sent again under its key. */
static bool is_stored(const struct table_row *row) {
    char op[80], code[16] = "";
    find_value(row->answer, "code", code, sizeof code);
    op_of_line(row->intent, op, sizeof op);
    bool again = strcmp(op, "settle") == 0 && strcmp(code, "0") != 0;
    return code_class((int)strtol(code, NULL, 10)) == CODE_CLASS_DECIDED && !again;
}

static void expect_setup(const struct table_row *row, struct fold *fold) {
    size_t allowed = 0, refused = 0;
    for (const char *c = row->setup; *c; c++) allowed += *c == '!';
    for (unsigned p = 0; p < fold->door.book.partitions; p++) {
        struct fold_answer *answers;
        size_t count = fold_answers(fold, p, "shop", &answers);
        for (size_t n = 0; n < count; n++) refused += strcmp(answers[n].text[RESPONSE_CODE], "0") != 0;
        free(answers);
    }
    cr_expect(refused == allowed, "%s: %zu of the setup's intents were refused, not %zu", row->name, refused, allowed);
}

/* The two answers: the wanted one, and the same again. */
static void expect_answers(const struct table_row *row, struct fold *fold, const char *first_entry) {
    struct fold_answer first, second;
    char wanted[1000];
    bool stored = is_stored(row);
    char first_replayed[4] = "0";
    find_value(row->answer, "replayed", first_replayed, sizeof first_replayed);
    if (*first_replayed == '1') return; /* rows that are replays themselves look for themselves */
    bool one = find_answer(fold, row->intent, first_entry, "0", &first);
    cr_expect(one, "%s: not exactly one answer to %s", row->name, first_entry);
    if (!one || !table_expect(row->name, fold, row->intent, first_entry, row->answer, &first)) return;
    one = find_answer(fold, row->intent, stored ? first_entry : fold->entry, stored ? "1" : "0", &second);
    cr_expect(one, "%s: not exactly one answer to the repetition", row->name);
    if (!one) return;
    snprintf(wanted, sizeof wanted, "%s%s", row->answer, stored ? " replayed=1" : "");
    table_expect(row->name, fold, row->intent, stored ? first_entry : fold->entry, wanted, &second);
}

static void expect_same(const char *name, const char *what, const char *before, const char *after) {
    const char *difference = fold_difference(after, before);
    cr_expect(!difference, "%s: %s: %s", name, what, difference ? difference : "");
}

static void run_stepwise(const struct table_row *row, struct fold *fold) {
    char entry[ENTRY_TEXT_MAX + 1];
    fold_add(fold, row->setup);
    fold_run(fold);
    expect_setup(row, fold);
    uint64_t first_ms = fold->clock_ms;
    fold_add(fold, row->intent);
    memcpy(entry, fold->entry, sizeof entry);
    char *before = fold_digests(fold, fold->partition, "meta responses:*");
    fold_run(fold);
    char *after = fold_digests(fold, fold->partition, "meta responses:*");
    if (!is_stored(row))
        expect_same(row->name, "a refusal that is not stored changes keys", before, after);
    add_again(fold, row->intent, first_ms);
    fold_run(fold);
    char *again = fold_digests(fold, fold->partition, "meta responses:*");
    expect_same(row->name, "the repetition changes keys", after, again);
    expect_answers(row, fold, entry);
    free(before);
    free(after);
    free(again);
}

static void run_in_one_batch(const struct table_row *row, struct fold *fold) {
    char entry[ENTRY_TEXT_MAX + 1], name[200];
    struct table_row renamed = *row;
    snprintf(name, sizeof name, "%s (one batch)", row->name);
    renamed.name = name;
    fold_add(fold, row->setup);
    uint64_t first_ms = fold->clock_ms;
    fold_add(fold, row->intent);
    memcpy(entry, fold->entry, sizeof entry);
    add_again(fold, row->intent, first_ms);
    fold_run(fold);
    expect_answers(&renamed, fold, entry);
}

void table_run(const struct table_row *rows, size_t count, unsigned partitions) {
    struct fold fold;
    fold_start(&fold, partitions, FOLD_BATCH);
    for (size_t n = 0; n < count; n++) {
        fold_reset(&fold);
        run_stepwise(&rows[n], &fold);
        fold_reset(&fold);
        run_in_one_batch(&rows[n], &fold);
    }
    fold_stop(&fold);
}

void table_step(const char *name, struct fold *fold, const char *lines, const char *wanted, const char *entry) {
    char source[40] = "shop";
    const char *line = strrchr(lines, ';');
    line = line ? line + 1 : lines;
    line += strspn(line, " ");
    fold_add(fold, lines);
    fold_run(fold);
    find_value(line, "source", source, sizeof source);
    struct fold_answer answer = fold_last_answer(fold, fold->partition, source);
    table_expect(name, fold, line, entry ? entry : fold->entry, wanted, &answer);
}
