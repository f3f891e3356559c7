/* The streams of a book: how long they are, how old, what was trimmed off them, who holds that up, and what is not archived yet. */
#ifndef CLI_STATUS_STREAMS_H
#define CLI_STATUS_STREAMS_H

#include "producer/cli/connect.h"
#include "producer/cli/json_out.h"

enum { STATUS_STREAM_NAME_MAX = 50, STATUS_HOLDER_MAX = 100, STATUS_FAULT_MAX = 420 };

/* One kind of stream, over all partitions. */
struct status_stream {
    char name[STATUS_STREAM_NAME_MAX + 1]; /* "intents", "responses:shop" */
    uint64_t length, oldest_ms;            /* oldest_ms: time of the oldest entry, 0 none */
    uint64_t cut, unread;                  /* entries trimmed off; of them unread by a consumer group */
    char holder[STATUS_HOLDER_MAX + 1];    /* a group that holds trimming up; "" none */
    unsigned held;                         /* in so many partitions */
    uint64_t added, archived;              /* where there is an archive */
    unsigned archives;                     /* partitions that are archived */
};

/* What is wrong with the archive of a partition. */
struct status_archive_fault {
    unsigned partition;
    char text[STATUS_FAULT_MAX + 1];
};

struct status_streams {
    uint64_t now_ms; /* of the server */
    struct status_stream *list;
    size_t count;
    struct status_archive_fault *faults;
    size_t fault_count;
};

/* Reads everything, or partly what can be reached; status_streams_clear in any case. CLI_OK or the exit code, said. */
int status_streams_read(struct connection *c, struct status_streams *streams) __attribute__((warn_unused_result));
void status_streams_clear(struct status_streams *streams);
void status_streams_print(const struct connection *c, const struct status_streams *streams);
/* Adds "streams" and "archive_faults". */
void status_streams_json(const struct connection *c, const struct status_streams *streams, json_t *object);

#endif
