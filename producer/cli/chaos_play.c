/* The traffic of `till chaos`: payments, holds, transfers and what refers to them, each with a key of its own, and their answers. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "producer/cli/chaos.h"
#include "producer/cli/progress.h"
#include "producer/cli/when.h"
#include "producer/client.h"
#include "schema/code.h"

enum { USERS = 20, MERCHANTS = 3, FUNDS = 10000000, AMOUNT_MOST = 5000, AT_ONCE = 64, SEND_MS = 30000, REPEATED = 20, HOLD_SHORT_MS = 400 };
static const char source[] = "chaos";

uint64_t chaos_random(struct chaos *x, uint64_t below) {
    uint64_t z = x->random += 0x9e3779b97f4a7c15u; /* splitmix64 */
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return (z ^ (z >> 31)) % below;
}

static struct chaos_sent *add(struct chaos *x, const char *op) {
    if (x->count == 0) x->count = 1;
    if (x->count >= x->capacity) {
        x->capacity = x->capacity ? 2 * x->capacity : 4096;
        x->sent = realloc(x->sent, x->capacity * sizeof *x->sent);
        if (!x->sent) abort();
    }
    x->open++;
    x->sent[x->count] = (struct chaos_sent){.op = op, .at_ms = when_now_ms()};
    return &x->sent[x->count++];
}

static bool is(const struct chaos_sent *s, const char *op) { return strcmp(s->op, op) == 0; }
static void name_user(struct chaos *x, char out[CHAOS_NAME_MAX]) {
    snprintf(out, CHAOS_NAME_MAX, "user%u", (unsigned)chaos_random(x, USERS));
}
static void name_merchant(struct chaos *x, char out[CHAOS_NAME_MAX]) {
    snprintf(out, CHAOS_NAME_MAX, "shop%u", (unsigned)chaos_random(x, MERCHANTS));
}

/* One of the last intents of this operation; 0: there is none. */
static size_t recent(struct chaos *x, const char *op) {
    for (unsigned n = 0; n < 40 && x->count > 1; n++) {
        size_t place = x->count - 1 - (size_t)chaos_random(x, x->count - 1 < 300 ? x->count - 1 : 300);
        if (is(&x->sent[place], op)) return place;
    }
    return 0;
}

static void refer(struct chaos *x, const char *op, size_t of) {
    struct chaos_sent *s = add(x, op);
    s->of = of;
    memcpy(s->account, x->sent[of].account, sizeof s->account);
    if (is(s, "refund")) s->amount_minor = 1 + (int64_t)chaos_random(x, 50);
}

static void invent(struct chaos *x) {
    static const char *const later[][2] = {{"refund", "pay"}, {"capture", "hold"}, {"release", "hold"}};
    uint64_t dice = chaos_random(x, 100);
    const char *const *pair = later[dice % 3];
    size_t of = dice < 20 ? recent(x, pair[1]) : 0;
    if (of) {
        refer(x, pair[0], of);
        return;
    }
    struct chaos_sent *s = add(x, dice < 60 ? "pay" : dice < 75 ? "transfer" : dice < 90 ? "hold" : dice < 95 ? "topup" : "withdraw");
    name_user(x, s->account);
    s->amount_minor = 1 + (int64_t)chaos_random(x, AMOUNT_MOST);
    if (is(s, "transfer")) {
        do name_user(x, s->to);
        while (strcmp(s->to, s->account) == 0);
    } else if (is(s, "pay") || is(s, "hold")) {
        name_merchant(x, s->to);
    }
    if (is(s, "hold") && chaos_random(x, 2)) s->expires_ms = HOLD_SHORT_MS;
}

static void make(const struct chaos *x, size_t place, struct till_intent *out, char key[2][TILL_KEY_SIZE]) {
    const struct chaos_sent *s = &x->sent[place];
    bool opens = is(s, "open"), names_currency = !is(s, "refund") && !is(s, "capture") && !is(s, "release");
    snprintf(key[0], TILL_KEY_SIZE, "c%zu", place);
    snprintf(key[1], TILL_KEY_SIZE, "c%zu", s->of);
    *out = (struct till_intent){.op = s->op, .source = source, .key = key[0], .at_ms = s->at_ms, .account = s->account,
        .to = *s->to && !opens ? s->to : NULL, .kind = opens ? s->to : NULL, .amount_minor = s->amount_minor,
        .currency = names_currency ? "CNY" : NULL, .of = s->of ? key[1] : NULL, .expires_ms = s->expires_ms};
    if (is(s, "capture")) out->amount_minor = TILL_AMOUNT_ALL;
}

/* Hands over the intents first .. first + count - 1, however often it takes. */
static int hand_over(struct chaos *x, size_t first, size_t count) {
    struct till_intent intents[AT_ONCE];
    struct till_result results[AT_ONCE];
    char keys[AT_ONCE][2][TILL_KEY_SIZE];
    size_t sent = 0;
    x->till->bulk_answers = chaos_random(x, 2) == 0; /* those that share an entry are answered in one, or each by itself */
    for (size_t n = 0; n < count; n++) {
        make(x, first + n, &intents[n], keys[n]);
        if (!x->sent[first + n].sent_ms) x->sent[first + n].sent_ms = progress_now_ms();
    }
    for (int tries = 0; tries < 3 && sent < count; tries++) sent = till_send(x->till, intents, count, SEND_MS, results);
    if (sent == count) return CLI_OK;
    cli_say(x->cli, "%zu of %zu intents are not taken in: %s", count - sent, count, till_error(x->till));
    return CLI_UNREACHABLE;
}

int chaos_send(struct chaos *x, unsigned count) {
    int code = CLI_OK;
    while (count > 0 && !code) {
        size_t first = x->count ? x->count : 1, some = count < AT_ONCE ? count : AT_ONCE;
        for (size_t n = 0; n < some; n++) invent(x);
        code = hand_over(x, first, some);
        count -= (unsigned)some;
    }
    return code;
}

int chaos_repeat(struct chaos *x) {
    if (x->count < 2 * REPEATED) return CLI_OK;
    x->repeated += REPEATED;
    return hand_over(x, x->count - REPEATED - (size_t)chaos_random(x, REPEATED), REPEATED);
}

int chaos_open_accounts(struct chaos *x) {
    size_t first = x->count ? x->count : 1;
    for (unsigned n = 0; n < MERCHANTS; n++) {
        struct chaos_sent *s = add(x, "open");
        snprintf(s->account, sizeof s->account, "shop%u", n);
        snprintf(s->to, sizeof s->to, "merchant");
    }
    for (unsigned n = 0; n < USERS; n++) {
        struct chaos_sent *s = add(x, "open");
        snprintf(s->account, sizeof s->account, "user%u", n);
        snprintf(s->to, sizeof s->to, "user");
        s = add(x, "topup");
        snprintf(s->account, sizeof s->account, "user%u", n);
        s->amount_minor = FUNDS;
    }
    int code = CLI_OK;
    for (size_t n = first; n < x->count && !code; n += AT_ONCE) code = hand_over(x, n, x->count - n < AT_ONCE ? x->count - n : AT_ONCE);
    return code;
}

static bool decides(int code) {
    return code >= 0 && code != CODE_in_progress && code != CODE_account_locked && code != CODE_rate_limited && code != CODE_guard_failed;
}

static void note(struct chaos *x, const struct till_answer *answer) {
    char *end;
    unsigned long long place = strtoull(answer->key + (answer->key[0] == 'c'), &end, 10);
    if (*end || place == 0 || place >= x->count) return;
    struct chaos_sent *s = &x->sent[place];
    int64_t took_ms = progress_now_ms() - s->sent_ms;
    bool decided = !answer->replayed && decides(answer->code);
    if (decided && s->decided == 0) {
        x->open--;
        if (took_ms > x->slowest_ms) x->slowest_ms = took_ms;
    }
    s->answers++;
    s->decided += decided;
}

int chaos_read(struct chaos *x, int timeout_ms) {
    struct till_answer answer;
    int code;
    if (!x->reader && (code = till_reader_open(x->till, source, "0", &x->reader)))
        return connect_till_failed(x->cli, x->till, code, "reading answers");
    while ((code = till_reader_next(x->reader, timeout_ms, &answer)) == TILL_OK) {
        note(x, &answer);
        timeout_ms = 0;
    }
    return CLI_OK; /* Redis may be away: whoever does not come back leaves intents unanswered */
}

size_t chaos_doubled(const struct chaos *x) {
    size_t doubled = 0;
    for (size_t n = 1; n < x->count; n++) doubled += x->sent[n].decided > 1;
    return doubled;
}
