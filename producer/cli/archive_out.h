/* What `till archive` prints: what it did, what verify found, and what went wrong. */
#ifndef CLI_ARCHIVE_OUT_H
#define CLI_ARCHIVE_OUT_H

#include "producer/archive_tail.h"
#include "producer/cli/cli.h"

/* On stderr. */
void archive_out_fault(const struct cli *cli, const struct archive_fault *fault);
void archive_out_gap(const struct cli *cli, const char *key, const struct segment_gap *gap);

/* A row per stream: begin, then tail for each, then end. Without begin nothing is printed. */
void archive_out_begin(const struct cli *cli);
void archive_out_tail(const struct cli *cli, const struct archive_tail *tail);
void archive_out_end(const struct cli *cli);

/* Checks the archive and prints what is there; gives the exit code. */
int archive_out_verify(const struct cli *cli, const char *dir);

#endif
