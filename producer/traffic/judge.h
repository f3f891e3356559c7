/* Judges what came of the plan: a model of the book in plain arrays decides every intent again, in the order of the entries, and each
 * answer and each balance must be the model's. */
#ifndef PRODUCER_TRAFFIC_JUDGE_H
#define PRODUCER_TRAFFIC_JUDGE_H

#include <stdbool.h>
#include <stdint.h>

#include "producer/traffic/play.h"

enum { JUDGE_TEXT_MAX = 400 };

struct judgement {
    uint32_t unsent, unanswered, strange; /* strange: answers nobody asked for, or a second one */
    uint32_t wrong_answers;               /* other than the model's, or a repeat that is not the first answer again */
    uint32_t wrong_balances;
    uint32_t balances;                    /* looked at */
    char first_fault[JUDGE_TEXT_MAX];     /* "" or the first one in words */
    /* what happened on the day */
    uint32_t paid, refunded, replayed, refused;
    uint32_t ordered, orders_paid;
    int64_t paid_minor, refunded_minor;
    uint32_t by_code[32];                 /* refusals */
};

void judge_answers(const struct play *play, struct judgement *judgement);
/* Asks the book for every account; needs a connection. False: it could not be asked. */
bool judge_balances(const struct play *play, struct judgement *judgement);
bool judge_is_sound(const struct judgement *judgement);

/* How the killing was survived. */
struct recovery {
    unsigned partitions;     /* that nobody served for a while */
    int64_t longest_ns;      /* from the kill until the last of them served again */
    uint32_t waited;         /* intents that were unanswered at the kill, or came while nobody served */
    int64_t waited_most_ns;
};
enum { RECOVERY_PARTITIONS_MAX = 1024 };
struct outage {
    int64_t served_ns[RECOVERY_PARTITIONS_MAX]; /* by partition: when one sent after the kill was first answered */
    int64_t over_ns;                            /* when the last intent that had to wait was answered */
};
void judge_recovery(const struct play *play, struct outage *outage, struct recovery *recovery);
/* Whether an intent lies wholly before the kill or wholly after what followed from it. */
bool judge_was_calm(const struct play *play, const struct outage *outage, const struct shot *shot);

#endif
