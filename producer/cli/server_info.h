/* Reads the text that INFO answers. */
#ifndef CLI_SERVER_INFO_H
#define CLI_SERVER_INFO_H

#include <stdint.h>

enum { SERVER_INFO_SIZE = 128 };

/* The value of `name:` in it; "" when it is not there. Gives `out`. */
const char *server_info_value(const char *info, const char *name, char out[SERVER_INFO_SIZE]);
/* 0 when it is not there, or no whole number. */
uint64_t server_info_number(const char *info, const char *name);
/* What the server has used of its CPUs so far, in microseconds, by INFO cpu. */
double server_info_cpu_us(const char *info);

#endif
