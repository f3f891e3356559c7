/* What the reference model knows. Only for model*.c. */
#ifndef TESTS_WORKER_MODEL_STATE_H
#define TESTS_WORKER_MODEL_STATE_H

#include "tests/worker/model.h"

enum { MODEL_PARTITIONS_MAX = 8 };

struct model_account {
    unsigned partition;
    char name[70], kind[10], currency[4], status[8];
    int64_t balance, seq;
    uint64_t opened_ms, changed_ms;
};

struct model_bill {
    unsigned partition;
    uint64_t day;
    struct intent intent;
    struct entry_id id;
    int code;
    char number[24], amount[24], currency[4], balance[24], held[24], to[70], state[12], detail[40];
    int64_t moved, captured, refunded;
};

struct model_line {
    unsigned partition;
    char source[33];
    bool prompt;
    char *text;
};

struct model_follow_up { unsigned from, to; char *text; };

struct model_shard {
    struct entry_id applied, from[MODEL_PARTITIONS_MAX];
    uint64_t bill;
    bool has_from[MODEL_PARTITIONS_MAX];
};

struct model {
    unsigned partitions;
    struct model_shard shards[MODEL_PARTITIONS_MAX];
    struct model_account *accounts;
    struct model_bill *bills;
    struct model_line *answers, *rows;
    struct model_follow_up *follow_ups;
    size_t account_count, bill_count, answer_count, row_count, follow_up_count;
};

#endif
