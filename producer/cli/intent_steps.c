/* Reads the steps of a group. */
#include "producer/cli/intent_steps.h"

#include <stdio.h>
#include <string.h>

#include "producer/cli/intent_fields.h"
#include "producer/cli/json_intent.h"

enum { STEP_TEXT_MAX = 1024 };

static const char *fail(struct intent_fault *fault, unsigned step, const char *what, const char *why) {
    snprintf(fault->field, sizeof fault->field, "steps");
    snprintf(fault->text, sizeof fault->text, "steps: step %u: %.60s %.120s", step, what, why);
    return fault->text;
}

/* "amount=300"; the name as on the wire or with dashes. NULL, or what is wrong with it. */
static const char *set_pair(struct intent *step, char *pair) {
    char *equals = strchr(pair, '=');
    if (!equals) return "must be NAME=VALUE";
    *equals = '\0';
    for (char *dash; (dash = strchr(pair, '-'));) *dash = '_';
    enum field field = field_of_name(pair, strlen(pair));
    if (field == FIELD_COUNT || !(field_bits_of_step() & FIELD_BIT(field))) return "is no field of a step";
    if (step->present & FIELD_BIT(field)) return "is given twice";
    return intent_fields_set(step, field, equals + 1);
}

/* The first word is the operation. */
static const char *set_word(struct intent *step, char *word) {
    bool is_op = !(step->present & FIELD_BIT(FIELD_op)) && !strchr(word, '=');
    return is_op ? intent_fields_set(step, FIELD_op, word) : set_pair(step, word);
}

const char *intent_steps_add(struct intent *group, const char *text, const char *currency, struct intent_fault *fault) {
    struct intent step;
    char copy[STEP_TEXT_MAX], *at = copy, *word;
    unsigned number = group->step_count + 1;
    intent_clear(&step);
    if (strlen(text) >= sizeof copy) return fail(fault, number, "it", "is too long; use --steps FILE");
    memcpy(copy, text, strlen(text) + 1);
    while ((word = strsep(&at, " \t\n"))) {
        if (!*word) continue;
        const char *wrong = set_word(&step, word);
        if (wrong) return fail(fault, number, word, wrong);
    }
    intent_fields_currency(&step, currency);
    return intent_add_step(group, &step, fault);
}

const char *intent_steps_load(struct intent *group, const char *path, const char *currency, struct intent_fault *fault) {
    json_error_t error;
    bool standard = strcmp(path, "-") == 0;
    json_t *array = standard ? json_loadf(stdin, JSON_REJECT_DUPLICATES, &error) : json_load_file(path, JSON_REJECT_DUPLICATES, &error);
    if (!array) {
        snprintf(fault->field, sizeof fault->field, "steps");
        snprintf(fault->text, sizeof fault->text, "steps %.80s: %.90s", standard ? "-" : path, error.text);
        return fault->text;
    }
    bool ok = json_intent_steps(group, array, currency, fault);
    json_decref(array);
    return ok ? NULL : fault->text;
}
