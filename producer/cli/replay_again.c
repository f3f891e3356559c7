/* Sends the answers of a source again, for a checkout that lost them: marked as replayed, and with a field of its own behind, `again`, so
 * that a digest can tell them from those the stream brought about. From the response streams, and where those were trimmed from the bills,
 * which know what was decided. No intent is enqueued, no money touched. */
#include <inttypes.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "producer/cli/audit.h"
#include "producer/cli/pages.h"
#include "producer/cli/replay.h"
#include "producer/client_answer.h"
#include "schema/bill.h"
#include "schema/code.h"

enum { PAGE = 500, WINDOW = 200, IDENTITY_SIZE = 400 };

struct again {
    struct connection c, out; /* pages come over the one while answers go over the other */
    const char *source;
    struct entry_id since;
    unsigned partition, flying;
    keys_buffer key;          /* of the responses */
    struct notes {
        struct note { struct entry_id entry; uint64_t what, else_what; } *list;
        size_t count, capacity;
    } seen, steps;            /* what was answered in the stream, as "ACCOUNT/KEY"; what tells steps, which have bills, but no answers */
    struct notes failed, named; /* of groups the step that failed: as it is called by itself, else by "ACCOUNT REASON"; bills called so */
    unsigned char hash_key[crypto_shorthash_KEYBYTES];
    uint64_t sent, from_bills;
};

static int settle(struct again *a) {
    struct reply reply;
    int code = CLI_OK;
    for (; a->flying > 0 && !code; a->flying--) code = connect_next(&a->out, "sending answers again", &reply);
    return code;
}

/* `values` of the answer's fields in their order, but that it is replayed. Each in an entry of its own, whatever it came in. */
static int send(struct again *a, const struct answers_text values[RESPONSE_FIELD_COUNT]) {
    struct command *c = &a->out.command;
    command_begin(c, "XADD");
    command_word(c, a->key);
    command_word(c, "*");
    for (unsigned n = 0; n < RESPONSE_FIELD_COUNT; n++) {
        command_word(c, response_field_name[n]);
        if (n == RESPONSE_REPLAYED) command_word(c, "1");
        else command_copy(c, values[n].text, values[n].size);
    }
    command_word(c, "again");
    command_word(c, "1");
    redis_append(a->out.redis, c);
    a->sent++;
    return ++a->flying < WINDOW ? CLI_OK : settle(a);
}

static uint64_t hash_of(const struct again *a, const char *text) {
    unsigned char out[crypto_shorthash_BYTES];
    uint64_t hash;
    crypto_shorthash(out, (const unsigned char *)text, strlen(text), a->hash_key);
    memcpy(&hash, out, sizeof hash);
    return hash;
}

static void add_note(struct notes *notes, struct note note) {
    if (notes->count == notes->capacity) {
        notes->capacity = notes->capacity ? 2 * notes->capacity : 1024;
        notes->list = realloc(notes->list, notes->capacity * sizeof *notes->list);
        if (!notes->list) abort();
    }
    notes->list[notes->count++] = note;
}

static int by_entry(const void *left, const void *right) {
    const struct note *a = left, *b = right;
    int order = entry_id_compare(a->entry, b->entry);
    return order ? order : (a->what > b->what) - (a->what < b->what);
}

static void sort_notes(struct notes *notes) {
    if (notes->count) qsort(notes->list, notes->count, sizeof *notes->list, by_entry);
}

static bool has_note(const struct notes *notes, struct note wanted) {
    return notes->count && bsearch(&wanted, notes->list, notes->count, sizeof *notes->list, by_entry);
}

/* The first answer to an intent; copies of it are left out. */
static int take_answer(struct again *a, const struct answers *walk) {
    const struct answers_text *v = walk->value;
    char whose[IDENTITY_SIZE];
    struct entry_id entry;
    bool first = v[RESPONSE_REPLAYED].size == 1 && *v[RESPONSE_REPLAYED].text == '0';
    if (!first || !entry_id_parse(v[RESPONSE_ENTRY].text, v[RESPONSE_ENTRY].size, &entry) || entry_id_compare(entry, a->since) < 0)
        return CLI_OK;
    snprintf(whose, sizeof whose, "%.*s/%.*s", (int)v[RESPONSE_ACCOUNT].size, v[RESPONSE_ACCOUNT].text, (int)v[RESPONSE_KEY].size,
             v[RESPONSE_KEY].text);
    add_note(&a->seen, (struct note){entry, hash_of(a, whose), 0});
    return send(a, v);
}

static int take_answers(struct again *a, struct reply entry) {
    struct answers walk;
    int code = CLI_OK;
    client_answers_begin(&walk, entry);
    while (!code && answers_next(&walk)) code = take_answer(a, &walk);
    return code;
}

/* Where the stream ends now: what is sent again comes behind. `*trimmed`: some of it is gone. Nothing was ever answered: 0-0. */
static int look_at_stream(struct again *a, char last[ENTRY_TEXT_MAX + 2], bool *trimmed) {
    struct reply reply;
    command_begin(&a->c.command, "XINFO");
    command_word(&a->c.command, "STREAM");
    command_word(&a->c.command, a->key);
    enum redis_err err = redis_call(a->c.redis, &a->c.command, &reply);
    bool absent = err == REDIS_REFUSED && strncmp(redis_error(a->c.redis), "ERR no such key", 15) == 0;
    if (err && !absent) return connect_failed(&a->c, err, "looking at the answers");
    snprintf(last, ENTRY_TEXT_MAX + 2, "%s", absent ? "0-0" : reply_text(reply_field(reply, "last-generated-id"), NULL));
    *trimmed = absent || reply_integer(reply_field(reply, "length")) < reply_integer(reply_field(reply, "entries-added"));
    return CLI_OK;
}

static int read_stream(struct again *a, const char *last) {
    struct pages pages;
    struct reply entries;
    bool more = true;
    int code;
    pages_stream(&pages, &a->c, "reading the answers", a->key, (struct entry_id){0, 0}, last, PAGE);
    while (!(code = pages_next(&pages, &entries, &more)) && more)
        for (size_t n = 0; n < reply_count(entries) && !code; n++) code = take_answers(a, reply_at(entries, n));
    pages_end(&pages);
    return code;
}

static struct answers_text text_of(const char *text) { return (struct answers_text){text, strlen(text)}; }

static const char *number(bool there, int64_t value, char out[24]) {
    snprintf(out, 24, "%lld", (long long)value);
    return there ? out : "";
}

/* ACCOUNT/SOURCE/KEY of this source; else NULL. `*key` begins behind. */
static const char *split(const struct again *a, const char *identity, char account[80]) {
    const char *slash = strchr(identity, '/');
    size_t size = slash ? (size_t)(slash - identity) : 0, source_size = strlen(a->source);
    if (!slash || size >= 80 || strncmp(slash + 1, a->source, source_size) != 0 || slash[1 + source_size] != '/') return NULL;
    memcpy(account, identity, size);
    account[size] = '\0';
    return slash + 2 + source_size;
}

/* A decided bill of the source from `since` on: its key; else NULL. */
static const char *read_bill(const struct again *a, const char *identity, struct reply record, char account[80], struct bill *b,
                             struct entry_id *entry) {
    size_t size;
    const char *text = reply_text(record, &size), *key = split(a, identity, account);
    if (!key || bill_parse(text, size, b) || b->code == CODE_in_progress) return NULL;
    return entry_id_parse(b->entry, strlen(b->entry), entry) && entry_id_compare(*entry, a->since) >= 0 ? key : NULL;
}

/* The bills of its steps are those from its own to the one that its detail names. */
static void note_steps(struct again *a, struct entry_id entry, const struct bill *b) {
    const char *first = strchr(b->bill, '-'), *last = strchr(b->detail, '-');
    uint64_t number = first ? strtoull(first + 1, NULL, 10) : 0, end = last ? strtoull(last + 1, NULL, 10) : 0;
    for (unsigned n = 0; n < INTENT_STEPS_MAX && number <= end; n++, number++) {
        char bill[40];
        snprintf(bill, sizeof bill, "%.*s-%" PRIu64, (int)strcspn(b->bill, "-"), b->bill, number);
        add_note(&a->steps, (struct note){entry, hash_of(a, bill), 0});
    }
}

/* Its detail is "NUMBER REASON" of the step. */
static void note_failed(struct again *a, struct entry_id entry, const char *account, const char *key, const char *detail) {
    char by_itself[IDENTITY_SIZE], otherwise[IDENTITY_SIZE];
    size_t number = strcspn(detail, " ");
    snprintf(by_itself, sizeof by_itself, "%s/%s>%.*s", account, key, (int)number, detail);
    snprintf(otherwise, sizeof otherwise, "%s%s", account, detail + number);
    add_note(&a->failed, (struct note){entry, hash_of(a, by_itself), hash_of(a, otherwise)});
}

static int note_group(struct again *a, const char *identity, struct reply record) {
    char account[80], whose[IDENTITY_SIZE];
    struct bill b;
    struct entry_id entry;
    const char *key = read_bill(a, identity, record, account, &b, &entry);
    if (!key) return CLI_OK;
    snprintf(whose, sizeof whose, "%s/%s", account, key);
    if (strchr(key, '>')) add_note(&a->named, (struct note){entry, hash_of(a, whose), 0});
    if (strcmp(b.op, "group") != 0) return CLI_OK;
    if (b.code == CODE_ok) note_steps(a, entry, &b);
    else note_failed(a, entry, account, key, b.detail);
    return CLI_OK;
}

/* When all groups of the day are known. */
static void note_failed_steps(struct again *a) {
    sort_notes(&a->named);
    for (size_t n = 0; n < a->failed.count; n++) {
        struct note f = a->failed.list[n];
        add_note(&a->steps, (struct note){f.entry, has_note(&a->named, f) ? f.what : f.else_what, 0});
    }
    sort_notes(&a->steps);
}

static bool is_step(const struct again *a, struct entry_id entry, const char *account, const char *whose, const struct bill *b) {
    char otherwise[IDENTITY_SIZE];
    if (strcmp(b->op, "group") == 0) return false;
    if (*b->bill) return has_note(&a->steps, (struct note){entry, hash_of(a, b->bill), 0});
    snprintf(otherwise, sizeof otherwise, "%s %s", account, code_word(b->code));
    return has_note(&a->steps, (struct note){entry, hash_of(a, whose), 0}) ||
           has_note(&a->steps, (struct note){entry, hash_of(a, otherwise), 0});
}

/* A bill whose answer is not in the stream any more. */
static int take_bill(struct again *a, const char *identity, struct reply record) {
    char account[80], amount[24], balance[24], held[24], at[24], code[24], whose[IDENTITY_SIZE];
    struct answers_text values[RESPONSE_FIELD_COUNT];
    struct bill b;
    struct entry_id entry;
    const char *key = read_bill(a, identity, record, account, &b, &entry);
    if (!key) return CLI_OK;
    snprintf(whose, sizeof whose, "%s/%s", account, key);
    if (has_note(&a->seen, (struct note){entry, hash_of(a, whose), 0}) || is_step(a, entry, account, whose, &b)) return CLI_OK;
    values[RESPONSE_KEY] = text_of(key);
    values[RESPONSE_SOURCE] = text_of(a->source);
    values[RESPONSE_OP] = text_of(b.op);
    values[RESPONSE_CODE] = text_of(number(true, b.code, code));
    values[RESPONSE_REASON] = text_of(code_word(b.code));
    values[RESPONSE_ACCOUNT] = text_of(account);
    values[RESPONSE_AMOUNT] = text_of(number(b.has_amount, b.amount_minor, amount));
    values[RESPONSE_CURRENCY] = text_of(b.currency);
    values[RESPONSE_BALANCE] = text_of(number(b.has_balance, b.balance_minor, balance));
    values[RESPONSE_HELD] = text_of(number(b.has_balance, b.held_minor, held));
    values[RESPONSE_BILL] = text_of(b.bill);
    values[RESPONSE_AT] = text_of(number(true, (int64_t)b.at_ms, at));
    values[RESPONSE_ENTRY] = text_of(b.entry);
    values[RESPONSE_REPLAYED] = text_of("1");
    values[RESPONSE_DETAIL] = text_of(b.detail);
    values[RESPONSE_DURABLE] = text_of("memory");
    a->from_bills++;
    return send(a, values);
}

static int scan_day(struct again *a, uint32_t day, int (*take)(struct again *, const char *, struct reply)) {
    struct pages pages;
    struct reply items;
    keys_buffer key;
    bool more = true;
    int code;
    keys_bills(key, &a->c.book, a->partition, day);
    pages_hash(&pages, &a->c, "reading the bills", key, PAGE);
    while (!(code = pages_next(&pages, &items, &more)) && more) {
        for (size_t n = 0; n + 1 < reply_count(items) && !code; n += 2)
            code = take(a, reply_text(reply_at(items, n), NULL), reply_at(items, n + 1));
    }
    pages_end(&pages);
    return code;
}

static int read_day(struct again *a, uint32_t day) {
    a->steps.count = a->failed.count = a->named.count = 0;
    int code = scan_day(a, day, note_group);
    note_failed_steps(a);
    return code ? code : scan_day(a, day, take_bill);
}

static int read_partition(struct again *a, uint64_t now_ms) {
    char last[ENTRY_TEXT_MAX + 2];
    bool trimmed = false;
    a->seen.count = 0;
    keys_responses(a->key, &a->c.book, a->partition, a->source);
    int code = look_at_stream(a, last, &trimmed);
    if (!code) code = read_stream(a, last);
    sort_notes(&a->seen);
    uint32_t today = keys_day(now_ms), first = keys_day(a->since.ms), longest = 3650;
    if (today > longest && first < today - longest) first = today - longest; /* no bill is kept longer */
    for (uint32_t day = first; trimmed && day <= today && !code; day++) code = read_day(a, day);
    return code ? code : settle(a);
}

int replay_again(struct cli *cli, const char *source, struct entry_id since) {
    struct again a = {.source = source, .since = since};
    uint64_t now_ms = 0;
    int code = connect_book(cli, &a.c);
    randombytes_buf(a.hash_key, sizeof a.hash_key);
    a.out = a.c;
    a.out.redis = NULL;
    command_init(&a.out.command);
    if (!code) {
        enum redis_err err = redis_open(&a.out.redis, &a.out.options);
        code = err ? connect_failed(&a.out, err, "connecting") : connect_server_ms(&a.c, &now_ms);
    }
    for (; !code && a.partition < a.c.book.partitions; a.partition++) code = read_partition(&a, now_ms);
    if (!code && cli->json) printf("{\"source\":\"%s\",\"sent\":%" PRIu64 ",\"from_bills\":%" PRIu64 "}\n", source, a.sent, a.from_bills);
    else if (!code) printf("%" PRIu64 " answers sent again to %s, %" PRIu64 " of them from the bills\n", a.sent, source, a.from_bills);
    free(a.seen.list);
    free(a.steps.list);
    free(a.failed.list);
    free(a.named.list);
    connect_close(&a.out);
    connect_close(&a.c);
    return code;
}
