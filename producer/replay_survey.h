/* Looks through the archived intents before anything is rebuilt from them: are they sound and complete, and up to where do the partitions
 * fit together? An archive ends where its archiver ended, in every partition a little elsewhere. Two things may be off at that end:
 *
 *     - an entry whose follow-up is not recorded: whoever serves the book then sends it, for which `recorded` says up to where it is not
 *       needed;
 *     - a follow-up whose entry is not recorded: money would arrive that nobody paid. The partition then ends before it; and so may others,
 *       whose follow-ups come from what is cut off there.
 *
 *     init -> replay_survey_partition for each -> replay_survey_finish -> clear
 */
#ifndef PRODUCER_REPLAY_SURVEY_H
#define PRODUCER_REPLAY_SURVEY_H

#include <stdio.h>

#include "producer/archive_scan.h"
#include "schema/sign.h"

/* What is there already of a partition where it is to be rebuilt, and what the survey found for it. */
struct replay_stream {
    struct entry_id applied, there;  /* in: the watermark; the last ID of its intents stream */
    bool archived;                   /* is there anything at all? */
    struct entry_id last;            /* the last entry up to the bound */
    struct entry_id end;             /* up to here it is rebuilt: `last`, or before what had to be cut off */
    uint64_t entries;                /* to be fed: those above `there` up to `end` */
    uint64_t left_out;               /* archived up to the bound, but above `end` */
    uint64_t torn;                   /* bytes of a write that was cut short */
    uint64_t total;                  /* entries that the stream ever had up to the archive's end, also those missing */
};

struct replay_survey {
    struct book book;
    const char *dir;
    struct entry_id bound;           /* nothing above it */
    bool has_secret;                 /* of the book: then unsigned follow-ups are none */
    uint8_t secret[SIGN_KEY_SIZE];
    struct replay_stream *streams;   /* per partition */
    struct entry_id *recorded;       /* [from * partitions + to]: last entry of `from` whose follow-up is among what `to` is rebuilt of */
    FILE *spool;                     /* all follow-ups seen */
    bool spool_failed;
};

/* The archive's book, from its first partition's manifest. */
enum archive_err replay_survey_book(const char *dir, struct book *book, struct archive_fault *fault) __attribute__((warn_unused_result));
/* The caller fills in applied and there of the streams, and recorded with what is applied. clear in any case. */
void replay_survey_init(struct replay_survey *s, const struct book *book, const char *dir, struct entry_id bound);
void replay_survey_clear(struct replay_survey *s);
struct entry_id *replay_survey_recorded(struct replay_survey *s, unsigned from, unsigned to);

/* Goes through one partition, from its watermark on. A gap above `there` is ARCHIVE_CORRUPT: what is missing cannot be rebuilt. */
enum archive_err replay_survey_partition(struct replay_survey *s, unsigned partition, struct archive_fault *fault)
    __attribute__((warn_unused_result));
/* Finds the ends that fit together, and counts. ARCHIVE_CORRUPT: what is there already does not fit. */
enum archive_err replay_survey_finish(struct replay_survey *s, struct archive_fault *fault) __attribute__((warn_unused_result));

#endif
