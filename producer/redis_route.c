/* Commands to the nodes of a Redis Cluster and their replies, in the order in which they were appended. */
#include "producer/redis_cluster.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { FOLLOW_AT_ONCE = 2, PAUSE_MS = 10, PAUSE_LAST_MS = 100, BYTES_IDLE_MAX = 1 << 20 };

static const char astray[] = "what was written went to another node than was asked about";

static struct cluster_ticket *ticket_at(struct cluster *c, size_t place) { return &c->tickets[(c->head + place) % c->capacity]; }

static void drop_ticket(struct cluster *c) {
    c->head = (c->head + 1) % c->capacity;
    if (--c->waiting > 0) return;
    c->bytes_used = 0;
    c->moving = false;
}

void cluster_forget_tickets(struct cluster *c) {
    for (size_t n = 0; n < c->waiting; n++) reply_release(ticket_at(c, n)->reply);
    reply_release(c->least);
    c->least = (struct reply){NULL};
    c->waiting = c->bytes_used = 0;
}

/* --- the bytes of a command --- */

/* What is answered lies in front of what is not. */
static void move_bytes(struct cluster *c) {
    size_t gone = c->waiting ? ticket_at(c, 0)->at : c->bytes_used;
    memmove(c->bytes, c->bytes + gone, c->bytes_used - gone);
    for (size_t n = 0; n < c->waiting; n++) ticket_at(c, n)->at -= gone;
    c->bytes_used -= gone;
}

static void reserve_bytes(struct cluster *c, size_t more) {
    if (c->bytes_used > BYTES_IDLE_MAX && c->waiting && ticket_at(c, 0)->at > c->bytes_used / 2) move_bytes(c);
    if (c->bytes_used + more <= c->bytes_capacity) return;
    c->bytes_capacity = 2 * (c->bytes_used + more);
    c->bytes = realloc(c->bytes, c->bytes_capacity);
    if (!c->bytes) abort();
}

static void add_command(struct cluster *c, const struct command *command) {
    reserve_bytes(c, command_wire_room(command));
    c->bytes_used += command_wire(command, c->bytes + c->bytes_used);
}

static struct cluster_ticket *new_ticket(struct cluster *c, const struct command *command, unsigned slot) {
    if (c->waiting == c->capacity) {
        size_t capacity = c->capacity ? 2 * c->capacity : 16;
        struct cluster_ticket *tickets = calloc(capacity, sizeof *tickets);
        if (!tickets) abort();
        for (size_t n = 0; n < c->waiting; n++) tickets[n] = *ticket_at(c, n);
        free(c->tickets);
        c->tickets = tickets;
        c->capacity = capacity;
        c->head = 0;
    }
    reserve_bytes(c, 0);
    size_t at = c->bytes_used;
    add_command(c, command);
    struct cluster_ticket *t = ticket_at(c, c->waiting++);
    *t = (struct cluster_ticket){.at = at, .size = c->bytes_used - at, .slot = slot, .node = CLUSTER_NODE_NONE};
    return t;
}

/* --- to whom --- */

static void post(struct cluster *c, struct cluster_ticket *t) {
    static const char asking[] = "*1\r\n$6\r\nASKING\r\n";
    struct cluster_node *node = &c->nodes[t->node];
    if (t->asking) redis_append_bytes(node->link, asking, sizeof asking - 1);
    redis_append_bytes(node->link, c->bytes + t->at, t->size);
    t->order = ++node->sent;
    if (!t->writes) return;
    for (unsigned n = 0; c->waited && n < c->count; n++) c->nodes[n].written = false;
    c->waited = false;
    node->written = true;
}

/* Where nothing says where: at home, or where we are connected already, or with anybody. */
static unsigned any_node(struct redis *redis) {
    struct cluster *c = redis->cluster;
    if (c->home_node != CLUSTER_NODE_NONE) return c->home_node;
    if (c->last < c->count && c->nodes[c->last].slots && c->nodes[c->last].link && c->nodes[c->last].link->context) return c->last;
    for (unsigned n = 0; n < c->count; n++)
        if (c->nodes[n].slots && c->nodes[n].link && c->nodes[n].link->context) return n;
    for (unsigned n = 0; n < c->count; n++)
        if (c->nodes[n].slots && cluster_link(redis, n, false) == REDIS_OK) return n;
    return CLUSTER_NODE_NONE;
}

/* While something is being led elsewhere, what comes behind it in its slot goes the same way, not past it. */
static unsigned node_behind(struct cluster *c, unsigned slot) {
    for (size_t n = c->moving ? c->waiting - 1 : 0; n-- > 0;)
        if (ticket_at(c, n)->slot == slot) return ticket_at(c, n)->node;
    return CLUSTER_NODE_NONE;
}

static unsigned node_of(struct redis *redis, unsigned slot) {
    struct cluster *c = redis->cluster;
    if (slot == REDIS_SLOT_NONE) return any_node(redis);
    if (slot == c->home) return c->home_node;
    unsigned behind = node_behind(c, slot);
    return behind == CLUSTER_NODE_NONE ? c->owner[slot] : behind;
}

/* Who says where something goes may have said other things there (MULTI): no other connection must be made behind his back. */
static bool has_link(const struct cluster *c, unsigned node) { return c->nodes[node].link && c->nodes[node].link->context; }

/* Sends it, or notes why not. One whose node is away may have another by now. */
static void route(struct redis *redis, struct cluster_ticket *t) {
    struct cluster *c = redis->cluster;
    for (unsigned tries = 0; tries < 2; tries++) {
        unsigned node = t->fixed ? t->node : node_of(redis, t->slot);
        if (!c->open) return;
        if (node == t->node && tries > 0) return;
        t->node = node;
        t->err = node == CLUSTER_NODE_NONE ? REDIS_BUSY : t->fixed && has_link(c, node) ? REDIS_OK : cluster_link(redis, node, false);
        if (t->err == REDIS_LOST) return; /* interrupted: everything is given up */
        if (!t->err) {
            post(c, t);
            return;
        }
        if (t->fixed || t->err == REDIS_REFUSED) return;
        cluster_refresh_soon(redis);
    }
}

/* To every node that was written to, as one question. False: to none. */
static bool append_wait(struct redis *redis, struct command *command) {
    struct cluster *c = redis->cluster;
    bool any = false;
    for (unsigned n = 0; c->open && n < c->count; n++) {
        if (!c->nodes[n].written || !has_link(c, n)) continue; /* without one, what was written will be told to be lost */
        if (any) ticket_at(c, c->waiting - 1)->joins = true;
        cluster_append_fixed(redis, command, n);
        ticket_at(c, c->waiting - 1)->waits = true;
        any = true;
    }
    c->waited = true;
    return any;
}

void cluster_append(struct redis *redis, struct command *command, unsigned slot) {
    if (!redis->cluster->open) return;
    if (redis->cluster->home_node == CLUSTER_NODE_NONE && redis_slot_waits(command) && append_wait(redis, command)) return;
    struct cluster_ticket *t = new_ticket(redis->cluster, command, slot);
    t->writes = redis_slot_writes(command);
    route(redis, t);
}

void cluster_append_fixed(struct redis *redis, struct command *command, unsigned node) {
    if (!redis->cluster->open) return;
    struct cluster_ticket *t = new_ticket(redis->cluster, command, REDIS_SLOT_NONE);
    t->fixed = true;
    t->node = node;
    route(redis, t);
}

enum redis_err cluster_flush(struct redis *redis) {
    struct cluster *c = redis->cluster;
    if (!c->open || redis_take_interrupt(redis)) return REDIS_LOST;
    for (unsigned n = 0; n < c->count; n++) {
        struct redis *link = c->nodes[n].link;
        if (!link || !link->context || !link->unsent) continue;
        enum redis_err err = redis_flush(link);
        if (err) return cluster_lose(redis, n, err);
    }
    return REDIS_OK;
}

/* --- replies --- */

/* Whose the next reply of a node is. */
static struct cluster_ticket *next_of(struct cluster *c, unsigned node) {
    for (size_t n = 0; n < c->waiting; n++) {
        struct cluster_ticket *t = ticket_at(c, n);
        if (t->node == node && !t->err && !t->answered && t->order == c->nodes[node].received + 1) return t;
    }
    return NULL;
}

/* Reads what the node says until the ticket has its reply. */
static enum redis_err await(struct redis *redis, const struct cluster_ticket *t) {
    struct cluster *c = redis->cluster;
    struct reply ignored;
    while (!t->answered) {
        struct cluster_node *node = &c->nodes[t->node];
        struct cluster_ticket *next = next_of(c, t->node);
        assert(next);
        enum redis_err err = REDIS_OK;
        if (next->asking) err = redis_next(node->link, &ignored);
        if (err != REDIS_LOST && err != REDIS_GARBLED) err = redis_next(node->link, &ignored);
        if (err == REDIS_LOST || err == REDIS_GARBLED) return cluster_lose(redis, t->node, err);
        next->reply = redis_detach(node->link);
        next->said = err;
        next->answered = true;
        node->received++;
    }
    return REDIS_OK;
}

static void pause_ms(int ms) { nanosleep(&(struct timespec){0, ms * 1000000L}, NULL); }

/* Not longer than a connection may take. */
static bool may_follow(const struct redis *redis, struct cluster_ticket *t) {
    int64_t now_ms = cluster_now_ms();
    if (t->hops++ == 0) t->deadline_ms = now_ms + redis->options.connect_timeout_ms;
    if (t->hops <= FOLLOW_AT_ONCE) return true;
    if (now_ms >= t->deadline_ms) return false;
    int wait_ms = PAUSE_MS * (int)t->hops;
    pause_ms(wait_ms < PAUSE_LAST_MS ? wait_ms : PAUSE_LAST_MS);
    return true;
}

/* A write goes to a node that nobody behind it has asked about. */
static void doubt_questions(struct cluster *c, const struct cluster_ticket *t) {
    for (size_t n = 0; t->writes && n < c->waiting; n++) ticket_at(c, n)->astray |= ticket_at(c, n)->waits;
}

/* Sends it where the reply says. False: that is its reply, as t->said has it. */
static bool follow(struct redis *redis, struct cluster_ticket *t) {
    struct cluster *c = redis->cluster;
    const char *text = reply_text(t->reply, NULL);
    struct redis_node to;
    unsigned slot, node;
    bool ask = text[0] == 'A';
    if (!cluster_parse_moved(text, &c->nodes[t->node].at, &slot, &to) || t->fixed) return false;
    if (!ask && slot == c->home) {
        t->said = REDIS_DEMOTED;
        return false;
    }
    t->said = REDIS_BUSY;
    if (!may_follow(redis, t) || (node = cluster_node_at(redis, &to)) == CLUSTER_NODE_NONE) return false;
    c->moving = true;
    if (!ask) {
        c->owner[slot] = (uint16_t)node;
        c->ask = node; /* it should know best */
        cluster_refresh_soon(redis);
    }
    if (!c->open) return true;
    t->err = cluster_link(redis, node, false);
    if (!c->open || t->err) return true;
    reply_release(t->reply);
    t->reply = (struct reply){NULL};
    t->answered = false;
    t->asking = ask;
    t->node = node;
    doubt_questions(c, t);
    post(c, t);
    return true;
}

static enum redis_err give(struct redis *redis, struct cluster_ticket *t, struct reply *reply) {
    struct cluster *c = redis->cluster;
    redis->last = t->reply.node;
    *reply = t->reply;
    enum redis_err err = t->said;
    size_t size;
    const char *text = reply_text(t->reply, &size);
    redis_say(redis, text, err ? size : 0);
    c->last = t->node;
    c->demoted |= err == REDIS_DEMOTED;
    drop_ticket(c);
    if (c->demoted && c->waiting == 0) redis_drop(redis);
    return err;
}

/* To a question that was not asked of all that it is about. */
static enum redis_err give_nothing(struct redis *redis, struct reply *reply) {
    enum redis_err err = give(redis, ticket_at(redis->cluster, 0), reply);
    if (err) return err;
    redis_say(redis, astray, sizeof astray - 1);
    return REDIS_BUSY;
}

/* It was not sent, or not sent on. */
static enum redis_err give_up(struct redis *redis, struct cluster_ticket *t) {
    struct cluster *c = redis->cluster;
    enum redis_err err = t->err;
    const struct cluster_node *node = t->node == CLUSTER_NODE_NONE ? NULL : &c->nodes[t->node];
    if (node) snprintf(redis->error, sizeof redis->error, "%s: %s", redis_where(node->link), node->why);
    else snprintf(redis->error, sizeof redis->error, "no node has slot %u", t->slot);
    reply_release(t->reply);
    drop_ticket(c);
    return err;
}

/* WAIT says a number, WAITAOF begins with one; an error is less than any. */
static int64_t amount_of(struct reply reply) {
    return reply_type(reply) == REPLY_ERROR ? -1 : reply_integer(reply_type(reply) == REPLY_ARRAY ? reply_at(reply, 0) : reply);
}

/* Keeps the smaller one of what came so far and this. */
static void join(struct cluster *c, struct cluster_ticket *t) {
    if (c->least.node && amount_of(c->least) < amount_of(t->reply)) {
        reply_release(t->reply);
        t->reply = c->least;
    } else {
        reply_release(c->least);
    }
    c->least = (struct reply){NULL};
    if (!t->joins) return;
    c->least = t->reply;
    t->reply = (struct reply){NULL};
    drop_ticket(c);
}

enum redis_err cluster_next(struct redis *redis, struct reply *reply) {
    struct cluster *c = redis->cluster;
    assert(!c->open || c->waiting > 0);
    while (c->open) {
        enum redis_err err = cluster_flush(redis);
        if (err) return err;
        redis->error[0] = '\0';
        struct cluster_ticket *t = ticket_at(c, 0);
        if (t->err) return give_up(redis, t);
        err = await(redis, t);
        if (err) return err;
        if (t->joins || c->least.node) {
            bool more = t->joins;
            join(c, t);
            if (more) continue;
            const char *text = reply_text(t->reply, NULL);
            t->said = reply_type(t->reply) == REPLY_ERROR ? redis_classify(text, strlen(text)) : REDIS_OK;
        }
        if (t->astray) return give_nothing(redis, reply);
        if (t->said != REDIS_MOVED || !follow(redis, t)) return give(redis, t, reply);
    }
    return REDIS_LOST;
}
