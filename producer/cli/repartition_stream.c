/* Streams that tell of what was: answers, dead and discarded entries. Those of the old partitions are merged by their IDs, and each entry
 * goes where its account goes, with its ID (or the next one, where two come together that have the same): who reads on from the lowest
 * position that it had in any of the old streams misses nothing. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "producer/archive_tail.h"
#include "producer/cli/repartition.h"
#include "producer/client_answer.h"
#include "schema/intent.h"
#include "schema/keys.h"

enum { PAGE_MAX = 200, PAGE_MIN = 4, PAGES_TOGETHER = 4000, GROUPS_MAX = 32, GROUP_NAME_SIZE = 128 };

/* An old stream being read. */
struct source {
    unsigned partition;
    struct reply page; /* detached */
    size_t at;         /* in the page */
    struct entry_id last;
    bool ended;
};

struct group {
    char name[GROUP_NAME_SIZE];
    struct entry_id from; /* the lowest of any partition */
};

struct merge {
    struct repartition *r;
    const char *name;      /* "responses:shop", "dead" */
    enum repartition_count counted;
    struct source *sources;
    unsigned source_count, page_size;
    struct entry_id *last; /* per new partition: the last one written */
    uint64_t *written;
    char *lines;           /* scratch: the answers of an entry that go the same way */
    size_t lines_capacity;
    bool trimmed;          /* some of it is gone already */
    struct group groups[GROUPS_MAX];
    unsigned group_count;
};

static void append_range(struct merge *m, const struct source *s) {
    struct command *c = &m->r->from.command;
    char from[ENTRY_TEXT_MAX + 1];
    entry_id_format(entry_id_after(s->last), from);
    command_begin(c, "XRANGE");
    repartition_key(&m->r->from, s->partition, m->name, "");
    command_copy(c, from, strlen(from));
    command_word(c, "+");
    command_word(c, "COUNT");
    command_uint(c, m->page_size);
}

/* The entry at hand, nil behind the last one; asks for more when the page is used up. */
static int head(struct merge *m, struct source *s, struct reply *entry, struct entry_id *id) {
    size_t size;
    *entry = (struct reply){0};
    if (s->at >= reply_count(s->page)) {
        struct reply page;
        reply_release(s->page);
        s->page = (struct reply){0};
        s->at = 0;
        if (s->ended) return CLI_OK;
        append_range(m, s);
        int code = connect_call(&m->r->from, "reading a stream", &page);
        if (code) return code;
        s->page = redis_detach(m->r->from.redis);
        s->ended = reply_count(s->page) < m->page_size;
        if (reply_count(s->page) == 0) return CLI_OK;
    }
    *entry = reply_at(s->page, s->at);
    const char *text = reply_text(reply_at(*entry, 0), &size);
    return entry_id_parse(text, size, id) ? CLI_OK : cli_usage(m->r->cli, "a stream has an entry without an ID");
}

/* Of a dead entry: the account of the intent that is in it, if it can be read. */
static const char *account_in(struct reply fields, size_t *size, struct intent *intent) {
    struct intent_fault fault;
    const char *bytes = reply_text(reply_field(fields, "intent"), size);
    if (*size == 0 || intent_decode(bytes, *size, intent, &fault) == INTENT_UNREADABLE) return "";
    *size = strlen(intent->account);
    return intent->account;
}

/* Queues the fields of an entry; of a bulk answer with these lines in place of all, unless that is NULL. */
static int write_entry(struct merge *m, unsigned target, struct reply fields, struct entry_id id, const struct answers_text *lines) {
    struct command *c = &m->r->to.command;
    char text[ENTRY_TEXT_MAX + 1];
    if (entry_id_compare(id, m->last[target]) <= 0) id = entry_id_after(m->last[target]);
    m->last[target] = id;
    m->written[target]++;
    entry_id_format(id, text);
    command_begin(c, "XADD");
    repartition_key(&m->r->to, target, m->name, "");
    command_word(c, text);
    for (size_t n = 0; n < reply_count(fields); n++) {
        size_t size;
        const char *bytes = reply_text(reply_at(fields, n), &size);
        bool replaced = lines && n % 2 == 1 && reply_is(reply_at(fields, n - 1), "answers");
        if (replaced) command_copy(c, lines->text, lines->size);
        else command_copy(c, bytes, size);
    }
    m->r->before.count[m->counted]++;
    progress_add(&m->r->progress, 1);
    return repartition_send(m->r);
}

static int write_dead(struct merge *m, unsigned partition, struct reply fields, struct entry_id id) {
    static struct intent intent;
    size_t size = 0;
    const char *account = account_in(fields, &size, &intent);
    return write_entry(m, repartition_target(m->r, partition, account, *account ? size : 0), fields, id, NULL);
}

/* A settlement stays with its partition. */
static unsigned target_of(const struct merge *m, unsigned partition, const struct answers *walk) {
    const struct answers_text *account = &walk->value[RESPONSE_ACCOUNT], *op = &walk->value[RESPONSE_OP];
    bool settles = op->size == 6 && memcmp(op->text, "settle", 6) == 0;
    return repartition_target(m->r, partition, account->text, settles ? 0 : account->size);
}

/* Those of the lines that go where the n-th does: one behind the other. */
static struct answers_text join(struct merge *m, const struct answers_text *lines, const unsigned *targets, unsigned count, unsigned n) {
    size_t size = 0;
    for (unsigned i = n; i < count; i++) {
        if (targets[i] != targets[n]) continue;
        if (size + lines[i].size + 1 > m->lines_capacity) {
            m->lines_capacity = 2 * (size + lines[i].size + 1);
            m->lines = realloc(m->lines, m->lines_capacity);
            if (!m->lines) abort();
        }
        if (i > n) m->lines[size++] = '\n';
        memcpy(m->lines + size, lines[i].text, lines[i].size);
        size += lines[i].size;
    }
    return (struct answers_text){m->lines, size};
}

/* The answers of a bulk entry part where their accounts do: in each of those partitions there is an entry with its share of them. One that
 * cannot be read is kept, as it is. */
static int write_answers(struct merge *m, unsigned partition, struct reply entry, struct entry_id id) {
    struct reply fields = reply_at(entry, 1);
    struct answers_text lines[ANSWERS_MAX];
    struct answers walk;
    unsigned targets[ANSWERS_MAX], count = 0;
    int code = CLI_OK;
    client_answers_begin(&walk, entry);
    for (; answers_next(&walk); count++) {
        targets[count] = target_of(m, partition, &walk);
        lines[count] = walk.line;
    }
    m->r->answers += walk.fault ? 1 : count;
    if (walk.fault || !walk.bulk)
        return write_entry(m, walk.fault ? repartition_target(m->r, partition, "", 0) : targets[0], fields, id, NULL);
    for (unsigned n = 0; n < count && !code; n++) {
        bool done = false;
        for (unsigned i = 0; i < n && !done; i++) done = targets[i] == targets[n];
        if (done) continue;
        struct answers_text share = join(m, lines, targets, count, n);
        code = write_entry(m, targets[n], fields, id, &share);
    }
    return code;
}

/* The earliest of all heads, until there is none. */
static int merge_entries(struct merge *m) {
    for (;;) {
        struct source *earliest = NULL;
        struct reply entry, first = {0};
        struct entry_id id, first_id = {0, 0};
        for (unsigned n = 0; n < m->source_count; n++) {
            int code = head(m, &m->sources[n], &entry, &id);
            if (code) return code;
            if (reply_type(entry) != REPLY_ARRAY || (earliest && entry_id_compare(id, first_id) >= 0)) continue;
            earliest = &m->sources[n];
            first = entry;
            first_id = id;
        }
        if (!earliest) return CLI_OK;
        earliest->at++;
        earliest->last = first_id;
        int code = m->counted == COUNT_answers ? write_answers(m, earliest->partition, first, first_id)
                                               : write_dead(m, earliest->partition, reply_at(first, 1), first_id);
        if (code) return code;
    }
}

/* --- who reads it --- */

static struct entry_id id_of(struct reply text) {
    struct entry_id id = {0, 0};
    size_t size;
    const char *digits = reply_text(text, &size);
    return entry_id_parse(digits, size, &id) ? id : (struct entry_id){0, 0};
}

static void note_group(struct merge *m, const char *name, struct entry_id from) {
    unsigned n = 0;
    while (n < m->group_count && strcmp(m->groups[n].name, name) != 0) n++;
    if (n == GROUPS_MAX || strlen(name) >= GROUP_NAME_SIZE) return;
    if (n == m->group_count) {
        m->group_count++;
        snprintf(m->groups[n].name, sizeof m->groups[n].name, "%s", name);
        m->groups[n].from = from;
    } else if (entry_id_compare(from, m->groups[n].from) < 0) m->groups[n].from = from;
}

/* A group of somebody's: it goes on from what it has not read, or not acknowledged, in the partition in which it is the furthest behind. */
static int look_at_group(struct merge *m, unsigned partition, const char *name, struct entry_id from, bool pending) {
    struct connection *c = &m->r->from;
    struct reply reply;
    if (pending) {
        command_begin(&c->command, "XPENDING");
        repartition_key(c, partition, m->name, "");
        command_word(&c->command, name);
        int code = connect_call(c, "looking who reads the answers", &reply);
        if (code) return code;
        struct entry_id oldest = id_of(reply_at(reply, 1));
        if (oldest.seq > 0) from = (struct entry_id){oldest.ms, oldest.seq - 1};
        else from = (struct entry_id){oldest.ms > 0 ? oldest.ms - 1 : 0, UINT64_MAX};
    }
    note_group(m, name, from);
    return CLI_OK;
}

static int look_at_groups(struct merge *m, unsigned partition) {
    struct connection *c = &m->r->from;
    struct reply reply;
    struct group found[GROUPS_MAX];
    bool pending[GROUPS_MAX];
    unsigned count = 0;
    command_begin(&c->command, "XINFO");
    command_word(&c->command, "GROUPS");
    repartition_key(c, partition, m->name, "");
    int code = connect_call(c, "looking who reads the answers", &reply);
    for (size_t n = 0; n < reply_count(reply) && count < GROUPS_MAX && !code; n++, count++) {
        struct reply group = reply_at(reply, n);
        snprintf(found[count].name, sizeof found[count].name, "%s", reply_text(reply_field(group, "name"), NULL));
        found[count].from = id_of(reply_field(group, "last-delivered-id"));
        pending[count] = reply_integer(reply_field(group, "pending")) > 0;
    }
    for (unsigned n = 0; n < count && !code; n++) code = look_at_group(m, partition, found[n].name, found[n].from, pending[n]);
    return code;
}

static int write_groups(struct merge *m, unsigned target) {
    struct command *c = &m->r->to.command;
    char id[ENTRY_TEXT_MAX + 1];
    int code = CLI_OK;
    for (unsigned n = 0; n < m->group_count && !code; n++) {
        entry_id_format(m->groups[n].from, id);
        command_begin(c, "XGROUP");
        command_word(c, "CREATE");
        repartition_key(&m->r->to, target, m->name, "");
        command_word(c, m->groups[n].name);
        command_word(c, id);
        command_word(c, "MKSTREAM");
        code = repartition_send(m->r);
    }
    return code;
}

/* A stream of which some is gone says so: it had more entries than there are. */
static int write_end(struct merge *m, unsigned target) {
    struct command *c = &m->r->to.command;
    char id[ENTRY_TEXT_MAX + 1];
    int code = write_groups(m, target);
    if (code || !m->trimmed || m->written[target] == 0) return code;
    entry_id_format(m->last[target], id);
    command_begin(c, "XSETID");
    repartition_key(&m->r->to, target, m->name, "");
    command_word(c, id);
    command_word(c, "ENTRIESADDED");
    command_uint(c, m->written[target] + 1);
    command_word(c, "MAXDELETEDID");
    command_word(c, "0-1");
    return repartition_send(m->r);
}

/* --- one stream of all partitions --- */

static int open_source(struct merge *m, unsigned partition) {
    struct connection *c = &m->r->from;
    struct reply reply;
    command_begin(&c->command, "XINFO");
    command_word(&c->command, "STREAM");
    repartition_key(c, partition, m->name, "");
    enum redis_err err = redis_call(c->redis, &c->command, &reply);
    if (err && archive_tail_is_answer(reply)) return CLI_OK;
    if (err) return connect_failed(c, err, "looking at the streams");
    m->trimmed = m->trimmed || reply_integer(reply_field(reply, "entries-added")) > reply_integer(reply_field(reply, "length"));
    m->sources[m->source_count++] = (struct source){.partition = partition};
    return look_at_groups(m, partition);
}

static int merge_stream(struct repartition *r, const char *name, enum repartition_count counted) {
    unsigned partitions = r->from.book.partitions;
    struct merge m = {.r = r, .name = name, .counted = counted};
    int code = CLI_OK;
    m.sources = calloc(partitions, sizeof *m.sources);
    m.last = calloc(r->partitions, sizeof *m.last);
    m.written = calloc(r->partitions, sizeof *m.written);
    if (!m.sources || !m.last || !m.written) abort();
    m.page_size = PAGES_TOGETHER / partitions;
    m.page_size = m.page_size > PAGE_MAX ? PAGE_MAX : m.page_size < PAGE_MIN ? PAGE_MIN : m.page_size;
    for (unsigned p = 0; p < partitions && !code; p++) code = open_source(&m, p);
    if (!code) code = merge_entries(&m);
    for (unsigned q = 0; q < r->partitions && !code; q++) code = write_end(&m, q);
    for (unsigned n = 0; n < m.source_count; n++) reply_release(m.sources[n].page);
    free(m.sources);
    free(m.last);
    free(m.written);
    free(m.lines);
    return code;
}

/* The sources that were ever answered, each once. */
struct names {
    char **list;
    size_t count, capacity;
};

static void add_name(struct names *names, const char *name) {
    for (size_t n = 0; n < names->count; n++)
        if (strcmp(names->list[n], name) == 0) return;
    if (names->count == names->capacity) {
        names->capacity = names->capacity ? 2 * names->capacity : 16;
        names->list = realloc(names->list, names->capacity * sizeof *names->list);
        if (!names->list) abort();
    }
    if (!(names->list[names->count++] = strdup(name))) abort();
}

int repartition_streams(struct repartition *r) {
    struct names names = {0};
    int code = CLI_OK;
    for (unsigned p = 0; p < r->from.book.partitions && !code; p++) {
        struct digest_list_of_names list;
        if (!digest_names_of(&r->names, p, &list)) code = cli_usage(r->cli, "cannot read a temporary file: %s", strerror(errno));
        for (size_t n = 0; n < list.count && !code; n++)
            if (strncmp(list.names[n], "responses:", 10) == 0) add_name(&names, list.names[n]);
        digest_names_free(&list);
    }
    for (size_t n = 0; n < names.count && !code; n++) code = merge_stream(r, names.list[n], COUNT_answers);
    if (!code) code = merge_stream(r, "dead", COUNT_dead);
    if (!code) code = merge_stream(r, "discarded", COUNT_discarded);
    for (size_t n = 0; n < names.count; n++) free(names.list[n]);
    free(names.list);
    return code ? code : repartition_drain(r);
}
