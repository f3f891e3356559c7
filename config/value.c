/* One setting's value: parsed by its type, held against its bounds, shown again as YAML. */
#include "config/value.h"

#include "config/faults.h"
#include "config/suggest.h"
#include "config/units.h"
#include "config/utf8.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

enum { VALUE_WORD_MAX = 32 };

static const char value_keep[] = "keep";
static const char value_alphabet_book[] = "abcdefghijklmnopqrstuvwxyz0123456789._-";
static const char value_alphabet_worker[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._:-";

static void *value_member(struct config *config, const struct param *param) {
    return (char *)config + param->offset;
}

static const void *value_member_const(const struct config *config, const struct param *param) {
    return (const char *)config + param->offset;
}

static size_t value_member_size(enum param_type type) {
    return type == PARAM_TEXT ? sizeof(config_text) : type == PARAM_CHOICE ? sizeof(unsigned) : sizeof(uint64_t);
}

/* The index-th word between the brackets at the end of the help; false when there are fewer. */
static bool value_choice(const struct param *param, uint64_t index, char out[VALUE_WORD_MAX]) {
    const char *at = strrchr(param->help, '[');
    assert(at);
    for (at++; index > 0; index--) {
        at += strcspn(at, " ]");
        if (*at++ == ']') return false;
    }
    size_t size = strcspn(at, " ]");
    assert(size > 0 && size < VALUE_WORD_MAX);
    memcpy(out, at, size);
    out[size] = '\0';
    return true;
}

void value_wants(const struct param *param, char *out, size_t capacity) {
    char word[VALUE_WORD_MAX];
    switch (param->type) {
    case PARAM_TEXT: snprintf(out, capacity, "text"); return;
    case PARAM_UINT: snprintf(out, capacity, "a whole number"); return;
    case PARAM_DURATION: snprintf(out, capacity, "a duration such as 250ms, 3s, 5m, 24h or 180d"); return;
    case PARAM_RETENTION: snprintf(out, capacity, "keep, or a duration such as 3s, 24h or 180d"); return;
    case PARAM_SIZE: snprintf(out, capacity, "a size such as 4096, 64MiB or 1GB"); return;
    case PARAM_CHOICE:
        snprintf(out, capacity, "one of ");
        for (uint64_t i = 0; value_choice(param, i, word); i++) {
            size_t used = strlen(out);
            snprintf(out + used, capacity - used, "%s%s", i ? ", " : "", word);
        }
    }
}

static void value_show_number(const struct param *param, uint64_t number, char out[UNITS_SHOW_MAX]) {
    if (param->type == PARAM_RETENTION && number == CONFIG_KEEP)
        snprintf(out, UNITS_SHOW_MAX, "%s", value_keep);
    else if (param->type == PARAM_DURATION || param->type == PARAM_RETENTION)
        units_show_duration(number, out);
    else if (param->type == PARAM_SIZE)
        units_show_size(number, out);
    else
        snprintf(out, UNITS_SHOW_MAX, "%llu", (unsigned long long)number);
}

/* Above or below: with the bound, written in the setting's own unit. */
static bool value_out_of_range(const struct param *param, bool above, const char *text, char why[VALUE_WHY_MAX]) {
    char shown[FAULTS_QUOTE_MAX], bound[UNITS_SHOW_MAX];
    faults_show(text, shown);
    value_show_number(param, above ? param->max : param->min, bound);
    snprintf(why, VALUE_WHY_MAX, "%s is %s %s", shown, above ? "above the maximum" : "below the minimum", bound);
    return false;
}

static const char *value_units_reason(const struct param *param, enum units_err err) {
    switch (err) {
    case UNITS_OK:
    case UNITS_NEGATIVE:
    case UNITS_TOO_LARGE:
    case UNITS_NO_NUMBER: return "";
    case UNITS_FRACTION: return " (no fractions)";
    case UNITS_LEADING_0: return " (no leading zeros)";
    case UNITS_NO_UNIT: return " (it needs a unit)";
    case UNITS_WRONG_UNIT: return param->type == PARAM_SIZE ? " (units: B kB KiB MB MiB GB GiB TB TiB)" : " (units: ms s m h d)";
    }
    return "";
}

static bool value_set_number(struct config *config, const struct param *param, const char *text, char why[VALUE_WHY_MAX]) {
    uint64_t number = CONFIG_KEEP;
    bool keep = param->type == PARAM_RETENTION && strcmp(text, value_keep) == 0;
    enum units_err err = keep                        ? UNITS_OK
                         : param->type == PARAM_UINT ? units_parse_count(text, &number)
                         : param->type == PARAM_SIZE ? units_parse_size(text, &number)
                                                     : units_parse_duration(text, &number);
    if (err == UNITS_TOO_LARGE || (err == UNITS_OK && number > param->max && !keep)) return value_out_of_range(param, true, text, why);
    if (err == UNITS_NEGATIVE || (err == UNITS_OK && number < param->min)) return value_out_of_range(param, false, text, why);
    if (err != UNITS_OK) {
        char wants[128], quoted[FAULTS_QUOTE_MAX];
        value_wants(param, wants, sizeof wants);
        faults_quote(text, quoted);
        snprintf(why, VALUE_WHY_MAX, "must be %s, is %s%s", wants, quoted, value_units_reason(param, err));
        return false;
    }
    memcpy(value_member(config, param), &number, sizeof number);
    return true;
}

static bool value_set_choice(struct config *config, const struct param *param, const char *text, char why[VALUE_WHY_MAX]) {
    char word[VALUE_WORD_MAX];
    for (unsigned i = 0; value_choice(param, i, word); i++) {
        if (strcmp(word, text) != 0) continue;
        memcpy(value_member(config, param), &i, sizeof i);
        return true;
    }
    char wants[128], quoted[FAULTS_QUOTE_MAX];
    value_wants(param, wants, sizeof wants);
    faults_quote(text, quoted);
    snprintf(why, VALUE_WHY_MAX, "must be %s, is %s", wants, quoted);
    return false;
}

static bool value_check_alphabet(const char *text, const char *alphabet, const char *described, char why[VALUE_WHY_MAX]) {
    if (text[strspn(text, alphabet)] == '\0') return true;
    char quoted[FAULTS_QUOTE_MAX];
    faults_quote(text, quoted);
    snprintf(why, VALUE_WHY_MAX, "%s: only %s are allowed (character %zu is not)", quoted, described, strspn(text, alphabet) + 1);
    return false;
}

/* What follows the scheme is for the seam to Redis to parse; that there is one, and something after it, can be said at once. */
static bool value_check_url(const char *text, char why[VALUE_WHY_MAX]) {
    static const char *const schemes[] = {"unix:", "redis://", "rediss://", "sentinel://", "sentinel+tls://", "cluster://",
                                          "cluster+tls://", "embedded:"};
    for (size_t i = 0; i < sizeof schemes / sizeof schemes[0]; i++)
        if (strncmp(text, schemes[i], strlen(schemes[i])) == 0 && text[strlen(schemes[i])] != '\0') return true;
    snprintf(why, VALUE_WHY_MAX,
             "must be unix:PATH, redis://[user:password@]host[:port][/db], sentinel://HOST,.../NAME, cluster://HOST,... or embedded:DIR");
    return false;
}

static bool value_check_text(const struct param *param, const char *text, char why[VALUE_WHY_MAX]) {
    if (param->offset == offsetof(struct config, book_name)) return value_check_alphabet(text, value_alphabet_book, "a-z 0-9 . _ -", why);
    if (param->offset == offsetof(struct config, worker_name))
        return value_check_alphabet(text, value_alphabet_worker, "A-Z a-z 0-9 . _ : -", why);
    if (param->offset == offsetof(struct config, redis_url)) return value_check_url(text, why);
    return true;
}

/* Never quotes the text: it may hold a password. */
static bool value_set_text(struct config *config, const struct param *param, const char *text, size_t size, char why[VALUE_WHY_MAX]) {
    if (size < param->min && size == 0) return snprintf(why, VALUE_WHY_MAX, "must not be empty"), false;
    if (size > param->max) {
        snprintf(why, VALUE_WHY_MAX, "is %zu bytes long, above the maximum %llu", size, (unsigned long long)param->max);
        return false;
    }
    for (size_t i = 0; i < size; i++)
        if ((unsigned char)text[i] < 0x20 || text[i] == 0x7f) {
            snprintf(why, VALUE_WHY_MAX, "holds a control character (0x%02x)", (unsigned)(unsigned char)text[i]);
            return false;
        }
    if (!utf8_check(text, size)) return snprintf(why, VALUE_WHY_MAX, "is not UTF-8"), false;
    if (!value_check_text(param, text, why)) return false;
    assert(size < sizeof(config_text));
    memcpy(value_member(config, param), text, size + 1);
    return true;
}

bool value_set(struct config *config, const struct param *param, const char *text, size_t size, char why[VALUE_WHY_MAX]) {
    assert(text[size] == '\0');
    if (strlen(text) != size) return snprintf(why, VALUE_WHY_MAX, "holds a NUL byte"), false;
    switch (param->type) {
    case PARAM_TEXT: return value_set_text(config, param, text, size, why);
    case PARAM_CHOICE: return value_set_choice(config, param, text, why);
    case PARAM_UINT:
    case PARAM_DURATION:
    case PARAM_RETENTION:
    case PARAM_SIZE: return value_set_number(config, param, text, why);
    }
    return false;
}

bool value_find_password(const char *url, size_t *start, size_t *size) {
    const char *scheme = strstr(url, "://");
    const char *user = scheme ? scheme + 3 : url;
    const char *end = scheme ? strrchr(user, '@') : NULL; /* the last one: a password may hold another, unescaped by mistake */
    if (!end) return false;
    const char *colon = memchr(user, ':', (size_t)(end - user));
    const char *password = colon ? colon + 1 : user;
    *start = (size_t)(password - url);
    *size = (size_t)(end - password);
    return *size > 0;
}

/* YAML takes these for something other than text, or we do. */
static bool value_plain(const char *text) {
    static const char safe[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._/:@+-*%";
    size_t size = strlen(text);
    bool start = size > 0 && !strchr(":@+-*%.", text[0]);
    return start && text[strspn(text, safe)] == '\0' && text[size - 1] != ':' && strcasecmp(text, "null") != 0;
}

static void value_show_text(const char *text, char *out, size_t capacity) {
    if (value_plain(text)) {
        snprintf(out, capacity, "%s", text);
        return;
    }
    size_t size = 0;
    if (capacity < 3) return;
    out[size++] = '"';
    for (; *text && size + 4 <= capacity; text++) {
        if (*text == '"' || *text == '\\') out[size++] = '\\';
        out[size++] = *text;
    }
    out[size++] = '"';
    out[size] = '\0';
}

static void value_show_url(const char *url, char *out, size_t capacity) {
    size_t start, size;
    if (!value_find_password(url, &start, &size)) {
        value_show_text(url, out, capacity);
        return;
    }
    char masked[CONFIG_TEXT_MAX + sizeof "***"];
    snprintf(masked, sizeof masked, "%.*s***%s", (int)start, url, url + start + size);
    value_show_text(masked, out, capacity);
}

void value_show(const struct config *config, const struct param *param, char *out, size_t capacity) {
    const void *member = value_member_const(config, param);
    if (capacity) out[0] = '\0';
    if (param->offset == offsetof(struct config, redis_url)) {
        value_show_url(member, out, capacity);
    } else if (param->type == PARAM_TEXT) {
        value_show_text(member, out, capacity);
    } else if (param->type == PARAM_CHOICE) {
        char word[VALUE_WORD_MAX] = "";
        unsigned index;
        memcpy(&index, member, sizeof index);
        snprintf(out, capacity, "%s", value_choice(param, index, word) ? word : "?");
    } else {
        char shown[UNITS_SHOW_MAX];
        uint64_t number;
        memcpy(&number, member, sizeof number);
        value_show_number(param, number, shown);
        snprintf(out, capacity, "%s", shown);
    }
}

bool value_same(const struct config *a, const struct config *b, const struct param *param) {
    const void *in_a = value_member_const(a, param), *in_b = value_member_const(b, param);
    return param->type == PARAM_TEXT ? strcmp(in_a, in_b) == 0 : memcmp(in_a, in_b, value_member_size(param->type)) == 0;
}

void value_copy(struct config *to, const struct config *from, const struct param *param) {
    memcpy(value_member(to, param), value_member_const(from, param), value_member_size(param->type));
}
