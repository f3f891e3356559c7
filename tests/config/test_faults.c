/* What a bad file is answered with, to the letter. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "load_text.h"

struct row {
    const char *name, *text, *faults;
    size_t size; /* 0: strlen */
};

#define DURATION "must be a duration such as 250ms, 3s, 5m, 24h or 180d, is "
#define SECTIONS \
    "the sections are book, redis, tls, embedded, worker, durability, archive, retention, settlement, backlog, producer, admin, " \
    "gateway, trace, log"
#define PASSWORD                                                                                                             \
    "redis.url: holds a password; secrets only from files or the environment: use redis.password_file or TILL_REDIS_URL"    \
    " (a user alone is written redis://user:@host)"
#define NESTED_10 "[[[[[[[[[["
#define NESTED_100 NESTED_10 NESTED_10 NESTED_10 NESTED_10 NESTED_10 NESTED_10 NESTED_10 NESTED_10 NESTED_10 NESTED_10

static const struct row good_rows[] = {
    {"empty", "", "", 0},
    {"comment only", "# nothing\n", "", 0},
    {"one empty document", "---\n", "", 0},
    {"null document", "~\n", "", 0},
    {"end of document", "worker:\n  batch: 5\n...\n", "", 0},
    {"byte order mark", "\xef\xbb\xbfworker:\n  batch: 5\n", "", 0},
    {"carriage returns", "worker:\r\n  batch: 5\r\n", "", 0},
    {"section with everything commented out", "worker:\n  # batch: 5\nlog:\n", "", 0},
    {"flow style", "{worker: {batch: 5}, log: {level: debug}}", "", 0},
    {"quoted key and number", "\"worker\":\n  'batch': \"5\"\n", "", 0},
    {"the word no", "embedded:\n  appendfsync: no\n", "", 0},
    {"the text null in quotes", "worker:\n  name: \"null\"\n", "", 0},
    {"a number as text", "worker:\n  name: 17\n", "", 0},
    {"lower bound", "worker:\n  batch: 1\n", "", 0},
    {"upper bound", "worker:\n  batch: 1024\n", "", 0},
    {"tab before a comment", "worker:\n  batch: 5\t# five\n", "", 0},
    {"user without password", "redis:\n  url: redis://shop:@host\n", "", 0},
    {"an at sign in a socket's path", "redis:\n  url: unix:/run/a@b\n", "", 0},
    {"timeout just above block", "redis:\n  timeout: 1001ms\n", "", 0},
};

static const struct row value_rows[] = {
    {"above", "worker:\n  batch: 5000\n", "t.yaml:2:10: worker.batch: 5000 is above the maximum 1024", 0},
    {"one above", "worker:\n  batch: 1025\n", "t.yaml:2:10: worker.batch: 1025 is above the maximum 1024", 0},
    {"below", "worker:\n  batch: 0\n", "t.yaml:2:10: worker.batch: 0 is below the minimum 1", 0},
    {"negative", "worker:\n  batch: -5\n", "t.yaml:2:10: worker.batch: -5 is below the minimum 1", 0},
    {"beyond 64 bits",
     "worker:\n  batch: 99999999999999999999\n",
     "t.yaml:2:10: worker.batch: 99999999999999999999 is above the maximum 1024", 0},
    {"no number at all", "worker:\n  batch: .nan\n", "t.yaml:2:10: worker.batch: must be a whole number, is \".nan\"", 0},
    {"infinite", "worker:\n  batch: -.inf\n", "t.yaml:2:10: worker.batch: must be a whole number, is \"-.inf\"", 0},
    {"with an exponent", "worker:\n  batch: 1e2\n", "t.yaml:2:10: worker.batch: must be a whole number, is \"1e2\"", 0},
    {"negative beyond 64 bits", "worker:\n  batch: -99999999999999999999\n",
     "t.yaml:2:10: worker.batch: -99999999999999999999 is below the minimum 1", 0},
    {"huge with a unit", "worker:\n  block: 99999999999999999999d\n",
     "t.yaml:2:10: worker.block: 99999999999999999999d is above the maximum 10s", 0},
    {"duration above", "worker:\n  block: 1m\n", "t.yaml:2:10: worker.block: 1m is above the maximum 10s", 0},
    {"duration below", "worker:\n  block: 9ms\n", "t.yaml:2:10: worker.block: 9ms is below the minimum 10ms", 0},
    {"duration 0", "worker:\n  block: 0\n", "t.yaml:2:10: worker.block: 0 is below the minimum 10ms", 0},
    {"size above", "embedded:\n  maxmemory: 2TiB\n", "t.yaml:2:14: embedded.maxmemory: 2TiB is above the maximum 1TiB", 0},
    {"word for number", "worker:\n  batch: many\n", "t.yaml:2:10: worker.batch: must be a whole number, is \"many\"", 0},
    {"fraction", "worker:\n  batch: 1.5\n", "t.yaml:2:10: worker.batch: must be a whole number, is \"1.5\" (no fractions)", 0},
    {"leading zero", "worker:\n  batch: 010\n", "t.yaml:2:10: worker.batch: must be a whole number, is \"010\" (no leading zeros)", 0},
    {"number with unit", "worker:\n  batch: 5s\n", "t.yaml:2:10: worker.batch: must be a whole number, is \"5s\"", 0},
    {"duration without unit", "worker:\n  block: 3\n", "t.yaml:2:10: worker.block: " DURATION "\"3\" (it needs a unit)", 0},
    {"duration of other unit", "worker:\n  block: 3sec\n", "t.yaml:2:10: worker.block: " DURATION "\"3sec\" (units: ms s m h d)", 0},
    {"retention too short", "retention:\n  ledger: 999ms\n", "t.yaml:2:11: retention.ledger: 999ms is below the minimum 1s", 0},
    {"retention of no kind", "retention:\n  ledger: forever\n",
     "t.yaml:2:11: retention.ledger: must be keep, or a duration such as 3s, 24h or 180d, is \"forever\"", 0},
    {"keep where it is none", "worker:\n  block: keep\n", "t.yaml:2:10: worker.block: " DURATION "\"keep\"", 0},
    {"ambiguous size", "embedded:\n  maxmemory: 64M\n",
     "t.yaml:2:14: embedded.maxmemory: must be a size such as 4096, 64MiB or 1GB, is \"64M\" (units: B kB KiB MB MiB GB GiB TB TiB)", 0},
    {"list for number", "worker:\n  batch: [1, 2]\n", "t.yaml:2:10: worker.batch: must be a whole number, is a list", 0},
    {"block list for number", "worker:\n  batch:\n    - 1\n", "t.yaml:3:5: worker.batch: must be a whole number, is a list", 0},
    {"map for text", "book:\n  name: {a: b}\n", "t.yaml:2:9: book.name: must be text, is a map", 0},
    {"wrong choice", "log:\n  level: loud\n", "t.yaml:2:10: log.level: must be one of error, warn, info, debug, is \"loud\"", 0},
    {"choice by part", "log:\n  level: err\n", "t.yaml:2:10: log.level: must be one of error, warn, info, debug, is \"err\"", 0},
    {"control characters cannot forge lines", "log:\n  level: \"x\\ny: z\"\n",
     "t.yaml:2:10: log.level: must be one of error, warn, info, debug, is \"x\\x0ay: z\"", 0},
    {"long values are cut", "log:\n  level: aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeeeffffffffffgggggggggg\n",
     "t.yaml:2:10: log.level: must be one of error, warn, info, debug, is \"aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeeef...\"", 0},
    {"unset", "worker:\n  batch:\n  block: 1s\n",
     "t.yaml:2:3: worker.batch: has no value; give one, or leave the line out for the default 512", 0},
    {"unset with a tilde", "worker:\n  name: ~\n",
     "t.yaml:2:3: worker.name: has no value; give one, or leave the line out for the default \"\"", 0},
    {"unset with null", "worker:\n  batch: null\n",
     "t.yaml:2:3: worker.batch: has no value; give one, or leave the line out for the default 512", 0},
    {"column counts characters", "{\"w\xc3\xb6\": 1, worker: {batch: 0}}",
     "t.yaml:1:2: w\xc3\xb6: unknown section; " SECTIONS "\nt.yaml:1:27: worker.batch: 0 is below the minimum 1", 0},
};

static const struct row text_rows[] = {
    {"capital in the book's name", "book:\n  name: Shop\n",
     "t.yaml:2:9: book.name: \"Shop\": only a-z 0-9 . _ - are allowed (character 1 is not)", 0},
    {"brace in the book's name", "book:\n  name: \"sh{p\"\n",
     "t.yaml:2:9: book.name: \"sh{p\": only a-z 0-9 . _ - are allowed (character 3 is not)", 0},
    {"empty book's name", "book:\n  name: \"\"\n", "t.yaml:2:9: book.name: must not be empty", 0},
    {"long book's name", "book:\n  name: aaaaaaaaaabbbbbbbbbbccccccccccddd\n",
     "t.yaml:2:9: book.name: is 33 bytes long, above the maximum 32", 0},
    {"space in the worker's name", "worker:\n  name: a b\n",
     "t.yaml:2:9: worker.name: \"a b\": only A-Z a-z 0-9 . _ : - are allowed (character 2 is not)", 0},
    {"newline in a path", "book:\n  secret_file: \"a\\nb\"\n", "t.yaml:2:16: book.secret_file: holds a control character (0x0a)", 0},
    {"NUL in a path", "book:\n  secret_file: \"a\\0b\"\n", "t.yaml:2:16: book.secret_file: holds a NUL byte", 0},
    {"url of another scheme", "redis:\n  url: http://x\n",
     "t.yaml:2:8: redis.url: must be unix:PATH, redis://[user:password@]host[:port][/db], sentinel://HOST,.../NAME, "
     "cluster://HOST,... or embedded:DIR", 0},
    {"scheme alone", "redis:\n  url: \"unix:\"\n",
     "t.yaml:2:8: redis.url: must be unix:PATH, redis://[user:password@]host[:port][/db], sentinel://HOST,.../NAME, "
     "cluster://HOST,... or embedded:DIR", 0},
    {"password with user", "redis:\n  url: redis://shop:hunter2@host\n", "t.yaml:2:8: " PASSWORD, 0},
    {"password without user", "redis:\n  url: redis://:hunter2@host\n", "t.yaml:2:8: " PASSWORD, 0},
    {"password alone", "redis:\n  url: redis://hunter2@host\n", "t.yaml:2:8: " PASSWORD, 0},
    {"password with an unescaped slash", "redis:\n  url: redis://:a/b@host\n", "t.yaml:2:8: " PASSWORD, 0},
    {"password under a key of its own", "redis:\n  password: hunter2\n",
     "t.yaml:2:3: redis.password: unknown setting; did you mean password_file?", 0},
};

static const struct row key_rows[] = {
    {"unknown section, near", "wroker:\n  batch: 5\n", "t.yaml:1:1: wroker: unknown section; did you mean worker?", 0},
    {"unknown section, far", "kitchen: {sink: 1}\n", "t.yaml:1:1: kitchen: unknown section; " SECTIONS, 0},
    {"a setting not indented", "worker:\nbatch: 5\n",
     "t.yaml:2:1: batch: unknown section; did you mean worker.batch, indented under its section?", 0},
    {"unknown setting, near", "worker:\n  bathc: 5\n", "t.yaml:2:3: worker.bathc: unknown setting; did you mean batch?", 0},
    {"dashes and capitals", "worker:\n  Lease-TTL: 5s\n", "t.yaml:2:3: worker.Lease-TTL: unknown setting; did you mean lease_ttl?", 0},
    {"setting of other sections", "worker:\n  timeout: 5s\n",
     "t.yaml:2:3: worker.timeout: unknown setting; did you mean redis.timeout or durability.timeout or producer.timeout?", 0},
    {"unknown setting, far", "log:\n  zebra: 1\n", "t.yaml:2:3: log.zebra: unknown setting; log has level, format", 0},
    {"setting given twice", "worker:\n  batch: 5\n  block: 1s\n  batch: 6\n", "t.yaml:4:3: worker.batch: given twice, first on line 2", 0},
    {"section given twice", "worker:\n  batch: 5\nlog:\nworker:\n  block: 1s\n", "t.yaml:4:1: worker: given twice, first on line 1", 0},
    {"setting twice in a section given twice", "log:\n  level: info\nlog:\n  level: warn\n",
     "t.yaml:3:1: log: given twice, first on line 1\nt.yaml:4:3: log.level: given twice, first on line 2", 0},
    {"list as key", "[a]: 1\nlog: {level: loud}\n",
     "t.yaml:1:1: a key must be a word, is a list\nt.yaml:2:14: log.level: must be one of error, warn, info, debug, is \"loud\"", 0},
    {"map as key of a setting", "log:\n  ? {a: b}\n  : {c: d}\n  level: loud\n",
     "t.yaml:2:5: a key must be a word, is a map\nt.yaml:4:10: log.level: must be one of error, warn, info, debug, is \"loud\"", 0},
    {"empty key", "log:\n  \"\": 1\n", "t.yaml:2:3: a key must be a word, is empty", 0},
    {"NUL in a key", "log:\n  \"level\\0\": info\n", "t.yaml:2:3: a key must be a word, is a NUL byte", 0},
    {"newline in a key", "log:\n  \"a\\nb\": 1\n", "t.yaml:2:3: log.a\\x0ab: unknown setting; log has level, format", 0},
};

static const struct row shape_rows[] = {
    {"text as root", "hello\n", "t.yaml:1:1: must be a map of sections, is text", 0},
    {"list as root", "- a\n- b\n", "t.yaml:1:1: must be a map of sections, is a list", 0},
    {"text as section", "log: debug\n", "t.yaml:1:6: log: must be a map of settings, is text", 0},
    {"list as section", "log: [level, debug]\n", "t.yaml:1:6: log: must be a map of settings, is a list", 0},
    {"second document", "log:\n  level: info\n---\nlog:\n", "t.yaml:3:1: a second document starts here; there can be only one", 0},
    {"anchor", "log:\n  level: &a info\n", "t.yaml:2:10: anchors (&name) are not allowed", 0},
    {"alias", "log: &l\n  level: info\nworker: *l\n",
     "t.yaml:1:6: anchors (&name) are not allowed\n"
     "t.yaml:3:9: worker: must be a map of settings, is an alias (*name), which is not allowed", 0},
    {"alias of nothing", "log:\n  level: *a\n",
     "t.yaml:2:10: log.level: must be one of error, warn, info, debug, is an alias (*name), which is not allowed", 0},
    {"merge key", "log:\n  <<: *a\n", "t.yaml:2:3: log.<<: unknown setting; log has level, format", 0},
    {"tag", "log:\n  level: !!str info\n", "t.yaml:2:10: tags (!name) are not allowed", 0},
    {"tab", "log:\n\tlevel: info\n", "t.yaml:2:1: a tab: YAML indents with spaces only", 0},
    {"tab behind spaces", "log:\n  level: info\n  \tformat: json\n", "t.yaml:3:3: a tab: YAML indents with spaces only", 0},
    {"NUL", "log:\n  level: \0info\n", "t.yaml:2:10: a NUL byte: this is not a text file", 20},
    {"control character", "log:\n  level: \x01\n", "t.yaml:2:10: the character U+0001 is not allowed", 0},
    {"not UTF-8", "log:\n  level: caf\xe9\n", "t.yaml:2:13: the byte 0xe9 is not UTF-8 here; save the file as UTF-8", 0},
    {"UTF-16", "\xff\xfel\0o\0g\0", "t.yaml:1:1: the byte 0xff is not UTF-8 here; save the file as UTF-8", 8},
    {"cut UTF-8", "log:\n  level: \xe2\x82", "t.yaml:2:10: the byte 0xe2 is not UTF-8 here; save the file as UTF-8", 0},
    {"open quote", "log:\n  level: \"info\n",
     "t.yaml:3:1: not YAML: found unexpected end of stream, while scanning a quoted scalar that starts on line 2", 0},
    {"open list", "log: [a\nb: c",
     "t.yaml:1:6: log: must be a map of settings, is a list\n"
     "t.yaml:2:2: not YAML: did not find expected ',' or ']', while parsing a flow sequence that starts on line 1", 0},
    {"nested deep", NESTED_100 NESTED_100 NESTED_100 NESTED_100 NESTED_100 NESTED_100 NESTED_100 NESTED_100 NESTED_100 NESTED_100,
     "t.yaml:1:1: must be a map of sections, is a list\n"
     "t.yaml:2:1: not YAML: did not find expected node content, while parsing a flow node that starts on line 2", 0},
};

static const struct row cross_rows[] = {
    {"timeout equal to block", "redis:\n  timeout: 1s\n",
     "t.yaml:2:12: redis.timeout: 1s is not above worker.block, which is 1s (default)", 0},
    {"block alone", "worker:\n  block: 8s\n", "t.yaml:2:10: worker.block: 8s is not below redis.timeout, which is 5s (default)", 0},
    {"both", "worker:\n  block: 8s\nredis:\n  timeout: 7s\n",
     "t.yaml:4:12: redis.timeout: 7s is not above worker.block, which is 8s (t.yaml:2:10)", 0},
    {"nothing follows from a wrong value", "worker:\n  block: 8\nredis:\n  timeout: 100ms\n",
     "t.yaml:2:10: worker.block: " DURATION "\"8\" (it needs a unit)", 0},
    {"in the order of the file", "redis:\n  timeout: 1s\nworker:\n  batch: 0\n",
     "t.yaml:2:12: redis.timeout: 1s is not above worker.block, which is 1s (default)\n"
     "t.yaml:4:10: worker.batch: 0 is below the minimum 1", 0},
};

static void check_rows(const struct row *rows, size_t count) {
    for (size_t i = 0; i < count; i++) {
        char *said = load_text(rows[i].text, rows[i].size ? rows[i].size : strlen(rows[i].text), false, NULL);
        cr_expect(strcmp(said, rows[i].faults) == 0, "%s:\nsaid    %s\nwanted  %s", rows[i].name, said, rows[i].faults);
        free(said);
    }
}
#define CHECK_ROWS(rows) check_rows(rows, sizeof(rows) / sizeof((rows)[0]))

Test(config_faults, good_files_have_none) {
    CHECK_ROWS(good_rows);
}

Test(config_faults, values) {
    CHECK_ROWS(value_rows);
}

Test(config_faults, texts) {
    CHECK_ROWS(text_rows);
}

Test(config_faults, keys) {
    CHECK_ROWS(key_rows);
}

Test(config_faults, shapes) {
    CHECK_ROWS(shape_rows);
}

Test(config_faults, settings_that_depend_on_each_other) {
    CHECK_ROWS(cross_rows);
}

Test(config_faults, all_at_once_in_file_order) {
    static const char text[] = "book:\n  name: Till\n  partitions:\nwroker:\n  batch: 5\nworker:\n  batch: 5000\n  bathc: 1\n  block: 11s\n"
                               "  batch: 7\nlog: debug\n";
    static const char wanted[] = "t.yaml:2:9: book.name: \"Till\": only a-z 0-9 . _ - are allowed (character 1 is not)\n"
                                 "t.yaml:3:3: book.partitions: has no value; give one, or leave the line out for the default 16\n"
                                 "t.yaml:4:1: wroker: unknown section; did you mean worker?\n"
                                 "t.yaml:7:10: worker.batch: 5000 is above the maximum 1024\n"
                                 "t.yaml:8:3: worker.bathc: unknown setting; did you mean batch?\n"
                                 "t.yaml:9:10: worker.block: 11s is above the maximum 10s\n"
                                 "t.yaml:10:3: worker.batch: given twice, first on line 7\n"
                                 "t.yaml:11:6: log: must be a map of settings, is text";
    struct row row = {"all at once", text, wanted, 0};
    check_rows(&row, 1);
}

Test(config_faults, many_are_counted_but_a_hundred_shown) {
    enum { FAULTS = 250, LINE_SIZE = 16 };
    char *text = calloc(FAULTS, LINE_SIZE);
    for (int i = 0; i < FAULTS; i++) snprintf(text + strlen(text), LINE_SIZE, "q%d: 1\n", i);
    struct config config;
    struct config_faults faults;
    cr_assert_eq(config_load_bytes("t.yaml", text, strlen(text), false, &config, &faults), CONFIG_BAD);
    cr_expect_eq(faults.count, FAULTS, "%u counted", faults.count);
    cr_expect_eq(faults.size, strlen(faults.text));
    cr_expect(strstr(faults.text, "t.yaml:100:1: q99: unknown section;") != NULL);
    cr_expect(strstr(faults.text, "t.yaml:101:1:") == NULL);
    const char *last = strrchr(faults.text, '\n');
    cr_expect(strcmp(last, "\n... and 150 more") == 0, "ends with%s", last);
    config_faults_clear(&faults);
    free(text);
}

Test(config_faults, a_file_too_large_is_refused_unread) {
    size_t size = 65537;
    char *text = malloc(size);
    memset(text, '\n', size);
    char *said = load_text(text, size, false, NULL), *fits = load_text(text, size - 1, false, NULL);
    cr_expect(strcmp(said, "t.yaml: is larger than 65536 bytes: this is not a configuration") == 0, "%s", said);
    cr_expect(strcmp(fits, "") == 0, "%s", fits);
    free(said);
    free(fits);
    free(text);
}
