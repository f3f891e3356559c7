/* guards.pml: the scenario and the guards of the protocol, included by till.pml. ./check sets the scenario with -D, and takes each guard
 * away with -DWITHOUT_..., to see that something breaks. */

#ifndef FIRST
#define FIRST transfer /* the first intent ... */
#endif
#ifndef SECOND
#define SECOND open    /* ... and the second, if there are two */
#endif
#ifndef INTENTS
#define INTENTS 2
#endif
#ifndef RESENDS
#define RESENDS 0      /* how often the producer sends one of them again */
#endif
#ifndef TAKES_A
#define TAKES_A 2      /* how often a's lease is taken, all in all */
#endif
#ifndef TAKES_B
#define TAKES_B 1      /* 0: nobody serves b */
#endif
#ifndef LOST_A
#define LOST_A 0       /* 1: once, a lane of a loses its connection */
#endif
#ifndef LOST_B
#define LOST_B 0
#endif
#define BATCH 2        /* entries in a page or a read */
#define SIZE 9         /* room in a stream, entry 0 unused */

#define A 0
#define B 1
#define takes_of(p) ((p) == A -> TAKES_A : TAKES_B)
#define op_of(i) ((i) == 1 -> FIRST : SECOND)

/* fence.lua: scripts of a worker that was replaced do nothing. */
#ifdef WITHOUT_EPOCH
#define is_fenced(p, owner) false
#else
#define is_fenced(p, owner) (part[p].epoch != owner)
#endif
/* decide.lua: what is at or below meta.applied is not executed again. */
#ifdef WITHOUT_WATERMARK
#define is_fresh(p, e) true
#else
#define is_fresh(p, e) (e > part[p].applied)
#endif
/* sequence.lua: nothing is applied while anything older is pending. */
#ifdef WITHOUT_SEQUENCE
#define is_early(p, entries) false
#else
#define is_early(p, entries) (part[p].pending & ((entries & -entries) - 1))
#endif
/* decide.lua, apply_follow_up: what came from an origin at or below meta.from:p came before. */
#ifdef WITHOUT_ORIGIN
#define is_news(p, e) true
#else
#define is_news(p, e) (part[p].about[e] > part[p].from)
#endif
/* replay.lua: an intent with a bill is not decided again. */
#ifdef WITHOUT_BILLS
#define is_known(i) false
#else
#define is_known(i) (bill[i] > 0)
#endif
/* keep.lua: an answer with consequences waits in {p}:unanswered until those are on their way. */
#ifdef WITHOUT_UNANSWERED
#define must_wait(p, e) (part[p].kind[e] != open)
#else
#define must_wait(p, e) true
#endif
/* lane_rest: an owner with nothing to read looks at what is pending. */
#ifdef WITHOUT_REST
#define is_left(p) false
#else
#define is_left(p) (part[p].pending != 0)
#endif
/* redis_greet.c: whoever connects again first ends the connection before, inside Redis. Nothing comes late then; but the second connection
 * of a lane, for follow-ups and answers, is opened again only when it is needed. */
#ifdef WITHOUT_KILL
#define may_be_late(command) true
#else
#define may_be_late(command) (command == enqueue || command == answer)
#endif
/* A lane that takes over anew keeps no copies of what it read before: an apply whose reply was lost may have changed them. */
#ifdef WITHOUT_FORGETTING
#define forget(known) skip
#else
#define forget(known) known = UNKNOWN
#endif
