/* Reads CSV by RFC 4180, record by record: quoted fields with commas, quotes and newlines inside, LF or CRLF, a byte order mark. What is
 * wrong is told with line and column, and reading goes on with the next line. Memory is bounded by the longest record allowed. */
#ifndef CLI_CSV_H
#define CLI_CSV_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { CSV_SIZE_MAX = 65536 /* of a record */, CSV_FIELDS_MAX = 256, CSV_FAULT_SIZE = 160 };

enum csv_got { CSV_RECORD, CSV_FAULT, CSV_END, CSV_FAILED /* errno says why */ };

struct csv_field {
    const char *text; /* NUL-terminated, and without NULs inside */
    size_t size;
    uint64_t line;   /* where it begins, both from 1; columns are bytes */
    uint64_t column;
};

struct csv {
    int fd;
    char *buffer; /* 2 * CSV_SIZE_MAX, or a whole text */
    size_t from, to, capacity;
    bool begun, ended, skipping;
    uint64_t line;  /* of what stands at `from` */
    uint64_t bytes; /* read so far */
    uint64_t size;  /* of a regular file, 0 unknown */
    /* the record given out last, valid until the next call; or what is wrong, and where */
    struct csv_field field[CSV_FIELDS_MAX];
    unsigned count;
    uint64_t fault_line, fault_column;
    char fault[CSV_FAULT_SIZE];
    char *text; /* what the fields point into */
};

void csv_init(struct csv *c, int fd);
/* Reads a text instead, which is copied. */
void csv_init_text(struct csv *c, const char *text, size_t size);
void csv_clear(struct csv *c); /* leaves the fd open */
/* The next record. Empty lines are passed over. */
enum csv_got csv_next(struct csv *c);

#endif
