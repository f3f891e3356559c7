/* The seam to libyaml: a file as a row of nodes with their places; anchors, tags, aliases and further documents are told, not followed. */
#ifndef CONFIG_YAML_H
#define CONFIG_YAML_H

#include <stdbool.h>
#include <stddef.h>

enum { YAML_PROBLEM_MAX = 300 };

enum yaml_kind {
    YAML_KIND_END,   /* of the document; also of one that holds nothing */
    YAML_KIND_FAULT, /* text says what; nothing comes after it */
    YAML_KIND_TEXT,
    YAML_KIND_ALIAS, /* text is its name */
    YAML_KIND_LIST,
    YAML_KIND_LIST_END,
    YAML_KIND_MAP, /* then key, value, key, value ... */
    YAML_KIND_MAP_END,
};

struct yaml_node {
    enum yaml_kind kind;
    unsigned line, column; /* from 1, in characters; 0 when unknown */
    const char *text;      /* of a TEXT, an ALIAS or a FAULT, terminated; borrowed until the next call */
    size_t size;
    bool plain;            /* a TEXT without quotes */
    bool anchor, tag;      /* it carries &name or !tag */
};

struct yaml_reader;

/* `bytes` are borrowed until the close. NULL: out of memory. */
struct yaml_reader *yaml_reader_open(const void *bytes, size_t size);
void yaml_reader_next(struct yaml_reader *reader, struct yaml_node *node);
void yaml_reader_close(struct yaml_reader *reader);

#endif
