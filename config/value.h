/* One setting's value: from text into the struct, checked, and back to text. Pure. */
#ifndef CONFIG_VALUE_H
#define CONFIG_VALUE_H

#include "config/param.h"

enum { VALUE_WHY_MAX = 400 };

/* Sets the member, or returns false, leaves it and says in `why` what is wrong with the text. Takes `size` bytes, terminated also. */
bool value_set(struct config *config, const struct param *param, const char *text, size_t size, char why[VALUE_WHY_MAX]);
/* What the setting takes: "a whole number", "one of halt, continue". */
void value_wants(const struct param *param, char *out, size_t capacity);
/* As YAML text, a password in a url as ***. */
void value_show(const struct config *config, const struct param *param, char *out, size_t capacity);
bool value_same(const struct config *a, const struct config *b, const struct param *param);
void value_copy(struct config *to, const struct config *from, const struct param *param);

/* Where a password stands in a url (redis://user:password@host, redis://password@host as redis-cli has it): false when there is none. */
bool value_find_password(const char *url, size_t *start, size_t *size);

#endif
