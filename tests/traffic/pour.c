/* Sends planned tasks at full speed, reads their answers between, checks each, and measures. */
#include "tests/traffic/pour.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

enum { BATCH = 1024, SEND_TIMEOUT_MS = 30000, SILENCE_MS = 60000, EXTRA_MS = 200 };
static const int64_t MS = 1000000;

static __attribute__((format(printf, 2, 3))) bool fail(struct pour *pour, const char *format, ...) {
    if (*pour->error) return false;
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(pour->error, sizeof pour->error, format, arguments);
    va_end(arguments);
    return false;
}

bool pour_open(struct pour *pour) {
    if (till_reader_open(pour->till, pour->list->prefix, "0", &pour->reader) == TILL_OK) return true;
    return fail(pour, "cannot read answers: %s", till_error(pour->till));
}

void pour_close(struct pour *pour) { till_reader_close(pour->reader); }

/* How many are sent together from there on. What is sent together is in order for each partition only: an order's payment from another one
 * goes by itself, once the order is in its stream. */
static uint32_t batch_at(const struct task_list *list, uint32_t first) {
    uint32_t count = 0, most = list->count - first < BATCH ? list->count - first : BATCH;
    for (const struct task *t = &list->tasks[first]; count < most; t++, count++)
        if (t->what == TASK_PAY_ORDER_AWAY && t->of >= first) break;
    return count;
}

static bool send_some(struct pour *pour) {
    static struct task_texts texts[BATCH];
    static struct till_intent intents[BATCH];
    static struct till_result results[BATCH];
    uint32_t count = batch_at(pour->list, pour->sent);
    for (uint32_t i = 0; i < count; i++) task_intent(pour->list, pour->sent + i, &texts[i], &intents[i]);
    size_t sent = till_send(pour->till, intents, count, SEND_TIMEOUT_MS, results);
    for (uint32_t i = 0; i < count; i++) {
        if (results[i].code != TILL_OK) return fail(pour, "cannot send %s: %s", intents[i].op, results[i].text);
        pour->awaited += task_answers(pour->list->tasks[pour->sent + i].what);
    }
    pour->sent += (uint32_t)sent;
    return true;
}

/* Takes all answers that are there; `came` says whether there were any. */
static bool take_answers(struct pour *pour, bool *came) {
    struct till_answer answer;
    char text[512];
    int code;
    *came = false;
    while ((code = till_reader_next(pour->reader, 0, &answer)) == TILL_OK) {
        *came = true;
        pour->awaited--;
        if (task_check(pour->list, &answer, text, sizeof text)) return fail(pour, "%s", text);
    }
    return code == TILL_NOT_FOUND || fail(pour, "cannot read answers: %s", till_error(pour->till));
}

static bool send_and_take(struct pour *pour) {
    int64_t last = measure_now_ns();
    while (pour->sent < pour->list->count || pour->awaited) {
        bool came, room = pour->sent < pour->list->count && pour->awaited + BATCH <= pour->window;
        if (room && !send_some(pour)) return false;
        if (!take_answers(pour, &came)) return false;
        int64_t now = measure_now_ns();
        if (came || room) last = now;
        if (now - last > SILENCE_MS * MS) return fail(pour, "%" PRIu32 " answers are missing: none has come for a minute", pour->awaited);
        if (!room) measure_sleep_until(now + 2 * MS); /* so that they are read in lumps: reading costs Redis too */
    }
    return true;
}

bool pour_all(struct pour *pour, struct meter *meter, uint32_t units) {
    double redis = measure_cpu_us(&pour->redis), workers = measure_cpu_us(&pour->workers), own = measure_own_cpu_us();
    int64_t began = measure_now_ns();
    if (!send_and_take(pour)) return false;
    if (!meter) return true;
    double seconds = (double)(measure_now_ns() - began) / 1e9;
    meter->units += units;
    meter->pours++;
    meter->seconds += seconds;
    if (seconds > meter->longest_s) meter->longest_s = seconds;
    meter->redis_us += measure_cpu_us(&pour->redis) - redis;
    meter->workers_us += measure_cpu_us(&pour->workers) - workers;
    meter->own_us += measure_own_cpu_us() - own;
    return true;
}

bool pour_check_end(struct pour *pour) {
    const struct task_list *list = pour->list;
    bool came;
    measure_sleep_until(measure_now_ns() + EXTRA_MS * MS);
    if (!take_answers(pour, &came)) return false;
    for (uint32_t place = 0; place < task_list_cast(list) + TASK_MERCHANTS; place++) {
        struct till_account account;
        char name[TILL_ACCOUNT_SIZE];
        task_name(list, place, name);
        if (till_account(pour->till, name, &account) != TILL_OK) return fail(pour, "cannot look at %s: %s", name, till_error(pour->till));
        if (account.balance_minor != list->balance_minor[place] || account.held_minor != list->held_minor[place])
            return fail(pour, "account %s has %" PRId64 " and %" PRId64 " of it held, expected was %" PRId64 " and %" PRId64, name,
                        account.balance_minor, account.held_minor, list->balance_minor[place], list->held_minor[place]);
    }
    return true;
}
