/* A Redis command as an argument array: built up, reused without allocating once it has grown. Never a format string. */
#ifndef PRODUCER_COMMAND_H
#define PRODUCER_COMMAND_H

#include <stddef.h>
#include <stdint.h>

struct command {
    const char **argv;
    size_t *sizes;
    int count, capacity;
    char *arena;             /* copies of short-lived arguments; when it moves, argv moves with it */
    size_t arena_used, arena_capacity;
};

void command_init(struct command *c);
void command_clear(struct command *c); /* frees; NULL and an initialised one are fine */
void command_begin(struct command *c, const char *name); /* empties it and adds the name (static text) */
void command_borrow(struct command *c, const char *text, size_t size); /* `text` must stay until the command is sent */
void command_word(struct command *c, const char *text);  /* a NUL-terminated text that stays until the command is sent */
void command_copy(struct command *c, const char *text, size_t size); /* `text` must not be an argument of this command */
void command_uint(struct command *c, uint64_t n);
/* The arrays to send, valid until the next change of the command. Running out of memory anywhere above aborts. */
int command_argv(struct command *c, const char ***argv, const size_t **sizes);

/* As it goes over the wire; `out` has room for command_wire_room of it. How many bytes. hiredis would take ten times as long to write the
 * sizes, which counts where a call names a thousand keys, or somebody waits for a single intent. */
size_t command_wire(const struct command *c, char *out);
size_t command_wire_room(const struct command *c);

#endif
