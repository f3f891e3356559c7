/* `till top`: what is looked at, and how it is shown.
 *
 *     look (status_read, top_latency)  ->  top_frame_print: lines of text  ->  the terminal (top_screen), or stdout with --once
 */
#ifndef CLI_TOP_H
#define CLI_TOP_H

#include <stdio.h>

#include "producer/cli/status_streams.h"
#include "producer/cli/status_sum.h"

enum top_sort { TOP_BY_PARTITION, TOP_BY_WAITING, TOP_BY_OLDEST, TOP_BY_RATE, TOP_BY_DEAD, TOP_SORT_COUNT };

/* From enqueued to answered, of answers given since the look before. */
struct top_latency {
    uint64_t count, median_ms, high_ms, longest_ms; /* high: 99 of 100 are below */
};

struct top {
    struct connection c;
    struct book_status before, now; /* before.partitions NULL: there was one look only */
    struct status_streams streams;  /* whose answers there are; read once in a while */
    int64_t streams_at_ms;          /* when, of progress_now_ms */
    struct top_latency latency;
    enum top_sort sort;
    bool paused;
    char trouble[300];  /* why the last one did not; "" it did */
};

enum { TOP_FIXED_LINES = 5 }; /* of a frame: they stay when the rest is scrolled */

const char *top_sort_word(enum top_sort sort);
/* CLI_OK, or the exit code, said. What was there before stays when it fails. */
int top_look(struct top *t) __attribute__((warn_unused_result));
void top_clear(struct top *t);
/* Answers since `since_ms` in the streams of t->streams, a sample of them where there are many. */
int top_latency_read(struct connection *c, const struct status_streams *streams, uint64_t since_ms, struct top_latency *latency)
    __attribute__((warn_unused_result));
void top_frame_print(const struct top *t, FILE *out);
/* Sums and latencies as one object. */
void top_frame_json(const struct top *t);

/* Takes the terminal until the user has enough. The exit code. */
int top_screen(struct top *t, uint64_t interval_ms);

#endif
