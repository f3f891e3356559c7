/* What the parts of a repartition have in common. */
#include "producer/cli/repartition.h"

#include <stdio.h>
#include <string.h>

void repartition_key(struct connection *c, unsigned partition, const char *word, const char *name) {
    char key[512]; /* names come from the keyspace: any length that fits */
    int size = snprintf(key, sizeof key, "{%s:%u}:%s%s", c->book.name, partition, word, name);
    command_copy(&c->command, key, size < (int)sizeof key ? (size_t)size : sizeof key - 1);
}

unsigned repartition_currency(struct repartition *r, const char *currency, size_t size) {
    unsigned n = 0;
    while (n < r->currency_count && strncmp(r->currency[n], currency, 3) != 0) n++;
    if (n < r->currency_count || size != 3 || n == REPARTITION_CURRENCIES_MAX) return n < r->currency_count ? n : 0;
    memcpy(r->currency[n], currency, 3);
    return r->currency_count++;
}

unsigned repartition_target(const struct repartition *r, unsigned partition, const char *account, size_t size) {
    if (size == 0 || account[0] == '@') return partition % r->partitions;
    return keys_partition(&r->to.book, account, size);
}

static int take_one(struct repartition *r) {
    struct reply reply;
    if (!r->code) r->code = connect_next(&r->to, "writing the new book", &reply);
    return r->code;
}

int repartition_drain(struct repartition *r) {
    while (!r->code && redis_unanswered(r->to.redis) > 0) take_one(r);
    return r->code;
}

/* Half of what is under way is read once there is too much of it, so that the server always has something to do. */
int repartition_send(struct repartition *r) {
    redis_append(r->to.redis, &r->to.command);
    if (redis_unanswered(r->to.redis) < REPARTITION_AT_ONCE) return r->code;
    while (!r->code && redis_unanswered(r->to.redis) > REPARTITION_AT_ONCE / 2) take_one(r);
    if (!r->code) r->code = repartition_hold(r);
    return r->code;
}
