/* The fault proxy as a program: one command a line on stdin, one line of answer each; it ends when stdin does. */
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/support/proxy.h"

#define PROXY_ROW(name, word, text) {word, text},
static const struct { const char *word, *text; } rules[] = {PROXY_RULES(PROXY_ROW)}, acts[] = {PROXY_ACTS(PROXY_ROW)};
enum { RULES = sizeof rules / sizeof *rules, ACTS = sizeof acts / sizeof *acts };

struct ends {
    struct proxy_shared *shared;
    const char *server;
    int listener, wake;
};

static void usage(FILE *to) {
    fprintf(to, "usage: till-fault-proxy --listen WHERE --server WHERE\n\n"
                "Stands between a program and its Redis and makes the faults of a network. WHERE is a unix socket's path, or a port of\n"
                "127.0.0.1. Says `listening`, then takes commands on stdin, a line each, and ends with it.\n\n");
    for (size_t n = 0; n < RULES; n++) fprintf(to, "  %-14s %s\n", rules[n].word, rules[n].text);
    fprintf(to, "\nWith a number behind the word that is the `argument`. Once, at the N-th round trip from now (WORD N [PROCESS]):\n\n");
    for (size_t n = 0; n < ACTS; n++) fprintf(to, "  %-14s %s\n", acts[n].word, acts[n].text);
    fprintf(to, "\n  status         round trips, connections, those broken, bytes thrown away, whether the last act has happened\n\n"
                "example:\n"
                "  mkfifo say; till-fault-proxy --listen /tmp/p.sock --server /tmp/redis.sock < say &\n"
                "  exec 3> say; TILL_REDIS_URL=unix:/tmp/p.sock till-worker & echo 'delay 50' >&3; sleep 5; echo pass >&3\n");
}

static void *serve(void *context) {
    struct ends *ends = context;
    proxy_serve(ends->shared, ends->listener, ends->server, ends->wake);
    return NULL;
}

/* Carries out one command; false when there is none of that name. */
static bool obey(struct proxy_shared *shared, const char *word, uint64_t number, uint64_t process) {
    for (size_t n = 0; n < RULES; n++)
        if (strcmp(rules[n].word, word) == 0) {
            proxy_set_rule(shared, (enum proxy_rule)n, number);
            return true;
        }
    for (size_t n = 0; n < ACTS; n++)
        if (strcmp(acts[n].word, word) == 0) {
            proxy_set_act(shared, (enum proxy_act)(n + 1), number, (pid_t)process);
            return true;
        }
    return false;
}

static void take_commands(struct proxy_shared *shared, int wake) {
    char line[256], word[32];
    while (fgets(line, sizeof line, stdin)) {
        uint64_t number = 0, process = 0;
        char byte = 0;
        int words = sscanf(line, "%31s %" SCNu64 " %" SCNu64, word, &number, &process);
        if (words < 1) continue;
        if (strcmp(word, "status") == 0)
            printf("trips=%" PRIu64 " connections=%" PRIu64 " broken=%" PRIu64 " lost_bytes=%" PRIu64 " acted=%" PRIu64 "\n",
                   shared->trips, shared->connections, shared->broken, shared->lost_bytes, shared->acted);
        else if (!obey(shared, word, number, process)) printf("no command %s\n", word);
        else if (write(wake, &byte, 1) == 1 && read(wake, &byte, 1) == 1) printf("ok\n");
        else return;
        fflush(stdout);
    }
}

int main(int argc, char **argv) {
    static const struct option options[] = {{"listen", required_argument, NULL, 'l'}, {"server", required_argument, NULL, 's'},
                                            {"help", no_argument, NULL, 'h'}, {NULL, 0, NULL, 0}};
    struct ends ends = {0};
    const char *listen = NULL;
    int wake[2];
    pthread_t thread;
    for (int option; (option = getopt_long(argc, argv, "h", options, NULL)) != -1;) {
        if (option == 'l') listen = optarg;
        else if (option == 's') ends.server = optarg;
        else return usage(option == 'h' ? stdout : stderr), option == 'h' ? 0 : 100;
    }
    if (!listen || !ends.server) return usage(stderr), 100;
    ends.listener = proxy_listen(listen);
    ends.shared = proxy_share();
    if (ends.listener < 0 || socketpair(AF_UNIX, SOCK_STREAM, 0, wake)) {
        fprintf(stderr, "till-fault-proxy: %s: %s\n", listen, strerror(errno));
        return 100;
    }
    ends.wake = wake[1];
    if (pthread_create(&thread, NULL, serve, &ends)) return 100;
    printf("listening\n");
    fflush(stdout);
    take_commands(ends.shared, wake[0]);
    _exit(0); /* the thread goes on until then */
}
