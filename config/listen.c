/* Addresses to listen on: a host's number and a port. */
#include "config/listen.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

enum { LISTEN_HOST_MAX = 64 };

bool listen_parse(const char *text, union listen_address *address) {
    const char *colon = strrchr(text, ':');
    char host[LISTEN_HOST_MAX], *end;
    if (!colon || !colon[1]) return false;
    size_t size = (size_t)(colon - text);
    unsigned long port = strtoul(colon + 1, &end, 10);
    bool bracketed = size > 2 && text[0] == '[' && colon[-1] == ']';
    if (colon[1] < '0' || colon[1] > '9' || *end || port > 65535 || size >= sizeof host) return false;
    memcpy(host, text + bracketed, size - 2 * bracketed);
    host[size - 2 * bracketed] = '\0';
    memset(address, 0, sizeof *address);
    if (bracketed) {
        address->v6 = (struct sockaddr_in6){.sin6_family = AF_INET6, .sin6_port = htons((uint16_t)port)};
        return inet_pton(AF_INET6, host, &address->v6.sin6_addr) == 1;
    }
    address->v4 = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    return inet_pton(AF_INET, strcmp(host, "localhost") == 0 ? "127.0.0.1" : host, &address->v4.sin_addr) == 1;
}

bool listen_is_loopback(const union listen_address *address) {
    if (address->any.sa_family == AF_INET6) return IN6_IS_ADDR_LOOPBACK(&address->v6.sin6_addr);
    return ntohl(address->v4.sin_addr.s_addr) >> 24 == 127;
}
