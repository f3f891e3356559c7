/* What operators see and do on the page: how the book stands, its dead entries, what is known of an account, a bill, a key. */
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "producer/cli/account_out.h"
#include "producer/cli/bill_out.h"
#include "producer/cli/dead.h"
#include "producer/cli/json_out.h"
#include "producer/cli/pages.h"
#include "producer/cli/status_read.h"
#include "producer/client.h"
#include "producer/gateway/find.h"
#include "producer/gateway/request.h"

enum { DEAD_SHOWN = 200, IDS_MAX = 200 };

static void fail(struct request *r, struct desk *desk) {
    gateway_reply_code(&r->reply, TILL_READ_FAILED, desk->said, NULL);
    desk_drop_connection(desk);
}

/* --- how it stands --- */

static uint64_t age_ms(const struct book_status *s, uint64_t since_ms) { return s->now_ms > since_ms ? s->now_ms - since_ms : 0; }

static json_t *partitions_json(const struct book_status *s) {
    json_t *list = json_out_array();
    for (unsigned n = 0; n < s->partition_count; n++) {
        const struct status_partition *p = &s->partitions[n];
        json_t *one = json_out_object();
        json_out_text(one, "owner", p->owner);
        json_out_number(one, "waits", (int64_t)(p->undelivered + p->pending));
        json_out_number(one, "oldest", p->oldest_ms ? (int64_t)age_ms(s, p->oldest_ms) : 0);
        json_out_number(one, "dead", (int64_t)p->dead);
        json_out_number(one, "added", (int64_t)p->added);
        json_out_number(one, "read", (int64_t)p->read);
        json_out_text(one, "halted", p->halted);
        json_out_text(one, "paused", p->paused);
        json_out_append(list, one);
    }
    return list;
}

static json_t *workers_json(const struct book_status *s, uint64_t ttl_ms) {
    json_t *list = json_out_array();
    for (size_t n = 0; n < s->worker_count; n++) {
        json_t *one = json_out_object();
        json_out_text(one, "name", s->workers[n].name);
        json_out_number(one, "partitions", s->workers[n].partitions);
        json_out_number(one, "seen", (int64_t)age_ms(s, s->workers[n].seen_ms));
        json_out_bool(one, "alive", age_ms(s, s->workers[n].seen_ms) < ttl_ms);
        json_out_bool(one, "quiet", s->workers[n].quiet);
        json_out_append(list, one);
    }
    return list;
}

static int by_size(const void *a, const void *b) {
    uint32_t left = *(const uint32_t *)a, right = *(const uint32_t *)b;
    return left < right ? -1 : left > right;
}

static void add_answers(struct gateway *g, json_t *object) {
    struct hub_answers *a = malloc(sizeof *a);
    if (!a) abort();
    hub_take_answers(&g->hub, a);
    qsort(a->took_ms, a->sample_count, sizeof a->took_ms[0], by_size);
    json_out_number(object, "answers", (int64_t)a->count);
    json_out_number(object, "refused", (int64_t)a->refused);
    json_out_optional(object, "p50", a->sample_count > 0, a->took_ms[a->sample_count / 2]);
    json_out_optional(object, "p99", a->sample_count > 0, a->took_ms[a->sample_count * 99 / 100]);
    free(a);
}

/* The sources that have tokens are read from when somebody looks on, so that their answers can be seen. */
static void read_sources(struct gateway *g) {
    char names[SOURCES_MAX][TOKENS_NAME_SIZE], why[160];
    unsigned count = 0;
    pthread_rwlock_rdlock(&g->tokens_lock);
    for (; count < g->tokens.count && count < SOURCES_MAX; count++) memcpy(names[count], g->tokens.list[count].name, TOKENS_NAME_SIZE);
    pthread_rwlock_unlock(&g->tokens_lock);
    for (unsigned n = 0; n < count; n++) (void)sources_read(&g->sources, names[n], why, sizeof why);
}

static void publish_state(struct desk_job *job, struct desk *desk) {
    struct gateway *g = (struct gateway *)((char *)job - offsetof(struct gateway, state_job));
    struct connection *c = desk_connection(desk);
    struct book_status s = {0};
    json_t *object = json_out_object();
    if (c && status_read(c, &s) == CLI_OK) {
        read_sources(g);
        json_out_text(object, "book", c->book.name);
        json_out_number(object, "now", (int64_t)s.now_ms);
        json_out_value(object, "partitions", partitions_json(&s));
        json_out_value(object, "workers", workers_json(&s, c->config.worker_lease_ttl_ms));
        add_answers(g, object);
        hub_publish(&g->hub, "state", object);
    } else {
        json_out_text(object, "text", desk->said);
        hub_publish(&g->hub, "trouble", object);
        desk_drop_connection(desk);
    }
    status_clear(&s);
    atomic_store(&g->state_asked, false);
}

void board_tick(struct gateway *g) {
    if (!hub_is_followed(&g->hub) || atomic_exchange(&g->state_asked, true)) return;
    g->state_job.run = publish_state;
    desk_take(g->board, &g->state_job);
}

/* --- events --- */

static void start_source(struct desk_job *job, struct desk *desk) {
    struct request *r = request_of_job(job);
    const char *source = MHD_lookup_connection_value(r->connection, MHD_GET_ARGUMENT_KIND, "source");
    char why[160];
    (void)desk;
    if (source && *source && !sources_read(&r->gateway->sources, source, why, sizeof why))
        gateway_reply_code(&r->reply, TILL_INVALID, why, "source");
    else
        r->reply = (struct gateway_reply){.status = 200, .type = "text/event-stream", .stream = true};
    request_resume(r);
}

void board_events(struct request *r) { request_hand_over(r, r->gateway->board, start_source); }

/* --- dead entries --- */

static int list_partition(struct connection *c, unsigned p, json_t *list) {
    struct pages pages;
    struct reply entries;
    struct dead *dead = malloc(sizeof *dead);
    keys_buffer key;
    bool more = true;
    int code = CLI_OK;
    if (!dead) abort();
    keys_dead(key, &c->book, p);
    pages_stream(&pages, c, "reading the dead stream", key, (struct entry_id){0, 0}, "+", 100);
    while (!code && json_array_size(list) < DEAD_SHOWN && !(code = pages_next(&pages, &entries, &more)) && more)
        for (size_t n = 0; n < reply_count(entries) && json_array_size(list) < DEAD_SHOWN; n++) {
            dead_read(reply_at(entries, n), p, dead);
            json_out_append(list, dead_json(dead));
        }
    pages_end(&pages);
    free(dead);
    return code;
}

static void list_dead(struct desk_job *job, struct desk *desk) {
    struct request *r = request_of_job(job);
    struct connection *c = desk_connection(desk);
    json_t *object = json_out_object(), *list = json_out_array();
    int code = c ? CLI_OK : CLI_UNREACHABLE;
    for (unsigned p = 0; !code && p < c->book.partitions; p++) code = list_partition(c, p, list);
    json_out_value(object, "dead", list);
    if (code) {
        json_decref(object);
        fail(r, desk);
    } else {
        gateway_reply_json(&r->reply, 200, object);
    }
    request_resume(r);
}

void board_dead(struct request *r) { request_hand_over(r, r->gateway->board, list_dead); }

static int requeue_one(struct connection *c, unsigned partition, const char *id, bool *found) {
    struct dead dead;
    const char *entry;
    int code = dead_fetch(c, partition, id, &dead, found);
    if (!*found) return code;
    enum redis_err err = dead_requeue(c, &dead, id, &entry);
    *found = !err && *entry;
    return err ? connect_failed(c, err, "requeueing") : CLI_OK;
}

/* One ID. False: Redis is away. */
static bool change_one(struct connection *c, const char *text, const char *reason, unsigned *done) {
    unsigned partition;
    const char *id;
    bool found = false;
    if (!text || !dead_parse_id(&c->book, text, &partition, &id)) return true;
    if (!reason) {
        int code = requeue_one(c, partition, id, &found);
        *done += found;
        return code == CLI_OK;
    }
    enum redis_err err = dead_discard(c, partition, id, reason, &found);
    *done += found;
    return !err || connect_failed(c, err, "discarding") == CLI_OK;
}

/* {"ids": [...]}, and with a "reason" they are put aside. */
static void change_dead(struct desk_job *job, struct desk *desk) {
    struct request *r = request_of_job(job);
    struct connection *c = desk_connection(desk);
    json_t *body = json_loadb(r->body, r->size, 0, NULL), *ids = json_object_get(body, "ids"), *object = json_out_object(), *id;
    const char *reason = strcmp(r->url, "/ui/dead/discard") == 0 ? json_string_value(json_object_get(body, "reason")) : NULL;
    unsigned done = 0;
    size_t n;
    bool ok = c != NULL;
    if (ok) json_array_foreach(ids, n, id) ok = ok && change_one(c, json_string_value(id), reason, &done);
    json_out_number(object, "done", done);
    json_out_number(object, "gone", (int64_t)json_array_size(ids) - done);
    if (ok) gateway_reply_json(&r->reply, 200, object);
    else json_decref(object);
    if (!ok) fail(r, desk);
    json_decref(body);
    request_resume(r);
}

void board_change(struct request *r) {
    json_t *body = json_loadb(r->body ? r->body : "", r->size, 0, NULL), *ids = json_object_get(body, "ids");
    const char *reason = json_string_value(json_object_get(body, "reason"));
    bool discards = strcmp(r->url, "/ui/dead/discard") == 0, named = json_array_size(ids) >= 1 && json_array_size(ids) <= IDS_MAX;
    bool reasoned = reason && reason[strspn(reason, " \t")] && strlen(reason) <= 500;
    json_decref(body);
    if (!named) gateway_reply_problem(&r->reply, GATEWAY_bad_request, "which? {\"ids\": [...]}, 1 to 200");
    else if (discards && !reasoned) gateway_reply_problem(&r->reply, GATEWAY_bad_request, "discarding needs a reason, which is kept");
    else request_hand_over(r, r->gateway->board, change_dead);
}

/* --- looking up --- */

static void look(struct desk_job *job, struct desk *desk) {
    struct request *r = request_of_job(job);
    struct till *till = desk_till(desk);
    const char *what = MHD_lookup_connection_value(r->connection, MHD_GET_ARGUMENT_KIND, "q");
    json_t *object = json_out_object();
    struct till_account account;
    struct till_rules rules = {0};
    struct till_bill bill;
    char text[TILL_IDENTITY_SIZE], *parts[3] = {text};
    client_copy(text, sizeof text, what ? what : "");
    unsigned count = 1;
    for (char *at = text; count < 3 && (at = strchr(at, '/')); count++) {
        *at++ = '\0';
        parts[count] = at;
    }
    int code = till ? TILL_NOT_FOUND : TILL_READ_FAILED;
    if (till && count == 3) code = till_bill(till, parts[0], parts[1], parts[2], 0, &bill);
    else if (till && count == 1) code = till_account(till, text, &account);
    if (code == TILL_OK && count == 1 && *text != '@') code = till_account_rules(till, text, &rules);
    if (code == TILL_OK && count == 1) json_out_value(object, "account", account_json(&account, &rules));
    if (code == TILL_OK && count == 3) json_out_value(object, "bill", bill_json(&bill, parts[0], parts[1], parts[2]));
    struct connection *c = code == TILL_NOT_FOUND || code == TILL_INVALID ? desk_connection(desk) : NULL;
    if (c && count < 3) code = find_bills(c, what ? what : "", object) == CLI_OK ? TILL_OK : TILL_READ_FAILED;
    if (code == TILL_OK || code == TILL_NOT_FOUND || code == TILL_INVALID) {
        gateway_reply_json(&r->reply, 200, object);
    } else {
        json_decref(object);
        fail(r, desk);
    }
    request_resume(r);
}

void board_look(struct request *r) { request_hand_over(r, r->gateway->board, look); }
