/* Urls of Redis: good ones, bad ones with what is said about them, and that no message or picture shows a password. */
#include "producer/redis_url.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#define A63 "aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeeeffffffffffggg"
#define A106 A63 "aaaaaaaaaabbbbbbbbbbccccccccccdddddddddddddd" /* one byte too many with it: 107 */

struct good {
    const char *text;
    struct redis_url url;
    const char *shown;
};

static const struct good goods[] = {
    {"unix:/run/redis.sock", {.kind = REDIS_URL_UNIX, .path = "/run/redis.sock"}, "unix:/run/redis.sock"},
    {"unix:var/redis.sock", {.kind = REDIS_URL_UNIX, .path = "var/redis.sock"}, "unix:var/redis.sock"},
    {"embedded:var/redis", {.kind = REDIS_URL_UNIX, .path = "var/redis/redis.sock", .embedded_dir = "var/redis"}, "embedded:var/redis"},
    {"embedded:/var/till//", {.kind = REDIS_URL_UNIX, .path = "/var/till/redis.sock", .embedded_dir = "/var/till"}, "embedded:/var/till"},
    {"embedded:/", {.kind = REDIS_URL_UNIX, .path = "/redis.sock", .embedded_dir = "/"}, "embedded:/"},
    {"redis://db", {.kind = REDIS_URL_TCP, .host = "db", .port = 6379}, "redis://db:6379/0"},
    {"redis://db/", {.kind = REDIS_URL_TCP, .host = "db", .port = 6379}, "redis://db:6379/0"},
    {"redis://10.0.0.1:7000/15", {.kind = REDIS_URL_TCP, .host = "10.0.0.1", .port = 7000, .db = 15}, "redis://10.0.0.1:7000/15"},
    {"redis://db.example.org:65535", {.kind = REDIS_URL_TCP, .host = "db.example.org", .port = 65535}, "redis://db.example.org:65535/0"},
    {"redis://[::1]:6380", {.kind = REDIS_URL_TCP, .host = "::1", .port = 6380}, "redis://[::1]:6380/0"},
    {"redis://[fe80::1%eth0]/2", {.kind = REDIS_URL_TCP, .host = "fe80::1%eth0", .port = 6379, .db = 2}, "redis://[fe80::1%eth0]:6379/2"},
    {"redis://:secret@db", {.kind = REDIS_URL_TCP, .host = "db", .port = 6379, .password = "secret"}, "redis://:***@db:6379/0"},
    {"redis://till:secret@db:1/3",
     {.kind = REDIS_URL_TCP, .host = "db", .port = 1, .db = 3, .user = "till", .password = "secret"}, "redis://till:***@db:1/3"},
    {"redis://till:@db", {.kind = REDIS_URL_TCP, .host = "db", .port = 6379, .user = "till"}, "redis://till:@db:6379/0"},
    {"redis://t%3ail:a%2Fb%40c%25%3f@[::1]",
     {.kind = REDIS_URL_TCP, .host = "::1", .port = 6379, .user = "t:il", .password = "a/b@c%?"}, "redis://t:il:***@[::1]:6379/0"},
    {"redis://:p@ss:w@db", {.kind = REDIS_URL_TCP, .host = "db", .port = 6379, .password = "p@ss:w"}, "redis://:***@db:6379/0"},
    {"sentinel://a/till", {.kind = REDIS_URL_SENTINEL, .seeds = "a", .name = "till"}, "sentinel://a/till/0"},
    {"sentinel://till:se%2Fcret@10.0.0.1,b:26380,[::1]:5/my-master_1.x/3",
     {.kind = REDIS_URL_SENTINEL, .seeds = "10.0.0.1,b:26380,[::1]:5", .name = "my-master_1.x", .db = 3, .user = "till", .password = "se/cret"},
     "sentinel://till:***@10.0.0.1,b:26380,[::1]:5/my-master_1.x/3"},
#ifdef TILL_TLS
    {"rediss://till:secret@db:1/3",
     {.kind = REDIS_URL_TCP, .host = "db", .port = 1, .db = 3, .tls = true, .user = "till", .password = "secret"}, "rediss://till:***@db:1/3"},
    {"sentinel+tls://a,b/till", {.kind = REDIS_URL_SENTINEL, .seeds = "a,b", .tls = true, .name = "till"}, "sentinel+tls://a,b/till/0"},
#endif
    {"redis://" A63 ":x@db",
     {.kind = REDIS_URL_TCP, .host = "db", .port = 6379, .user = A63, .password = "x"}, "redis://" A63 ":***@db:6379/0"},
};

Test(redis_url, good) {
    for (size_t i = 0; i < sizeof goods / sizeof *goods; i++) {
        const struct good *row = &goods[i];
        struct redis_url url;
        char shown[360];
        const char *wrong = redis_url_parse(row->text, &url);
        cr_expect_null(wrong, "%s: %s", row->text, wrong);
        cr_expect_eq(memcmp(&url, &row->url, sizeof url), 0, "%s gives other parts", row->text);
        redis_url_show(&url, shown, sizeof shown);
        cr_expect_str_eq(shown, row->shown, "%s shows as %s", row->text, shown);
    }
}

/* What the message must say. */
static const struct {
    const char *text, *says;
} bads[] = {
    {"", "it must be unix:PATH"},
    {"/run/redis.sock", "it must be unix:PATH"},
    {"localhost:6379", "it must be unix:PATH"},
    {"REDIS://db", "it must be unix:PATH"},
    {"redis:db", "it must be unix:PATH"},
    #ifndef TILL_TLS
    {"rediss://db", "stunnel"},
    {"sentinel+tls://db/till", "stunnel"},
#endif
    {"unix:", "path of the socket is missing"},
    {"unix:" A106 "x", "106"},
    {"embedded:", "directory is missing"},
    {"embedded:" A63 A63, "95"},
    {"redis://", "host is missing"},
    {"redis://:6379", "host is missing"},
    {"redis://:secret@", "host is missing"},
    {"redis://:secret@:6379", "host is missing"},
    {"redis://secret@db", "password"},
    {"redis://db:", "port"},
    {"redis://db:0", "port"},
    {"redis://db:65536", "port"},
    {"redis://db:99999999999999999999", "port"},
    {"redis://db:12ab", "port"},
    {"redis://db:-1", "port"},
    {"redis://db: 1", "port"},
    {"redis://db/x", "database"},
    {"redis://db/-1", "database"},
    {"redis://db/1/2", "database"},
    {"redis://db/1000000", "database"},
    {"redis://:se/secret@db", "%2F"},
    {"redis://db?db=1", "? and #"},
    {"redis://db#x", "? and #"},
    {"redis://::1", "host is missing"},
    {"redis://fe80::1", "port"},
    {"redis://[::1", "]"},
    {"redis://[]", "host is missing"},
    {"redis://[::1]6379", "]"},
    {"redis://d b", "host"},
    {"redis://d%20b", "host"},
    {"redis://:secret%@db", "%25"},
    {"redis://:secret%4@db", "%25"},
    {"redis://:secret%zz@db", "%25"},
    {"redis://:secret%00@db", "%25"},
    {"redis://" A63 "x:secret@db", "63"},
    {"redis://:" A63 A63 A63 A63 "secret@db", "255"},
    {"redis://" A63 A63 A63 A63 A63, "255"},
    {"sentinel://", "name of the master"},
    {"sentinel://a", "name of the master"},
    {"sentinel://a/", "name of the master"},
    {"sentinel:///till", "host is missing"},
    {"sentinel://a,/till", "host is missing"},
    {"sentinel://,a/till", "host is missing"},
    {"sentinel://a,:1/till", "host is missing"},
    {"sentinel://a:x,b/till", "port"},
    {"sentinel://a/till/x", "database"},
    {"sentinel://a/ti ll", "letters, digits"},
    {"sentinel://a/" A63 "x", "63"},
    {"sentinel://secret@a/till", "password"},
    {"sentinel://" A63 A63 A63 "," A63 A63 A63 A63 ",a/till", "383"},
    {"sentinel://a,b,c,d,e,f,g,h,i,j,k,l,m,n,o,p,q/till", "16"},
};

Test(redis_url, bad) {
    for (size_t i = 0; i < sizeof bads / sizeof *bads; i++) {
        struct redis_url url, zeros;
        memset(&zeros, 0, sizeof zeros);
        memset(&url, 'x', sizeof url);
        const char *wrong = redis_url_parse(bads[i].text, &url);
        cr_expect_not_null(wrong, "%s is taken", bads[i].text);
        if (!wrong) continue;
        cr_expect_not_null(strstr(wrong, bads[i].says), "%s: says \"%s\", not \"%s\"", bads[i].text, wrong, bads[i].says);
        cr_expect_null(strstr(wrong, "secret"), "%s: the message shows the password", bads[i].text);
        cr_expect_eq(memcmp(&url, &zeros, sizeof url), 0, "%s: parts are left over", bads[i].text);
    }
}

Test(redis_url, longest_socket_path) {
    struct redis_url url;
    char text[200] = "unix:";
    memset(text + 5, 'p', 106);
    cr_expect_null(redis_url_parse(text, &url));
    cr_expect_eq(strlen(url.path), 106);
    text[5 + 106] = 'p';
    cr_expect_not_null(redis_url_parse(text, &url));
}

Test(redis_url, longest_embedded_dir_fits_its_socket) {
    struct redis_url url;
    char text[200] = "embedded:";
    memset(text + 9, 'd', 95);
    cr_expect_null(redis_url_parse(text, &url));
    cr_expect_eq(strlen(url.path), 95 + strlen("/redis.sock"));
}

/* Every cut of every good url: an answer, never a crash (the sanitizers watch). */
Test(redis_url, every_prefix_ends) {
    for (size_t i = 0; i < sizeof goods / sizeof *goods; i++)
        for (size_t size = 0; size <= strlen(goods[i].text); size++) {
            struct redis_url url;
            char *text = strndup(goods[i].text, size), shown[360];
            if (!redis_url_parse(text, &url)) redis_url_show(&url, shown, sizeof shown);
            free(text);
        }
}

Test(redis_url, seeds_of_a_sentinel_url) {
    struct redis_url url;
    struct redis_node seed;
    cr_assert_null(redis_url_parse("sentinel://10.0.0.1,b:26380,[::1]:5/till", &url));
    cr_assert(redis_url_seed(&url, 0, &seed) && strcmp(seed.host, "10.0.0.1") == 0 && seed.port == 26379);
    cr_assert(redis_url_seed(&url, 1, &seed) && strcmp(seed.host, "b") == 0 && seed.port == 26380);
    cr_assert(redis_url_seed(&url, 2, &seed) && strcmp(seed.host, "::1") == 0 && seed.port == 5);
    cr_assert(!redis_url_seed(&url, 3, &seed) && !redis_url_seed(&url, 4, &seed));
    cr_assert_null(redis_url_parse("redis://db", &url));
    cr_assert(!redis_url_seed(&url, 0, &seed));
}
