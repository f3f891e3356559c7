/* The HTTP gateway: payment intents for checkouts that do not speak Redis, and a page for operators.
 *
 *     one thread of HTTP  --outgoing-->  sender   --XADD-->  intents
 *        ^   suspends what waits,        sources  <--XREAD-- responses, one reader per source
 *        |   resumes what is answered    desk     <--------- accounts, bills
 *        +--- waiting: who waits for which answer; guard: who keeps us waiting
 *
 * No thread per request: a request that waits is a struct in `waiting`. README.md is the manual. */
#ifndef GATEWAY_GATEWAY_H
#define GATEWAY_GATEWAY_H

#include <stdbool.h>

#include "config/config.h"
#include "producer/cli/cli.h"

struct gateway;

/* Starts it. CLI_OK or the exit code, said. `listen_fd`: a socket that listens already, which stays the caller's; -1: gateway.listen. */
int gateway_start(struct gateway **gateway, struct cli *cli, const struct config *config, int listen_fd)
    __attribute__((warn_unused_result));
/* Where it listens, for people: "http://127.0.0.1:8465". */
const char *gateway_shown(const struct gateway *gateway);
/* Reads the files of tokens again; what is wrong with them is said, and the old ones stay. */
void gateway_reload(struct gateway *gateway);
/* Takes nothing more, lets what waits have its answer for a moment, tells the rest where their answers will be, and ends. */
void gateway_stop(struct gateway *gateway);

#endif
