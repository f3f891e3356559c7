/* Puts the settlement of months that are over on the partition's own stream. */
#include "worker/settler.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "worker/follow_ups.h"
#include "worker/lane_apply.h"
#include "worker/log.h"

enum { LOOK_MS = 60000, AGAIN_FIRST_MS = 4000, AGAIN_LAST_MS = 86400000, BITE_MS = 100, BITE = 64, MONTHS_MAX = 24 };
enum { MINUTES_EAST_MAX = 840, DAY_MINUTES = 1440, MINUTE_MS = 60000 };

/* Months to be settled, ascending: the earliest, when there are more. */
struct months {
    char text[MONTHS_MAX][8];
    unsigned count;
};

static void add_month(struct months *m, const char *month) {
    unsigned at = 0;
    while (at < m->count && strcmp(m->text[at], month) < 0) at++;
    if (at == MONTHS_MAX || (at < m->count && strcmp(m->text[at], month) == 0)) return;
    if (m->count == MONTHS_MAX) m->count--;
    memmove(m->text[at + 1], m->text[at], (m->count - at) * sizeof m->text[0]);
    memcpy(m->text[at], month, sizeof m->text[0]);
    m->count++;
}

static bool ends_with(const char *text, size_t size, const char *end) {
    size_t length = strlen(end);
    return size >= length && memcmp(text + size - length, end, length) == 0;
}

/* What an account says of its months up to `last`: those that are open. False when it is no merchant's. */
static bool read_account(struct reply fields, const char *last, struct months *open, char currency[4]) {
    bool last_settled = false;
    open->count = 0;
    currency[0] = '\0';
    for (size_t n = 0; n + 1 < reply_count(fields); n += 2) {
        size_t name_size, size;
        const char *name = reply_text(reply_at(fields, n), &name_size), *value = reply_text(reply_at(fields, n + 1), &size);
        char month[8] = "";
        if (strcmp(name, "currency") == 0 && size == 3) memcpy(currency, value, 4);
        if (strcmp(name, "earning") == 0 && size > 7) memcpy(month, value, 7);
        if (strncmp(name, "month:", 6) == 0 && name_size == 13) memcpy(month, name + 6, 7);
        if (month[0] == '\0' || strcmp(month, last) > 0) continue;
        if (name[0] == 'm' && ends_with(value, size, " settled")) last_settled |= strcmp(month, last) == 0;
        else add_month(open, month);
    }
    if (!last_settled) add_month(open, last);
    return currency[0] != '\0';
}

static void add_settle(struct lane *lane, struct command *c, const char *merchant, size_t size, const char *currency, const char *month,
                       uint64_t now_ms) {
    struct intent i;
    intent_clear(&i);
    i.v = 1;
    i.op = OP_settle;
    i.at_ms = now_ms;
    i.present = op_fields_needed(OP_settle);
    snprintf(i.source, sizeof i.source, "settlement");
    snprintf(i.key, sizeof i.key, "%s.%u", month, lane->door.partition);
    memcpy(i.currency, currency, sizeof i.currency);
    memcpy(i.month, month, sizeof i.month);
    if (size < sizeof i.account) memcpy(i.account, merchant, size + 1);
    follow_ups_add(&lane->door, c, &i);
}

static void begin(struct lane *lane, struct command *c, const char *verb, size_t (*key_of)(keys_buffer, const struct book *, unsigned)) {
    keys_buffer key;
    command_begin(c, verb);
    command_copy(c, key, key_of(key, &lane->door.book, lane->door.partition));
}

/* The server's clock, and the month that was over last by it and the book's offset. */
static enum redis_err ask_month(struct lane *lane, struct command *c, uint64_t *now_ms, char last[8]) {
    struct reply reply;
    keys_buffer key;
    char day[9];
    command_begin(c, "TIME");
    redis_append_for(lane->side, c, key, keys_meta(key, &lane->door.book, lane->door.partition));
    begin(lane, c, "HGET", keys_meta);
    command_word(c, "policy:settlement_offset");
    redis_append(lane->side, c);
    enum redis_err err = redis_next(lane->side, &reply);
    *now_ms = err ? 0 : (uint64_t)reply_integer(reply_at(reply, 0)) * 1000 + (uint64_t)reply_integer(reply_at(reply, 1)) / 1000;
    enum redis_err next = redis_next(lane->side, &reply);
    if (err || next) return err ? err : next;
    int64_t offset = reply_type(reply) == REPLY_TEXT ? reply_integer(reply) : 0;
    if (offset > MINUTES_EAST_MAX) offset -= DAY_MINUTES;
    keys_day_text(keys_day(*now_ms + (uint64_t)(offset * MINUTE_MS)), day);
    unsigned year = (unsigned)(strtoul(day, NULL, 10) / 10000), month = (unsigned)(strtoul(day + 4, NULL, 10) / 100);
    snprintf(last, 8, "%04u-%02u", (month == 1 ? year - 1 : year) % 10000, month == 1 ? 12u : (month - 1) % 100);
    return REDIS_OK;
}

/* One bite of merchants, whose accounts are asked for at once; the names stay in *page, the caller's to release. */
static enum redis_err ask_merchants(struct lane *lane, struct command *c, struct reply *page) {
    struct reply reply;
    begin(lane, c, "SSCAN", keys_merchants);
    command_uint(c, lane->settler.cursor);
    command_word(c, "COUNT");
    command_uint(c, BITE);
    enum redis_err err = redis_call(lane->side, c, &reply);
    if (err) return err;
    *page = redis_detach(lane->side);
    struct reply names = reply_at(*page, 1);
    for (size_t n = 0; n < reply_count(names); n++) {
        size_t size;
        reply_text(reply_at(names, n), &size);
        if (size > INTENT_ACCOUNT_MAX) return REDIS_GARBLED;
    }
    for (size_t n = 0; n < reply_count(names); n++) {
        keys_buffer key;
        const char *name = reply_text(reply_at(names, n), NULL);
        command_begin(c, "HGETALL");
        command_copy(c, key, keys_account(key, &lane->door.book, lane->door.partition, name));
        redis_append(lane->side, c);
    }
    return REDIS_OK;
}

/* The settles of a bite, in one call. */
static enum redis_err send_bite(struct lane *lane, struct command *c, struct reply page, uint64_t now_ms) {
    struct reply names = reply_at(page, 1), reply;
    keys_buffer key;
    uint32_t count = 0;
    enum redis_err err = REDIS_OK;
    redis_script_begin(c, &script_enqueue, 1);
    command_copy(c, key, keys_intents(key, &lane->door.book, lane->door.partition));
    for (size_t n = 0; n < reply_count(names); n++) {
        struct months open;
        char currency[4];
        size_t size;
        const char *name = reply_text(reply_at(names, n), &size);
        enum redis_err next = redis_next(lane->side, &reply);
        if (next && !err) err = next;
        if (err || !read_account(reply, lane->settler.month, &open, currency)) continue;
        for (unsigned m = 0; m < open.count; m++, count++) add_settle(lane, c, name, size, currency, open.text[m], now_ms);
    }
    return err || count == 0 ? err : redis_script_call(lane->side, &script_enqueue, c, &reply);
}

static enum redis_err take_bite(struct lane *lane, struct command *c, uint64_t now_ms) {
    struct settler *s = &lane->settler;
    struct reply page = {NULL};
    enum redis_err err = ask_merchants(lane, c, &page);
    if (!err) err = send_bite(lane, c, page, now_ms);
    if (!err) {
        s->cursor = strtoull(reply_text(reply_at(page, 0), NULL), NULL, 10);
        s->scanning = s->cursor != 0;
    }
    if (!err && !s->scanning) {
        s->again_at_ms = lane_now_ms() + s->again_ms;
        s->again_ms = 2 * s->again_ms < AGAIN_LAST_MS ? 2 * s->again_ms : AGAIN_LAST_MS;
    }
    reply_release(page);
    return err;
}

static enum redis_err settle(struct lane *lane, struct command *c) {
    struct settler *s = &lane->settler;
    uint64_t now_ms;
    char last[8];
    enum redis_err err = ask_month(lane, c, &now_ms, last);
    bool over = !err && strcmp(last, s->month) != 0;
    if (over) {
        memcpy(s->month, last, sizeof s->month);
        s->again_ms = AGAIN_FIRST_MS;
    }
    if (over || (!err && !s->scanning && lane_now_ms() >= s->again_at_ms)) {
        s->scanning = true;
        s->cursor = 0;
    }
    if (!err && s->scanning) err = take_bite(lane, c, now_ms);
    return err;
}

enum redis_err settler_turn(struct lane *lane) {
    struct settler *s = &lane->settler;
    uint64_t now_ms = lane_now_ms();
    if (!atomic_load(&lane->shared->settings->settle_auto) || now_ms < s->look_at_ms || lane->replaying.on) return REDIS_OK;
    struct command c;
    command_init(&c);
    enum redis_err err = lane_connect(lane, &lane->side);
    if (!err) err = settle(lane, &c);
    command_clear(&c);
    uint64_t wait_ms = s->again_at_ms > now_ms ? s->again_at_ms - now_ms : 0;
    if (err || wait_ms > LOOK_MS) wait_ms = LOOK_MS;
    s->look_at_ms = now_ms + (s->scanning && !err ? BITE_MS : wait_ms);
    bool refused = err == REDIS_REFUSED && !redis_is_lost(lane->side);
    if (refused && !s->refused)
        log_event(LOG_ERROR, "settlement_refused", {"partition", LOG_N(lane->door.partition)}, {"error", LOG_S(redis_error(lane->side))});
    s->refused = refused;
    return s->refused ? REDIS_OK : err;
}
