/* Where Redis is: unix:PATH | redis://[user:password@]host[:port][/db] | embedded:DIR (a server of Till's own, on the socket
 * DIR/redis.sock) | sentinel://[user:password@]host[:port][,host[:port]...]/name[/db] (the master of that name, asked of any of these
 * sentinels; user and password are the master's) | cluster://[user:password@]host[:port][,host[:port]...] (a Redis Cluster, of which any of
 * these nodes tells the others). */
#ifndef PRODUCER_REDIS_URL_H
#define PRODUCER_REDIS_URL_H

#include <stdbool.h>

enum redis_url_kind { REDIS_URL_UNIX, REDIS_URL_TCP, REDIS_URL_SENTINEL, REDIS_URL_CLUSTER };

struct redis_node {
    char host[256];
    int port;
};

struct redis_url {
    enum redis_url_kind kind;
    char path[108];   /* of the socket, at most 106 bytes */
    char host[256];
    int port;         /* default 6379 */
    int db;
    bool tls;         /* rediss://, sentinel+tls://, cluster+tls:// */
    char user[64], password[256]; /* percent-decoded; password also from a file, see config */
    char embedded_dir[96]; /* "" unless embedded: */
    char seeds[384];       /* the sentinels, or nodes of the cluster, as they were written, by commas; "" for other kinds */
    char name[64];         /* of the master, as they know it */
};

/* NULL, or what is wrong with it and what would be right: static text that shows nothing of `text`. `url` is all zeros then. */
const char *redis_url_parse(const char *text, struct redis_url *url);
/* The sentinels or nodes of a url, from 0 on. False behind the last. */
bool redis_url_seed(const struct redis_url *url, unsigned index, struct redis_node *seed);
/* For messages: never shows the password. 360 bytes hold every url that was parsed, but for the tail of one with many seeds. */
void redis_url_show(const struct redis_url *url, char *out, unsigned capacity);

#endif
