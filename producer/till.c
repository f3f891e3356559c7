/* The handle: options, opening and closing, and what its codes mean. */
#include "producer/till.h"

#include <stdlib.h>
#include <string.h>

#include "producer/client_durable.h"
#include "producer/client_source.h"
#include "producer/send_bulk.h"
#include "schema/code.h"

enum { OPEN_PAUSE_MS = 50, TIMEOUT_MS = 5000, CONNECT_TIMEOUT_MS = 2000, DURABILITY_TIMEOUT_MS = 1000, REPLICAS_MAX = 64,
       HIGH_WATER_PERCENT = 90 };
#define BACKLOG_MAX 1000000

const char *till_code_word(int code) {
    return code_word(code);
}

const char *till_code_sentence(int code) {
    return code_sentence(code);
}

bool client_book_name_ok(const char *name) {
    size_t size = strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789._-");
    return size > 0 && size <= KEYS_BOOK_NAME_MAX && name[size] == '\0';
}

static bool client_name_ok(const char *name, size_t capacity) {
    size_t size = 0;
    while (name[size] > ' ' && name[size] <= '~')
        size++;
    return size > 0 && size < capacity && name[size] == '\0';
}

/* What is there wins over what was. */
static bool take_text(char *out, size_t capacity, const char *text) {
    size_t size = text != NULL ? strlen(text) : 0;
    if (size < capacity && text != NULL)
        memcpy(out, text, size + 1);
    return size < capacity;
}

static const char *take_tls(struct redis_options *redis, const struct till_tls *from) {
    struct redis_tls *tls = &redis->tls;
    if (from == NULL)
        return NULL;
    bool fit = take_text(tls->ca_file, sizeof tls->ca_file, from->ca_file) && take_text(tls->ca_dir, sizeof tls->ca_dir, from->ca_dir) &&
               take_text(tls->cert_file, sizeof tls->cert_file, from->cert_file) &&
               take_text(tls->key_file, sizeof tls->key_file, from->key_file) &&
               take_text(tls->server_name, sizeof tls->server_name, from->server_name);
    tls->unverified = from->unverified;
    return !fit ? "a path or the server_name of tls is too long" : redis->url.tls ? redis_tls_wrong(tls) : NULL;
}

/* They are read for each connection; what is wrong with them now is better told now. */
static const char *take_password_files(struct till *till, const struct till_options *options) {
    struct redis_options *redis = &till->redis_options;
    if (!take_text(redis->password_file, sizeof redis->password_file, options->password_file) ||
        !take_text(redis->sentinel_password_file, sizeof redis->sentinel_password_file, options->sentinel_password_file))
        return "password_file or sentinel_password_file is too long";
    const char *why = redis_password_renew("password_file", redis->password_file, redis->url.password, redis->fault, sizeof redis->fault);
    return why != NULL ? why
                       : redis_password_renew("sentinel_password_file", redis->sentinel_password_file, redis->sentinel_password,
                                              redis->fault, sizeof redis->fault);
}

static const char *take_url(struct till *till, const struct till_options *options) {
    struct redis_url *url = &till->redis_options.url;
    if (options->url == NULL)
        return "url is missing: unix:PATH, redis://[user:password@]host[:port][/db], sentinel://HOST,.../NAME, cluster://HOST,... "
               "or embedded:DIR";
    const char *why = redis_url_parse(options->url, url);
    if (why != NULL)
        return why;
    if (!take_text(url->password, sizeof url->password, options->password))
        return "password is too long";
    if (!take_text(till->redis_options.sentinel_user, sizeof till->redis_options.sentinel_user, options->sentinel_user))
        return "sentinel_user is too long";
    if (!take_text(till->redis_options.sentinel_password, sizeof till->redis_options.sentinel_password, options->sentinel_password))
        return "sentinel_password is too long";
    const char *wrong = take_password_files(till, options);
    return wrong != NULL ? wrong : take_tls(&till->redis_options, options->tls);
}

static int or_default(int value, int standard) {
    return value > 0 ? value : standard;
}

/* NULL, or which option is wrong. */
static const char *take_options(struct till *till, const struct till_options *options) {
    const char *book = options->book != NULL ? options->book : "till";
    const char *name = options->client_name != NULL ? options->client_name : "till-producer";
    till->timeout_ms = or_default(options->timeout_ms, TIMEOUT_MS);
    till->connect_timeout_ms = or_default(options->connect_timeout_ms, CONNECT_TIMEOUT_MS);
    till->backlog_max = options->backlog_max != 0 ? options->backlog_max : BACKLOG_MAX;
    till->memory_high_water_percent = options->memory_high_water_percent != 0 ? options->memory_high_water_percent : HIGH_WATER_PERCENT;
    till->partitions_wanted = options->partitions;
    till->durable = (struct redis_durable){options->durability_replicas, options->durability_aof};
    till->durable_timeout_ms = or_default(options->durability_timeout_ms, DURABILITY_TIMEOUT_MS);
    till->bulk_wanted = options->bulk != TILL_NO;
    till->bulk_answers = options->bulk_answers;
    for (size_t i = 0; i < sizeof options->reserved / sizeof options->reserved[0]; i++)
        if (options->reserved[i] != 0)
            return "reserved must be zero";
    if (options->bulk != 0 && options->bulk != TILL_YES && options->bulk != TILL_NO)
        return "bulk must be TILL_YES, TILL_NO or 0";
    if (options->timeout_ms < 0 || options->connect_timeout_ms < 0 || options->open_wait_ms < 0 || options->durability_timeout_ms < 0)
        return "a timeout must not be negative";
    if (options->durability_replicas > REPLICAS_MAX)
        return "durability_replicas must be at most 64";
    if (options->partitions > KEYS_PARTITIONS_MAX)
        return "partitions must be at most 1024";
    if (!client_book_name_ok(book))
        return "book must be 1..32 of a-z 0-9 . _ -";
    if (!client_name_ok(name, sizeof till->client_name))
        return "client_name must be 1..63 printable ASCII characters without space";
    client_copy(till->book.name, sizeof till->book.name, book);
    client_copy(till->client_name, sizeof till->client_name, name);
    return take_url(till, options);
}

/* One try, or tries until the wait is over while that may help. */
static int open_wait(struct till *till, int wait_ms) {
    int64_t end_ms = client_now_ms() + wait_ms;
    for (;;) {
        int64_t try_ms = client_now_ms() + till->timeout_ms;
        int code = client_connect(till, wait_ms == 0 || try_ms < end_ms ? try_ms : end_ms);
        bool heals = code == TILL_READ_FAILED || code == TILL_NOT_FOUND;
        if (!heals || client_now_ms() + OPEN_PAUSE_MS >= end_ms)
            return code;
        client_pause(OPEN_PAUSE_MS, end_ms);
    }
}

int till_open(struct till **out, const struct till_options *options) {
    struct till *till = calloc(1, sizeof *till);
    if (till == NULL)
        abort();
    *out = till;
    command_init(&till->command);
    const char *why = take_options(till, options);
    if (why != NULL) {
        client_fail(till, "%s", why);
        return TILL_INVALID;
    }
    int code = open_wait(till, options->open_wait_ms);
    if (code == TILL_OK && client_durable_wanted(till))
        code = client_durable_check(till);
    if (code != TILL_OK)
        return code;
    till->backlog = calloc(till->book.partitions, sizeof *till->backlog);
    if (till->backlog == NULL)
        abort();
    till->error[0] = '\0';
    return TILL_OK;
}

void till_close(struct till *till) {
    if (till == NULL)
        return;
    client_source_report(till);
    client_drop(till);
    command_clear(&till->command);
    client_source_free(till->sources);
    free(till->backlog);
    free(till->questions.list);
    send_bulk_free(till->send_bulk);
    explicit_bzero(&till->redis_options, sizeof till->redis_options); /* the password */
    free(till);
}

const char *till_error(const struct till *till) {
    return till->error;
}

unsigned till_partitions(const struct till *till) {
    return till->book.partitions;
}

unsigned till_partition_of(const struct till *till, const char *account) {
    return keys_partition(&till->book, account, strlen(account));
}
