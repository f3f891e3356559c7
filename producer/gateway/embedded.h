/* Files that are part of the program (embed.cmake). */
#ifndef GATEWAY_EMBEDDED_H
#define GATEWAY_EMBEDDED_H

#include <stddef.h>

extern const char gateway_openapi[]; /* config/openapi.json */
extern const size_t gateway_openapi_size;

#endif
