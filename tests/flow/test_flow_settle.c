/* Settlement with real workers, of a book whose streams begin two months ago: each shard's month moves to the merchant's home once, the fee
 * on it is taken once, whoever asks for it, how often, and at the same time. */
#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "schema/code.h"
#include "tests/flow/check.h"
#include "tests/support/process.h"

/* m2 is paid in the first month and only gives back in the second; m3 has nothing. */
enum { PARTITIONS = 5, MERCHANTS = 4, ONLY_GIVES_BACK = 2, MONTHS = 3, PAYMENTS = 200, BASIS_POINTS = 125 };

static struct flow flow;

/* What was paid and given back, by merchant and months ago; and the payments themselves. */
static int64_t gross[MERCHANTS][MONTHS], refunds[MERCHANTS][MONTHS];
static struct payment {
    char account[16], key[INTENT_KEY_MAX + 1];
    unsigned merchant;
    int64_t left_minor;
} payments[PAYMENTS * MONTHS];
static unsigned payment_count;
static char months[MONTHS][8]; /* by months ago */

static void stop(void) { flow_stop(&flow); }

TestSuite(flow_settle, .fini = stop, .timeout = 100);

static void pay(unsigned merchant, unsigned back) {
    struct payment *p = &payments[payment_count++];
    char to[16];
    snprintf(p->account, sizeof p->account, "u%u", (unsigned)flow_random(&flow, FLOW_USERS));
    snprintf(to, sizeof to, "m%u", merchant);
    p->left_minor = 1 + (int64_t)flow_random(&flow, 1000);
    p->merchant = merchant;
    struct intent intent = flow_intent(OP_pay, p->account, to, (uint64_t)p->left_minor, NULL);
    flow_send(&flow, &intent);
    snprintf(p->key, sizeof p->key, "%.*s", INTENT_KEY_MAX, intent.key);
    gross[merchant][back] += p->left_minor;
}

static void refund(unsigned back) {
    struct payment *p = &payments[flow_random(&flow, payment_count)];
    if (p->left_minor == 0) return;
    int64_t amount = 1 + (int64_t)flow_random(&flow, (uint64_t)p->left_minor);
    struct intent intent = flow_intent(OP_refund, p->account, NULL, (uint64_t)amount, p->key);
    flow_send(&flow, &intent);
    p->left_minor -= amount;
    refunds[p->merchant][back] += amount;
}

/* From the beginning to the end of a month; of this one what is so far. */
static void live_through(unsigned back) {
    uint64_t begins_ms = flow_month(back, months[back]), step_ms = 28ull * 86400000 / PAYMENTS;
    for (unsigned n = 0; n < PAYMENTS; n++) {
        flow.entry_ms = back ? begins_ms + 60000 + n * step_ms : 0;
        unsigned merchant = (unsigned)flow_random(&flow, back == MONTHS - 1 ? ONLY_GIVES_BACK + 1 : ONLY_GIVES_BACK);
        pay(merchant, back);
        if (flow_random(&flow, 3) == 0) refund(back);
    }
}

/* Two months and a bit, in which nobody was at work; then so many workers. */
static void begin(unsigned workers) {
    flow_start(&flow, PARTITIONS, NULL);
    flow.entry_ms = flow_month(MONTHS - 1, months[MONTHS - 1]);
    flow_open_past(&flow, MERCHANTS, BASIS_POINTS);
    for (unsigned back = MONTHS; back-- > 0;) live_through(back);
    struct worker_options keeps_all = {.environment = {"TILL_RETENTION_INTENTS=keep"}};
    for (unsigned n = 0; n < workers; n++) flow_worker(&flow, n, &keeps_all);
    cr_assert(flow_settle(&flow, FLOW_SETTLE_MS));
    for (unsigned m = 0; m < MERCHANTS; m++) {
        char name[16];
        int64_t owned = 0;
        snprintf(name, sizeof name, "m%u", m);
        for (unsigned back = 0; back < MONTHS; back++) owned += gross[m][back] - refunds[m][back];
        cr_assert_eq(flow_sum(&flow, name, "balance"), owned, "%s has %lld of %lld", name, (long long)flow_sum(&flow, name, "balance"),
                     (long long)owned);
    }
    check_sound(&flow, "before", 0);
}

/* Half to even. */
static int64_t fee_of(int64_t sum) {
    int64_t parts = sum * BASIS_POINTS, whole = parts / 10000, rest = parts % 10000;
    return whole + (rest > 5000 || (rest == 5000 && whole % 2 == 1));
}

/* Months `back` and earlier are settled everywhere, all shards together have what they earned but the fees. */
static void expect_settled(const char *name, unsigned back) {
    int64_t fees = 0;
    char merchant[16], field[16];
    keys_buffer key;
    cr_assert(flow_settle(&flow, FLOW_SETTLE_MS), "%s", name);
    for (unsigned m = 0; m < MERCHANTS; m++) {
        int64_t owned = 0;
        snprintf(merchant, sizeof merchant, "m%u", m);
        for (unsigned b = 0; b < MONTHS; b++) {
            owned += gross[m][b] - refunds[m][b] - (b >= back ? fee_of(gross[m][b]) : 0);
            fees += b >= back ? fee_of(gross[m][b]) : 0;
            for (unsigned p = 0; p < PARTITIONS && b > 0; p++) {
                keys_account(key, &flow.book, p, merchant);
                snprintf(field, sizeof field, "month:%s", months[b]);
                bool settled = strstr(server_text(&flow.server, "HGET", key, field, NULL), " settled") != NULL;
                cr_assert_eq(settled, b >= back, "%s: %s of %s in partition %u", name, months[b], merchant, p);
            }
        }
        cr_assert_eq(flow_sum(&flow, merchant, "balance"), owned, "%s: %s has %lld of %lld", name, merchant,
                     (long long)flow_sum(&flow, merchant, "balance"), (long long)owned);
    }
    int64_t taken = flow_sum(&flow, "@fees:CNY", "balance");
    cr_assert_eq(taken, fees, "%s: fees of %lld, %lld were to be taken", name, (long long)taken, (long long)fees);
    cr_assert_eq(flow_sum(&flow, "@transit:CNY", "balance"), 0, "%s: something is in transit", name);
    check_sound(&flow, name, 0);
}

/* One for each merchant and partition; how they are to be answered is looked at by `expect_told`. */
static void send_settlements(const char *const *sources, unsigned source_count, unsigned back) {
    char merchant[16];
    for (unsigned n = 0; n < MERCHANTS * PARTITIONS; n++)
        for (unsigned s = 0; s < source_count; s++) {
            snprintf(merchant, sizeof merchant, "m%u", n / PARTITIONS);
            struct intent settle = flow_settlement(sources[s], merchant, months[back], n % PARTITIONS);
            flow_send_to(&flow, n % PARTITIONS, &settle);
        }
}

struct told {
    unsigned count, replays;
    unsigned by_code[32];
    int64_t gross_minor, refunds_minor; /* of those done */
    const char *month;
    char detail[16]; /* of the last that were refused with 11 */
};

static void note_told(void *context, uint64_t told_ms, struct reply fields) {
    struct told *t = context;
    char *end;
    (void)told_ms;
    if (strcmp(flow_field(fields, "op"), "settle") != 0 || strncmp(flow_field(fields, "key"), t->month, 7) != 0) return;
    long code = strtol(flow_field(fields, "code"), NULL, 10);
    t->count++;
    if (strcmp(flow_field(fields, "replayed"), "1") == 0) {
        t->replays++;
        return;
    }
    t->by_code[code % 32]++;
    if (code == CODE_wrong_state) snprintf(t->detail, sizeof t->detail, "%s", flow_field(fields, "detail"));
    if (code != CODE_ok) return;
    t->gross_minor += strtoll(flow_field(fields, "detail"), &end, 10);
    t->refunds_minor += strtoll(end, NULL, 10);
}

static struct told told_of(const char *source, unsigned back) {
    struct told told = {.month = months[back]};
    flow_each_answer(&flow, source, note_told, &told);
    return told;
}

static int64_t sum_of(const int64_t sums[MERCHANTS][MONTHS], unsigned back) {
    int64_t sum = 0;
    for (unsigned m = 0; m < MERCHANTS; m++) sum += sums[m][back];
    return sum;
}

static const unsigned worker_counts[] = {1, 3};

ParameterizedTestParameters(flow_settle, once_by_two_senders) {
    return cr_make_param_array(const unsigned, (void *)(uintptr_t)worker_counts, 2);
}

ParameterizedTest(const unsigned *workers, flow_settle, once_by_two_senders, .fini = stop, .timeout = 100) {
    static const char *const sources[] = {"settlement", "app"};
    enum { SHARDS = MERCHANTS * PARTITIONS };
    begin(*workers);
    for (unsigned back = MONTHS - 1; back > 0; back--) {
        send_settlements(sources, 2, back);
        send_settlements(sources, 1, back);
        expect_settled(months[back], back);
        struct told first = told_of("settlement", back), other = told_of("app", back);
        cr_assert(first.count == 2 * SHARDS && first.replays == SHARDS && first.by_code[CODE_ok] == SHARDS, "%s: %u answers, %u done",
                  months[back], first.count, first.by_code[CODE_ok]);
        cr_assert(other.count == SHARDS && other.by_code[CODE_already_exists] == SHARDS, "%s: %u of %u were told that it is settled",
                  months[back], other.by_code[CODE_already_exists], other.count);
        cr_assert_eq(first.gross_minor, sum_of(gross, back), "%s: gross of %lld", months[back], (long long)first.gross_minor);
        cr_assert_eq(first.refunds_minor, sum_of(refunds, back), "%s: refunds of %lld", months[back], (long long)first.refunds_minor);
    }
}

/* The running month is not to be settled, nor one before those in front of it. What is given back later counts later. */
Test(flow_settle, in_order_and_when_it_is_over) {
    static const char *const sources[] = {"settlement"};
    begin(1);
    send_settlements(sources, 1, 0);
    cr_assert(flow_settle(&flow, FLOW_SETTLE_MS));
    struct told running = told_of("settlement", 0);
    cr_assert_eq(running.by_code[CODE_wrong_state], running.count, "the running month is settled");
    cr_assert_str_eq(running.detail, "month");
    struct intent early = flow_settlement("app", "m0", months[1], 0);
    flow_send_to(&flow, 0, &early);
    cr_assert(flow_settle(&flow, FLOW_SETTLE_MS));
    cr_assert_eq(flow_answer(&flow, &early).code, CODE_wrong_state);
    cr_assert_str_eq(flow_answer(&flow, &early).detail, months[2]);
    for (unsigned back = MONTHS - 1; back > 0; back--) send_settlements(sources, 1, back);
    expect_settled("both at once", 1);
    for (unsigned n = 0; n < 100; n++) refund(0);
    expect_settled("given back since", 1);
}

static pid_t start_command(const char *log, const char *month) {
    char url[160], partitions[48];
    snprintf(url, sizeof url, "TILL_REDIS_URL=%s", flow.server.url);
    snprintf(partitions, sizeof partitions, "TILL_BOOK_PARTITIONS=%u", flow.book.partitions);
    const char *const words[] = {TILL_CLI_PATH, "settle", "--month", month, "--csv", NULL}, *const environment[] = {url, partitions, NULL};
    return process_start(words, environment, log);
}

static void read_log(const char *log, char *text, size_t size) {
    FILE *in = fopen(log, "r");
    size_t got = in ? fread(text, 1, size - 1, in) : 0;
    text[got] = '\0';
    if (in) fclose(in);
}

/* Waits for it; what it printed. */
static void finish_command(pid_t pid, const char *log, char *text, size_t size) {
    int status;
    cr_assert(process_wait(&pid, 30000, &status), "till settle does not end");
    read_log(log, text, size);
    cr_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0, "till settle ended with %d: %s", status, text);
}

/* Two `till settle` at once, and one more: all print the same statement, and the money moves once. */
Test(flow_settle, by_two_commands_at_once) {
    char logs[3][96], texts[3][4096];
    begin(2);
    flow.unsure += 1000; /* entries: nobody counts what the commands send */
    for (unsigned back = MONTHS - 1; back > 0; back--) {
        for (unsigned n = 0; n < 3; n++) snprintf(logs[n], sizeof logs[n], "%s/settle-%u-%u.log", flow.server.dir, back, n);
        pid_t one = start_command(logs[0], months[back]), other = start_command(logs[1], months[back]);
        finish_command(one, logs[0], texts[0], sizeof texts[0]);
        finish_command(other, logs[1], texts[1], sizeof texts[1]);
        expect_settled(months[back], back);
        unsigned rows = flow_rows(&flow, "settle", NULL) + flow_rows(&flow, "swept", NULL);
        finish_command(start_command(logs[2], months[back]), logs[2], texts[2], sizeof texts[2]);
        cr_assert_eq(flow_rows(&flow, "settle", NULL) + flow_rows(&flow, "swept", NULL), rows, "again, it moved something");
        bool same = strstr(texts[0], "m0,CNY") && strcmp(texts[0], texts[2]) == 0 && strcmp(texts[1], texts[2]) == 0;
        cr_assert(same, "they print:\n%s\n%s\n%s", texts[0], texts[1], texts[2]);
    }
}
