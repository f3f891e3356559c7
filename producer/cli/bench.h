/* `till bench`, piece by piece: payments in a book of its own on the user's Redis, and what they cost there, on a page to be handed on.
 *
 *     own_book -> workers -> play_all { at full speed, between two readings of INFO; then at a kept rate }
 *       -> memory, verdict, audit -> page */
#ifndef CLI_BENCH_H
#define CLI_BENCH_H

#include "producer/cli/own_book.h"
#include "producer/traffic/verdict.h"

enum { BENCH_TEXT_MAX = 160, BENCH_READINGS_MAX = 2 };

/* PART(name of the keys, what it is called) */
#define BENCH_PARTS(PART) \
    PART(bills, "bills") PART(ledger, "ledger") PART(responses, "answers") PART(intents, "intents") PART(account, "accounts")
#define BENCH_ENUM(name, text) BENCH_##name,
enum bench_part { BENCH_PARTS(BENCH_ENUM) BENCH_PART_COUNT };

struct bench_reading { /* of all masters together */
    double cpu_us;
    uint64_t memory;
};

struct bench {
    const struct cli *cli;
    struct connection c;
    struct plan plan;
    struct play play;
    struct report report;
    pid_t workers[OWN_BOOK_WORKERS_MAX];
    unsigned worker_count;
    const char *log;                  /* the workers' stderr; NULL: nowhere */
    struct bench_reading readings[BENCH_READINGS_MAX]; /* before and after what was sent at full speed */
    unsigned reading_count;
    int code;                         /* of a reading that failed; it was said */
    uint64_t part[BENCH_PART_COUNT];  /* bytes in Redis, in the end */
    char server[BENCH_TEXT_MAX];      /* "Redis 7.0.15, 3 masters" */
    char settings[BENCH_TEXT_MAX];    /* "appendonly everysec, maxmemory-policy noeviction" */
    char machine[BENCH_TEXT_MAX];     /* this one */
    uint64_t found;                   /* by the audit */
    bool sound;
};

/* bench_cost.c: what Redis says. Its version and settings; the next reading; the bytes of the parts. CLI_OK or an exit code, said. */
int bench_look(struct bench *b) __attribute__((warn_unused_result));
double bench_read(void *bench); /* as play wants it: the CPU so far */
int bench_weigh(struct bench *b) __attribute__((warn_unused_result));

/* bench_page.c */
void bench_machine(char out[BENCH_TEXT_MAX]);
void bench_print(const struct bench *b);
void bench_print_json(const struct bench *b);

#endif
