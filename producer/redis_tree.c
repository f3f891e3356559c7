/* Builds replies in blocks: nodes from the front of one, texts from its end. */
#include "producer/redis_tree.h"

#include <hiredis/hiredis.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

enum { BLOCK_FIRST = 1024, BLOCK_LAST = 64 * 1024, ROOM_WITHIN = 224 };

struct block {
    struct block *before;
    max_align_t bytes[];
};

struct reply_tree {
    struct reply_node root; /* first: it is the tree to everybody else */
    struct block *last;
    char *front, *end;      /* what is free */
    size_t next_size;
    max_align_t within[ROOM_WITHIN / sizeof(max_align_t)]; /* most replies need no more */
};

static struct reply_tree *tree_new(void) {
    struct reply_tree *tree = malloc(sizeof *tree);
    if (!tree) return NULL;
    tree->last = NULL;
    tree->front = (char *)tree->within;
    tree->end = tree->front + sizeof tree->within;
    tree->next_size = BLOCK_FIRST;
    return tree;
}

void redis_tree_free(const struct reply_node *root) {
    struct reply_tree *tree = (struct reply_tree *)(uintptr_t)root; /* const only for those who read */
    if (!tree) return;
    for (struct block *block = tree->last, *before; block; block = before) {
        before = block->before;
        free(block);
    }
    free(tree);
}

static void free_object(void *root) { redis_tree_free(root); }

/* Room for so many bytes more. */
static bool make_room(struct reply_tree *tree, size_t size) {
    if (size <= (size_t)(tree->end - tree->front)) return true;
    size_t room = size > tree->next_size ? size : tree->next_size;
    room += -room % sizeof(max_align_t);
    struct block *block = malloc(sizeof *block + room);
    if (!block) return false;
    block->before = tree->last;
    tree->last = block;
    tree->front = (char *)block->bytes;
    tree->end = tree->front + room;
    if (tree->next_size < BLOCK_LAST) tree->next_size *= 2;
    return true;
}

/* The tree that the value belongs to which the reader is at; a new one for a root. */
static struct reply_tree *tree_of(const redisReadTask *task) {
    struct reply_tree **growing = task->privdata;
    if (!task->parent) *growing = tree_new();
    return *growing;
}

/* Where it goes there. */
static struct reply_node *place(const redisReadTask *task, struct reply_tree *tree) {
    const struct reply_node *parent = task->parent ? task->parent->obj : NULL;
    return parent ? (struct reply_node *)(uintptr_t)&parent->elements[task->idx] : &tree->root;
}

/* A root is given up before hiredis knows of it. */
static void *no_memory(const redisReadTask *task, struct reply_tree *tree) {
    if (tree && !task->parent) redis_tree_free(&tree->root);
    return NULL;
}

static struct reply_node *make_unknown(struct reply_node *node) {
    if (node) *node = (struct reply_node){.type = REPLY_NIL, .size = 1};
    return node;
}

static void *create_string(const redisReadTask *task, char *text, size_t size) {
    struct reply_tree *tree = tree_of(task);
    if (!tree || size >= UINT32_MAX || !make_room(tree, size + 1)) return no_memory(task, tree);
    struct reply_node *node = place(task, tree);
    tree->end -= size + 1;
    memcpy(tree->end, text, size);
    tree->end[size] = '\0';
    node->size = (uint32_t)size;
    node->text = tree->end;
    if (task->type == REDIS_REPLY_ERROR) node->type = REPLY_ERROR;
    else if (task->type == REDIS_REPLY_STRING || task->type == REDIS_REPLY_STATUS) node->type = REPLY_TEXT;
    else make_unknown(node);
    return node;
}

static void *create_array(const redisReadTask *task, TILL_HIREDIS_COUNT count) {
    struct reply_tree *tree = tree_of(task);
    size_t elements = (size_t)count;
    bool fits = tree && elements < UINT32_MAX && elements <= SIZE_MAX / 2 / sizeof(struct reply_node);
    if (!fits || !make_room(tree, elements * sizeof(struct reply_node))) return no_memory(task, tree);
    struct reply_node *node = place(task, tree);
    bool known = task->type == REDIS_REPLY_ARRAY; /* else of RESP3 */
    node->type = known ? REPLY_ARRAY : REPLY_NIL;
    node->size = known ? (uint32_t)elements : 1;
    node->elements = (struct reply_node *)(void *)tree->front;
    tree->front += elements * sizeof *node;
    return node;
}

static void *create_integer(const redisReadTask *task, long long integer) {
    struct reply_tree *tree = tree_of(task);
    struct reply_node *node = tree ? place(task, tree) : NULL;
    if (node) *node = (struct reply_node){.type = REPLY_INTEGER, .integer = integer};
    return node;
}

static void *create_nil(const redisReadTask *task) {
    struct reply_tree *tree = tree_of(task);
    struct reply_node *node = tree ? place(task, tree) : NULL;
    if (node) *node = (struct reply_node){.type = REPLY_NIL};
    return node;
}

#ifdef TILL_HIREDIS_RESP3 /* which we never ask for */
static void *create_double(const redisReadTask *task, double number, char *text, size_t size) {
    (void)number, (void)text, (void)size;
    return make_unknown(create_nil(task));
}

static void *create_bool(const redisReadTask *task, int truth) {
    (void)truth;
    return make_unknown(create_nil(task));
}
#endif

static redisReplyObjectFunctions functions = {
    .createString = create_string,
    .createArray = create_array,
    .createInteger = create_integer,
    .createNil = create_nil,
#ifdef TILL_HIREDIS_RESP3
    .createDouble = create_double,
    .createBool = create_bool,
#endif
    .freeObject = free_object,
};

void redis_tree_use(struct redisContext *context, struct reply_tree **growing) {
    context->reader->fn = &functions;
    context->reader->privdata = growing;
}
