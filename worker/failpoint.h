/* Named points where a test build can be told to die: TILL_CRASH_AT=point[:n] kills the process with SIGKILL at the n-th time,
 * TILL_STOP_AT stops it there with SIGSTOP.
 * TILL_CRASH_AT=entry and TILL_CRASH_KEY=key: at every entry whose intent has that key. */
#ifndef WORKER_FAILPOINT_H
#define WORKER_FAILPOINT_H

#ifdef TILL_FAILPOINTS
void failpoint_reach(const char *point);
void failpoint_reach_entry(const char *key);
#define FAILPOINT(point) failpoint_reach(point)
#define FAILPOINT_ENTRY(key) failpoint_reach_entry(key)
#else
#define FAILPOINT_ENTRY(key) ((void)(key))
#define FAILPOINT(point) ((void)0)
#endif

#endif
