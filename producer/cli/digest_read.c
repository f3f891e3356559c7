/* A partition's state, ledger and answers, element by element. Everything in it changes only together with meta and `unanswered`, which are
 * looked at before anything else is read and again behind it. */
#include "producer/cli/digest_read.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "producer/cli/digest_answers.h"
#include "producer/cli/digest_names.h"
#include "producer/cli/pages.h"
#include "producer/cli/progress.h"
#include "schema/ledger.h"
#include "schema/response.h"

enum { PAGE = 1000, AT_ONCE = 100, AGAIN_MS = 100 };

/* What must stand still. */
struct stamp {
    uint8_t digest[DIGEST_SIZE];
};

struct reader {
    struct connection *c;
    struct digest_element element; /* scratch */
    struct pack_tree *tree;
    struct digest_names names;
    struct progress progress;

    unsigned partition;            /* at hand, and what of it */
    struct digest_list_of_names list;
    struct digest_partition *out;
    const char *word, *name;       /* of the elements being made */
    struct digest_set set;
    struct digest_bag answers;
    FILE *said;                    /* where the answers are written too, or NULL */
};

/* The element at hand is an answer. */
static void add_answer(struct reader *r) {
    digest_bag_add(&r->answers, &r->element);
    if (r->said) digest_answers_write(r->said, r->partition, &r->element);
}

static void add_key(struct reader *r, unsigned partition, const char *name) {
    char key[256];
    int size = snprintf(key, sizeof key, "{%s:%u}:%s", r->c->book.name, partition, name);
    command_copy(&r->c->command, key, (size_t)size < sizeof key ? (size_t)size : sizeof key - 1);
}

static void add_text(struct reader *r, struct reply text) {
    size_t size;
    const char *bytes = reply_text(text, &size);
    digest_text(&r->element, bytes, size);
}

struct pair {
    const char *name;
    size_t size;
    struct reply value;
};

static int by_name(const void *a, const void *b) {
    const struct pair *x = a, *y = b;
    int order = memcmp(x->name, y->name, x->size < y->size ? x->size : y->size);
    return order ? order : (x->size > y->size) - (x->size < y->size);
}

/* The element of a whole hash: its word, its name, then its fields by name. `wanted`: which ones, NULL: all. */
static void take_hash(struct reader *r, const char *word, const char *name, struct reply fields, bool (*wanted)(const char *field)) {
    size_t count = reply_count(fields) / 2, kept = 0;
    struct pair *list = malloc((count + 1) * sizeof *list);
    if (!list) abort();
    for (size_t n = 0; n < count; n++) {
        struct pair *f = &list[kept];
        f->name = reply_text(reply_at(fields, 2 * n), &f->size);
        f->value = reply_at(fields, 2 * n + 1);
        kept += !wanted || wanted(f->name);
    }
    qsort(list, kept, sizeof *list, by_name);
    digest_begin(&r->element, word);
    digest_text(&r->element, name, strlen(name));
    for (size_t n = 0; n < kept; n++) {
        digest_text(&r->element, list[n].name, list[n].size);
        add_text(r, list[n].value);
    }
    free(list);
}

/* Of meta: what comes of the stream. The rest tells of owners and attempts. */
static bool of_the_stream(const char *field) {
    return strcmp(field, "applied") == 0 || strcmp(field, "bill") == 0 || strncmp(field, "from:", 5) == 0 ||
           strncmp(field, "policy:", 7) == 0 || strcmp(field, "lowered") == 0;
}

static void ask_stamp(struct reader *r, unsigned partition) {
    static const char *const keys[] = {"meta", "unanswered"};
    for (size_t n = 0; n < 2; n++) {
        command_begin(&r->c->command, "HGETALL");
        add_key(r, partition, keys[n]);
        redis_append(r->c->redis, &r->c->command);
    }
}

/* The two replies. With `out` what is in them is digested too. */
static int take_stamp(struct reader *r, struct stamp *stamp, struct digest_partition *out) {
    struct reply reply;
    struct digest_list both;
    size_t size;
    digest_list_init(&both);
    int code = connect_next(r->c, "reading meta", &reply);
    if (code) return code;
    take_hash(r, "meta", "", reply, of_the_stream);
    digest_list_add(&both, &r->element);
    for (size_t n = 0; out && n + 1 < reply_count(reply); n += 2) {
        const char *text = reply_text(reply_at(reply, n + 1), &size);
        if (reply_is(reply_at(reply, n), "applied") && !entry_id_parse(text, size, &out->applied)) out->applied = (struct entry_id){0, 0};
        if (reply_is(reply_at(reply, n), "bill")) out->bill = (uint64_t)reply_integer(reply_at(reply, n + 1));
    }
    if (out) {
        digest_set_add(&r->set, &r->element);
        out->part[DIGEST_meta].count = digest_set_finish(&r->set, out->part[DIGEST_meta].digest);
    }
    if ((code = connect_next(r->c, "reading what is not answered yet", &reply))) return code;
    take_hash(r, "unanswered", "", reply, NULL);
    digest_list_add(&both, &r->element);
    for (size_t n = 1; out && n < reply_count(reply); n += 2) {
        const char *kept = reply_text(reply_at(reply, n), &size);
        if (digest_kept_answer(&r->element, r->tree, kept, size)) add_answer(r);
    }
    digest_list_finish(&both, stamp->digest);
    return CLI_OK;
}

static const char *behind(const char *name, const char *prefix) {
    size_t size = strlen(prefix);
    return strncmp(name, prefix, size) == 0 ? name + size : NULL;
}

/* All keys of a kind, each a hash and an element. */
static int read_hashes(struct reader *r, const char *prefix, const char *word, enum digest_part_name part) {
    struct reply reply;
    int code = CLI_OK;
    for (size_t first = 0; !code && first < r->list.count;) {
        size_t asked = 0, last = first;
        for (; last < r->list.count && asked < AT_ONCE; last++) {
            if (!behind(r->list.names[last], prefix)) continue;
            command_begin(&r->c->command, "HGETALL");
            add_key(r, r->partition, r->list.names[last]);
            redis_append(r->c->redis, &r->c->command);
            asked++;
        }
        for (; !code && first < last; first++) {
            const char *name = behind(r->list.names[first], prefix);
            if (!name || (code = connect_next(r->c, "reading what there is", &reply)) || reply_count(reply) == 0) continue;
            take_hash(r, word, name, reply, NULL);
            digest_set_add(&r->set, &r->element);
        }
        progress_add(&r->progress, asked);
    }
    r->out->part[part].count = digest_set_finish(&r->set, r->out->part[part].digest);
    return code;
}

/* Elements of `step` texts each from a key that is scanned. */
static int scan(struct reader *r, const char *command, const char *key, size_t step, void (*take)(struct reader *, struct reply, size_t)) {
    char cursor[24] = "0";
    struct reply reply;
    do {
        command_begin(&r->c->command, command);
        add_key(r, r->partition, key);
        command_word(&r->c->command, cursor);
        command_word(&r->c->command, "COUNT");
        command_uint(&r->c->command, PAGE);
        int code = connect_call(r->c, "reading what there is", &reply);
        if (code) return code;
        struct reply items = reply_at(reply, 1);
        for (size_t n = 0; n + step <= reply_count(items); n += step) {
            take(r, items, n);
            digest_set_add(&r->set, &r->element);
        }
        progress_add(&r->progress, reply_count(items) / step);
        snprintf(cursor, sizeof cursor, "%s", reply_text(reply_at(reply, 0), NULL));
    } while (strcmp(cursor, "0") != 0);
    return CLI_OK;
}

static void take_bill(struct reader *r, struct reply items, size_t n) {
    digest_begin(&r->element, "bill");
    digest_text(&r->element, r->name, strlen(r->name));
    add_text(r, reply_at(items, n));
    add_text(r, reply_at(items, n + 1));
}

static void take_merchant(struct reader *r, struct reply items, size_t n) {
    digest_begin(&r->element, "merchant");
    add_text(r, reply_at(items, n));
}

/* A score is a time in ms, in whatever form this Redis writes it. */
static void take_due(struct reader *r, struct reply items, size_t n) {
    digest_begin(&r->element, "due");
    add_text(r, reply_at(items, n));
    double score = strtod(reply_text(reply_at(items, n + 1), NULL), NULL);
    digest_number(&r->element, score > -9e18 && score < 9e18 ? (int64_t)score : 0);
}

static void take_scheduled(struct reader *r, struct reply items, size_t n) {
    digest_begin(&r->element, "scheduled");
    add_text(r, reply_at(items, n));
    add_text(r, reply_at(items, n + 1));
}

static int read_set(struct reader *r, const char *command, const char *key, size_t step, enum digest_part_name part,
                    void (*take)(struct reader *, struct reply, size_t)) {
    int code = scan(r, command, key, step, take);
    r->out->part[part].count = digest_set_finish(&r->set, r->out->part[part].digest);
    return code;
}

/* Day by day, so that never more than one has to be in memory. */
static int read_bills(struct reader *r) {
    struct digest_part *part = &r->out->part[DIGEST_bills];
    struct digest_list days;
    uint8_t day[DIGEST_SIZE];
    int code = CLI_OK;
    digest_list_init(&days);
    part->count = 0;
    for (size_t n = 0; !code && n < r->list.count; n++) {
        if (!(r->name = behind(r->list.names[n], "bills:"))) continue;
        code = scan(r, "HSCAN", r->list.names[n], 2, take_bill);
        uint64_t count = digest_set_finish(&r->set, day);
        if (count == 0) continue;
        part->count += count;
        digest_begin(&r->element, "day");
        digest_text(&r->element, r->name, strlen(r->name));
        digest_number(&r->element, (int64_t)count);
        digest_text(&r->element, day, sizeof day);
        digest_list_add(&days, &r->element);
    }
    digest_list_finish(&days, part->digest);
    return code;
}

static struct reply field_of(struct reply fields, const char *name) {
    for (size_t n = 0; n + 1 < reply_count(fields); n += 2)
        if (reply_is(reply_at(fields, n), name)) return reply_at(fields, n + 1);
    return (struct reply){0};
}

/* An entry of the ledger; `*first`: the bill of its first row. */
static void take_rows(struct reader *r, struct reply entry, struct digest_list *rows, char first[40]) {
    size_t size;
    uint32_t count = 0;
    struct pack_value list;
    struct ledger_row row;
    const char *bytes = reply_text(field_of(reply_at(entry, 1), "rows"), &size);
    const char *wrong = ledger_decode(r->tree, bytes, size, &list, &count);
    for (uint32_t n = 0; !wrong && n < count; n++) {
        if ((wrong = ledger_row_at(&list, n, &row))) break;
        if (!*first) snprintf(first, 40, "%s", row.bill);
        digest_row(&r->element, &row);
        digest_list_add(rows, &r->element);
    }
    if (!wrong) return;
    digest_begin(&r->element, "unreadable");
    digest_text(&r->element, bytes, size);
    digest_list_add(rows, &r->element);
}

static int read_ledger(struct reader *r) {
    struct digest_part *part = &r->out->part[DIGEST_ledger];
    struct digest_list rows;
    struct pages pages;
    struct reply entries;
    char key[256], first[40] = "", one[40];
    bool more = true;
    int code;
    digest_list_init(&rows);
    snprintf(key, sizeof key, "{%s:%u}:ledger", r->c->book.name, r->partition);
    pages_stream(&pages, r->c, "reading the ledger", key, (struct entry_id){0, 0}, "+", PAGE / 4);
    while (!(code = pages_next(&pages, &entries, &more)) && more) {
        for (size_t n = 0; n < reply_count(entries); n++) take_rows(r, reply_at(entries, n), &rows, first);
        progress_add(&r->progress, reply_count(entries));
    }
    pages_end(&pages);
    part->count = rows.count;
    digest_list_finish(&rows, part->digest);
    snprintf(one, sizeof one, "%u-1", r->partition);
    part->trimmed = *first ? strcmp(first, one) != 0 : r->out->bill > 0;
    return code;
}

/* One that an operator had sent again (till replay --since) came of no intent. */
static void take_answer(struct reader *r, struct reply entry) {
    struct reply fields = reply_at(entry, 1);
    if (reply_type(field_of(fields, "again")) == REPLY_TEXT) return;
    digest_begin(&r->element, "answer");
    for (size_t n = 0; n < RESPONSE_FIELD_COUNT; n++) add_text(r, field_of(fields, response_field_name[n]));
    add_answer(r);
}

static int read_source(struct reader *r, const char *name) {
    struct pages pages;
    struct reply reply;
    char key[256];
    bool more = true;
    int code;
    snprintf(key, sizeof key, "{%s:%u}:%s", r->c->book.name, r->partition, name);
    pages_stream(&pages, r->c, "reading the answers", key, (struct entry_id){0, 0}, "+", PAGE);
    while (!(code = pages_next(&pages, &reply, &more)) && more) {
        for (size_t n = 0; n < reply_count(reply); n++) take_answer(r, reply_at(reply, n));
        progress_add(&r->progress, reply_count(reply));
    }
    pages_end(&pages);
    if (code) return code;
    command_begin(&r->c->command, "XINFO");
    command_word(&r->c->command, "STREAM");
    command_borrow(&r->c->command, key, strlen(key));
    code = connect_call(r->c, "reading the answers", &reply);
    if (!code && reply_integer(field_of(reply, "length")) < reply_integer(field_of(reply, "entries-added")))
        r->out->part[DIGEST_answers].trimmed = true;
    return code;
}

static int read_answers(struct reader *r) {
    struct digest_part *part = &r->out->part[DIGEST_answers];
    int code = CLI_OK;
    for (size_t n = 0; !code && n < r->list.count; n++)
        if (behind(r->list.names[n], "responses:")) code = read_source(r, r->list.names[n]);
    part->count = r->answers.count;
    memcpy(part->digest, r->answers.sum, sizeof part->digest);
    return code;
}

static int read_parts(struct reader *r) {
    int code = read_hashes(r, "account:", "account", DIGEST_accounts);
    if (!code) code = read_bills(r);
    if (!code) code = read_hashes(r, "order:", "order", DIGEST_orders);
    if (!code) code = read_hashes(r, "sku:", "sku", DIGEST_stock);
    if (!code) code = read_set(r, "SSCAN", "merchants", 1, DIGEST_merchants, take_merchant);
    if (!code) code = read_set(r, "ZSCAN", "due", 2, DIGEST_due, take_due);
    if (!code) code = read_set(r, "HSCAN", "scheduled", 2, DIGEST_scheduled, take_scheduled);
    if (!code) code = read_ledger(r);
    return code ? code : read_answers(r);
}

/* `before`: as it stood before its keys were listed. */
static int read_partition(struct reader *r, const struct stamp *before) {
    struct stamp now, after = {{0}};
    *r->out = (struct digest_partition){.partition = r->partition};
    r->answers = (struct digest_bag){0};
    ask_stamp(r, r->partition);
    int code = take_stamp(r, &now, r->out);
    if (code) return code;
    r->out->moved = memcmp(before, &now, sizeof now) != 0;
    if (r->out->moved) return CLI_OK;
    if (!digest_names_of(&r->names, r->partition, &r->list))
        code = cli_usage(r->c->cli, "cannot read a temporary file: %s", strerror(errno));
    if (!code) code = read_parts(r);
    digest_names_free(&r->list);
    if (code) return code;
    ask_stamp(r, r->partition);
    code = take_stamp(r, &after, NULL);
    r->out->moved = memcmp(before, &after, sizeof after) != 0;
    digest_partition_finish(r->out);
    return code;
}

/* What was written of the partition at hand: kept if it stood still. */
static bool keep_said(struct reader *r, FILE *answers) {
    char buffer[4096];
    bool kept = true;
    rewind(r->said);
    for (size_t size; !r->out->moved && kept && (size = fread(buffer, 1, sizeof buffer, r->said)) > 0;)
        kept = fwrite(buffer, 1, size, answers) == size;
    kept = kept && !ferror(r->said);
    fclose(r->said);
    r->said = NULL;
    return kept;
}

static int read_wanted(struct reader *r, const struct stamp *before, FILE *answers) {
    if (answers && !(r->said = tmpfile())) return cli_usage(r->c->cli, "cannot write a temporary file: %s", strerror(errno));
    int code = read_partition(r, before);
    if (answers && !keep_said(r, answers) && !code) code = cli_usage(r->c->cli, "cannot write the answers: %s", strerror(errno));
    return code;
}

/* All that are wanted, once; those that stood still are wanted no more. */
static int read_once(struct reader *r, bool *wanted, struct digest_partition *out, FILE *answers) {
    unsigned partitions = r->c->book.partitions;
    struct stamp *stamps = calloc(partitions, sizeof *stamps);
    int code = CLI_OK;
    if (!stamps) abort();
    for (unsigned p = 0; p < partitions; p++)
        if (wanted[p]) ask_stamp(r, p);
    for (unsigned p = 0; p < partitions && !code; p++)
        if (wanted[p]) code = take_stamp(r, &stamps[p], NULL);
    if (!code) {
        code = digest_names_scan(&r->names, r->c, wanted);
        for (unsigned p = 0; p < partitions && !code; p++) {
            if (!wanted[p]) continue;
            r->partition = p;
            r->out = &out[p];
            code = read_wanted(r, &stamps[p], answers);
            wanted[p] = out[p].moved;
        }
        digest_names_clear(&r->names);
    }
    free(stamps);
    return code;
}

int digest_read(struct connection *c, const bool *wanted, unsigned tries, struct digest_partition *out) {
    return digest_read_answers(c, wanted, tries, out, NULL);
}

int digest_read_answers(struct connection *c, const bool *wanted, unsigned tries, struct digest_partition *out, FILE *answers) {
    struct reader r = {.c = c, .tree = pack_tree_new()};
    bool left[KEYS_PARTITIONS_MAX] = {false}, any = true;
    int code = CLI_OK;
    if (!r.tree) abort();
    memcpy(left, wanted, c->book.partitions * sizeof *wanted);
    progress_start(&r.progress, "read", 0);
    for (unsigned n = 0; n < tries && any && !code; n++) {
        if (n > 0) poll(NULL, 0, AGAIN_MS);
        code = read_once(&r, left, out, answers);
        any = false;
        for (unsigned p = 0; p < c->book.partitions; p++) any = any || left[p];
    }
    progress_end(&r.progress);
    pack_tree_free(r.tree);
    digest_element_clear(&r.element);
    return code;
}
