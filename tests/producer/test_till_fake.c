/* A book in a private server, and a thread that answers intents: see test_till_fake.h. */
#include "tests/producer/test_till_fake.h"

#include <criterion/criterion.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "schema/entry.h"
#include "schema/intent.h"
#include "schema/response.h"
#include "tests/support/process.h"

enum { SEEN_MAX = 4096 };

const struct book fake_book = {.name = "till", .partitions = FAKE_PARTITIONS};

struct seen {
    char identity[INTENT_IDENTITY_MAX + 1];
    char entry[ENTRY_TEXT_MAX + 1];
};

struct fake {
    struct fake_worker *worker;
    struct redis *redis;
    struct command command;
    char last[FAKE_PARTITIONS][ENTRY_TEXT_MAX + 1];
    struct seen *seen;
    size_t seen_count;
};

void fake_book_create(struct server *server) {
    server_text(server, "HSET", "{till}:book", "version", "1", "partitions", "4", "created", "1", NULL);
}

void fake_server_start(struct server *server, const struct server_options *options) {
    server_start(server, options);
    fake_book_create(server);
}

struct till_options fake_options(const struct server *server) {
    return (struct till_options){.url = server->url};
}

struct till *fake_open(const struct server *server, const struct till_options *options) {
    struct till_options copy = options != NULL ? *options : (struct till_options){0};
    struct till *till;
    copy.url = server->url;
    int code = till_open(&till, &copy);
    cr_assert_eq(code, TILL_OK, "till_open: %d %s", code, till_error(till));
    return till;
}

struct till_intent fake_pay(const char *account, const char *key) {
    return (struct till_intent){
        .op = "pay", .source = "shop", .key = key, .account = account, .to = "coffee", .amount_minor = 1999, .currency = "CNY"};
}

const char *fake_respond(struct server *server, unsigned partition, const char *const values[15]) {
    keys_buffer key;
    keys_responses(key, &fake_book, partition, values[RESPONSE_SOURCE]);
    const char *argv[3 + 30] = {"XADD", key, "*"};
    size_t sizes[3 + 30];
    for (int i = 0; i < RESPONSE_TOLD_COUNT; i++) { /* as before there was a field `durable` */
        argv[3 + 2 * i] = response_field_name[i];
        argv[4 + 2 * i] = values[i];
    }
    for (int i = 0; i < 33; i++)
        sizes[i] = strlen(argv[i]);
    return server_call(server, 33, argv, sizes);
}

const char *fake_respond_bulk(struct server *server, unsigned partition, const char *lines) {
    keys_buffer key;
    keys_responses(key, &fake_book, partition, "shop");
    return server_text(server, "XADD", key, "*", "source", "shop", "at", "9", "entry", "9-0", "durable", "replica(2)", "answers", lines,
                       NULL);
}

struct redis *fake_connect(const char *url) {
    struct redis *redis;
    struct redis_options options = {.connect_timeout_ms = 1000, .timeout_ms = 1000, .client_name = "fake"};
    if (redis_url_parse(url, &options.url) != NULL || redis_open(&redis, &options) != REDIS_OK)
        process_die(NULL, "fake: cannot connect to %s", url);
    return redis;
}

struct reply fake_run(struct redis *redis, ...) {
    struct command command;
    struct reply reply;
    va_list words;
    va_start(words, redis);
    command_init(&command);
    command_begin(&command, va_arg(words, const char *));
    for (const char *word; (word = va_arg(words, const char *)) != NULL;)
        command_word(&command, word);
    va_end(words);
    if (redis_call(redis, &command, &reply) != REDIS_OK)
        process_die(NULL, "fake: %s", redis_error(redis));
    command_clear(&command);
    return reply;
}

static void answer_add(struct fake *f, unsigned partition, const char *const values[RESPONSE_FIELD_COUNT]) {
    keys_buffer key;
    struct reply reply;
    command_begin(&f->command, "XADD");
    command_borrow(&f->command, key, keys_responses(key, &fake_book, partition, values[RESPONSE_SOURCE]));
    command_word(&f->command, "*");
    for (int i = 0; i < RESPONSE_FIELD_COUNT; i++) {
        command_word(&f->command, response_field_name[i]);
        command_word(&f->command, values[i]);
    }
    if (redis_call(f->redis, &f->command, &reply) != REDIS_OK)
        process_die(NULL, "fake worker: %s", redis_error(f->redis));
}

/* The entry that this identity was seen with first. */
static const char *first_entry(struct fake *f, const struct intent *intent, const char *entry, bool *replayed) {
    char identity[INTENT_IDENTITY_MAX + 1];
    intent_identity(intent, identity);
    for (size_t i = 0; i < f->seen_count; i++)
        if (strcmp(f->seen[i].identity, identity) == 0)
            return *replayed = true, f->seen[i].entry;
    struct seen *seen = &f->seen[f->seen_count++ % SEEN_MAX];
    snprintf(seen->identity, sizeof seen->identity, "%s", identity);
    snprintf(seen->entry, sizeof seen->entry, "%s", entry);
    *replayed = false;
    return seen->entry;
}

/* Of an entry with several intents, the last of them an earlier copy of somebody else's. */
static void answer_bulk_noise(struct fake *f, unsigned partition, const struct intent *intent) {
    char lines[1024];
    keys_buffer key;
    snprintf(lines, sizeof lines, "other-key\tpay\t0\tok\t%s\t5\tCNY\t1\t0\t\t0\n"
                                  "%s\tpay\t0\tok\tanother\t5\tCNY\t1\t0\t\t0\n"
                                  "%s\tpay\t0\tok\t%s\t5\tCNY\t1\t0\t\t0",
             intent->account, intent->key, intent->key, intent->account);
    keys_responses(key, &fake_book, partition, intent->source);
    fake_run(f->redis, "XADD", key, "*", "source", intent->source, "at", "1", "entry", "1-1", "durable", "memory", "answers", lines, NULL);
}

static void answer_noise(struct fake *f, unsigned partition, const struct intent *intent) {
    const char *values[] = {"other-key", intent->source, "pay", "3", "insufficient_funds", intent->account, "0", "CNY",
                            "1",         "0",            "",    "1", "1-1",                "0",             "", "memory"};
    answer_add(f, partition, values);
    values[RESPONSE_KEY] = intent->key;
    values[RESPONSE_ACCOUNT] = "another"; /* same key, other account: another intent */
    answer_add(f, partition, values);
    values[RESPONSE_ACCOUNT] = intent->account; /* an earlier copy of somebody else's */
    answer_add(f, partition, values);
    values[RESPONSE_OP] = "topup"; /* what the key was used for before */
    values[RESPONSE_REPLAYED] = "1";
    answer_add(f, partition, values);
    answer_bulk_noise(f, partition, intent);
}

static void answer(struct fake *f, unsigned partition, const char *entry, const struct intent *intent) {
    bool replayed;
    char amount[24], at[24], code[8];
    const char *first = first_entry(f, intent, entry, &replayed);
    if (atomic_load(&f->worker->kill_waiting) > 0 && atomic_fetch_sub(&f->worker->kill_waiting, 1) > 0)
        fake_run(f->redis, "CLIENT", "KILL", "SKIPME", "yes", NULL);
    if (atomic_load(&f->worker->mute) > 0 && atomic_fetch_sub(&f->worker->mute, 1) > 0)
        return;
    if (atomic_load(&f->worker->before_noise))
        answer_noise(f, partition, intent);
    struct entry_id id = {0};
    bool parsed = entry_id_parse(first, strlen(first), &id);
    (void)parsed;
    snprintf(amount, sizeof amount, "%" PRIu64, intent->amount_minor);
    snprintf(at, sizeof at, "%" PRIu64, id.ms);
    snprintf(code, sizeof code, "%d", atomic_load(&f->worker->code));
    answer_add(f, partition, (const char *[]){intent->key, intent->source, op_word(intent->op), code,
        till_code_word(atomic_load(&f->worker->code)), intent->account, amount, "CNY", "8001", "0", "1-7", at, first,
        replayed ? "1" : "0", "", "replica(2)"});
}

static void answer_entries(struct fake *f, unsigned partition, struct reply entries) {
    for (size_t i = 0; i < reply_count(entries); i++) {
        size_t size;
        struct intent intent;
        struct intent_fault fault;
        struct reply entry = reply_at(entries, i);
        const char *bytes = reply_text(reply_at(reply_at(entry, 1), 1), &size);
        snprintf(f->last[partition], sizeof f->last[partition], "%s", reply_text(reply_at(entry, 0), NULL));
        if (intent_decode(bytes, size, &intent, &fault) == INTENT_OK)
            answer(f, partition, f->last[partition], &intent);
    }
}

static void look(struct fake *f) {
    keys_buffer keys[FAKE_PARTITIONS];
    struct reply reply;
    command_begin(&f->command, "XREAD");
    command_word(&f->command, "BLOCK");
    command_word(&f->command, "20");
    command_word(&f->command, "STREAMS");
    for (unsigned p = 0; p < FAKE_PARTITIONS; p++)
        command_borrow(&f->command, keys[p], keys_intents(keys[p], &fake_book, p));
    for (unsigned p = 0; p < FAKE_PARTITIONS; p++)
        command_word(&f->command, f->last[p]);
    if (redis_call(f->redis, &f->command, &reply) != REDIS_OK)
        return; /* the server is being stopped, killed or paused by the test */
    struct reply page = redis_detach(f->redis);
    for (size_t i = 0; i < reply_count(page); i++)
        for (unsigned p = 0; p < FAKE_PARTITIONS; p++)
            if (reply_is(reply_at(reply_at(page, i), 0), keys[p]))
                answer_entries(f, p, reply_at(reply_at(page, i), 1));
    reply_release(page);
}

static void *run(void *context) {
    struct fake f = {.worker = context};
    f.redis = f.worker->redis;
    f.seen = calloc(SEEN_MAX, sizeof *f.seen);
    command_init(&f.command);
    for (unsigned p = 0; p < FAKE_PARTITIONS; p++)
        snprintf(f.last[p], sizeof f.last[p], "0-0");
    while (!atomic_load(&f.worker->stop)) {
        if (redis_is_lost(f.redis) && redis_reopen(f.redis) != REDIS_OK)
            continue;
        look(&f);
    }
    command_clear(&f.command);
    redis_close(f.redis);
    free(f.seen);
    return NULL;
}

void fake_worker_start(struct fake_worker *worker, const struct server *server) {
    worker->redis = fake_connect(server->url);
    atomic_init(&worker->stop, false);
    if (pthread_create(&worker->thread, NULL, run, worker) != 0)
        process_die(NULL, "cannot start a thread");
}

void fake_worker_stop(struct fake_worker *worker) {
    atomic_store(&worker->stop, true);
    pthread_join(worker->thread, NULL);
}
