/* The checker's order of steps. */
#include "tests/flow/check.h"

#include <criterion/criterion.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "tests/support/process.h"

enum { FAULTS_SHOWN_MAX = 30 };

void check_fault(struct check *check, const char *format, ...) {
    va_list arguments;
    if (check->faults++ >= FAULTS_SHOWN_MAX) return;
    fprintf(check->out, "partition %u: ", check->partition);
    va_start(arguments, format);
    vfprintf(check->out, format, arguments);
    va_end(arguments);
    fputc('\n', check->out);
}

const char *check_field(struct reply fields, const char *name, size_t *size) {
    size_t ignored;
    for (size_t n = 0; n + 1 < reply_count(fields); n += 2)
        if (reply_is(reply_at(fields, n), name)) return reply_text(reply_at(fields, n + 1), size ? size : &ignored);
    if (size) *size = 0;
    return "";
}

uint64_t check_bill_number(const char *bill) {
    const char *dash = strchr(bill, '-');
    return dash ? strtoull(dash + 1, NULL, 10) : 0;
}

void check_stream(struct check *check, const char *key, check_visitor *visit) {
    char from[ENTRY_TEXT_MAX + 2] = "-";
    struct reply page;
    do {
        if (flow_call(check->flow, &page, "XRANGE", key, from, "+", "COUNT", "500", NULL)) {
            check_fault(check, "%s: %s", key, redis_error(check->flow->redis));
            return;
        }
        for (size_t n = 0; n < reply_count(page); n++) {
            const char *id = reply_text(reply_at(reply_at(page, n), 0), NULL);
            snprintf(from, sizeof from, "(%s", id);
            visit(check, id, reply_at(reply_at(page, n), 1));
        }
    } while (reply_count(page) > 0);
}

void check_each_key(struct check *check, const char *word, check_key_visitor *visit) {
    char pattern[96], cursor[32] = "0", (*keys)[KEYS_SIZE_MAX] = NULL;
    size_t count = 0;
    int size = snprintf(pattern, sizeof pattern, "{%s:%u}:%s:*", check->flow->book.name, check->partition, word);
    struct reply page;
    do {
        if (flow_call(check->flow, &page, "SCAN", cursor, "MATCH", pattern, "COUNT", "1000", NULL)) break;
        snprintf(cursor, sizeof cursor, "%s", reply_text(reply_at(page, 0), NULL));
        struct reply found = reply_at(page, 1);
        keys = realloc(keys, (count + reply_count(found) + 1) * sizeof *keys);
        if (!keys) abort();
        for (size_t n = 0; n < reply_count(found); n++)
            snprintf(keys[count++], sizeof *keys, "%s", reply_text(reply_at(found, n), NULL));
    } while (strcmp(cursor, "0") != 0);
    for (size_t n = 0; n < count; n++) visit(check, keys[n], keys[n] + size - 1);
    free(keys);
}

struct check_chain *check_chain_of(struct check *check, const char *account) {
    struct check_chain *chain;
    HASH_FIND_STR(check->chains, account, chain);
    if (chain) return chain;
    chain = calloc(1, sizeof *chain);
    if (!chain) abort();
    snprintf(chain->account, sizeof chain->account, "%s", account);
    HASH_ADD_STR(check->chains, account, chain);
    return chain;
}

static void forget_partition(struct check *check) {
    struct check_identity *i, *i_next;
    struct check_entry *e, *e_next;
    struct check_chain *c, *c_next;
    HASH_ITER(hh, check->identities, i, i_next) {
        HASH_DEL(check->identities, i);
        free(i);
    }
    HASH_ITER(hh, check->entries, e, e_next) {
        HASH_DEL(check->entries, e);
        free(e->answer);
        free(e);
    }
    HASH_ITER(hh, check->chains, c, c_next) {
        HASH_DEL(check->chains, c);
        free(c);
    }
}

/* Every merchant of which somebody heard is known in every partition. */
static void check_merchants(struct check *check) {
    struct reply kind;
    keys_buffer key;
    for (unsigned m = 0; m < check->merchant_count; m++)
        for (check->partition = 0; check->partition < check->flow->book.partitions; check->partition++) {
            keys_account(key, &check->flow->book, check->partition, check->merchants[m]);
            if (flow_call(check->flow, &kind, "HGET", key, "kind", NULL) || !reply_is(kind, "merchant"))
                check_fault(check, "merchant %s is not known", check->merchants[m]);
        }
}

const char *check_book(struct flow *flow, struct check_totals *totals) {
    static char *text;
    size_t size;
    free(text);
    memset(totals, 0, sizeof *totals);
    struct check check = {.flow = flow, .totals = totals, .out = open_memstream(&text, &size)};
    if (!check.out) process_die(NULL, "out of memory");
    for (check.partition = 0; check.partition < flow->book.partitions; check.partition++) {
        check_intents(&check);
        check_responses(&check);
        check_ledger(&check);
        check_accounts(&check);
        check_shop(&check);
        forget_partition(&check);
    }
    check_merchants(&check);
    check_transfers(&check);
    check_shops(&check);
    check_settlements(&check);
    free(check.merchants);
    if (check.faults > FAULTS_SHOWN_MAX) fprintf(check.out, "and %u more\n", check.faults - FAULTS_SHOWN_MAX);
    fclose(check.out);
    return text;
}

static int run_till(struct flow *flow, const char *command, int expected) {
    char url[160], log[160], partitions[48], said[4096];
    int status = 0;
    snprintf(url, sizeof url, "TILL_REDIS_URL=%s", flow->server.url);
    snprintf(log, sizeof log, "%s/till.log", flow->server.dir[0] ? flow->server.dir : flow->workers[0].dir);
    snprintf(partitions, sizeof partitions, "TILL_BOOK_PARTITIONS=%u", flow->book.partitions);
    remove(log);
    pid_t pid = process_start((const char *[]){TILL_CLI_PATH, command, NULL}, (const char *[]){url, partitions, NULL}, log);
    cr_assert(process_wait(&pid, 60000, &status), "till %s does not end", command);
    int code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    if (code == expected) return code;
    FILE *in = fopen(log, "r");
    size_t got = in ? fread(said, 1, sizeof said - 1, in) : 0;
    said[got] = '\0';
    if (in) fclose(in);
    fprintf(stderr, "till %s: %d\n%s", command, code, said);
    return code;
}

int check_audit(struct flow *flow, int expected) { return run_till(flow, "audit", expected); }

int check_repair(struct flow *flow, int expected) { return run_till(flow, "repair", expected); }

void check_settled(struct flow *flow, const char *name, uint64_t dead) {
    struct check_totals totals;
    const char *wrong = check_book(flow, &totals);
    uint64_t entries = totals.entries + totals.unreadable;
    cr_assert_str_empty(wrong, "%s: %s", name, wrong);
    cr_assert(entries >= flow->acknowledged && entries <= flow->acknowledged + flow->unsure,
              "%s: %llu entries of %llu that were acknowledged", name, (unsigned long long)entries, (unsigned long long)flow->acknowledged);
    cr_assert_eq(totals.dead, totals.unreadable + dead, "%s: %llu dead, %llu unreadable", name, (unsigned long long)totals.dead,
                 (unsigned long long)totals.unreadable);
    struct flow_backlog b = flow_backlog(flow);
    cr_assert(!b.pending && !b.lag && !b.unanswered, "%s: %llu pending, %llu undelivered, %llu unanswered", name,
              (unsigned long long)b.pending, (unsigned long long)b.lag, (unsigned long long)b.unanswered);
}

void check_sound(struct flow *flow, const char *name, uint64_t dead) {
    check_settled(flow, name, dead);
    cr_assert_eq(check_audit(flow, 0), 0, "%s", name);
}
