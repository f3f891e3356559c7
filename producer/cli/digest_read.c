/* A partition's state, ledger and answers, element by element. Everything in it changes only together with meta and `unanswered`, which are
 * looked at before anything else is read and again behind it. */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "producer/cli/digest_reader.h"
#include "producer/cli/kept.h"

enum { AGAIN_MS = 100 };

/* What must stand still. */
struct stamp {
    uint8_t digest[DIGEST_SIZE];
};

/* Of meta: what comes of the stream. The rest tells of owners and attempts. */
static bool of_the_stream(const char *field) {
    return strcmp(field, "applied") == 0 || strcmp(field, "bill") == 0 || strncmp(field, "from:", 5) == 0 ||
           strncmp(field, "policy:", 7) == 0 || strcmp(field, "lowered") == 0;
}

static void ask_stamp(struct digest_reader *r, unsigned partition) {
    static const char *const keys[] = {"meta", "unanswered"};
    for (size_t n = 0; n < 2; n++) {
        command_begin(&r->c->command, "HGETALL");
        digest_reader_key(r, partition, keys[n]);
        redis_append(r->c->redis, &r->c->command);
    }
}

/* They count as given. */
static void take_kept(struct digest_reader *r, const char *bytes, size_t size) {
    struct pack_value root, answer;
    uint32_t count = kept_open(r->tree, bytes, size, &root);
    for (uint32_t n = 0; n < count; n++) {
        if (!kept_at(&root, n, &answer)) continue;
        digest_kept_answer(&r->element, &answer);
        digest_reader_answer(r);
    }
}

/* The two replies. With `out` what is in them is digested too. */
static int take_stamp(struct digest_reader *r, struct stamp *stamp, struct digest_partition *out) {
    struct reply reply;
    struct digest_list both;
    size_t size;
    digest_list_init(&both);
    int code = connect_next(r->c, "reading meta", &reply);
    if (code) return code;
    digest_reader_hash(r, "meta", "", reply, of_the_stream);
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
    digest_reader_hash(r, "unanswered", "", reply, NULL);
    digest_list_add(&both, &r->element);
    for (size_t n = 1; out && n < reply_count(reply); n += 2) {
        const char *kept = reply_text(reply_at(reply, n), &size);
        take_kept(r, kept, size);
    }
    digest_list_finish(&both, stamp->digest);
    return CLI_OK;
}

/* `before`: as it stood before its keys were listed. */
static int read_partition(struct digest_reader *r, const struct stamp *before) {
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
    if (!code) code = digest_keys_read(r);
    if (!code) code = digest_streams_read(r);
    digest_names_free(&r->list);
    if (code) return code;
    ask_stamp(r, r->partition);
    code = take_stamp(r, &after, NULL);
    r->out->moved = memcmp(before, &after, sizeof after) != 0;
    digest_partition_finish(r->out);
    return code;
}

/* What was written of the partition at hand: kept if it stood still. */
static bool keep_said(struct digest_reader *r, FILE *answers) {
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

static int read_wanted(struct digest_reader *r, const struct stamp *before, FILE *answers) {
    if (answers && !(r->said = tmpfile())) return cli_usage(r->c->cli, "cannot write a temporary file: %s", strerror(errno));
    int code = read_partition(r, before);
    if (answers && !keep_said(r, answers) && !code) code = cli_usage(r->c->cli, "cannot write the answers: %s", strerror(errno));
    return code;
}

/* All that are wanted, once; those that stood still are wanted no more. */
static int read_once(struct digest_reader *r, bool *wanted, struct digest_partition *out, FILE *answers) {
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

int digest_read(struct connection *c, const bool *wanted, unsigned tries, struct digest_partition *out, FILE *answers) {
    struct digest_reader r = {.c = c, .tree = pack_tree_new()};
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
