/* Files that are part of the program (embed.cmake). */
#ifndef GATEWAY_EMBEDDED_H
#define GATEWAY_EMBEDDED_H

#include <stddef.h>

extern const char gateway_openapi[]; /* config/openapi.json */
extern const size_t gateway_openapi_size;
extern const char gateway_page_html[], gateway_page_css[], gateway_page_js[]; /* page.html and so on, beside this */
extern const size_t gateway_page_html_size, gateway_page_css_size, gateway_page_js_size;

#endif
