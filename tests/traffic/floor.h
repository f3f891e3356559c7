/* The native floor: the naked commands that payments need, pipelined over one connection, without Lua:
 * XADD intent | XREADGROUP COUNT 256 | SET seen NX EX | 2 x HINCRBY | XADD journal | XADD response | XACK (one for a batch).
 * Enqueues first, then processes; and then an upstream reads the responses: XREAD COUNT 256. Whatever fails ends the program. */
#ifndef TESTS_TRAFFIC_FLOOR_H
#define TESTS_TRAFFIC_FLOOR_H

/* CPU is Redis' own count, of all of them together. */
struct floor_took {
    unsigned long count;
    double enqueue_s, process_s, enqueue_us, process_us, read_us;
};

/* On an empty server of its own. */
void floor_open(const char *socket);
/* So many payments more, with those before in it. */
struct floor_took floor_pay(unsigned long count);

#endif
