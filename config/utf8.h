/* Is this text UTF-8? Pure. */
#ifndef CONFIG_UTF8_H
#define CONFIG_UTF8_H

#include <stdbool.h>
#include <stddef.h>

/* False also for overlong forms, surrogates and what lies above U+10FFFF. */
bool utf8_check(const char *text, size_t size);

#endif
