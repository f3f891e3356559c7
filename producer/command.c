/* Building up the arguments of a Redis command in arrays that are used again and again. */
#include "producer/command.h"

#include <assert.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "schema/digits.h"

enum { COMMAND_ARGUMENTS_FIRST = 32, COMMAND_ARENA_FIRST = 512 };

void command_init(struct command *c) { memset(c, 0, sizeof *c); }

void command_clear(struct command *c) {
    if (!c) return;
    free(c->argv);
    free(c->sizes);
    free(c->arena);
    command_init(c);
}

void command_begin(struct command *c, const char *name) {
    c->count = 0;
    c->arena_used = 0;
    command_word(c, name);
}

static void command_grow(struct command *c) {
    size_t capacity = c->capacity ? 2 * (size_t)c->capacity : COMMAND_ARGUMENTS_FIRST;
    c->argv = reallocarray(c->argv, capacity, sizeof *c->argv);
    c->sizes = reallocarray(c->sizes, capacity, sizeof *c->sizes);
    if (!c->argv || !c->sizes) abort();
    c->capacity = (int)capacity;
}

void command_borrow(struct command *c, const char *text, size_t size) {
    assert(text || size == 0);
    if (c->count == c->capacity) command_grow(c);
    c->argv[c->count] = text ? text : "";
    c->sizes[c->count] = size;
    c->count++;
}

void command_word(struct command *c, const char *text) { command_borrow(c, text, strlen(text)); }

static bool command_is_copy(const struct command *c, const char *text) {
    uintptr_t at = (uintptr_t)text, arena = (uintptr_t)c->arena;
    return at >= arena && at < arena + c->arena_used;
}

/* The copies move with the arena, so that the arguments already there stay true. */
static void command_grow_arena(struct command *c, size_t needed) {
    size_t capacity = c->arena_capacity ? c->arena_capacity : COMMAND_ARENA_FIRST;
    while (capacity < needed) capacity *= 2;
    char *arena = malloc(capacity);
    if (!arena) abort();
    if (c->arena_used) memcpy(arena, c->arena, c->arena_used);
    for (int i = 0; i < c->count; i++)
        if (command_is_copy(c, c->argv[i])) c->argv[i] = arena + (c->argv[i] - c->arena);
    free(c->arena);
    c->arena = arena;
    c->arena_capacity = capacity;
}

void command_copy(struct command *c, const char *text, size_t size) {
    if (size == 0) {
        command_borrow(c, "", 0);
        return;
    }
    if (size > c->arena_capacity - c->arena_used) command_grow_arena(c, c->arena_used + size);
    char *copy = c->arena + c->arena_used;
    memcpy(copy, text, size);
    c->arena_used += size;
    command_borrow(c, copy, size);
}

void command_uint(struct command *c, uint64_t n) {
    char digits[DIGITS_MAX];
    command_copy(c, digits, (size_t)(digits_put(digits, n) - digits));
}

int command_argv(struct command *c, const char ***argv, const size_t **sizes) {
    *argv = c->argv;
    *sizes = c->sizes;
    return c->count;
}

static char *put_end(char *out) {
    *out++ = '\r';
    *out++ = '\n';
    return out;
}

size_t command_wire_room(const struct command *c) {
    enum { HEAD_MAX = 1 + DIGITS_MAX + 2, END_SIZE = 2 };
    size_t room = HEAD_MAX + (size_t)c->count * (HEAD_MAX + END_SIZE);
    for (int n = 0; n < c->count; n++) room += c->sizes[n];
    return room;
}

size_t command_wire(const struct command *c, char *out) {
    char *at = out;
    *at++ = '*';
    at = put_end(digits_put(at, (uint64_t)c->count));
    for (int n = 0; n < c->count; n++) {
        *at++ = '$';
        at = put_end(digits_put(at, c->sizes[n]));
        memcpy(at, c->argv[n], c->sizes[n]);
        at = put_end(at + c->sizes[n]);
    }
    return (size_t)(at - out);
}
