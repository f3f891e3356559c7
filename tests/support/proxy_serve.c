/* The proxy at work: a poll loop over pairs of connections, one piece of bytes at a time in each direction. */
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "tests/support/proxy.h"
#include "tests/support/wait.h"

enum { PAIRS_MAX = 512, PIECE = 65536, BACKLOG = 128 };

/* One direction: what was read from one side and is not yet written to the other. */
struct way {
    char bytes[PIECE];
    size_t from, to;
    int64_t due_ms;  /* not before */
    uint64_t passed; /* bytes since the rule */
};

struct pair {
    int client, server; /* -1, -1: free */
    struct way request, reply;
    bool waits;          /* for a reply */
    enum proxy_act ends; /* this is its last round trip */
    uint64_t since;
};

struct serving {
    struct proxy_shared *shared;
    struct pair *pairs[PAIRS_MAX];
    const char *server;
    int listener;
    uint64_t random;
    enum proxy_rule rule; /* as of this round */
    uint64_t argument, since;
};

static bool fill_address(const char *where, struct sockaddr_storage *address, socklen_t *size) {
    char *end;
    unsigned long port = strtoul(where, &end, 10);
    memset(address, 0, sizeof *address);
    if (*where && !*end && port < 65536) {
        struct sockaddr_in *in = (struct sockaddr_in *)address;
        in->sin_family = AF_INET;
        in->sin_port = htons((uint16_t)port);
        in->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        *size = sizeof *in;
        return true;
    }
    struct sockaddr_un *un = (struct sockaddr_un *)address;
    un->sun_family = AF_UNIX;
    *size = sizeof *un;
    int length = snprintf(un->sun_path, sizeof un->sun_path, "%s", where);
    return length > 0 && (size_t)length < sizeof un->sun_path;
}

int proxy_listen(const char *where) {
    struct sockaddr_storage address;
    socklen_t size;
    int yes = 1;
    errno = ENAMETOOLONG;
    if (!fill_address(where, &address, &size)) return -1;
    int fd = socket(address.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0) return -1;
    if (address.ss_family == AF_UNIX) unlink(where);
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    if (bind(fd, (struct sockaddr *)&address, size) == 0 && listen(fd, BACKLOG) == 0) return fd;
    close(fd);
    return -1;
}

/* To the server; waits for it, it is on this machine. */
static int dial(const char *where) {
    struct sockaddr_storage address;
    socklen_t size;
    int yes = 1;
    if (!fill_address(where, &address, &size)) return -1;
    int fd = socket(address.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd >= 0 && connect(fd, (struct sockaddr *)&address, size)) {
        close(fd);
        return -1;
    }
    if (fd < 0) return -1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
    fcntl(fd, F_SETFL, O_NONBLOCK);
    return fd;
}

static void count(uint64_t *counter, uint64_t more) { __atomic_add_fetch(counter, more, __ATOMIC_RELEASE); }

static void end_pair(struct serving *s, size_t n, bool hard) {
    struct pair *pair = s->pairs[n];
    struct linger now = {.l_onoff = 1, .l_linger = 0};
    if (hard) setsockopt(pair->client, SOL_SOCKET, SO_LINGER, &now, sizeof now);
    close(pair->client);
    if (pair->server >= 0) close(pair->server);
    free(pair);
    s->pairs[n] = NULL;
    count(&s->shared->broken, hard);
}

static void take_one(struct serving *s) {
    int client = accept4(s->listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC), yes = 1;
    size_t n = 0;
    if (client < 0) return;
    while (n < PAIRS_MAX && s->pairs[n]) n++;
    int server = n < PAIRS_MAX && s->rule != PROXY_REFUSE ? dial(s->server) : -1;
    struct pair *pair = server >= 0 ? calloc(1, sizeof *pair) : NULL;
    if (!pair) {
        close(client);
        if (server >= 0) close(server);
        return;
    }
    setsockopt(client, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
    *pair = (struct pair){.client = client, .server = server, .since = s->since};
    s->pairs[n] = pair;
    count(&s->shared->connections, 1);
}

static bool chance(struct serving *s, uint64_t of_1000) {
    s->random ^= s->random << 13, s->random ^= s->random >> 7, s->random ^= s->random << 17;
    return s->random % 1000 < of_1000;
}

static void act_now(struct serving *s, enum proxy_act act) {
    pid_t victim = __atomic_load_n(&s->shared->victim, __ATOMIC_ACQUIRE);
    if ((act == PROXY_KILL_BEFORE || act == PROXY_KILL_AFTER) && victim > 0) kill(victim, SIGKILL);
    count(&s->shared->acted, 1);
}

/* Counts the round trip. What is to be done with it, if it is the one. */
static enum proxy_act begin_trip(struct serving *s, struct pair *pair) {
    pair->waits = true;
    uint64_t trip = __atomic_add_fetch(&s->shared->trips, 1, __ATOMIC_ACQ_REL);
    int act = __atomic_load_n(&s->shared->act, __ATOMIC_ACQUIRE);
    if (act == PROXY_NOTHING || trip != __atomic_load_n(&s->shared->at_trip, __ATOMIC_ACQUIRE)) return PROXY_NOTHING;
    __atomic_store_n(&s->shared->act, PROXY_NOTHING, __ATOMIC_RELEASE);
    return (enum proxy_act)act;
}

/* Whether the bytes just read may go on; the pair may have ended. */
static bool let_pass(struct serving *s, size_t n, struct way *way, bool is_reply) {
    enum proxy_rule rule = s->rule;
    size_t size = way->to - way->from;
    bool limited = (rule == PROXY_CUT_REPLIES && is_reply) || (rule == PROXY_CUT_REQUESTS && !is_reply);
    if (rule == PROXY_RESET && chance(s, s->argument)) {
        end_pair(s, n, true);
        return false;
    }
    if (rule == PROXY_DROP || (rule == PROXY_LOSE_REPLIES && is_reply)) {
        count(&s->shared->lost_bytes, size);
        way->from = way->to = 0;
    }
    if (limited && way->passed + size > s->argument) way->to = way->from + (size_t)(s->argument - way->passed);
    way->passed += size;
    if (limited && way->from == way->to) {
        end_pair(s, n, false);
        return false;
    }
    return true;
}

/* `from` has something to read. False: the pair has ended. */
static bool read_piece(struct serving *s, size_t n, bool is_reply) {
    struct pair *pair = s->pairs[n];
    struct way *way = is_reply ? &pair->reply : &pair->request;
    ssize_t size = read(is_reply ? pair->server : pair->client, way->bytes, PIECE);
    if (size < 0 && (errno == EAGAIN || errno == EINTR)) return true;
    bool last = pair->ends && (is_reply || size <= 0); /* the server has done it, or somebody has gone */
    if (last) act_now(s, pair->ends);
    if (size <= 0 || last) {
        end_pair(s, n, pair->ends != PROXY_NOTHING);
        return false;
    }
    if (pair->ends) return true; /* whatever it says after its last request is thrown away */
    enum proxy_act act = !is_reply && !pair->waits ? begin_trip(s, pair) : PROXY_NOTHING;
    if (is_reply) pair->waits = false;
    if (act == PROXY_CUT_BEFORE || act == PROXY_KILL_BEFORE) {
        act_now(s, act);
        end_pair(s, n, true);
        return false;
    }
    pair->ends = act;
    way->from = 0;
    way->to = (size_t)size;
    way->due_ms = wait_now_ms() + (s->rule == PROXY_DELAY ? (int64_t)s->argument : 0);
    return let_pass(s, n, way, is_reply);
}

/* Whether the way has been cut at its byte. */
static bool is_cut(const struct serving *s, const struct way *way, bool is_reply) {
    return s->rule == (is_reply ? PROXY_CUT_REPLIES : PROXY_CUT_REQUESTS) && way->from == way->to && way->passed > s->argument;
}

static bool write_piece(struct serving *s, size_t n, bool is_reply) {
    struct pair *pair = s->pairs[n];
    struct way *way = is_reply ? &pair->reply : &pair->request;
    ssize_t size = way->to > way->from ? send(is_reply ? pair->client : pair->server, way->bytes + way->from, way->to - way->from,
                                              MSG_NOSIGNAL) : 0;
    if (size < 0 && (errno == EAGAIN || errno == EINTR)) return true;
    if (size >= 0) way->from += (size_t)size;
    if (size < 0 || is_cut(s, way, is_reply)) {
        end_pair(s, n, size >= 0);
        return false;
    }
    return true;
}

/* Which events of a side are waited for: its bytes when its way is empty, room when the other way has something for it that is due. */
static short wanted(const struct serving *s, const struct way *out, const struct way *in, int64_t now_ms) {
    if (s->rule == PROXY_HALF_OPEN) return 0;
    short events = out->from == out->to ? POLLIN : 0;
    return (short)(events | (in->from < in->to && in->due_ms <= now_ms ? POLLOUT : 0));
}

static void see_rule(struct serving *s) {
    uint64_t since = __atomic_load_n(&s->shared->since, __ATOMIC_ACQUIRE);
    s->rule = (enum proxy_rule)__atomic_load_n(&s->shared->rule, __ATOMIC_ACQUIRE);
    s->argument = __atomic_load_n(&s->shared->argument, __ATOMIC_ACQUIRE);
    s->since = since;
    for (size_t n = 0; n < PAIRS_MAX; n++) {
        struct pair *pair = s->pairs[n];
        if (!pair || pair->since == since) continue;
        pair->since = since;
        pair->request.passed = pair->reply.passed = 0;
        if (s->rule == PROXY_REFUSE) end_pair(s, n, true);
    }
}

/* Fills `polls` behind the first two; how long to wait at most. */
static int arrange(const struct serving *s, struct pollfd *polls, size_t *which, size_t *count_out) {
    int64_t now_ms = wait_now_ms(), until_ms = now_ms + 1000;
    size_t used = 2;
    for (size_t n = 0; n < PAIRS_MAX; n++) {
        const struct pair *pair = s->pairs[n];
        if (!pair) continue;
        for (int side = 0; side < 2; side++) {
            const struct way *way = side ? &pair->reply : &pair->request;
            if (way->from < way->to && way->due_ms > now_ms && way->due_ms < until_ms) until_ms = way->due_ms;
        }
        which[used / 2 - 1] = n;
        short client = wanted(s, &pair->request, &pair->reply, now_ms), server = wanted(s, &pair->reply, &pair->request, now_ms);
        polls[used++] = (struct pollfd){.fd = client ? pair->client : -1, .events = client};
        polls[used++] = (struct pollfd){.fd = server ? pair->server : -1, .events = server};
    }
    *count_out = used;
    return (int)(until_ms - now_ms);
}

enum { GONE = POLLHUP | POLLERR };

static void serve_pair(struct serving *s, size_t n, short client, short server) {
    const struct pair *pair = s->pairs[n];
    if ((server & POLLOUT) && !write_piece(s, n, false)) return;
    if ((client & POLLOUT) && !write_piece(s, n, true)) return;
    if ((server & (POLLIN | GONE)) && pair->reply.from == pair->reply.to && !read_piece(s, n, true)) return;
    if ((client & (POLLIN | GONE)) && pair->request.from == pair->request.to) (void)read_piece(s, n, false);
}

void proxy_serve(struct proxy_shared *shared, int listener, const char *server, int wake) {
    struct pollfd polls[2 * PAIRS_MAX + 2];
    size_t which[PAIRS_MAX], used;
    char byte;
    struct serving *s = calloc(1, sizeof *s);
    if (!s) return;
    *s = (struct serving){.shared = shared, .server = server, .listener = listener, .random = (uint64_t)getpid() * 2654435761u + 1};
    signal(SIGPIPE, SIG_IGN);
    for (;;) {
        see_rule(s);
        int timeout_ms = arrange(s, polls, which, &used);
        polls[0] = (struct pollfd){.fd = s->rule == PROXY_HALF_OPEN ? -1 : listener, .events = POLLIN};
        polls[1] = (struct pollfd){.fd = wake, .events = POLLIN};
        if (poll(polls, used, timeout_ms) < 0 && errno != EINTR) break;
        for (size_t n = 2; n < used; n += 2) serve_pair(s, which[n / 2 - 1], polls[n].revents, polls[n + 1].revents);
        if (polls[0].revents) take_one(s);
        if (!polls[1].revents) continue;
        if (read(wake, &byte, 1) != 1) break;
        see_rule(s);
        if (write(wake, &byte, 1) != 1) break;
    }
    free(s);
}
