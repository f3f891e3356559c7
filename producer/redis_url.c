/* Parsing where Redis is, and showing it without the password. */
#include "producer/redis_url.h"

#include "producer/redis_tls.h"

#include <stdio.h>
#include <string.h>

/* hiredis 0.14 leaves the last byte of the address unset. */
enum {
    PORT_DEFAULT = 6379,
    SENTINEL_PORT_DEFAULT = 26379,
    PORT_MAX = 65535,
    SEEDS_MAX = 16,
    DB_MAX = 999999,
    PATH_MAX_SIZE = sizeof((struct redis_url *)0)->path - 2
};

static const char SOCKET_NAME[] = "/redis.sock";

/* A part of the text. */
struct span {
    const char *at;
    size_t size;
};

static bool url_skip(const char **text, const char *word) {
    size_t size = strlen(word);
    if (strncmp(*text, word, size) != 0) return false;
    *text += size;
    return true;
}

static const char *url_parse_unix(const char *path, struct redis_url *url) {
    size_t size = strlen(path);
    if (size == 0) return "the path of the socket is missing: unix:/run/redis/redis.sock";
    if (size > PATH_MAX_SIZE) return "the path of the socket is longer than 106 bytes, the most a socket can have";
    memcpy(url->path, path, size + 1);
    return NULL;
}

static const char *url_parse_embedded(const char *dir, struct redis_url *url) {
    size_t size = strlen(dir);
    while (size > 1 && dir[size - 1] == '/') size--;
    if (size == 0) return "the directory is missing: embedded:var/redis";
    if (size >= sizeof url->embedded_dir) return "the directory is longer than 95 bytes: its socket could not be reached";
    memcpy(url->embedded_dir, dir, size);
    memcpy(url->path, dir, size);
    memcpy(url->path + (size == 1 && *dir == '/' ? 0 : size), SOCKET_NAME, sizeof SOCKET_NAME);
    return NULL;
}

static int url_nibble(char c) {
    return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* The next byte of a percent-encoded text, or -1. */
static int url_decode_byte(struct span *from) {
    char c = *from->at;
    size_t taken = c == '%' ? 3 : 1;
    if (from->size < taken) return -1;
    int byte = (unsigned char)c;
    if (c == '%') {
        int high = url_nibble(from->at[1]), low = url_nibble(from->at[2]);
        byte = high < 0 || low < 0 ? -1 : high << 4 | low;
    }
    from->at += taken;
    from->size -= taken;
    return byte;
}

static const char *url_decode(struct span from, char *out, size_t capacity, const char *too_long) {
    size_t size = 0;
    while (from.size > 0) {
        int byte = url_decode_byte(&from);
        if (byte <= 0) return "a % in user or password must be followed by two hex digits, not 00; a % itself is written %25";
        if (size + 1 >= capacity) return too_long;
        out[size++] = (char)byte;
    }
    out[size] = '\0';
    return NULL;
}

static const char *url_parse_login(struct span login, struct redis_url *url) {
    const char *colon = memchr(login.at, ':', login.size);
    if (!colon) return "before the @ belongs user:password, :password, or user: when the password comes from redis.password_file";
    struct span user = {login.at, (size_t)(colon - login.at)}, password = {colon + 1, login.size - user.size - 1};
    const char *wrong = url_decode(user, url->user, sizeof url->user, "the user is longer than 63 bytes");
    if (wrong) return wrong;
    return url_decode(password, url->password, sizeof url->password, "the password is longer than 255 bytes");
}

/* Digits and nothing else, within bounds. */
static bool url_parse_number(struct span digits, int min, int max, int *out) {
    int n = 0;
    if (digits.size == 0 || digits.size > 6) return false;
    for (size_t i = 0; i < digits.size; i++) {
        if (digits.at[i] < '0' || digits.at[i] > '9') return false;
        n = n * 10 + (digits.at[i] - '0');
    }
    *out = n;
    return n >= min && n <= max;
}

static const char *url_take_host(struct span host, const char *allowed, struct redis_node *node) {
    if (host.size == 0) return "the host is missing: redis://127.0.0.1:6379";
    if (host.size >= sizeof node->host) return "the host is longer than 255 bytes";
    memcpy(node->host, host.at, host.size);
    node->host[host.size] = '\0';
    if (strspn(node->host, allowed) == host.size) return NULL;
    return "the host is no name or address; an IPv6 address goes in brackets: redis://[::1]:6379";
}

#define LETTERS_AND_DIGITS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"

/* host, host:port, [address] or [address]:port; node->port is the default beforehand. */
static const char *url_parse_host(struct span text, struct redis_node *node) {
    bool bracketed = text.size > 0 && *text.at == '[';
    const char *end = memchr(text.at, bracketed ? ']' : ':', text.size);
    if (bracketed && !end) return "the ] after the IPv6 address is missing: redis://[::1]:6379";
    struct span host = {text.at + bracketed, end ? (size_t)(end - text.at) - bracketed : text.size};
    const char *wrong = url_take_host(host, bracketed ? LETTERS_AND_DIGITS ":.%-_" : LETTERS_AND_DIGITS "-._", node);
    if (wrong) return wrong;
    size_t used = host.size + 2u * bracketed;
    struct span rest = {text.at + used, text.size - used};
    if (rest.size == 0) return NULL;
    if (*rest.at != ':') return "after the ] belongs nothing or :port: redis://[::1]:6379";
    struct span port = {rest.at + 1, rest.size - 1};
    return url_parse_number(port, 1, PORT_MAX, &node->port) ? NULL : "the port must be a number from 1 to 65535";
}

static const char MEANINGLESS[] = "? and # have no meaning in it; in a password they are written %3F and %23";

/* user:password@ of what goes to the first slash, if there is any; the rest of that into `hosts`. */
static const char *url_parse_authority(struct span authority, struct span *hosts, struct redis_url *url) {
    const char *at = memrchr(authority.at, '@', authority.size), *host = at ? at + 1 : authority.at;
    *hosts = (struct span){host, authority.size - (size_t)(host - authority.at)};
    return at ? url_parse_login((struct span){authority.at, (size_t)(at - authority.at)}, url) : NULL;
}

static const char *url_parse_db(const char *db, struct redis_url *url) {
    if (!*db || url_parse_number((struct span){db, strlen(db)}, 0, DB_MAX, &url->db)) return NULL;
    return "after the host's / belongs the number of a database; a / in a password is written %2F";
}

static const char *url_parse_tcp(const char *text, struct redis_url *url) {
    struct redis_node node = {.port = PORT_DEFAULT};
    struct span hosts = {text, 0};
    url->kind = REDIS_URL_TCP;
    if (strpbrk(text, "?#")) return MEANINGLESS;
    size_t size = strcspn(text, "/");
    const char *wrong = url_parse_db(text + size + (text[size] == '/'), url);
    if (!wrong) wrong = url_parse_authority((struct span){text, size}, &hosts, url);
    if (!wrong) wrong = url_parse_host(hosts, &node);
    memcpy(url->host, node.host, sizeof url->host);
    url->port = node.port;
    return wrong;
}

bool redis_url_seed(const struct redis_url *url, unsigned index, struct redis_node *seed) {
    const char *at = url->seeds;
    for (; *at && index > 0; index--) at += strcspn(at, ",") + (at[strcspn(at, ",")] == ',');
    *seed = (struct redis_node){.port = url->kind == REDIS_URL_CLUSTER ? PORT_DEFAULT : SENTINEL_PORT_DEFAULT};
    return *at && !url_parse_host((struct span){at, strcspn(at, ",")}, seed);
}

static const char *url_parse_seeds(struct span hosts, struct redis_url *url) {
    struct redis_node seed;
    if (hosts.size >= sizeof url->seeds) return "the sentinels or nodes are longer than 383 bytes together";
    for (unsigned n = 0; n < SEEDS_MAX; n++) {
        const char *comma = memchr(hosts.at, ',', hosts.size);
        const char *wrong = url_parse_host((struct span){hosts.at, comma ? (size_t)(comma - hosts.at) : hosts.size}, &seed);
        if (wrong || !comma) return wrong;
        hosts.size -= (size_t)(comma - hosts.at) + 1;
        hosts.at = comma + 1;
    }
    return "there are more than 16 sentinels or nodes";
}

static const char *url_parse_sentinel(const char *text, struct redis_url *url) {
    struct span hosts;
    url->kind = REDIS_URL_SENTINEL;
    if (strpbrk(text, "?#")) return MEANINGLESS;
    size_t size = strcspn(text, "/"), name = text[size] == '/' ? strcspn(text + size + 1, "/") : 0;
    if (name == 0) return "behind the sentinels belongs / and the name of the master: sentinel://10.0.0.1,10.0.0.2,10.0.0.3/till";
    const char *at = text + size + 1;
    if (name >= sizeof url->name) return "the name of the master is longer than 63 bytes";
    if (strspn(at, LETTERS_AND_DIGITS "-._") < name) return "the name of the master has other than letters, digits, - . _";
    memcpy(url->name, at, name);
    const char *wrong = url_parse_db(at + name + (at[name] == '/'), url);
    if (!wrong) wrong = url_parse_authority((struct span){text, size}, &hosts, url);
    if (!wrong) wrong = url_parse_seeds(hosts, url);
    if (!wrong) memcpy(url->seeds, hosts.at, hosts.size);
    return wrong;
}

static const char *url_parse_cluster(const char *text, struct redis_url *url) {
    struct span hosts;
    size_t size = strcspn(text, "/");
    url->kind = REDIS_URL_CLUSTER;
    if (strpbrk(text, "?#")) return MEANINGLESS;
    if (text[size] && text[size + 1])
        return "behind the nodes belongs nothing: a Redis Cluster has one database; a / in a password is written %2F";
    const char *wrong = url_parse_authority((struct span){text, size}, &hosts, url);
    if (!wrong) wrong = url_parse_seeds(hosts, url);
    if (!wrong) memcpy(url->seeds, hosts.at, hosts.size);
    return wrong;
}

static const char *url_with_tls(const char *wrong, struct redis_url *url) {
    static const struct redis_tls standard;
    url->tls = true;
    return wrong ? wrong : redis_tls_wrong(&standard);
}

static const char *url_parse_any(const char *text, struct redis_url *url) {
    if (url_skip(&text, "unix:")) return url_parse_unix(text, url);
    if (url_skip(&text, "embedded:")) return url_parse_embedded(text, url);
    if (url_skip(&text, "redis://")) return url_parse_tcp(text, url);
    if (url_skip(&text, "sentinel://")) return url_parse_sentinel(text, url);
    if (url_skip(&text, "cluster://")) return url_parse_cluster(text, url);
    if (url_skip(&text, "rediss://")) return url_with_tls(url_parse_tcp(text, url), url);
    if (url_skip(&text, "sentinel+tls://")) return url_with_tls(url_parse_sentinel(text, url), url);
    if (url_skip(&text, "cluster+tls://")) return url_with_tls(url_parse_cluster(text, url), url);
    return "it must be unix:PATH, redis://[user:password@]host[:port][/db], sentinel://HOST,.../NAME, cluster://HOST,... or embedded:DIR";
}

const char *redis_url_parse(const char *text, struct redis_url *url) {
    *url = (struct redis_url){.kind = REDIS_URL_UNIX};
    const char *wrong = url_parse_any(text, url);
    if (wrong) explicit_bzero(url, sizeof *url);
    return wrong;
}

void redis_url_show(const struct redis_url *url, char *out, unsigned capacity) {
    if (url->kind == REDIS_URL_UNIX) {
        snprintf(out, capacity, "%s%s", *url->embedded_dir ? "embedded:" : "unix:", *url->embedded_dir ? url->embedded_dir : url->path);
        return;
    }
    bool login = *url->user || *url->password;
    if (url->kind == REDIS_URL_SENTINEL) {
        snprintf(out, capacity, "sentinel%s://%s%s%s%s%s/%s/%d", url->tls ? "+tls" : "", url->user,
                 login ? ":" : "", *url->password ? "***" : "", login ? "@" : "",
                 url->seeds, url->name, url->db);
        return;
    }
    if (url->kind == REDIS_URL_CLUSTER) {
        snprintf(out, capacity, "cluster%s://%s%s%s%s%s", url->tls ? "+tls" : "", url->user, login ? ":" : "",
                 *url->password ? "***" : "", login ? "@" : "", url->seeds);
        return;
    }
    bool bracketed = strchr(url->host, ':') != NULL;
    snprintf(out, capacity, "redis%s://%s%s%s%s%s%s%s:%d/%d", url->tls ? "s" : "", url->user, login ? ":" : "",
             *url->password ? "***" : "", login ? "@" : "", bracketed ? "[" : "", url->host, bracketed ? "]" : "", url->port, url->db);
}
