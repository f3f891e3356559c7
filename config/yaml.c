/* The seam to libyaml, by its events: the document interface would resolve anchors, and forget that there were any. */
#include "config/yaml.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

struct yaml_reader {
    yaml_parser_t parser;
    yaml_event_t event; /* the one the last node borrows from */
    const char *bytes;
    size_t size;
    unsigned documents;
    bool failed, ended;
    char problem[YAML_PROBLEM_MAX];
};

struct yaml_reader *yaml_reader_open(const void *bytes, size_t size) {
    struct yaml_reader *reader = calloc(1, sizeof *reader);
    if (!reader) return NULL;
    if (!yaml_parser_initialize(&reader->parser)) {
        free(reader);
        return NULL;
    }
    reader->bytes = bytes;
    reader->size = size;
    yaml_parser_set_encoding(&reader->parser, YAML_UTF8_ENCODING); /* or a mark at the start would make it UTF-16 */
    yaml_parser_set_input_string(&reader->parser, bytes, size);
    return reader;
}

void yaml_reader_close(struct yaml_reader *reader) {
    if (!reader) return;
    yaml_event_delete(&reader->event);
    yaml_parser_delete(&reader->parser);
    free(reader);
}

static void yaml_node_place(struct yaml_node *node, yaml_mark_t mark) {
    node->line = (unsigned)mark.line + 1;
    node->column = (unsigned)mark.column + 1;
}

/* libyaml gives only a byte offset when the bytes themselves are bad. */
static void yaml_node_place_offset(const struct yaml_reader *reader, struct yaml_node *node, size_t offset) {
    node->line = 1;
    node->column = 1;
    for (size_t i = 0; i < offset && i < reader->size; i++) {
        if (reader->bytes[i] == '\n') {
            node->line++;
            node->column = 1;
        } else if (((unsigned char)reader->bytes[i] & 0xc0) != 0x80) {
            node->column++;
        }
    }
}

/* The column, from 1, of a tab among the spaces that indent this line; 0 when there is none. */
static unsigned yaml_find_tab(const struct yaml_reader *reader, unsigned line) {
    const char *at = reader->bytes, *end = reader->bytes + reader->size;
    for (unsigned i = 1; i < line && at < end; i++) {
        const char *newline = memchr(at, '\n', (size_t)(end - at));
        at = newline ? newline + 1 : end;
    }
    unsigned column = 1;
    for (; at < end && *at == ' '; at++) column++;
    return at < end && *at == '\t' ? column : 0;
}

static void yaml_describe_bytes(struct yaml_reader *reader, struct yaml_node *node) {
    const yaml_parser_t *parser = &reader->parser;
    bool control = strncmp(parser->problem, "control", strlen("control")) == 0;
    yaml_node_place_offset(reader, node, parser->problem_offset);
    if (control && parser->problem_value == 0)
        snprintf(reader->problem, sizeof reader->problem, "a NUL byte: this is not a text file");
    else if (control)
        snprintf(reader->problem, sizeof reader->problem, "the character U+%04X is not allowed", (unsigned)parser->problem_value);
    else
        snprintf(reader->problem, sizeof reader->problem, "the byte 0x%02x is not UTF-8 here; save the file as UTF-8",
                 parser->problem_offset < reader->size ? (unsigned)(unsigned char)reader->bytes[parser->problem_offset] : 0);
}

static void yaml_describe_syntax(struct yaml_reader *reader, struct yaml_node *node) {
    const yaml_parser_t *parser = &reader->parser;
    yaml_node_place(node, parser->problem_mark);
    unsigned tab = yaml_find_tab(reader, node->line);
    if (tab) {
        node->column = tab;
        snprintf(reader->problem, sizeof reader->problem, "a tab: YAML indents with spaces only");
    } else if (parser->context) {
        snprintf(reader->problem, sizeof reader->problem, "not YAML: %s, %s that starts on line %zu", parser->problem, parser->context,
                 parser->context_mark.line + 1);
    } else {
        snprintf(reader->problem, sizeof reader->problem, "not YAML: %s", parser->problem);
    }
}

static void yaml_node_fault(struct yaml_reader *reader, struct yaml_node *node) {
    reader->failed = true;
    node->kind = YAML_KIND_FAULT;
    node->text = reader->problem;
    node->size = strlen(reader->problem);
}

static void yaml_node_parser_fault(struct yaml_reader *reader, struct yaml_node *node) {
    if (reader->parser.error == YAML_READER_ERROR && reader->parser.problem)
        yaml_describe_bytes(reader, node);
    else if ((reader->parser.error == YAML_SCANNER_ERROR || reader->parser.error == YAML_PARSER_ERROR) && reader->parser.problem)
        yaml_describe_syntax(reader, node);
    else
        snprintf(reader->problem, sizeof reader->problem, "out of memory");
    yaml_node_fault(reader, node);
}

static void yaml_node_collection(struct yaml_node *node, enum yaml_kind kind, const yaml_char_t *anchor, const yaml_char_t *tag) {
    node->kind = kind;
    node->anchor = anchor != NULL;
    node->tag = tag != NULL;
}

static void yaml_node_text(struct yaml_node *node, const yaml_event_t *event) {
    yaml_node_collection(node, YAML_KIND_TEXT, event->data.scalar.anchor, event->data.scalar.tag);
    node->text = (const char *)event->data.scalar.value;
    node->size = event->data.scalar.length;
    node->plain = event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
}

static void yaml_node_alias(struct yaml_node *node, const yaml_event_t *event) {
    node->kind = YAML_KIND_ALIAS;
    node->text = (const char *)event->data.alias.anchor;
    node->size = strlen(node->text);
}

/* Fills the node from the event; false when the event is none that a caller would see. */
static bool yaml_node_fill(struct yaml_reader *reader, struct yaml_node *node) {
    const yaml_event_t *event = &reader->event;
    yaml_node_place(node, event->start_mark);
    switch (event->type) {
    case YAML_DOCUMENT_START_EVENT:
        if (++reader->documents == 1) return false;
        snprintf(reader->problem, sizeof reader->problem, "a second document starts here; there can be only one");
        yaml_node_fault(reader, node);
        return true;
    case YAML_STREAM_END_EVENT:
        reader->ended = true;
        node->kind = YAML_KIND_END;
        return true;
    case YAML_SCALAR_EVENT: yaml_node_text(node, event); return true;
    case YAML_ALIAS_EVENT: yaml_node_alias(node, event); return true;
    case YAML_SEQUENCE_START_EVENT:
        yaml_node_collection(node, YAML_KIND_LIST, event->data.sequence_start.anchor, event->data.sequence_start.tag);
        return true;
    case YAML_MAPPING_START_EVENT:
        yaml_node_collection(node, YAML_KIND_MAP, event->data.mapping_start.anchor, event->data.mapping_start.tag);
        return true;
    case YAML_SEQUENCE_END_EVENT: node->kind = YAML_KIND_LIST_END; return true;
    case YAML_MAPPING_END_EVENT: node->kind = YAML_KIND_MAP_END; return true;
    case YAML_STREAM_START_EVENT:
    case YAML_DOCUMENT_END_EVENT:
    case YAML_NO_EVENT: return false;
    }
    return false;
}

void yaml_reader_next(struct yaml_reader *reader, struct yaml_node *node) {
    do {
        *node = (struct yaml_node){.kind = reader->failed ? YAML_KIND_FAULT : YAML_KIND_END, .text = reader->problem};
        if (reader->failed || reader->ended) return;
        yaml_event_delete(&reader->event);
        if (!yaml_parser_parse(&reader->parser, &reader->event)) {
            yaml_node_parser_fault(reader, node);
            return;
        }
    } while (!yaml_node_fill(reader, node));
}
