/* What a setting takes and does, in the words of the manual. */
#include "config/param_words.h"

#include <stdio.h>
#include <string.h>

#include "config/units.h"
#include "config/value.h"

static void format_bound(const struct param *param, uint64_t bound, char *out, size_t capacity) {
    char shown[UNITS_SHOW_MAX];
    if (param->type == PARAM_DURATION || param->type == PARAM_RETENTION)
        units_show_duration(bound, shown);
    else if (param->type == PARAM_SIZE)
        units_show_size(bound, shown);
    else
        snprintf(shown, sizeof shown, "%llu", (unsigned long long)bound);
    snprintf(out, capacity, "%s", shown);
}

void param_words_bounds(const struct param *param, char *out, size_t capacity) {
    char min[UNITS_SHOW_MAX], max[UNITS_SHOW_MAX], wants[128];
    format_bound(param, param->min, min, sizeof min);
    format_bound(param, param->max, max, sizeof max);
    value_wants(param, wants, sizeof wants);
    if (param->type == PARAM_CHOICE)
        snprintf(out, capacity, "%s", wants + strlen("one of "));
    else
        snprintf(out, capacity, "%s to %s%s", min, max,
                 param->type == PARAM_TEXT ? " bytes" : param->type == PARAM_RETENTION ? ", or keep" : "");
}

void param_words_kind(const struct param *param, char *out, size_t capacity) {
    static const char *const kinds[] = {[PARAM_TEXT] = "text", [PARAM_UINT] = "whole number", [PARAM_DURATION] = "duration",
                                        [PARAM_RETENTION] = "duration", [PARAM_SIZE] = "size", [PARAM_CHOICE] = "choice"};
    bool unit = param->unit[0] && (param->type == PARAM_TEXT || param->type == PARAM_UINT);
    snprintf(out, capacity, "%s%s%s", kinds[param->type], unit ? ", " : "", unit ? param->unit : "");
}

void param_words_help(const struct param *param, char *out, size_t capacity) {
    const char *words = param->type == PARAM_CHOICE ? strstr(param->help, " [") : NULL;
    snprintf(out, capacity, "%.*s", words ? (int)(words - param->help) : (int)strlen(param->help), param->help);
}
