/* Intents from text: the wire's map with every value in its type, and the hostile ones as they stand. */
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/process.h"
#include "tests/worker/fold.h"

enum { LINE_MAX_SIZE = 2000 };

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

void fold_credential(const char *word, uint8_t credential[SIGN_KEY_SIZE]) {
    size_t size = strlen(word);
    if (size == 2 * SIGN_KEY_SIZE && sodium_hex2bin(credential, SIGN_KEY_SIZE, word, size, NULL, NULL, NULL) == 0) return;
    crypto_generichash(credential, SIGN_KEY_SIZE, (const uint8_t *)word, size, NULL, 0);
}

/* Hostile values: whatever msgpack the text asks for. */

static void pack_float(struct pack_writer *w) { /* 1.5: the writer has none */
    if (w->size + 5 > w->capacity) process_die(NULL, "no room");
    memcpy(w->data + w->size, "\xca\x3f\xc0\x00\x00", 5);
    w->size += 5;
}

static void pack_hex(struct pack_writer *w, const char *hex) {
    uint8_t bytes[LINE_MAX_SIZE / 2];
    size_t size;
    if (sodium_hex2bin(bytes, sizeof bytes, hex, strlen(hex), NULL, &size, NULL)) process_die(NULL, "not hex: %s", hex);
    pack_bytes(w, bytes, size);
}

/* The size of the first of several parts with ',' between them, those within brackets left out. */
static size_t part_size(const char *text) {
    int depth = 0;
    size_t n = 0;
    for (; text[n] && (depth || text[n] != ','); n++) depth += (text[n] == '{' || text[n] == '[') - (text[n] == '}' || text[n] == ']');
    return n;
}

static void pack_raw(struct pack_writer *w, const char *value);

static void pack_brackets(struct pack_writer *w, const char *value) {
    char part[LINE_MAX_SIZE], inside[LINE_MAX_SIZE];
    uint32_t count = 0;
    bool map = *value == '{';
    snprintf(inside, sizeof inside, "%.*s", (int)strlen(value) - 2, value + 1);
    for (const char *t = inside; *t; t += part_size(t), t += *t == ',') count++;
    if (map) pack_map(w, count);
    else pack_array(w, count);
    for (const char *t = inside; *t; t += part_size(t), t += *t == ',') {
        snprintf(part, sizeof part, "%.*s", (int)part_size(t), t);
        char *colon = map ? strchr(part, ':') : NULL;
        if (map && !colon) process_die(NULL, "no value in: %s", part);
        if (map) pack_text(w, part, (size_t)(colon - part));
        pack_raw(w, map ? colon + 1 : part);
    }
}

static void pack_raw(struct pack_writer *w, const char *value) {
    size_t size = strlen(value), sign = *value == '-', digits = strspn(value + sign, "0123456789") + sign;
    if (size && !sign && digits == size) pack_uint(w, strtoull(value, NULL, 10));
    else if (size > 1 && digits == size) pack_int(w, strtoll(value, NULL, 10));
    else if (strcmp(value, "true") == 0 || strcmp(value, "false") == 0) pack_bool(w, *value == 't');
    else if (strcmp(value, "nil") == 0) pack_nil(w);
    else if (strcmp(value, "1.5") == 0) pack_float(w);
    else if (*value == '#') pack_hex(w, value + 1);
    else if (*value == '{' || *value == '[') pack_brackets(w, value);
    else pack_text(w, value + (*value == '\''), size - (*value == '\''));
}

/* Values of a field in its type. */

static bool is_one_of(const char *name, const char *names) {
    const char *at = strstr(names, name);
    size_t size = strlen(name);
    return at && (at == names || at[-1] == ' ') && (at[size] == ' ' || !at[size]);
}

/* A time relative to now, a length with its unit, or digits. */
static uint64_t number_of(struct fold *fold, const char *name, const char *value) {
    if (is_one_of(name, "at of_at not_before") && (*value == '+' || *value == '-'))
        return (uint64_t)((int64_t)fold->clock_ms + fold_duration_ms(value));
    return value[strspn(value, "0123456789")] ? (uint64_t)fold_duration_ms(value) : strtoull(value, NULL, 10);
}

/* "seq:3,balance_min:100" */
static void pack_numbers(struct fold *fold, struct pack_writer *w, const char *value) {
    char part[LINE_MAX_SIZE];
    uint32_t count = 0;
    for (const char *t = value; *t; t += part_size(t), t += *t == ',') count++;
    pack_map(w, count);
    for (const char *t = value; *t; t += part_size(t), t += *t == ',') {
        snprintf(part, sizeof part, "%.*s", (int)part_size(t), t);
        char *colon = strchr(part, ':');
        if (!colon) process_die(NULL, "no value in: %s", part);
        *colon = '\0';
        pack_text(w, part, strlen(part));
        pack_uint(w, number_of(fold, part, colon + 1));
    }
}

/* "tea:2,milk:1" */
static void pack_lines(struct pack_writer *w, const char *value) {
    char part[LINE_MAX_SIZE];
    uint32_t count = 0;
    for (const char *t = value; *t; t += part_size(t), t += *t == ',') count++;
    pack_array(w, count);
    for (const char *t = value; *t; t += part_size(t), t += *t == ',') {
        snprintf(part, sizeof part, "%.*s", (int)part_size(t), t);
        char *colon = strrchr(part, ':');
        if (!colon) process_die(NULL, "no quantity in: %s", part);
        pack_array(w, 2);
        pack_text(w, part, (size_t)(colon - part));
        pack_uint(w, strtoull(colon + 1, NULL, 10));
    }
}

static void pack_steps(struct fold *fold, struct pack_writer *w, const char *value);

static void pack_value(struct fold *fold, struct pack_writer *w, const char *name, const char *value) {
    enum field field = field_of_name(name, strlen(name));
    uint8_t credential[SIGN_KEY_SIZE];
    if (field == FIELD_COUNT) process_die(NULL, "no field: %s", name);
    pack_text(w, name, strlen(name));
    if (is_one_of(name, "guard settings")) pack_numbers(fold, w, value);
    else if (is_one_of(name, "steps")) pack_steps(fold, w, value);
    else if (is_one_of(name, "lines")) pack_lines(w, value);
    else if (is_one_of(name, "credential")) {
        fold_credential(value, credential);
        pack_bytes(w, credential, sizeof credential);
    } else if (field_is_bool(field)) pack_bool(w, *value != '0');
    else if (field_shape(field) == SHAPE_INTEGER) pack_int(w, strtoll(value, NULL, 10));
    else if (field_is_number(field)) pack_uint(w, number_of(fold, name, value));
    else pack_text(w, value, strlen(value));
}

static bool needs_currency(const char *op) {
    return op_fields_needed(op_of_word(op, strlen(op))) & FIELD_BIT(FIELD_currency);
}

/* "pay,to:m,amount:5" */
static void pack_step(struct fold *fold, struct pack_writer *w, const char *step) {
    char part[LINE_MAX_SIZE];
    uint32_t count = 0;
    for (const char *t = step; *t; t += part_size(t), t += *t == ',') count++;
    snprintf(part, sizeof part, "%.*s", (int)part_size(step), step);
    bool currency = needs_currency(part) && !strstr(step, ",currency:");
    pack_map(w, count + currency);
    pack_text(w, "op", 2);
    pack_text(w, part, strlen(part));
    if (currency) pack_value(fold, w, "currency", "CNY");
    for (const char *t = step + part_size(step); *t == ',' && *++t; t += part_size(t)) {
        snprintf(part, sizeof part, "%.*s", (int)part_size(t), t);
        char *colon = strchr(part, ':');
        if (!colon) process_die(NULL, "no value in: %s", part);
        *colon = '\0';
        pack_value(fold, w, part, colon + 1);
    }
}

/* Steps with '/' between them. */
static void pack_steps(struct fold *fold, struct pack_writer *w, const char *value) {
    char step[LINE_MAX_SIZE];
    uint32_t count = 0;
    for (const char *t = value; *t; t += strcspn(t, "/"), t += *t == '/') count++;
    pack_array(w, count);
    for (const char *t = value; *t; t += strcspn(t, "/"), t += *t == '/') {
        snprintf(step, sizeof step, "%.*s", (int)strcspn(t, "/"), t);
        pack_step(fold, w, step);
    }
}

/* The pairs of a text and what it leaves out, as a map. */
struct pairs {
    struct fold *fold;
    struct pack_writer w;
    uint8_t bytes[INTENT_SIZE_MAX];
    uint32_t count;
    bool raw;
    char said[LINE_MAX_SIZE]; /* names, a space after each */
};

static void pairs_add(struct pairs *p, const char *name, const char *value) {
    if (p->raw) {
        pack_text(&p->w, name, strlen(name));
        pack_raw(&p->w, value);
    } else pack_value(p->fold, &p->w, name, value);
    p->count++;
}

static bool pairs_say(const struct pairs *p, const char *name) {
    char spaced[100];
    snprintf(spaced, sizeof spaced, " %s ", name);
    return strstr(p->said, spaced);
}

/* NAME=VALUE, or -NAME for what is not to be filled in. */
static void pairs_take(struct pairs *p, const char *text) {
    static char pair[LINE_MAX_SIZE];
    snprintf(p->said, sizeof p->said, " ");
    while (*(text += strspn(text, " "))) {
        snprintf(pair, sizeof pair, "%.*s", (int)strcspn(text, " "), text);
        text += strcspn(text, " ");
        char *equals = strchr(pair, '=');
        if (equals) *equals = '\0';
        else if (*pair != '-' || !p->raw) process_die(NULL, "no value in: %s", pair);
        if (equals) pairs_add(p, pair, equals + 1);
        size_t used = strlen(p->said);
        snprintf(p->said + used, sizeof p->said - used, "%s ", pair + !equals);
    }
}

static void pairs_fill(struct pairs *p, const char *op) {
    char key[16], at[24];
    snprintf(key, sizeof key, "k%u", p->fold->keys_made + 1);
    snprintf(at, sizeof at, "%llu", (unsigned long long)p->fold->clock_ms);
    if (!pairs_say(p, "v")) pairs_add(p, "v", "1");
    if (!pairs_say(p, "source")) pairs_add(p, "source", "shop");
    if (!pairs_say(p, "at")) pairs_add(p, "at", at);
    if (!pairs_say(p, "key")) {
        pairs_add(p, "key", key);
        p->fold->keys_made++;
    }
    if (!p->raw && needs_currency(op) && !pairs_say(p, "currency")) pairs_add(p, "currency", "CNY");
}

static size_t encode_text(struct fold *fold, const char *text, bool raw, uint8_t *bytes, size_t capacity) {
    static struct pairs p;
    struct pack_writer w;
    char op[80];
    text += strspn(text, " ");
    snprintf(op, sizeof op, "%.*s", (int)strcspn(text, " "), text);
    p.fold = fold;
    p.raw = raw;
    p.count = 0;
    pack_writer_init(&p.w, p.bytes, sizeof p.bytes);
    pairs_take(&p, text + strlen(op));
    pairs_fill(&p, op);
    pack_writer_init(&w, bytes, capacity);
    pack_map(&w, p.count + 1);
    pack_text(&w, "op", 2);
    pack_text(&w, op, strlen(op));
    if (p.w.full || w.full || w.size + p.w.size > capacity) process_die(NULL, "too large: %s", text);
    memcpy(bytes + w.size, p.bytes, p.w.size);
    return w.size + p.w.size;
}

size_t fold_bytes(struct fold *fold, const char *text, uint8_t *bytes, size_t capacity) {
    return encode_text(fold, text, true, bytes, capacity);
}

void fold_intent(struct fold *fold, const char *text, struct intent *intent) {
    static uint8_t bytes[INTENT_SIZE_MAX];
    struct intent_fault fault;
    size_t size = encode_text(fold, text, false, bytes, sizeof bytes);
    if (intent_decode(bytes, size, intent, &fault)) process_die(NULL, "not an intent: %s: %s", text, fault.text);
}
