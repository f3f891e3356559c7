/* What an argument's name says of what can be typed for it. */
#include "producer/cli/completion.h"

#include <stdio.h>
#include <string.h>

static bool is_small(char c) { return (c >= 'a' && c <= 'z') || c == '-'; }

/* Words in small letters stand for themselves; capitals stand for something else, which only of files is known. */
void completion_of(const char *argument, struct completion *c) {
    size_t used = 0;
    *c = (struct completion){.files = strstr(argument, "FILE") || strstr(argument, "DIR")};
    for (const char *at = argument; *at;) {
        size_t size = 0;
        while (is_small(at[size])) size++;
        if (size > 1 && used + size + 2 < sizeof c->words)
            used += (size_t)snprintf(c->words + used, sizeof c->words - used, "%s%.*s", used ? " " : "", (int)size, at);
        at += size ? size : 1;
    }
}
