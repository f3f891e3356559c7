/* Intents from text, and entries with IDs of the test's own. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/process.h"
#include "tests/worker/fold.h"

enum { LINE_MAX_SIZE = 1200 };

int64_t fold_duration_ms(const char *text) {
    static const struct { const char *unit; int64_t ms; } units[] = {{"ms", 1}, {"s", 1000}, {"m", 60000}, {"h", 3600000}, {"d", 86400000}};
    int64_t sum = 0, sign = *text == '-' ? -1 : 1;
    if (*text == '-' || *text == '+') text++;
    while (*text) {
        char *end;
        int64_t n = strtoll(text, &end, 10);
        size_t size = strcspn(end, "0123456789"), u = 0;
        while (u < 5 && (strlen(units[u].unit) != size || strncmp(end, units[u].unit, size) != 0)) u++;
        if (u == 5 || end == text) process_die(NULL, "not a duration: %s", text);
        sum += n * units[u].ms;
        text = end + size;
    }
    return sign * sum;
}

static void set_number(struct fold *fold, struct intent *intent, enum field field, const char *value) {
    uint64_t n;
    if (*value == '+' || *value == '-') n = (uint64_t)((int64_t)fold->clock_ms + fold_duration_ms(value));
    else n = strtoull(value, NULL, 10);
    const char *why = intent_set_number(intent, field, n);
    if (why) process_die(NULL, "%s=%s: %s", field_name(field), value, why);
}

/* NAME=VALUE; a value that the schema refuses is the test's mistake: hostile ones go in as bytes. */
static void set_pair(struct fold *fold, struct intent *intent, const char *pair, size_t size) {
    char value[LINE_MAX_SIZE];
    const char *equals = memchr(pair, '=', size);
    if (!equals) process_die(NULL, "no value in: %.*s", (int)size, pair);
    enum field field = field_of_name(pair, (size_t)(equals - pair));
    size_t value_size = size - (size_t)(equals + 1 - pair);
    if (field == FIELD_COUNT || value_size >= sizeof value) process_die(NULL, "no field: %.*s", (int)size, pair);
    memcpy(value, equals + 1, value_size);
    value[value_size] = '\0';
    if (field_is_number(field) || field_is_bool(field)) {
        set_number(fold, intent, field, value);
        return;
    }
    const char *why = intent_set_text(intent, field, value, value_size);
    if (why) process_die(NULL, "%.*s: %s", (int)size, pair, why);
}

static void fill_in(struct fold *fold, struct intent *intent) {
    char key[16];
    if (!(intent->present & FIELD_BIT(FIELD_key))) {
        snprintf(key, sizeof key, "k%u", ++fold->keys_made);
        if (intent_set_text(intent, FIELD_key, key, strlen(key))) abort();
    }
    if (!(intent->present & FIELD_BIT(FIELD_at)) && intent_set_number(intent, FIELD_at, fold->clock_ms)) abort();
    if ((op_fields_needed(intent->op) & ~intent->present & FIELD_BIT(FIELD_currency)) && intent_set_text(intent, FIELD_currency, "CNY", 3))
        abort();
}

/* A source other than the usual one must be known before the op is: `till` may send others. */
void fold_intent(struct fold *fold, const char *text, struct intent *intent) {
    const char *source = strstr(text, "source=");
    source = source ? source + 7 : "shop";
    size_t op_size;
    text += strspn(text, " ");
    op_size = strcspn(text, " ");
    memset(intent, 0, sizeof *intent);
    if (intent_set_number(intent, FIELD_v, 1) || intent_set_text(intent, FIELD_source, source, strcspn(source, " ")) ||
        intent_set_text(intent, FIELD_op, text, op_size))
        process_die(NULL, "not an intent: %s", text);
    for (text += op_size; *(text += strspn(text, " "));) {
        size_t size = strcspn(text, " ");
        set_pair(fold, intent, text, size);
        text += size;
    }
    fill_in(fold, intent);
}

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

void fold_add_intent(struct fold *fold, unsigned partition, const struct intent *intent) {
    uint8_t bytes[INTENT_SIZE_MAX];
    size_t size;
    if (!intent_encode(intent, bytes, sizeof bytes, &size)) process_die(NULL, "an intent larger than any");
    fold_add_bytes(fold, partition, bytes, size);
}


static void pack_value_text(struct pack_writer *w, const char *value, size_t size) {
    char copy[LINE_MAX_SIZE];
    size_t digits = strspn(value + (*value == '-'), "0123456789") + (*value == '-');
    snprintf(copy, sizeof copy, "%.*s", (int)size, value);
    if (size && *value != '-' && digits >= size) pack_uint(w, strtoull(copy, NULL, 10));
    else if (size > 1 && digits >= size) pack_int(w, strtoll(copy, NULL, 10));
    else if (strcmp(copy, "true") == 0 || strcmp(copy, "false") == 0) pack_bool(w, *copy == 't');
    else if (strcmp(copy, "nil") == 0) pack_nil(w);
    else if (strcmp(copy, "1.5") == 0 && w->size + 5 <= w->capacity) {
        memcpy(w->data + w->size, "\xca\x3f\xc0\x00\x00", 5);
        w->size += 5;
    } else pack_text(w, copy + (*copy == '\''), size - (*copy == '\''));
}

/* The pairs of the text, then what it neither says nor leaves out by -NAME. */
static uint32_t pack_pairs(struct fold *fold, struct pack_writer *w, const char *text) {
    char key[16], at[24];
    uint32_t count = 0;
    snprintf(key, sizeof key, "k%u", fold->keys_made + 1);
    snprintf(at, sizeof at, "%llu", (unsigned long long)fold->clock_ms);
    const char *const defaults[][2] = {{"v", "1"}, {"source", "shop"}, {"key", key}, {"at", at}};
    uint32_t said = 0;
    for (const char *t = text; *(t += strspn(t, " ")); t += strcspn(t, " ")) {
        size_t size = strcspn(t, " ");
        const char *equals = memchr(t, '=', size), *name = t + (*t == '-' && !equals);
        size_t name_size = equals ? (size_t)(equals - t) : size - (size_t)(name - t);
        for (uint32_t d = 0; d < 4; d++)
            if (strlen(defaults[d][0]) == name_size && memcmp(defaults[d][0], name, name_size) == 0) said |= 1u << d;
        if (!equals) continue;
        pack_text(w, t, name_size);
        pack_value_text(w, equals + 1, size - name_size - 1);
        count++;
    }
    for (uint32_t d = 0; d < 4; d++) {
        if (said & 1u << d) continue;
        fold->keys_made += defaults[d][1] == key;
        pack_text(w, defaults[d][0], strlen(defaults[d][0]));
        pack_value_text(w, defaults[d][1], strlen(defaults[d][1]));
        count++;
    }
    return count;
}

size_t fold_bytes(struct fold *fold, const char *text, uint8_t *bytes, size_t capacity) {
    uint8_t pairs[INTENT_SIZE_MAX];
    struct pack_writer inner, w;
    text += strspn(text, " ");
    size_t op_size = strcspn(text, " ");
    pack_writer_init(&inner, pairs, sizeof pairs);
    pack_writer_init(&w, bytes, capacity);
    uint32_t count = pack_pairs(fold, &inner, text + op_size);
    pack_map(&w, count + 1);
    pack_text(&w, "op", 2);
    pack_text(&w, text, op_size);
    if (inner.full || w.full || w.size + inner.size > capacity) process_die(NULL, "too large: %s", text);
    memcpy(bytes + w.size, pairs, inner.size);
    return w.size + inner.size;
}

static void add_raw(struct fold *fold, unsigned partition, const char *text) {
    uint8_t bytes[INTENT_SIZE_MAX];
    size_t size = fold_bytes(fold, text, bytes, sizeof bytes);
    fold_add_bytes(fold, partition, bytes, size);
}

/* The account named in the line decides where it goes. */
static unsigned partition_of_line(const struct fold *fold, const char *line) {
    const char *account = strstr(line, " account=");
    account = account ? account + 9 : "";
    return keys_partition(&fold->door.book, account, strcspn(account, " "));
}

static void add_line(struct fold *fold, const char *line) {
    struct intent intent;
    line += *line == '!';
    line += strspn(line, " ");
    unsigned partition = partition_of_line(fold, line);
    if (strncmp(line, "p=", 2) == 0) {
        partition = (unsigned)strtoul(line + 2, NULL, 10);
        line += strcspn(line, " ") + 1;
    }
    if (strncmp(line, "raw ", 4) == 0) {
        add_raw(fold, partition, line + 4);
        return;
    }
    fold_intent(fold, line, &intent);
    fold_add_intent(fold, partition, &intent);
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
