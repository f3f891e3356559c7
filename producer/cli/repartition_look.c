/* May a book be carried over? Only one at rest: no worker, nothing under way, the same rules everywhere, everything archived that is. */
#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "producer/archive_manifest.h"
#include "producer/archive_tail.h"
#include "producer/cli/archive_out.h"
#include "producer/cli/audit.h"
#include "producer/cli/pages.h"
#include "producer/cli/repartition.h"
#include "schema/intent.h"

enum { RETRY_MS = 100, PAGE = 100 };

/* The last to be heard of, and when, by the server's clock; 0: none at all. */
static int last_heard(struct repartition *r, char name[100], uint64_t *heard_ms) {
    struct connection *c = &r->side;
    struct reply reply;
    keys_buffer key;
    command_begin(&c->command, "ZRANGEBYSCORE");
    command_copy(&c->command, key, keys_workers(key, &c->book));
    command_word(&c->command, "-inf");
    command_word(&c->command, "+inf");
    command_word(&c->command, "WITHSCORES");
    int code = connect_call(c, "looking for workers", &reply);
    size_t count = reply_count(reply);
    *heard_ms = 0;
    if (code || count < 2) return code;
    snprintf(name, 100, "%s", reply_text(reply_at(reply, count - 2), NULL));
    *heard_ms = strtoull(reply_text(reply_at(reply, count - 1), NULL), NULL, 10);
    return CLI_OK;
}

/* One that was killed is not heard of again, and is waited for as long as it could have a lease; one that lives is heard of soon. */
int repartition_workers(struct repartition *r) {
    uint64_t now_ms, heard_ms, first_ms = 0;
    char name[100];
    for (;;) {
        int code = connect_server_ms(&r->side, &now_ms);
        if (!code) code = last_heard(r, name, &heard_ms);
        if (code) return code;
        if (heard_ms + r->side.config.worker_lease_ttl_ms < now_ms) return CLI_OK;
        if (first_ms && heard_ms != first_ms) break;
        first_ms = heard_ms;
        poll(NULL, 0, RETRY_MS);
    }
    cli_say(r->cli, "worker %s serves this book: end it, and all others, then type it again", name);
    return CLI_FOUND;
}

__attribute__((format(printf, 3, 4))) static int refuse(struct repartition *r, unsigned partition, const char *format, ...) {
    char text[500];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    cli_say(r->cli, "partition %u: %s", partition, text);
    return CLI_FOUND;
}

/* For how long what was decided until a day is kept: for as long as in any of them, until the last of those days. */
static void take_lowered(struct repartition *r, const char *text, uint64_t bills_keep) {
    unsigned long day, days;
    if (r->bills_keep < bills_keep) r->bills_keep = bills_keep;
    if (sscanf(text, "%lu %lu", &day, &days) != 2) return;
    if (day > r->lowered_day) r->lowered_day = day;
    if (days > r->lowered_days) r->lowered_days = days;
    if (days > r->bills_keep) r->bills_keep = days;
}

/* What each partition's meta says, the policies against those of partition 0. */
static int take_meta(struct repartition *r, unsigned p, struct reply meta, char **policies) {
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    if (!out) abort();
    for (size_t n = 0; n + 1 < reply_count(meta); n += 2) {
        const char *name = reply_text(reply_at(meta, n), NULL);
        if (strncmp(name, "policy:", 7) == 0) fprintf(out, "%s=%s ", name + 7, reply_text(reply_at(meta, n + 1), NULL));
    }
    if (fclose(out) != 0 || !text) abort();
    struct reply bill = reply_field(meta, "bill"), applied = reply_field(meta, "applied");
    r->applied_bill[p] = (uint64_t)reply_integer(bill);
    snprintf(r->applied[p], sizeof r->applied[p], "%s", reply_type(applied) == REPLY_NIL ? "0-0" : reply_text(applied, NULL));
    if (r->applied_bill[p] > r->carried_bill) r->carried_bill = r->applied_bill[p];
    struct reply keep = reply_field(meta, "policy:bills_keep");
    take_lowered(r, reply_text(reply_field(meta, "lowered"), NULL),
                 reply_type(keep) == REPLY_NIL ? AUDIT_KEEP_DAYS : (uint64_t)reply_integer(keep));
    int code = CLI_OK;
    if (reply_type(reply_field(meta, "halted")) != REPLY_NIL)
        code = refuse(r, p, "is halted, because Redis lost data: `till accept-loss` says more");
    else if (reply_type(reply_field(meta, "paused")) != REPLY_NIL)
        code = refuse(r, p, "is paused: `till resume` first");
    else if (reply_type(reply_field(meta, "replaying")) != REPLY_NIL)
        code = refuse(r, p, "is being rebuilt: finish `till replay` first");
    else if (p > 0 && strcmp(*policies, text) != 0)
        code = refuse(r, p, "has other rules than partition 0 (here: %s; there: %s): send the policy to all partitions", text, *policies);
    if (p == 0) *policies = text;
    else free(text);
    return code;
}

static int look_at_meta(struct repartition *r) {
    struct connection *c = &r->side;
    struct reply reply;
    char *policies = NULL;
    int code = CLI_OK;
    for (unsigned p = 0; p < c->book.partitions && !code; p++) {
        command_begin(&c->command, "HGETALL");
        repartition_key(c, p, "meta", "");
        code = connect_call(c, "reading meta", &reply);
        if (!code) code = take_meta(r, p, reply, &policies);
    }
    free(policies);
    return code;
}

static int count_of(struct repartition *r, unsigned p, const char *command, const char *word, uint64_t *count) {
    struct reply reply;
    command_begin(&r->side.command, command);
    repartition_key(&r->side, p, word, "");
    int code = connect_call(&r->side, "looking for what is under way", &reply);
    *count = code ? 0 : (uint64_t)reply_integer(reply);
    return code;
}

static int look_at_pending(struct repartition *r, unsigned p) {
    struct connection *c = &r->side;
    struct reply reply;
    uint64_t unanswered;
    char from[ENTRY_TEXT_MAX + 2];
    int code = count_of(r, p, "HLEN", "unanswered", &unanswered);
    if (code) return code;
    if (unanswered)
        return refuse(r, p, "%" PRIu64 " answers are kept until what follows from them is on its way: start a worker until `till status`"
                      " shows nothing waiting, end it, then type it again", unanswered);
    snprintf(from, sizeof from, "(%s", r->applied[p]);
    command_begin(&c->command, "XRANGE");
    repartition_key(c, p, "intents", "");
    command_word(&c->command, from);
    command_word(&c->command, "+");
    command_word(&c->command, "COUNT");
    command_word(&c->command, "1");
    code = connect_call(c, "looking for intents that wait", &reply);
    if (code || reply_count(reply) == 0) return code;
    return refuse(r, p, "intents wait there: start a worker until `till status` shows nothing waiting, end it, then type it again");
}

static int look_at_waiting(struct repartition *r) {
    int code = CLI_OK;
    for (unsigned p = 0; p < r->side.book.partitions && !code; p++) code = look_at_pending(r, p);
    return code;
}

/* One that was given up would change what is carried over when it is put back: by where it came from, which is no more. */
static bool comes_from_elsewhere(struct reply entry) {
    struct intent intent;
    struct intent_fault fault;
    size_t size;
    const char *bytes = reply_text(reply_field(reply_at(entry, 1), "intent"), &size);
    return size > 0 && intent_decode(bytes, size, &intent, &fault) == INTENT_OK && op_is_follow_up(intent.op) && !op_is_own(intent.op);
}

static int look_at_dead(struct repartition *r, unsigned p) {
    struct pages pages;
    struct reply entries;
    keys_buffer key;
    bool more = true;
    int code = CLI_OK;
    keys_dead(key, &r->from.book, p);
    pages_stream(&pages, &r->from, "reading the dead entries", key, (struct entry_id){0, 0}, "+", PAGE);
    while (!code && !(code = pages_next(&pages, &entries, &more)) && more)
        for (size_t n = 0; n < reply_count(entries) && !code; n++)
            if (comes_from_elsewhere(reply_at(entries, n)))
                code = refuse(r, p, "dead entry %s is what follows from an intent of another partition: `till dead requeue %u:%s` and let a"
                              " worker apply it, or discard it", reply_text(reply_at(reply_at(entries, n), 0), NULL), p,
                              reply_text(reply_at(reply_at(entries, n), 0), NULL));
    pages_end(&pages);
    return code;
}

/* Up to where that stream reaches; 0-0: there is none. */
static int last_of(struct repartition *r, unsigned p, const char *stream, struct entry_id *last) {
    struct connection *c = &r->side;
    struct reply reply;
    size_t size;
    command_begin(&c->command, "XINFO");
    command_word(&c->command, "STREAM");
    repartition_key(c, p, stream, "");
    enum redis_err err = redis_call(c->redis, &c->command, &reply);
    *last = (struct entry_id){0, 0};
    if (err && !archive_tail_is_answer(reply)) return connect_failed(c, err, "looking at the streams");
    const char *text = err ? "" : reply_text(reply_field(reply, "last-generated-id"), &size);
    if (*text && !entry_id_parse(text, size, last)) *last = (struct entry_id){0, 0};
    return CLI_OK;
}

/* In place the streams of intents and ledgers go: what an archive is kept of must be in it. */
static int look_at_archive(struct repartition *r, unsigned p) {
    const char *dir = r->from.config.archive_dir;
    struct entry_id intents, ledger;
    struct archive_manifest manifest;
    struct archive_fault fault;
    archive_path path;
    if (!r->in_place || !*dir) return CLI_OK;
    snprintf(path, sizeof path, "%.1000s/%04u", dir, p);
    if (archive_manifest_read(path, &manifest, &fault) != ARCHIVE_OK) {
        archive_out_fault(r->cli, &fault);
        return CLI_FOUND;
    }
    int code = last_of(r, p, "intents", &intents);
    if (!code) code = last_of(r, p, "ledger", &ledger);
    if (code) return code;
    if (entry_id_compare(manifest.intents.last, intents) >= 0 && entry_id_compare(manifest.ledger.last, ledger) >= 0) return CLI_OK;
    return refuse(r, p, "not all of its intents and ledger is archived yet: `till archive %.300s`, then type it again", dir);
}

static int look_at_partitions(struct repartition *r) {
    int code = CLI_OK;
    for (unsigned p = 0; p < r->side.book.partitions && !code; p++) {
        code = look_at_dead(r, p);
        if (!code) code = look_at_archive(r, p);
    }
    return code;
}

int repartition_bound(struct repartition *r) {
    uint64_t now_ms, there_ms;
    struct entry_id last;
    int code = connect_server_ms(&r->side, &now_ms);
    if (!code) code = connect_server_ms(&r->to, &there_ms);
    if (code) return code;
    r->carried = (struct entry_id){now_ms > there_ms ? now_ms : there_ms, 0};
    for (unsigned p = 0; p < r->side.book.partitions && !code; p++) {
        code = last_of(r, p, "closed", &last);
        if (!code && entry_id_compare(last, r->carried) >= 0) r->carried = (struct entry_id){last.ms + 1, 0};
    }
    return code;
}

/* Is it being gone on with? Then what can be looked at was. */
static int any_closed(struct repartition *r, bool *any) {
    struct reply reply;
    int code = CLI_OK;
    *any = false;
    for (unsigned p = 0; p < r->side.book.partitions && !code; p++) {
        command_begin(&r->side.command, "TYPE");
        repartition_key(&r->side, p, "intents", "");
        code = connect_call(&r->side, "looking at the streams", &reply);
        *any = *any || reply_is(reply, "string");
    }
    return code;
}

int repartition_look(struct repartition *r) {
    bool closed;
    r->carried_bill = 0;
    int code = look_at_meta(r);
    if (!code) code = any_closed(r, &closed);
    if (code || closed) return code;
    r->looked = true;
    code = look_at_waiting(r);
    if (!code) code = look_at_partitions(r);
    return code ? code : repartition_audit(r, &r->from, "old");
}

/* --- its keys --- */

static bool is_known(const char *name) {
    static const char *const words[] = {"account:",  "bills:", "responses:", "order:",     "sku:",      "intents", "closed", "dead",
                                        "discarded", "ledger", "due",        "unanswered", "scheduled", "trimmed", "lease",  "meta",
                                        "merchants", "sent:"};
    for (size_t n = 0; n < sizeof words / sizeof words[0]; n++) {
        size_t size = strlen(words[n]);
        if (words[n][size - 1] == ':' ? strncmp(name, words[n], size) == 0 : strcmp(name, words[n]) == 0) return true;
    }
    return false;
}

int repartition_list(struct repartition *r) {
    bool wanted[KEYS_PARTITIONS_MAX];
    memset(wanted, true, sizeof wanted);
    int code = digest_names_scan(&r->names, &r->from, wanted);
    for (unsigned p = 0; p < r->from.book.partitions && !code; p++) {
        struct digest_list_of_names list;
        if (!digest_names_of(&r->names, p, &list)) code = cli_usage(r->cli, "cannot read a temporary file: %s", strerror(errno));
        for (size_t n = 0; n < list.count && !code; n++)
            if (!is_known(list.names[n])) code = refuse(r, p, "has a key that this program does not know: %.200s", list.names[n]);
        digest_names_free(&list);
    }
    return code;
}
