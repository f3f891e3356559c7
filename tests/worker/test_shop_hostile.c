/* What a shop keeps, with wrong types and hostile values: whoever needs it is given up and leaves no trace, everybody else goes on. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/worker/scene.h"

#define SHOP "open account=m kind=merchant; open account=a kind=user; topup account=a amount=1000;" \
             "price account=m sku=tea amount=5; stock account=m sku=tea quantity=10; price account=m sku=milk amount=3;" \
             "stock account=m sku=milk quantity=4; order account=m order=o1 lines=tea:2,milk:1 expires=15m key=o;" \
             "pay account=a to=m amount=100"
#define CANCEL "cancel account=m order=o1"
#define LAPSE "+15m; lapse account=m of=o order=o1"
#define ORDER "order account=m order=o2 lines=tea:1"
#define SETTLE "+20d; settle account=m month=2030-03"
#define LONG "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

static void start(void) { scene_start(1); }
TestSuite(shop_hostile, .init = start, .fini = scene_stop, .timeout = 120);

/* The entry added last is given up; nothing else has changed but, of a lapse, when it is tried again. */
static void expect_given_up(const char *name, const char *lines) {
    static const char *const aside = "intents dead meta responses:shop due";
    char *before = fold_digests(&scene, 0, aside);
    fold_add(&scene, lines);
    enum redis_err err;
    int turns = 0;
    do err = fold_try(&scene, 0);
    while (err == REDIS_BROKEN && ++turns < 20);
    cr_expect_eq(err, REDIS_OK, "%s: the partition stops: %s", name, redis_err_word(err));
    char *after = fold_digests(&scene, 0, aside);
    const char *difference = fold_difference(after, before);
    cr_expect(!difference, "%s: %s", name, difference ? difference : "");
    cr_expect_eq(server_integer(&scene.server, "XLEN", fold_key(&scene, 0, "dead"), NULL), 1, "%s: it is not dead", name);
    free(before);
    free(after);
}

static void expect_others_go_on(const char *name) {
    scene_go("topup account=a amount=1; price account=m sku=salt amount=1; stock account=m sku=salt quantity=1;"
             "order account=m order=o9 lines=salt:1");
    scene_expect(name, 0, "order:m/o9", "state", "created");
}

static const struct { const char *key, *field, *value, *lines; bool of_merchant; } values[] = {
    {"order:m/o1", "lines", "tea 99999999999999999999 5", CANCEL, false},
    {"order:m/o1", "lines", "tea 99999999999999999999 5", LAPSE, false},
    {"order:m/o1", "lines", "tea -5 1", CANCEL, false},
    {"order:m/o1", "lines", "tea 2", CANCEL, false},
    {"order:m/o1", "lines", "tea 2 5 milk", LAPSE, false},
    {"order:m/o1", "lines", "tea  2 5", CANCEL, false},
    {"order:m/o1", "lines", "tea 2 5 ", CANCEL, false},
    {"order:m/o1", "lines", " ", CANCEL, false},
    {"order:m/o1", "lines", LONG " 2 5", CANCEL, false},
    {"order:m/o1", "deadline", "nan", CANCEL, false},
    {"order:m/o1", "amount", "-1", CANCEL, false},
    {"order:m/o1", "amount", "0", "pay account=a to=m order=o1 amount=13", false},
    {"order:m/o1", "opened", "soon", LAPSE, false},
    {"order:m/o1", "state", "open", CANCEL, false},
    {"sku:m/tea", "price", "-7", ORDER, false},
    {"sku:m/tea", "price", "0", ORDER, false},
    {"sku:m/tea", "price", "nan", ORDER, false},
    {"sku:m/tea", "stock", "1.5", CANCEL, false},
    {"sku:m/tea", "stock", "-1", "stock account=m sku=tea quantity=2", false},
    {"account:m", "month:2030-03", "x", SETTLE, true},
    {"account:m", "month:2030-03", "-1 2 3", SETTLE, true},
    {"account:m", "month:2030-03", "9007199254740993 2 3", SETTLE, true},
    {"account:m", "fee:2030-03", "x", SETTLE, true},
    {"account:m", "fee:2030-03", "250 5 nan 1", SETTLE, true},
    {"account:m", "earning", "2030-03 1 2 x", "pay account=a to=m amount=1", true},
    {"account:m", "earning", "2030-03 9007199254740993 2 0", SETTLE, true},
    {"account:m", "earning", "", SETTLE, true},
};

Test(shop_hostile, values) {
    for (size_t n = 0; n < sizeof values / sizeof *values; n++) {
        char name[200];
        fold_reset(&scene);
        scene_go(SHOP);
        if (strncmp(values[n].field, "month", 5) == 0)
            server_text(&scene.server, "HDEL", fold_key(&scene, 0, "account:m"), "earning", NULL);
        server_text(&scene.server, "HSET", fold_key(&scene, 0, values[n].key), values[n].field, values[n].value, NULL);
        snprintf(name, sizeof name, "%s %s=%.60s, %s", values[n].key, values[n].field, values[n].value, values[n].lines);
        expect_given_up(name, values[n].lines);
        if (!values[n].of_merchant) expect_others_go_on(name);
    }
}

static const struct { const char *key, *lines; } keys[] = {
    {"merchants", "open account=n kind=merchant"},
    {"order:m/o1", CANCEL},
    {"order:m/o1", LAPSE},
    {"order:m/o1", "pay account=a to=m order=o1 amount=13"},
    {"order:m/o2", ORDER},
    {"sku:m/tea", CANCEL},
    {"sku:m/tea", LAPSE},
    {"sku:m/tea", ORDER},
    {"sku:m/tea", "price account=m sku=tea amount=1"},
    {"sku:m/tea", "stock account=m sku=tea quantity=1"},
};

Test(shop_hostile, types) {
    for (size_t n = 0; n < sizeof keys / sizeof *keys; n++) {
        char name[100];
        fold_reset(&scene);
        scene_go(SHOP);
        server_text(&scene.server, "DEL", fold_key(&scene, 0, keys[n].key), NULL);
        server_text(&scene.server, "SET", fold_key(&scene, 0, keys[n].key), "x", NULL);
        snprintf(name, sizeof name, "%s, %s", keys[n].key, keys[n].lines);
        expect_given_up(name, keys[n].lines);
        expect_others_go_on(name);
    }
}
