/* Named points where a test build can be told to die: TILL_CRASH_AT=point[:n] kills the process with SIGKILL at the n-th time. */
#ifndef WORKER_FAILPOINT_H
#define WORKER_FAILPOINT_H

#ifdef TILL_FAILPOINTS
void failpoint_reach(const char *point);
#define FAILPOINT(point) failpoint_reach(point)
#else
#define FAILPOINT(point) ((void)0)
#endif

#endif
