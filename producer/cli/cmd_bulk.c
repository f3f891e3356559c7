/* `till bulk`: says whether all workers of a book understand entries of several intents, which producers go by. */
#include <stdio.h>
#include <string.h>

#include "producer/cli/commands.h"
#include "producer/cli/connect.h"
#include "producer/cli/json_out.h"

static int write_bulk(struct connection *c, const char *value) {
    struct reply reply;
    keys_buffer key;
    command_begin(&c->command, "HSET");
    command_copy(&c->command, key, keys_book(key, &c->book));
    command_word(&c->command, "bulk");
    command_word(&c->command, value);
    return connect_call(c, "writing to the book", &reply);
}

static int show_bulk(struct connection *c) {
    struct reply reply;
    keys_buffer key;
    command_begin(&c->command, "HGET");
    command_copy(&c->command, key, keys_book(key, &c->book));
    command_word(&c->command, "bulk");
    int code = connect_call(c, "reading the book", &reply);
    if (code) return code;
    bool on = reply_is(reply, "1");
    if (c->cli->json) {
        json_t *object = json_out_object();
        json_out_bool(object, "bulk", on);
        json_out(object);
    } else {
        printf("bulk entries are %s\n", on ? "on: producers put several intents in one" : "off: each intent has an entry of its own");
    }
    return CLI_OK;
}

static int run(struct cli *cli) {
    struct connection c;
    const char *word = cli->operand_count ? cli->operands[0] : "";
    bool on = strcmp(word, "on") == 0;
    if (*word && !on && strcmp(word, "off") != 0) return cli_usage(cli, "%s is neither on nor off", word);
    int code = connect_book(cli, &c);
    if (!code && *word) code = write_bulk(&c, on ? "1" : "0");
    if (!code) code = show_bulk(&c);
    connect_close(&c);
    return code;
}

static const struct cli_option options[] = {{0}};

const struct cli_command cmd_bulk = {
    .name = "bulk",
    .group = CLI_OPERATE,
    .summary = "lets producers put several intents in one entry, or not",
    .operands = "[on | off]",
    .operands_max = 1,
    .options = options,
    .about = "Producers put the intents of one partition that are sent together into one entry: that costs Redis a\n"
             "fraction. Workers older than that do not understand such entries and bury them. So a book\n"
             "says whether it may be done: a new one does; an older one says so once `till bulk on` was run, which is for\n"
             "when the last of its old workers is gone. Before going back to old workers: `till bulk off`, and wait two\n"
             "seconds, until producers have heard of it, and then until `till status` shows nothing waiting.",
    .examples = "  till bulk\n  till bulk on\n  till bulk off",
    .run = run,
};
