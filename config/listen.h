/* Where a server listens, from text. */
#ifndef CONFIG_LISTEN_H
#define CONFIG_LISTEN_H

#include <netinet/in.h>
#include <stdbool.h>
#include <sys/socket.h>

union listen_address {
    struct sockaddr any;
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
};

/* "127.0.0.1:9464", "[::1]:9464", "localhost:9464"; port 0: any that is free. False: it is none of these. */
bool listen_parse(const char *text, union listen_address *address) __attribute__((warn_unused_result));
/* Can only this machine reach it? */
bool listen_is_loopback(const union listen_address *address);

#endif
