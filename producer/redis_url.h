/* Where Redis is: unix:PATH | redis://[user:password@]host[:port][/db] | embedded:DIR
 * (a server of Till's own, on the socket DIR/redis.sock). */
#ifndef PRODUCER_REDIS_URL_H
#define PRODUCER_REDIS_URL_H

enum redis_url_kind { REDIS_URL_UNIX, REDIS_URL_TCP };

struct redis_url {
    enum redis_url_kind kind;
    char path[108];   /* of the socket, at most 106 bytes */
    char host[256];
    int port;         /* default 6379 */
    int db;
    char user[64], password[256]; /* percent-decoded; password also from a file, see config */
    char embedded_dir[96]; /* "" unless embedded: */
};

/* NULL, or what is wrong with it and what would be right: static text that shows nothing of `text`. `url` is all zeros then. */
const char *redis_url_parse(const char *text, struct redis_url *url);
/* For messages: never shows the password. 360 bytes hold every url that was parsed. */
void redis_url_show(const struct redis_url *url, char *out, unsigned capacity);

#endif
