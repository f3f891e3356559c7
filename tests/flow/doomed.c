/* A worker that will die at a point of the road. */
#include "tests/flow/doomed.h"

#include <criterion/criterion.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>

enum { LEASE_MS = 500 };

void doomed_worker(struct flow *flow, unsigned n, const char *point) {
    flow_worker(flow, n, &(struct worker_options){
        .crash_at = point, .lease_ttl_ms = LEASE_MS, .environment = {"TILL_RETENTION_INTENTS=keep"}});
}

void doomed_share(struct flow *flow, const char *point, unsigned beside) {
    unsigned share = flow->book.partitions / (1 + beside);
    for (unsigned n = 1; n <= 1 + beside; n++) doomed_worker(flow, n, n == 1 ? point : "");
    for (unsigned n = 1; n <= 1 + beside; n++)
        cr_assert(WAIT_UNTIL(flow_held(flow, n) == share, 8000), "worker %u holds %u", n, flow_held(flow, n));
}

unsigned doomed_partition(struct flow *flow, bool doomed, unsigned without) {
    unsigned p = 0, partitions = flow->book.partitions;
    while (p < partitions && (p == without || (strcmp(flow_owner(flow, p), "w1") == 0) != doomed)) p++;
    return p;
}

void doomed_expect_killed(struct flow *flow, const char *name) {
    int status = worker_wait(&flow->workers[1], 5000) ? flow->workers[1].status : 0;
    cr_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL, "%s was not reached", name);
}
