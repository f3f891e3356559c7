/* What the fold left behind: answers, dumps, digests. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "producer/client_answer.h"
#include "tests/support/process.h"
#include "tests/worker/fold.h"

static struct reply call(struct fold *fold) {
    struct reply reply;
    if (redis_call(fold->redis, &fold->command, &reply)) process_die(NULL, "%s: %s", fold->command.argv[0], redis_error(fold->redis));
    return reply;
}

static struct reply call_range(struct fold *fold, const char *key) {
    command_begin(&fold->command, "XRANGE");
    command_word(&fold->command, key);
    command_word(&fold->command, "-");
    command_word(&fold->command, "+");
    return call(fold);
}

/* An entry must have exactly the fields of a plain answer or of a bulk one, in their order. */
static void expect_fields(struct reply fields) {
    static const char *const shared[] = {"source", "at", "entry", "durable", "answers"};
    bool bulk = reply_count(fields) == 2 * sizeof shared / sizeof *shared;
    if (!bulk && reply_count(fields) != 2 * RESPONSE_FIELD_COUNT) process_die(NULL, "an answer of %zu fields", reply_count(fields) / 2);
    for (size_t n = 0; n < reply_count(fields) / 2; n++) {
        const char *name = bulk ? shared[n] : response_field_name[n];
        if (!reply_is(reply_at(fields, 2 * n), name)) process_die(NULL, "an answer without %s", name);
    }
}

static void take_answer(const struct answers *a, struct fold_answer *answer) {
    for (size_t n = 0; n < RESPONSE_FIELD_COUNT; n++) {
        size_t size = a->value[n].size;
        if (size >= FOLD_VALUE_MAX) process_die(NULL, "%s is %zu long", response_field_name[n], size);
        snprintf(answer->text[n], sizeof answer->text[n], "%.*s", (int)size, a->value[n].text);
    }
    answer->shared = a->bulk;
}

static size_t answers_of(struct fold *fold, const char *key, struct fold_answer **answers) {
    struct reply range = call_range(fold, key);
    size_t entries = reply_count(range), count = 0, capacity = entries + 1;
    *answers = calloc(capacity, sizeof **answers);
    for (size_t n = 0; n < entries; n++) {
        struct answers a;
        expect_fields(reply_at(reply_at(range, n), 1));
        client_answers_begin(&a, reply_at(range, n));
        for (; answers_next(&a); count++) {
            if (count + 1 >= capacity) *answers = realloc(*answers, (capacity *= 2) * sizeof **answers);
            if (!*answers) abort();
            take_answer(&a, &(*answers)[count]);
        }
        if (a.fault) process_die(NULL, "an entry of %s: %s", key, a.fault);
    }
    return count;
}

size_t fold_answers(struct fold *fold, unsigned partition, const char *source, struct fold_answer **answers) {
    char rest[64];
    snprintf(rest, sizeof rest, "responses:%s", source);
    return answers_of(fold, fold_key(fold, partition, rest), answers);
}

struct fold_answer fold_last_answer(struct fold *fold, unsigned partition, const char *source) {
    struct fold_answer *answers, last = {{{0}}, false};
    size_t count = fold_answers(fold, partition, source, &answers);
    if (count) last = answers[count - 1];
    free(answers);
    return last;
}

const char *fold_account(struct fold *fold, unsigned partition, const char *account, const char *field) {
    char rest[100];
    snprintf(rest, sizeof rest, "account:%s", account);
    return server_text(&fold->server, "HGET", fold_key(fold, partition, rest), field, NULL);
}

static int compare_texts(const void *a, const void *b) { return strcmp(*(char *const *)a, *(char *const *)b); }

/* As it is, or #HEX when it is no text. */
static void print_value(FILE *out, struct reply value) {
    size_t size, n = 0;
    const char *bytes = reply_text(value, &size);
    while (n < size && (unsigned char)bytes[n] >= ' ') n++;
    fprintf(out, "%s", n == size ? bytes : "#");
    for (size_t at = 0; n < size && at < size; at++) fprintf(out, "%02x", (unsigned char)bytes[at]);
}

/* Copies the texts of an array, `step` elements to one, as "a", "a=b". */
static char **copy_texts(struct reply array, size_t step) {
    size_t count = reply_count(array) / step, size;
    char **texts = calloc(count + 1, sizeof *texts);
    for (size_t n = 0; n < count; n++) {
        FILE *out = open_memstream(&texts[n], &size);
        print_value(out, reply_at(array, step * n));
        if (step == 2) fprintf(out, "=");
        if (step == 2) print_value(out, reply_at(array, 2 * n + 1));
        fclose(out);
    }
    qsort(texts, count, sizeof *texts, compare_texts);
    return texts;
}

char **fold_keys(struct fold *fold, unsigned partition) {
    command_begin(&fold->command, "KEYS");
    command_word(&fold->command, fold_key(fold, partition, "*"));
    return copy_texts(call(fold), 1);
}

void fold_keys_free(char **keys) {
    for (char **key = keys; *key; key++) free(*key);
    free(keys);
}

static bool is_named(const char *rest, const char *names) {
    while (*(names += strspn(names, " "))) {
        size_t size = strcspn(names, " ");
        if (names[size - 1] == '*' && strncmp(rest, names, size - 1) == 0) return true;
        if (strlen(rest) == size && memcmp(rest, names, size) == 0) return true;
        names += size;
    }
    return false;
}

static const char *rest_of(const char *key) { return strchr(key, '}') + 2; }

char *fold_digests(struct fold *fold, unsigned partition, const char *except) {
    char *text, digest[SERVER_DIGEST_SIZE];
    size_t size;
    FILE *out = open_memstream(&text, &size);
    char **keys = fold_keys(fold, partition);
    for (char **key = keys; *key; key++) {
        if (is_named(rest_of(*key), "intents lease") || is_named(rest_of(*key), except)) continue;
        bool stream = strcmp(server_text(&fold->server, "TYPE", *key, NULL), "stream") == 0;
        if (stream && server_integer(&fold->server, "XLEN", *key, NULL) == 0) continue;
        server_digest_key(&fold->server, *key, digest);
        fprintf(out, "%s %s\n", *key, digest);
    }
    fold_keys_free(keys);
    fclose(out);
    return text;
}

static void dump_hash(struct fold *fold, FILE *out, const char *key) {
    bool names_only = is_named(rest_of(key), "unanswered");
    command_begin(&fold->command, names_only ? "HKEYS" : "HGETALL");
    command_word(&fold->command, key);
    char **pairs = copy_texts(call(fold), names_only ? 1 : 2);
    for (char **pair = pairs; *pair; pair++)
        if (!is_named(rest_of(key), "meta") || is_named(*pair, "applied=* bill=* from:* policy:* lowered=*"))
            fprintf(out, "%s %s\n", rest_of(key), *pair);
    fold_keys_free(pairs);
}

static void dump_set(struct fold *fold, FILE *out, const char *key) {
    command_begin(&fold->command, "ZRANGE");
    command_word(&fold->command, key);
    command_word(&fold->command, "0");
    command_word(&fold->command, "-1");
    command_word(&fold->command, "WITHSCORES");
    char **pairs = copy_texts(call(fold), 2);
    for (char **pair = pairs; *pair; pair++) fprintf(out, "%s %s\n", rest_of(key), *pair);
    fold_keys_free(pairs);
}

static void dump_names(struct fold *fold, FILE *out, const char *key) {
    command_begin(&fold->command, "SMEMBERS");
    command_word(&fold->command, key);
    char **names = copy_texts(call(fold), 1);
    for (char **name = names; *name; name++) fprintf(out, "%s %s\n", rest_of(key), *name);
    fold_keys_free(names);
}

static void dump_rows(FILE *out, struct pack_tree *tree, const char *bytes, size_t size) {
    struct pack_value rows;
    uint32_t count;
    const char *why = ledger_decode(tree, bytes, size, &rows, &count);
    if (why) process_die(NULL, "ledger: %s", why);
    for (uint32_t n = 0; n < count; n++) {
        struct ledger_row r;
        if ((why = ledger_row_at(&rows, n, &r))) process_die(NULL, "ledger row: %s", why);
        fprintf(out, "ledger %s %s %s %s %lld %lld %lld %lld %llu %llu %s\n", r.bill, r.identity, r.op, r.account,
                (long long)r.amount_minor, (long long)r.hold_minor, (long long)r.balance_minor, (long long)r.held_minor,
                (unsigned long long)r.seq, (unsigned long long)r.at_ms, r.note);
    }
}

static void dump_ledger(struct fold *fold, FILE *out, const char *key) {
    struct reply range = call_range(fold, key);
    struct pack_tree *tree = pack_tree_new();
    for (size_t n = 0; n < reply_count(range); n++) {
        size_t size;
        const char *bytes = reply_text(reply_at(reply_at(reply_at(range, n), 1), 1), &size);
        dump_rows(out, tree, bytes, size);
    }
    pack_tree_free(tree);
}

/* Fields whatever they are, without the entry's ID. */
static void dump_stream(struct fold *fold, FILE *out, const char *key) {
    struct reply range = call_range(fold, key);
    for (size_t n = 0; n < reply_count(range); n++) {
        struct reply fields = reply_at(reply_at(range, n), 1);
        fprintf(out, "%s", rest_of(key));
        for (size_t f = 0; f < reply_count(fields); f++) fprintf(out, "%s%s", f % 2 ? "=" : " ", reply_text(reply_at(fields, f), NULL));
        fprintf(out, "\n");
    }
}

static int compare_answers(const void *a, const void *b) {
    const struct fold_answer *x = a, *y = b;
    struct entry_id ids[2] = {{0, 0}, {0, 0}};
    bool both = entry_id_parse(x->text[RESPONSE_ENTRY], strlen(x->text[RESPONSE_ENTRY]), &ids[0]) &&
                entry_id_parse(y->text[RESPONSE_ENTRY], strlen(y->text[RESPONSE_ENTRY]), &ids[1]);
    int order = both ? entry_id_compare(ids[0], ids[1]) : strcmp(x->text[RESPONSE_ENTRY], y->text[RESPONSE_ENTRY]);
    return order ? order : strcmp(x->text[RESPONSE_REPLAYED], y->text[RESPONSE_REPLAYED]);
}

static void dump_answers(struct fold *fold, FILE *out, const char *key) {
    struct fold_answer *answers;
    size_t count = answers_of(fold, key, &answers);
    qsort(answers, count, sizeof *answers, compare_answers);
    for (size_t n = 0; n < count; n++) {
        fprintf(out, "%s", rest_of(key));
        for (size_t f = 0; f < RESPONSE_TOLD_COUNT; f++) fprintf(out, " %s=%s", response_field_name[f], answers[n].text[f]);
        fprintf(out, "\n");
    }
    free(answers);
}

char *fold_dump(struct fold *fold, unsigned partition) {
    char *text;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    char **keys = fold_keys(fold, partition);
    for (char **key = keys; *key; key++) {
        const char *rest = rest_of(*key);
        if (is_named(rest, "intents lease")) continue;
        if (is_named(rest, "ledger")) dump_ledger(fold, out, *key);
        else if (is_named(rest, "responses:*")) dump_answers(fold, out, *key);
        else if (is_named(rest, "due")) dump_set(fold, out, *key);
        else if (is_named(rest, "merchants")) dump_names(fold, out, *key);
        else if (is_named(rest, "dead discarded")) dump_stream(fold, out, *key);
        else dump_hash(fold, out, *key);
    }
    fold_keys_free(keys);
    fclose(out);
    return text;
}

const char *fold_difference(const char *got, const char *wanted) {
    static char text[1200];
    while (*got || *wanted) {
        size_t got_size = strcspn(got, "\n"), wanted_size = strcspn(wanted, "\n");
        if (got_size != wanted_size || memcmp(got, wanted, got_size) != 0) {
            snprintf(text, sizeof text, "\"%.*s\" instead of \"%.*s\"", (int)(got_size < 500 ? got_size : 500), got,
                     (int)(wanted_size < 500 ? wanted_size : 500), wanted);
            return text;
        }
        got += got_size + (got[got_size] == '\n');
        wanted += wanted_size + (wanted[wanted_size] == '\n');
    }
    return NULL;
}
