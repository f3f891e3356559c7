/* What large orders and hasty cancellations cost: Redis is not kept from others for long, and nothing is looked up time and again. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/worker/scene.h"

enum { ORDERS = 96, LINES = 64, PAIRS = 100 };

static void start(void) { scene_start(1); }
TestSuite(shop_batch, .init = start, .fini = scene_stop, .timeout = 120);

static void sku_of(char out[INTENT_NAME_MAX + 1], int order, int line) {
    snprintf(out, INTENT_NAME_MAX + 1, "%03d-%02d-%057d", order, line, 0);
}

static void stock_all(void) {
    char sku[INTENT_NAME_MAX + 1], rest[100];
    struct reply reply;
    for (int n = 0; n < ORDERS * LINES; n++) {
        sku_of(sku, n / LINES, n % LINES);
        snprintf(rest, sizeof rest, "sku:m/%s", sku);
        const char *key = fold_key(&scene, 0, rest);
        command_begin(&scene.command, "HSET");
        command_copy(&scene.command, key, strlen(key));
        for (const char *const *word = (const char *const[]){"price", "5", "stock", "3", "changed", "1", NULL}; *word; word++)
            command_word(&scene.command, *word);
        cr_assert_eq(redis_call(scene.redis, &scene.command, &reply), REDIS_OK);
    }
}

static void add_order(int order) {
    char line[100], sku[INTENT_NAME_MAX + 1];
    struct intent intent;
    snprintf(line, sizeof line, "order account=m order=o%d key=o%d lines=x:1", order, order);
    fold_intent(&scene, line, &intent);
    intent.line_count = 0;
    for (int n = 0; n < LINES; n++) {
        sku_of(sku, order, n);
        cr_assert_null(intent_add_line(&intent, sku, strlen(sku), 2));
    }
    fold_add_intent(&scene, 0, &intent);
}

static void expect_all(const char *name, int order, const char *state, const char *stock) {
    char key[100], sku[INTENT_NAME_MAX + 1];
    snprintf(key, sizeof key, "order:m/o%d", order);
    scene_expect(name, 0, key, "state", state);
    for (int n = 0; n < LINES; n += LINES - 1) {
        sku_of(sku, order, n);
        snprintf(key, sizeof key, "sku:m/%s", sku);
        scene_expect(name, 0, key, "stock", stock);
    }
}

/* 6144 articles in one read: 256 orders of 64 lines kept Redis busy for half a second. */
Test(shop_batch, articles_are_bounded) {
    char line[60];
    scene_go("open account=m kind=merchant");
    stock_all();
    for (int n = 0; n < ORDERS; n++) add_order(n);
    long before = server_calls(&scene.server, "fcall");
    scene_turn(0);
    long calls = server_calls(&scene.server, "fcall") - before;
    cr_expect_geq(calls, 3, "all orders in %ld calls", calls);
    for (int n = 0; n < ORDERS; n++) expect_all("ordered", n, "created", "1");
    for (int n = 0; n < ORDERS; n++) {
        snprintf(line, sizeof line, "cancel account=m order=o%d", n);
        fold_add(&scene, line);
    }
    before = server_calls(&scene.server, "fcall");
    scene_turn(0);
    calls = server_calls(&scene.server, "fcall") - before;
    cr_expect_geq(calls, 3, "all given up in %ld calls", calls);
    for (int n = 0; n < ORDERS; n++) expect_all("given up", n, "cancelled", "3");
    scene_expect_sound("given up");
}

/* Each cancel must wait for the order in front of it; what is looked up for all those behind it was looked up again each time. */
Test(shop_batch, order_and_cancel_by_turns) {
    char line[120];
    fold_set_batch(&scene, 2 * PAIRS);
    scene_go("open account=m kind=merchant");
    for (int n = 0; n < PAIRS; n++) {
        snprintf(line, sizeof line, "order account=m order=o%d amount=1; cancel account=m order=o%d", n, n);
        fold_add(&scene, line);
    }
    long before = server_calls(&scene.server, "hget");
    scene_turn(0);
    long calls = server_calls(&scene.server, "hget") - before;
    cr_expect_lt(calls, 10 * PAIRS, "%d are looked up by %ld calls", PAIRS, calls);
    for (int n = 0; n < PAIRS; n++) {
        snprintf(line, sizeof line, "order:m/o%d", n);
        scene_expect("by turns", 0, line, "state", "cancelled");
    }
}
