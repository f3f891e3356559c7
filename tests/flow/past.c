/* Books whose streams begin months ago: entries get IDs of that time, so before a worker has been there, and before any entry of now. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "schema/code.h"
#include "schema/followup.h"
#include "tests/flow/flow.h"
#include "tests/support/process.h"

uint64_t flow_month(unsigned back, char text[8]) {
    struct tm tm;
    time_t now = (time_t)(flow_now_ms() / 1000);
    gmtime_r(&now, &tm);
    tm = (struct tm){.tm_year = tm.tm_year, .tm_mon = tm.tm_mon - (int)back, .tm_mday = 1};
    time_t begins = timegm(&tm);
    strftime(text, 8, "%Y-%m", &tm);
    return (uint64_t)begins * 1000;
}

/* A merchant, known in all partitions: nobody sends them the follow-ups in time. */
static void open_merchant(struct flow *flow, const char *name) {
    struct intent open = flow_intent(OP_open, name, NULL, 0, NULL), adopt;
    unsigned home = keys_partition(&flow->book, name, strlen(name));
    char entry[INTENT_ENTRY_MAX + 1];
    flow_set_text(&open, FIELD_kind, "merchant");
    flow->entry_ms++;
    flow_send(flow, &open);
    snprintf(entry, sizeof entry, "%llu-0", (unsigned long long)flow->entry_ms);
    for (unsigned p = 0; p < flow->book.partitions; p++)
        if (followup_derive(&open, CODE_ok, true, entry, &flow->book, home, p, "", &adopt)) flow_send_follow_up(flow, p, &adopt);
}

void flow_open_past(struct flow *flow, unsigned merchants, uint64_t fee_basis_points) {
    char name[32];
    for (unsigned n = 0; n < merchants; n++) {
        snprintf(name, sizeof name, "m%u", n);
        open_merchant(flow, name);
    }
    flow->entry_ms++;
    for (unsigned p = 0; p < flow->book.partitions; p++) {
        struct intent policy = flow_intent(OP_policy, INTENT_ACCOUNT_BOOK, NULL, 0, NULL);
        const char *wrong = intent_set_setting(&policy, SETTING_fee, fee_basis_points);
        if (wrong) process_die(NULL, "a fee: %s", wrong);
        flow_send_to(flow, p, &policy);
    }
    for (unsigned n = 0; n < FLOW_USERS; n++) {
        snprintf(name, sizeof name, "u%u", n);
        flow_open_account(flow, name, "user");
        struct intent topup = flow_intent(OP_topup, name, NULL, FLOW_BALANCE, NULL);
        flow_send(flow, &topup);
    }
}

struct intent flow_settlement(const char *source, const char *merchant, const char *month, unsigned partition) {
    char key[32];
    struct intent settle = flow_intent(OP_settle, merchant, NULL, 0, NULL);
    snprintf(key, sizeof key, "%s.%u", month, partition);
    flow_set_text(&settle, FIELD_source, source);
    flow_set_text(&settle, FIELD_key, key);
    flow_set_text(&settle, FIELD_month, month);
    return settle;
}
