/* The gateway's tables, its description and its tokens, without HTTP. */
#include <criterion/criterion.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "config/listen.h"
#include "config/slurp.h"
#include "producer/client.h"
#include "producer/gateway/request.h"
#include "schema/code.h"

static char readme[65536];

static void read_readme(void) {
    size_t size;
    cr_assert_eq(slurp_read(TILL_SOURCE_DIR "/producer/gateway/README.md", readme, sizeof readme - 1, &size, NULL), 0);
    readme[size] = '\0';
}

static const int codes[] = {
#define X(number, word, class, sentence) number,
#include "schema/code.def"
#undef X
};

static unsigned rows_of(const char *pattern) {
    unsigned count = 0;
    for (const char *at = readme; (at = strstr(at, pattern)); at++) count++;
    return count;
}

Test(gateway_tables, readme_has_every_code_and_every_problem) {
    char row[400];
    read_readme();
    for (size_t n = 0; n < sizeof codes / sizeof codes[0]; n++) {
        snprintf(row, sizeof row, "\n| %u | %d | `%s` | %s |\n", gateway_status_of(codes[n]), codes[n], code_word(codes[n]),
                 code_sentence(codes[n]));
        cr_expect_eq(rows_of(row), 1, "not in the table: %s", row);
    }
    for (int p = 0; p < GATEWAY_PROBLEM_COUNT; p++) {
        snprintf(row, sizeof row, "\n| %u | `%s` | ", gateway_problem_status((enum gateway_problem)p),
                 gateway_problem_word((enum gateway_problem)p));
        cr_expect_eq(rows_of(row), 1, "not in the table: %s", row);
    }
}

Test(gateway_tables, every_code_has_a_status) {
    static const struct { int code; unsigned status; } rows[] = {{0, 200},  {1, 404},  {3, 402},  {6, 400},   {7, 422},  {8, 429},
                                                                 {11, 409}, {20, 202}, {-1, 503}, {-3, 503}, {4711, 503}};
    for (size_t n = 0; n < sizeof rows / sizeof rows[0]; n++)
        cr_expect_eq(gateway_status_of(rows[n].code), rows[n].status, "%d: %u", rows[n].code, gateway_status_of(rows[n].code));
    struct gateway_reply reply = {0};
    for (size_t n = 0; n < sizeof codes / sizeof codes[0]; n++)
        cr_expect(gateway_reply_explain(&reply, code_word(codes[n])), "%d", codes[n]);
    gateway_reply_clear(&reply);
}

static json_t *description(void) {
    json_error_t error;
    json_t *root = json_load_file(TILL_SOURCE_DIR "/config/openapi.json", JSON_REJECT_DUPLICATES, &error);
    cr_assert(root, "openapi.json:%d: %s", error.line, error.text);
    return root;
}

/* "/v1/accounts/{id}" is the route "/v1/accounts/". */
static bool is_described(json_t *paths, const struct route *route) {
    const char *path;
    json_t *methods;
    json_object_foreach(paths, path, methods) {
        size_t size = strcspn(path, "{");
        if (strlen(route->path) != size || strncmp(path, route->path, size) != 0) continue;
        const char *method = strcmp(route->method, "POST") == 0 ? "post" : "get";
        json_t *operation = json_object_get(methods, method), *security = json_object_get(operation, "security");
        return operation && json_object_size(methods) == 1 && (route->door == DOOR_OPEN) == (security != NULL);
    }
    return false;
}

Test(gateway_openapi, describes_the_routes) {
    json_t *root = description(), *paths = json_object_get(root, "paths");
    const struct route *route;
    size_t count = 0;
    for (size_t n = 0; (route = http_route_at(n)); n++) {
        if (route->door != DOOR_OPEN && route->door != DOOR_SOURCE) continue; /* the page's own */
        if (strncmp(route->path, "/ui", 3) == 0 || strcmp(route->path, "/") == 0) continue;
        cr_expect(is_described(paths, route), "%s %s", route->method, route->path);
        count++;
    }
    cr_expect_eq(json_object_size(paths), count);
    json_decref(root);
}

static bool has_word(json_t *array, const char *word) {
    size_t n;
    json_t *value;
    json_array_foreach(array, n, value)
        if (strcmp(json_string_value(value), word) == 0) return true;
    return false;
}

static json_t *properties(json_t *root, const char *schema) {
    json_t *schemas = json_object_get(json_object_get(root, "components"), "schemas");
    return json_object_get(json_object_get(schemas, schema), "properties");
}

Test(gateway_openapi, describes_the_intent) {
    json_t *root = description(), *fields = properties(root, "Intent"), *ops = json_object_get(json_object_get(fields, "op"), "enum");
    uint64_t taken = 0;
    size_t count = 0, described = 0;
    for (enum op op = 1; op < OP_COUNT; op++) {
        bool offered = !op_is_follow_up(op) && op != OP_policy && op != OP_settle;
        cr_expect_eq(has_word(ops, op_word(op)), offered, "%s", op_word(op));
        count += offered;
        if (offered) taken |= op_fields_allowed(op);
    }
    cr_expect_eq(json_array_size(ops), count);
    for (enum field f = 0; f < FIELD_COUNT; f++) {
        bool offered = taken & FIELD_BIT(f);
        cr_expect_eq(json_object_get(fields, field_name(f)) != NULL, offered, "%s", field_name(f));
        described += offered;
    }
    cr_expect_eq(json_object_size(fields), described);
    json_decref(root);
}

/* Every status that a code or a problem can have is among the responses. */
Test(gateway_openapi, describes_answers_and_problems) {
    json_t *root = description(), *paths = json_object_get(root, "paths");
    json_t *post = json_object_get(json_object_get(paths, "/v1/intents"), "post"), *responses = json_object_get(post, "responses");
    json_t *types = json_object_get(json_object_get(properties(root, "Problem"), "type"), "enum");
    char text[100];
    for (size_t n = 0; n < sizeof codes / sizeof codes[0]; n++) {
        snprintf(text, sizeof text, "%u", gateway_status_of(codes[n]));
        cr_expect(json_object_get(responses, text), "%s", text);
        snprintf(text, sizeof text, "/problems/%s", code_word(codes[n]));
        cr_expect_eq(has_word(types, text), codes[n] != 0, "%s", text);
    }
    for (int p = 0; p < GATEWAY_PROBLEM_COUNT; p++) {
        snprintf(text, sizeof text, "%u", gateway_problem_status((enum gateway_problem)p));
        cr_expect(json_object_get(responses, text), "%s", text);
        snprintf(text, sizeof text, "/problems/%s", gateway_problem_word((enum gateway_problem)p));
        cr_expect(has_word(types, text), "%s", text);
    }
    json_t *fields = properties(root, "Answer");
    for (unsigned n = 0; n < TILL_ANSWER_FIELDS; n++)
        cr_expect(json_object_get(fields, till_answer_field_name(n)), "%s", till_answer_field_name(n));
    cr_expect_eq(json_object_size(fields), TILL_ANSWER_FIELDS + 1);
    json_decref(root);
}

Test(gateway_tokens, are_found_by_their_hash) {
    char dir[] = "/tmp/tokens-XXXXXX", path[64], shop[TOKENS_TEXT_SIZE], second[TOKENS_TEXT_SIZE], other[TOKENS_TEXT_SIZE];
    char why[TOKENS_WHY_SIZE] = "";
    struct tokens tokens;
    cr_assert(mkdtemp(dir));
    snprintf(path, sizeof path, "%s/tokens", dir);
    bool added = tokens_add(path, "shop", shop, why) && tokens_add(path, "shop", second, why) && tokens_add(path, "app.2", other, why);
    cr_assert(added, "%s", why);
    cr_assert(tokens_read(&tokens, path, why), "%s", why);
    cr_expect_eq(tokens.count, 3);
    cr_expect_str_eq(tokens_find(&tokens, shop), "shop");
    cr_expect_str_eq(tokens_find(&tokens, second), "shop");
    cr_expect_str_eq(tokens_find(&tokens, other), "app.2");
    shop[5] ^= 1;
    cr_expect_null(tokens_find(&tokens, shop));
    cr_expect_null(tokens_find(&tokens, ""));
    tokens_clear(&tokens);
    size_t size;
    struct stat status;
    char text[1000];
    cr_assert_eq(slurp_read(path, text, sizeof text - 1, &size, &status), 0);
    text[size] = '\0';
    cr_expect_null(strstr(text, second), "the token itself is in the file");
    cr_expect_eq(status.st_mode & 0777, 0600);
    chmod(path, 0622);
    cr_expect_not(tokens_read(&tokens, path, why));
    cr_expect(strstr(why, "can be written by others"), "%s", why);
    unlink(path);
    rmdir(dir);
}

Test(gateway_tokens, bad_files_and_names_are_refused) {
    char path[] = "/tmp/tokens-XXXXXX", token[TOKENS_TEXT_SIZE], why[TOKENS_WHY_SIZE];
    static const char *const names[] = {"", "till", "Shop", "a b", "0123456789012345678901234567890123"};
    static const char *const lines[] = {"shop\n", "shop 12\n", "# fine\nshop zz\n", "shop  00\n"};
    struct tokens tokens;
    for (size_t n = 0; n < sizeof names / sizeof names[0]; n++)
        cr_expect_not(tokens_add("/dev/null", names[n], token, why), "%s", names[n]);
    int fd = mkstemp(path);
    for (size_t n = 0; n < sizeof lines / sizeof lines[0]; n++) {
        cr_assert(ftruncate(fd, 0) == 0 && pwrite(fd, lines[n], strlen(lines[n]), 0) > 0);
        cr_expect_not(tokens_read(&tokens, path, why), "%s", lines[n]);
    }
    close(fd);
    unlink(path);
    cr_expect_not(tokens_read(&tokens, path, why));
}

/* Whoever trickles is closed after 20 s, whoever we let wait is not; and when it gets tight, the oldest goes. */
static bool is_shut(int fd) {
    char byte;
    return recv(fd, &byte, 1, MSG_DONTWAIT) == 0;
}

Test(gateway_guard, ends_those_who_keep_it_waiting) {
    enum { COUNT = 16 };
    struct guard guard;
    struct guard_link *links[COUNT];
    int pairs[COUNT][2];
    guard_init(&guard, COUNT);
    for (unsigned n = 0; n < 6; n++) {
        cr_assert_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, pairs[n]), 0);
        links[n] = guard_open(&guard, pairs[n][0]);
    }
    guard_ours(&guard, links[0]);
    links[1]->since_ms -= 5000;
    guard_sweep(&guard, client_now_ms() + 15500);
    for (unsigned n = 0; n < 6; n++) cr_expect_eq(is_shut(pairs[n][1]), n == 1, "%u", n);
    guard_theirs(&guard, links[2]); /* said something useful */
    for (unsigned n = 6; n < 12; n++) {
        cr_assert_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, pairs[n]), 0);
        links[n] = guard_open(&guard, pairs[n][0]);
    }
    cr_expect_not(is_shut(pairs[3][1]), "nobody is closed before half a second is over");
    guard_sweep(&guard, client_now_ms() + 1000);
    cr_expect(is_shut(pairs[3][1]));
    cr_expect_not(is_shut(pairs[0][1]) || is_shut(pairs[2][1]));
    for (unsigned n = 0; n < 12; n++) {
        guard_close(&guard, links[n]);
        close(pairs[n][0]);
        close(pairs[n][1]);
    }
    guard_clear(&guard);
}

static unsigned done_count;
static void done(struct waiter *waiter) { done_count += waiter->answered ? 1 : 100; }

static struct till_answer answer_of(const char *entry, int code, bool replayed, int64_t amount) {
    struct till_answer a = {.account = "alice", .source = "shop", .key = "k", .op = "pay", .code = code, .replayed = replayed,
                            .has_amount = true, .amount_minor = amount};
    snprintf(a.entry, sizeof a.entry, "%s", entry);
    return a;
}

Test(gateway_waiting, answers_find_those_who_wait) {
    struct waiting w;
    struct waiter one = {.op = "pay", .amount_minor = 5, .deadline_ms = client_now_ms() + 60000, .done = done}, two = one, other = one;
    struct till_answer a = answer_of("1-0", 0, false, 5), again = answer_of("1-0", 0, true, 5), kept;
    struct till_answer reused = answer_of("3-0", 7, false, 0);
    other.amount_minor = 6;
    waiting_init(&w);
    waiting_add(&w, &one, "alice", "shop", "k");
    waiting_take(&w, &a); /* before it is known which entry it was */
    cr_expect_eq(done_count, 0);
    waiting_sent(&w, &one, "1-0");
    cr_expect_eq(done_count, 1);
    waiting_add(&w, &two, "alice", "shop", "k");
    waiting_add(&w, &other, "alice", "shop", "k");
    waiting_sent(&w, &two, "2-0");
    waiting_sent(&w, &other, "3-0");
    waiting_take(&w, &again);
    cr_expect_eq(done_count, 2, "the answer to another amount is not taken for its own");
    waiting_take(&w, &reused);
    cr_expect_eq(done_count, 3);
    cr_expect_eq(other.answer.code, 7);
    cr_expect_eq(waiting_look(&w, "alice", "shop", "k", &kept), WAITING_UNKNOWN, "nobody needs to remember what everybody was told");
    waiting_clear(&w);
}

Test(gateway_waiting, what_comes_late_is_remembered) {
    struct waiting w;
    struct waiter one = {.op = "pay", .deadline_ms = client_now_ms() + 60000, .done = done}, dropped = one;
    struct till_answer a = answer_of("1-0", 3, false, 0), busy = answer_of("1-0", 20, false, 0), kept;
    waiting_init(&w);
    waiting_add(&w, &dropped, "alice", "shop", "k2");
    waiting_drop(&w, &dropped);
    waiting_add(&w, &one, "alice", "shop", "k");
    waiting_sent(&w, &one, "1-0");
    waiting_expire(&w, one.deadline_ms - 1);
    waiting_take(&w, &busy); /* another copy is in progress: that one's answer is ours */
    cr_expect_eq(done_count, 0);
    waiting_expire(&w, one.deadline_ms + 1);
    cr_expect_eq(done_count, 100);
    cr_expect_eq(waiting_look(&w, "alice", "shop", "k", &kept), WAITING_OPEN);
    waiting_take(&w, &a);
    cr_expect_eq(waiting_look(&w, "alice", "shop", "k", &kept), WAITING_ANSWERED);
    cr_expect_eq(kept.code, 3);
    waiting_expire(&w, client_now_ms() + 16 * 60 * 1000);
    cr_expect_eq(waiting_look(&w, "alice", "shop", "k", &kept), WAITING_UNKNOWN);
    cr_expect_eq(waiting_look(&w, "alice", "shop", "k2", &kept), WAITING_UNKNOWN);
    waiting_clear(&w);
}

Test(gateway_listen, addresses) {
    static const struct { const char *text; bool ok, loopback; } rows[] = {
        {"127.0.0.1:80", true, true}, {"[::1]:80", true, true}, {"localhost:0", true, true}, {"0.0.0.0:80", true, false},
        {"[::]:80", true, false},     {"10.0.0.1:1", true, false}, {"host:80", false, false}, {"127.0.0.1", false, false},
        {"127.0.0.1:", false, false}, {":80", false, false},    {"127.0.0.1:65536", false, false},
    };
    union listen_address address;
    for (size_t n = 0; n < sizeof rows / sizeof rows[0]; n++) {
        bool ok = listen_parse(rows[n].text, &address);
        cr_expect_eq(ok, rows[n].ok, "%s", rows[n].text);
        if (ok) cr_expect_eq(listen_is_loopback(&address), rows[n].loopback, "%s", rows[n].text);
    }
}
