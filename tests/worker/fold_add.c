/* Entries with IDs of the test's own: intents, signed or not, and the follow-ups that a partition's owner puts on its stream. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "schema/bulk.h"
#include "tests/support/process.h"
#include "tests/worker/fold.h"

enum { LINE_MAX_SIZE = 2000 };

void fold_add_fields(struct fold *fold, unsigned partition, size_t count, const char *const *texts, const size_t *sizes) {
    struct reply reply;
    struct command *c = &fold->command;
    entry_id_format((struct entry_id){fold->clock_ms, ++fold->seq}, fold->entry);
    fold->partition = partition;
    command_begin(c, "XADD");
    command_word(c, fold_key(fold, partition, "intents"));
    command_word(c, fold->entry);
    for (size_t n = 0; n < count; n++) command_borrow(c, texts[n], sizes ? sizes[n] : strlen(texts[n]));
    if (redis_call(fold->redis, c, &reply)) process_die(NULL, "XADD %s: %s", fold->entry, redis_error(fold->redis));
}

void fold_add_bytes(struct fold *fold, unsigned partition, const void *bytes, size_t size) {
    fold_add_fields(fold, partition, 2, (const char *const[]){"intent", bytes}, (const size_t[]){6, size});
}

void fold_add_signed(struct fold *fold, unsigned partition, const void *bytes, size_t size, const uint8_t key[SIGN_KEY_SIZE]) {
    uint8_t sig[SIGN_SIZE];
    sign_make(key, bytes, size, sig);
    fold_add_fields(fold, partition, 4, (const char *const[]){"intent", bytes, "sig", (const char *)sig},
                    (const size_t[]){6, size, 3, sizeof sig});
}

/* What was sent first under an identity, for the follow-ups that speak of it. */
static void remember(struct fold *fold, const struct intent *intent, const void *bytes, size_t size) {
    if (fold->sent_count == FOLD_SENT_MAX) return;
    struct fold_sent *s = &fold->sent[fold->sent_count];
    intent_identity(intent, s->identity);
    for (size_t n = 0; n < fold->sent_count; n++)
        if (strcmp(fold->sent[n].identity, s->identity) == 0) return;
    memcpy(s->entry, fold->entry, sizeof s->entry);
    s->size = size < sizeof s->bytes ? size : 0;
    memcpy(s->bytes, bytes, s->size);
    fold->sent_count++;
}

void fold_add_intent_signed(struct fold *fold, unsigned partition, const struct intent *intent, const uint8_t *key) {
    uint8_t bytes[INTENT_SIZE_MAX];
    size_t size;
    if (!intent_encode(intent, bytes, sizeof bytes, &size)) process_die(NULL, "an intent larger than any");
    if (key) fold_add_signed(fold, partition, bytes, size, key);
    else fold_add_bytes(fold, partition, bytes, size);
    remember(fold, intent, bytes, size);
}

void fold_add_intent(struct fold *fold, unsigned partition, const struct intent *intent) {
    fold_add_intent_signed(fold, partition, intent, NULL);
}

/* A follow-up of a partition to itself: what it is about, and what it brings: bytes, or the name of an order. */
struct own {
    const char *op, *entry, *identity, *order; /* NULL: none */
    const void *inner;                         /* NULL: none */
    size_t inner_size;
};

/* As the owner would put it on the stream. */
static void add_own(struct fold *fold, unsigned p, const struct own *own) {
    uint8_t bytes[INTENT_SIZE_MAX + 1024];
    struct pack_writer w;
    char key[INTENT_FOLLOW_UP_KEY_MAX + 1];
    int size = snprintf(key, sizeof key, "%s>%s", own->identity, own->op);
    pack_writer_init(&w, bytes, sizeof bytes);
    pack_map(&w, 7 + (own->order || own->inner));
    const char *const pairs[][2] = {{"op", own->op}, {"source", "till"}, {"key", key}, {"entry", own->entry}, {"order", own->order}};
    for (size_t n = 0; n < 4 + (own->order != NULL); n++) {
        pack_text(&w, pairs[n][0], strlen(pairs[n][0]));
        pack_text(&w, pairs[n][1], strlen(pairs[n][1]));
    }
    pack_text(&w, "v", 1);
    pack_uint(&w, 1);
    pack_text(&w, "at", 2);
    pack_uint(&w, strtoull(own->entry, NULL, 10));
    pack_text(&w, "account", 7);
    pack_text(&w, own->identity, strcspn(own->identity, "/"));
    if (own->inner) {
        pack_text(&w, "inner", 5);
        pack_bytes(&w, own->inner, own->inner_size);
    }
    if (w.full || size >= (int)sizeof key) process_die(NULL, "too large: %s of %s", own->op, own->identity);
    if (fold->door.has_secret) fold_add_signed(fold, p, bytes, w.size, fold->door.secret);
    else fold_add_bytes(fold, p, bytes, w.size);
}

/* "expire|ENTRY|IDENTITY", "lapse|ENTRY|IDENTITY ORDER"; a `due` with the bytes that were kept. */
static void add_due_member(struct fold *fold, unsigned p, const char *member) {
    char op[10], entry[ENTRY_TEXT_MAX + 1], identity[INTENT_IDENTITY_MAX + 1], order[INTENT_NAME_MAX + 1];
    int count = sscanf(member, "%9[a-z]|%41[0-9-]|%354[^ \n] %64[^\n]", op, entry, identity, order);
    struct own own = {op, entry, identity, NULL, NULL, 0};
    if (count != 3 + (strcmp(op, "lapse") == 0)) process_die(NULL, "due: %s", member);
    if (count == 4) own.order = order;
    if (strcmp(op, "due") != 0) {
        add_own(fold, p, &own);
        return;
    }
    struct reply reply;
    size_t size;
    uint8_t inner[INTENT_SIZE_MAX];
    command_begin(&fold->command, "HGET");
    command_word(&fold->command, fold_key(fold, p, "scheduled"));
    command_word(&fold->command, entry);
    if (redis_call(fold->redis, &fold->command, &reply)) process_die(NULL, "scheduled: %s", redis_error(fold->redis));
    const char *bytes = reply_text(reply, &size);
    if (!bytes || size == 0 || size > sizeof inner) process_die(NULL, "nothing is scheduled under %s", member);
    memcpy(inner, bytes, size);
    own.inner = inner;
    own.inner_size = size;
    add_own(fold, p, &own);
}

size_t fold_add_due(struct fold *fold) {
    size_t sum = 0;
    for (unsigned p = 0; p < fold->door.book.partitions; p++) {
        struct reply reply;
        char clock[24], *members[1000];
        snprintf(clock, sizeof clock, "%llu", (unsigned long long)fold->clock_ms);
        command_begin(&fold->command, "ZRANGEBYSCORE");
        command_word(&fold->command, fold_key(fold, p, "due"));
        command_word(&fold->command, "-inf");
        command_word(&fold->command, clock);
        if (redis_call(fold->redis, &fold->command, &reply)) process_die(NULL, "due: %s", redis_error(fold->redis));
        size_t count = reply_count(reply);
        if (count > 1000) process_die(NULL, "%zu are due", count);
        for (size_t n = 0; n < count; n++) members[n] = strdup(reply_text(reply_at(reply, n), NULL));
        for (size_t n = 0; n < count; n++) {
            add_due_member(fold, p, members[n]);
            free(members[n]);
        }
        sum += count;
    }
    return sum;
}

/* "expire account=a of=h", "lapse account=m of=o order=N": of what was sent first under that key. */
static bool add_short_follow_up(struct fold *fold, const char *line) {
    char op[10], account[70], of[140], identity[INTENT_IDENTITY_MAX + 1], order[INTENT_NAME_MAX + 1];
    int count = sscanf(line, "%9s account=%69s of=%139s order=%64s", op, account, of, order);
    if (count < 3 || strstr(line, "source=") || !op_is_own(op_of_word(op, strlen(op)))) return false;
    snprintf(identity, sizeof identity, "%s/shop/%s", account, of);
    for (size_t n = 0; n < fold->sent_count; n++) {
        struct fold_sent *s = &fold->sent[n];
        struct own own = {op, s->entry, identity, count == 4 ? order : NULL, NULL, 0};
        if (strcmp(s->identity, identity) != 0) continue;
        if (strcmp(op, "due") == 0) own.inner = s->bytes, own.inner_size = s->size;
        add_own(fold, fold_partition_of(fold, account), &own);
        return true;
    }
    process_die(NULL, "nothing was sent for: %s", line);
    return true;
}

/* The account named in the line decides where it goes. */
static unsigned partition_of_line(const struct fold *fold, const char *line) {
    const char *account = strstr(line, " account=");
    account = account ? account + 9 : "";
    return keys_partition(&fold->door.book, account, strcspn(account, " "));
}

/* Takes " sign=WORD" out of the line; false when it is not there. */
static bool take_sign(char *line, uint8_t key[SIGN_KEY_SIZE]) {
    char *sign = strstr(line, " sign="), word[200];
    if (!sign) return false;
    size_t size = strcspn(sign + 6, " ");
    snprintf(word, sizeof word, "%.*s", (int)size, sign + 6);
    fold_credential(word, key);
    memmove(sign, sign + 6 + size, strlen(sign + 6 + size) + 1);
    return true;
}

static void add_raw(struct fold *fold, unsigned partition, const char *text, const uint8_t *key) {
    uint8_t bytes[INTENT_SIZE_MAX];
    size_t size = fold_bytes(fold, text, bytes, sizeof bytes);
    if (key) fold_add_signed(fold, partition, bytes, size, key);
    else fold_add_bytes(fold, partition, bytes, size);
}

static void add_line(struct fold *fold, char *line) {
    static struct intent intent;
    uint8_t key[SIGN_KEY_SIZE];
    line += *line == '!';
    line += strspn(line, " ");
    unsigned partition = partition_of_line(fold, line);
    const uint8_t *sign = take_sign(line, key) ? key : NULL;
    if (strncmp(line, "p=", 2) == 0) {
        partition = (unsigned)strtoul(line + 2, NULL, 10);
        line += strcspn(line, " ") + 1;
    }
    if (strncmp(line, "raw ", 4) == 0) {
        add_raw(fold, partition, line + 4, sign);
    } else if (!add_short_follow_up(fold, line)) {
        fold_intent(fold, line, &intent);
        fold_add_intent_signed(fold, partition, &intent, sign);
    }
}

void fold_add(struct fold *fold, const char *lines) {
    while (*(lines += strspn(lines, " ;\n"))) {
        char line[LINE_MAX_SIZE];
        size_t size = strcspn(lines, ";\n");
        if (size >= sizeof line) process_die(NULL, "a line of %zu", size);
        while (size && lines[size - 1] == ' ') size--;
        snprintf(line, sizeof line, "%.*s", (int)size, lines);
        lines += size;
        if (*line == '+') fold->clock_ms += (uint64_t)fold_duration_ms(line);
        else add_line(fold, line);
    }
}

void fold_add_bulk(struct fold *fold, unsigned partition, const char *lines) {
    static struct bulk_writer writer;
    char copy[LINE_MAX_SIZE], *save = NULL;
    uint8_t bytes[INTENT_SIZE_MAX];
    size_t size;
    snprintf(copy, sizeof copy, "%s", lines);
    bulk_begin(&writer);
    for (char *line = strtok_r(copy, ";", &save); line; line = strtok_r(NULL, ";", &save)) {
        line += strspn(line, " ");
        size = strcmp(line, "junk") == 0 ? (bytes[0] = 1, 1) : fold_bytes(fold, line, bytes, sizeof bytes);
        if (!bulk_add(&writer, bytes, size, NULL)) process_die(NULL, "a bulk entry larger than any");
    }
    const void *intents = bulk_intents(&writer, &size);
    fold_add_fields(fold, partition, fold->shares ? 4 : 2, (const char *const[]){"intents", intents, "answers", "bulk"},
                    (const size_t[]){7, size, 7, 4});
}
