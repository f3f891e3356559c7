/* A private redis-server for one test: own directory, own unix socket, gone with the test (also when the test crashes).
 *
 *     server_start -> { commands | server_kill, server_restart | server_pause, server_resume }* -> server_stop
 *
 * It answers some 10 ms after the start, so every test takes its own: nothing is shared and tests can run side by side. What goes
 * wrong here is no test's result: it is said on stderr with the server's log, and the process aborts. Belongs to the thread that
 * started it: the server dies with that thread. Nothing here needs Criterion. */
#ifndef TESTS_SUPPORT_SERVER_H
#define TESTS_SUPPORT_SERVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum { SERVER_ARGUMENTS_MAX = 16, SERVER_DIGEST_SIZE = 41 };

/* All zeros: no limit, nothing on disk. */
struct server_options {
    const char *maxmemory;   /* "64mb"; NULL: none */
    const char *appendfsync; /* "always", "everysec", "no": with an append-only file; NULL: none */
    const char *environment[4]; /* "NAME=value" texts; NULL at the end */
    const char *extra[SERVER_ARGUMENTS_MAX + 1]; /* more arguments, as in { "--maxmemory-policy", "allkeys-lru" }; NULL at the end */
};

struct server {
    char dir[64];     /* under $TMPDIR or /tmp; holds everything of it */
    char socket[96];
    char url[112];    /* unix:SOCKET, for a config or till_open */
    pid_t pid;        /* 0: not running */
    struct server_options options;
    void *connection; /* of the commands below */
    char *text;       /* the last reply's */
};

/* Starts it and waits until it answers. Texts of the options must stay while the server is used. `options` NULL: the defaults. */
void server_start(struct server *server, const struct server_options *options);
/* Ends it, removes its directory. One that was never started (all zeros) or was killed is fine; so is one of which only `socket` was
 * set, to talk to somebody else's server: that only closes the connection. */
void server_stop(struct server *server);

void server_kill(struct server *server);    /* SIGKILL; the directory stays */
void server_restart(struct server *server); /* on the same directory and socket, after server_kill; waits until it has loaded */
void server_pause(struct server *server);   /* SIGSTOP: connections hang */
void server_resume(struct server *server);

/* Sends a command given as texts with a NULL at the end, and shows the reply as text: nil as "", an integer in decimal, an error as its
 * text, an array as its elements a line each, at any depth. Valid until the next command; for what holds NULs use server_call. */
const char *server_text(struct server *server, ...) __attribute__((sentinel));
/* The same as a number: an integer, or a text that is one; 0 for anything else. */
int64_t server_integer(struct server *server, ...) __attribute__((sentinel));
/* How often it was sent a command, of which INFO commandstats tells by this name; "xinfo|groups" with a subcommand. */
long server_calls(struct server *server, const char *command);
/* With binary arguments; `sizes` as hiredis wants them. The text is that of server_text. */
const char *server_call(struct server *server, int count, const char **arguments, const size_t *sizes);

/* The digest of the whole data set. Equal digests: equal keys and values (not TTLs). */
void server_digest(struct server *server, char digest[SERVER_DIGEST_SIZE]);
/* The digest of one key's value; 40 zeros when there is none. */
void server_digest_key(struct server *server, const char *key, char digest[SERVER_DIGEST_SIZE]);

#endif
