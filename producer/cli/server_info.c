/* Reads the text that INFO answers. */
#include "producer/cli/server_info.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "producer/cli/args.h"

const char *server_info_value(const char *info, const char *name, char out[SERVER_INFO_SIZE]) {
    size_t size = strlen(name);
    out[0] = '\0';
    for (const char *at = info; (at = strstr(at, name)); at += size) {
        if ((at != info && at[-1] != '\n') || at[size] != ':') continue;
        snprintf(out, SERVER_INFO_SIZE, "%.*s", (int)strcspn(at + size + 1, "\r\n"), at + size + 1);
        break;
    }
    return out;
}

uint64_t server_info_number(const char *info, const char *name) {
    char value[SERVER_INFO_SIZE];
    uint64_t number = 0;
    if (!args_parse_number(server_info_value(info, name, value), &number)) return 0;
    return number;
}

double server_info_cpu_us(const char *info) {
    char user[SERVER_INFO_SIZE], sys[SERVER_INFO_SIZE];
    server_info_value(info, "used_cpu_user", user);
    server_info_value(info, "used_cpu_sys", sys);
    return (strtod(user, NULL) + strtod(sys, NULL)) * 1e6;
}
