/* `till accept-loss`: a person says that a partition which lost data goes on all the same. */
#include <stdio.h>

#include "producer/cli/commands.h"
#include "producer/cli/connect.h"
#include "producer/cli/json_out.h"

enum { OPTION_PARTITION, OPTION_LIST };

struct halted {
    unsigned count;
    json_t *list;
};

static int accept(struct connection *c, unsigned partition, const char *epoch) {
    struct reply reply;
    keys_buffer key;
    command_begin(&c->command, "HSET");
    command_copy(&c->command, key, keys_meta(key, &c->book, partition));
    command_word(&c->command, "loss_accepted");
    command_word(&c->command, epoch);
    return connect_call(c, "accepting the loss", &reply);
}

static int look(struct connection *c, unsigned partition, bool only_list, struct halted *halted) {
    struct reply reply;
    keys_buffer key;
    char epoch[24], what[300];
    command_begin(&c->command, "HMGET");
    command_copy(&c->command, key, keys_meta(key, &c->book, partition));
    command_word(&c->command, "halted");
    command_word(&c->command, "epoch");
    int code = connect_call(c, "looking for halted partitions", &reply);
    if (code || reply_type(reply_at(reply, 0)) == REPLY_NIL) return code;
    halted->count++;
    snprintf(what, sizeof what, "%s", reply_text(reply_at(reply, 0), NULL));
    snprintf(epoch, sizeof epoch, "%s", reply_text(reply_at(reply, 1), NULL));
    if (!only_list && (code = accept(c, partition, epoch))) return code;
    if (c->cli->json) {
        json_t *object = json_out_object();
        json_out_number(object, "partition", partition);
        json_out_text(object, "epoch", epoch);
        json_out_text(object, "lost", what);
        json_out_bool(object, "accepted", !only_list);
        json_out_append(halted->list, object);
    } else {
        printf("partition %u (epoch %s): %s%s\n", partition, epoch, what, only_list ? "" : ": accepted");
    }
    return CLI_OK;
}

static int run(struct cli *cli) {
    struct connection c;
    struct halted halted = {0, json_out_array()};
    unsigned first = 0, last = 0;
    int code = connect_book(cli, &c);
    if (!code && !connect_partitions(&c, OPTION_PARTITION, &first, &last)) code = CLI_USAGE;
    for (unsigned p = first; !code && p <= last; p++) code = look(&c, p, cli->value[OPTION_LIST] != NULL, &halted);
    if (!code && cli->json) json_out(json_incref(halted.list));
    else if (!code && halted.count == 0) puts("no partition is halted");
    json_decref(halted.list);
    connect_close(&c);
    return code;
}

static const struct cli_option options[] = {
    {"partition", 'p', "N", "only this one"},
    {"list", 0, NULL, "only show what is halted, and what it lost"},
    {0},
};

const struct cli_command cmd_accept_loss = {
    .name = "accept-loss",
    .group = CLI_OPERATE,
    .summary = "lets partitions go on that were halted because Redis lost data",
    .operands = "",
    .options = options,
    .about = "Redis came back with less than it had acknowledged (a failover to a lagging replica, a restart without its\n"
             "log), and the workers have stopped those partitions. First bring back what can be brought back, and in a Redis\n"
             "Cluster `till repair` (transfers between a master that lost something and one that did not); then this.\n"
             "Checkouts send again what was not answered; that is safe. The next worker goes on within seconds.",
    .examples = "  till accept-loss --list\n  till accept-loss --partition 3\n  till accept-loss",
    .run = run,
};
