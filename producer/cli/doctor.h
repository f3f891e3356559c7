/* What `till doctor` finds out: one sentence for each thing, and the exact fix where something is wrong. */
#ifndef CLI_DOCTOR_H
#define CLI_DOCTOR_H

#include "producer/cli/acl.h"
#include "producer/cli/connect.h"

enum doctor_level { DOCTOR_GOOD, DOCTOR_NOTE, DOCTOR_WRONG };
enum { DOCTOR_FINDINGS_MAX = 400, DOCTOR_TEXT_MAX = 400, DOCTOR_WHERE_MAX = 80 };

struct doctor_finding {
    enum doctor_level level;
    const char *about; /* "memory" */
    char what[DOCTOR_TEXT_MAX];
    char fix[DOCTOR_TEXT_MAX];
};

struct doctor {
    struct connection c;
    struct doctor_finding finding[DOCTOR_FINDINGS_MAX];
    unsigned count, wrong;
    unsigned node;               /* of a cluster that is being examined; elsewhere there is one */
    char where[DOCTOR_WHERE_MAX]; /* its name, which goes before what is found; "" */
    char user[80];               /* at Redis */
    const struct acl_role *role; /* which one it is to have; NULL: all of them */
    const char *source;          /* of a producer */
};

/* Adds a finding; its fix is said by doctor_fix right after. */
void doctor_find(struct doctor *d, enum doctor_level level, const char *about, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
void doctor_fix(struct doctor *d, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Each looks at one part, the first two at one node. CLI_OK, whatever was found, or an exit code, said, when Redis has gone. */
int doctor_rights(struct doctor *d) __attribute__((warn_unused_result));
int doctor_server(struct doctor *d) __attribute__((warn_unused_result));
int doctor_abilities(struct doctor *d) __attribute__((warn_unused_result)); /* part of doctor_server */
int doctor_book(struct doctor *d) __attribute__((warn_unused_result));

/* Of a Redis Cluster: the whole, and one of its masters, by what INFO and CONFIG GET said of it ("": it did not say). */
void doctor_cluster(struct doctor *d);
void doctor_cluster_node(struct doctor *d, unsigned replicas, const char *full_coverage);

/* Runs the command in d->c.command, at the node being examined. *refused: it was answered with an error, whose text redis_error has. */
int doctor_ask(struct doctor *d, struct reply *reply, bool *refused) __attribute__((warn_unused_result));

#endif
