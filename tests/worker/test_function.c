/* apply.lua as a function of Redis: made once, called by all lanes. Whatever a call left behind when it died is not there in the next one:
 * what comes of the same road is the same by function and by script, which is made anew in each call. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/worker/scene.h"

enum { PARTITIONS = 3, WORDS_MAX = 8 };

static void start(void) { scene_start(PARTITIONS); }

TestSuite(function, .init = start, .fini = scene_stop, .timeout = 60);

/* a lives in 0, g in 1, b and the home of m in 2. Rules of the book are those of 0 only. */
static const char base[] =
    "open account=m kind=merchant; open account=a kind=user; open account=g kind=user; open account=b kind=user;"
    "topup account=a amount=1000 key=t0; topup account=g amount=1000; topup account=b amount=1000; hold account=a to=m amount=9 key=h0;"
    "stock account=m sku=tea quantity=9; price account=m sku=tea amount=7; limit account=b payments=5 per=1000000;"
    "p=0 policy account=@book settings=duplicate_window:60000,balance_cap:2000,settlement_offset:840";

/* What dies is the turn of partition 0. */
static const struct death {
    const char *name, *spoil, *intents;
    enum redis_err err;
    const char *mend;
} deaths[] = {
    {"account of another type", "RENAME account:a elsewhere|SET account:a y", "pay account=a to=m amount=1", REDIS_BROKEN,
     "DEL account:a|RENAME elsewhere account:a"},
    {"account without a balance", "HSET account:a balance 1.5", "pay account=a to=m amount=1", REDIS_BROKEN, "HSET account:a balance 1000"},
    {"behind what went well", "HSET account:a held x", "inquire account=a; group account=a steps=pay,to:m,amount:5/hold,to:m,amount:5",
     REDIS_BROKEN, "HSET account:a held 9"},
    {"bill that is none", "HSET bills:20300317 a/shop/t0 junk", "topup account=a amount=4 not_before=+1h; rollback account=a of=t0",
     REDIS_BROKEN, ""},
    {"within a group", "HSET bills:20300317 a/shop/t0 junk", "group account=a steps=pay,to:m,amount:5/refund,of:t0", REDIS_BROKEN, ""},
    {"rules of another type", "HSET account:a rules 1 limit_per x", "pay account=a to=m amount=3", REDIS_BROKEN,
     "HDEL account:a rules limit_per"},
    {"answers of another type", "SET responses:shop x", "pay account=a to=m amount=3; inquire account=a", REDIS_BROKEN, "DEL responses:shop"},
    {"ledger of another type", "RENAME ledger elsewhere|SET ledger x", "pay account=a to=m amount=3", REDIS_REFUSED,
     "DEL ledger|RENAME elsewhere ledger"},
    {"marks that are none", "HSET meta policy:fee x", "pay account=a to=m amount=3", REDIS_REFUSED, "HDEL meta policy:fee"},
    {"acknowledgement refused", "ACL SETUSER default -xack", "pay account=a to=m amount=3", REDIS_REFUSED, "ACL SETUSER default +xack"},
    {"memory", "CONFIG SET maxmemory 1", "pay account=a to=m amount=3", REDIS_HELD, "CONFIG SET maxmemory 0"},
};

/* What comes then: the straight road, and every part of the rest; in the end where it is April already by the rules of 0. */
static const char others[] = "pay account=g to=m amount=5; pay account=g to=m amount=5; hold account=g to=m amount=7 key=hg;"
                             "pay account=b to=m amount=2; transfer account=b to=g amount=4; order account=m order=o1 lines=tea:2";
static const char sequel[] = "pay account=a to=m amount=5; pay account=a to=m amount=5; pay account=g to=m amount=5;"
                             "capture account=a of=h0; group account=g steps=pay,to:m,amount:5/release,of:hg; refund account=a of=t0;"
                             "topup account=a amount=5000; topup account=g amount=5000; lock account=g token=x expires=5m;"
                             "pay account=g to=m amount=1; cancel account=m order=o1; unlock account=g token=x;"
                             "transfer account=g to=a amount=6; freeze account=m; pay account=a to=m amount=6;"
                             "pay account=b to=m amount=2; inquire account=a; thaw account=m; +14d; pay account=a to=m amount=1;"
                             "pay account=g to=m amount=1; pay account=b to=m amount=1";

static bool is_about_all(const char *command) { return strncmp(command, "ACL ", 4) == 0 || strncmp(command, "CONFIG ", 7) == 0; }

/* "SET account:x y|DEL z": commands; where they are not about the whole server the second word is the rest of a key of partition 0. */
static void order(const char *text) {
    char copy[200], *state = NULL;
    snprintf(copy, sizeof copy, "%s", text);
    for (char *one = strtok_r(copy, "|", &state); one; one = strtok_r(NULL, "|", &state)) {
        const char *word[WORDS_MAX] = {NULL};
        char *within = NULL, key[2][100];
        int count = 0;
        for (char *at = strtok_r(one, " ", &within); at && count < WORDS_MAX; at = strtok_r(NULL, " ", &within)) word[count++] = at;
        int keys = is_about_all(text) ? 0 : strcmp(word[0], "RENAME") == 0 ? 2 : 1;
        for (int n = 1; n <= keys; n++) {
            snprintf(key[n - 1], sizeof key[0], "%s", fold_key(&scene, 0, word[n]));
            word[n] = key[n - 1];
        }
        server_text(&scene.server, word[0], word[1], word[2], word[3], word[4], word[5], word[6], word[7], NULL);
        cr_assert_neq(strncmp(scene.server.text, "ERR", 3), 0, "%s: %s", text, scene.server.text);
    }
}

/* Goes the whole road one way; the dumps of all partitions, to be freed. */
static void go(const struct death *d, bool by_function, char *dumps[PARTITIONS]) {
    fold_reset(&scene);
    scene.shared.redis.functions = by_function;
    scene_go(base);
    long before = server_calls(&scene.server, "fcall");
    fold_add(&scene, d->intents);
    order(d->spoil);
    enum redis_err err = fold_try(&scene, 0);
    cr_expect_eq(err, d->err, "%s: by %s: %s", d->name, by_function ? "function" : "script", redis_err_word(err));
    bool all = is_about_all(d->spoil);
    if (all) order(d->mend);
    fold_add(&scene, others);
    for (unsigned p = 1; p < PARTITIONS; p++) scene_turn(p);
    if (!all) order(d->mend);
    fold_run(&scene);
    scene_go(sequel);
    cr_expect_eq(server_calls(&scene.server, "fcall") > before, by_function, "%s: which way?", d->name);
    for (unsigned p = 0; p < PARTITIONS; p++) dumps[p] = fold_dump(&scene, p);
}

Test(function, call_after_one_that_died) {
    for (size_t n = 0; n < sizeof deaths / sizeof *deaths; n++) {
        char *wanted[PARTITIONS], *got[PARTITIONS];
        go(&deaths[n], false, wanted);
        go(&deaths[n], true, got);
        for (unsigned p = 0; p < PARTITIONS; p++) {
            const char *difference = fold_difference(got[p], wanted[p]);
            cr_expect(!difference, "%s: partition %u: %s", deaths[n].name, p, difference ? difference : "");
            free(wanted[p]);
            free(got[p]);
        }
    }
}
