/* A book of a command's own on the user's Redis, with workers of its own, begun and deleted by the command: `till chaos`, `till bench`.
 *
 *     own_book_choose -> connect_redis -> own_book_refuse -> own_book_start, of each worker -> own_book_is_served
 *       -> ... -> own_book_stop -> own_book_delete
 *
 * No other book's keys are touched. Each says what is wrong, and gives CLI_OK or an exit code. */
#ifndef CLI_OWN_BOOK_H
#define CLI_OWN_BOOK_H

#include <sys/types.h>

#include "producer/cli/connect.h"
#include "producer/cli/worker_program.h"

enum { OWN_BOOK_WORKERS_MAX = 16 };

/* Sets the book's name (`own`, or one that begins with the command's name) and size in our own environment and so in the workers', which
 * wins over the file. Refuses an embedded Redis, which would die with its worker. */
int own_book_choose(const struct cli *cli, const char *own, uint64_t seed, unsigned partitions) __attribute__((warn_unused_result));
/* Refuses a book that is there. */
int own_book_refuse(struct connection *c) __attribute__((warn_unused_result));
/* Whether every partition has an owner. */
int own_book_is_served(struct connection *c, bool *served) __attribute__((warn_unused_result));
/* Hands every key that begins with {BOOK} or {BOOK: to `take`, some hundred at a time; `free` is a connection that nobody uses meanwhile.
 * Ends with the first code of `take` that is not CLI_OK. */
typedef int own_book_take_fn(void *with, struct reply keys, struct connection *free);
int own_book_keys(struct connection *c, own_book_take_fn *take, void *with) __attribute__((warn_unused_result));
/* Deletes what begins with {BOOK} or {BOOK:, and nothing else. */
int own_book_delete(struct connection *c) __attribute__((warn_unused_result));

/* A worker of it: archives nothing, settles nothing, trims nothing, takes no port, dies with us. `settings`: pairs of variables and values,
 * ended by a NULL. `log`: where it says what; NULL: nowhere. */
int own_book_start(struct connection *c, unsigned number, const char *const (*settings)[2], const char *log, pid_t *pid)
    __attribute__((warn_unused_result));
/* The exit code, said, when a worker that ended with this status cannot run at all; else CLI_OK. */
int own_book_cannot_run(const struct cli *cli, int status);
/* Ends them, politely at first, and waits until they have. Those that are 0 are not there. */
void own_book_stop(const pid_t *pids, unsigned count);

#endif
