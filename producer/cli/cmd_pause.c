/* `till pause` and `till resume`: partitions take intents in and apply none of them, until told to go on. */
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "producer/cli/commands.h"
#include "producer/cli/connect.h"
#include "producer/cli/json_out.h"
#include "producer/cli/table.h"
#include "producer/cli/when.h"

enum { OPTION_PARTITION, OPTION_REASON, REASON_MAX = 200, BY_MAX = 200 };

/* Who says so, for those who find it paused: nothing depends on it. */
static void name_caller(char by[BY_MAX]) {
    char host[100] = "";
    const struct passwd *user = getpwuid(getuid());
    gethostname(host, sizeof host - 1);
    snprintf(by, BY_MAX, "%.60s@%.99s", user ? user->pw_name : "?", host);
}

static void print(const struct cli *cli, json_t *list, unsigned partition, bool was, bool paused) {
    if (cli->json) {
        json_t *object = json_out_object();
        json_out_number(object, "partition", partition);
        json_out_bool(object, "paused", paused);
        json_out_bool(object, "was_paused", was);
        json_out_append(list, object);
    } else {
        printf("partition %u %s%s\n", partition, was == paused ? "was " : "", paused ? "paused" : was ? "goes on" : "not paused");
    }
}

static int pause_one(struct connection *c, unsigned partition, bool *was) {
    char by[BY_MAX];
    struct reply reply;
    keys_buffer key;
    uint64_t now_ms;
    const char *reason = c->cli->value[OPTION_REASON];
    int code = connect_server_ms(c, &now_ms);
    if (code) return code;
    name_caller(by);
    command_begin(&c->command, "HSET");
    command_copy(&c->command, key, keys_meta(key, &c->book, partition));
    command_word(&c->command, "paused");
    command_uint(&c->command, now_ms);
    command_word(&c->command, "paused_by");
    command_word(&c->command, by);
    command_word(&c->command, "paused_reason");
    command_word(&c->command, reason ? reason : "");
    code = connect_call(c, "pausing", &reply);
    *was = !code && reply_integer(reply) == 0;
    return code;
}

static int resume_one(struct connection *c, unsigned partition, bool *was) {
    struct reply reply;
    keys_buffer key;
    command_begin(&c->command, "HDEL");
    command_copy(&c->command, key, keys_meta(key, &c->book, partition));
    command_word(&c->command, "paused");
    command_word(&c->command, "paused_by");
    command_word(&c->command, "paused_reason");
    int code = connect_call(c, "resuming", &reply);
    *was = !code && reply_integer(reply) > 0;
    return code;
}

static int set_all(struct cli *cli, bool paused) {
    struct connection c;
    json_t *list = json_out_array();
    unsigned first = 0, last = 0;
    bool was;
    int code = connect_book(cli, &c);
    if (!code && !connect_partitions(&c, OPTION_PARTITION, &first, &last)) code = CLI_USAGE;
    for (unsigned p = first; !code && p <= last; p++) {
        code = paused ? pause_one(&c, p, &was) : resume_one(&c, p, &was);
        if (!code) print(cli, list, p, was, paused);
    }
    if (!code && cli->json) json_out(json_incref(list));
    json_decref(list);
    connect_close(&c);
    return code;
}

static int run_pause(struct cli *cli) {
    const char *reason = cli->value[OPTION_REASON];
    if (reason && strlen(reason) > REASON_MAX) return cli_usage(cli, "--reason has more than %d bytes", REASON_MAX);
    return set_all(cli, true);
}

static int run_resume(struct cli *cli) { return set_all(cli, false); }

static const struct cli_option pause_options[] = {
    {"partition", 'p', "N", "only this one"},
    {"reason", 'r', "TEXT", "for those who look at `till status`"},
    {0},
};

const struct cli_command cmd_pause = {
    .name = "pause",
    .group = CLI_OPERATE,
    .summary = "lets partitions take intents in without applying them",
    .operands = "",
    .options = pause_options,
    .about = "From when this returns on nothing is applied there, whoever serves it, and whatever is restarted, until\n"
             "`till resume`. Producers may go on sending, until as much waits as backlog.max allows; they get their\n"
             "answers afterwards. What falls due meanwhile waits too: a hold whose time came is lapsed all the same, a\n"
             "capture that was sent in time is in time. A transfer to a paused partition is on its way until then. Archiving\n"
             "goes on, and so does trimming of what was applied before.",
    .examples = "  till pause --reason 'the bank asked us to'\n  till pause --partition 3\n  till resume",
    .run = run_pause,
};

static const struct cli_option resume_options[] = {{"partition", 'p', "N", "only this one"}, {0}};

const struct cli_command cmd_resume = {
    .name = "resume",
    .group = CLI_OPERATE,
    .summary = "lets partitions go on that were paused",
    .operands = "",
    .options = resume_options,
    .about = "Their workers go on within a second, in the order of the streams.",
    .examples = "  till resume --partition 3\n  till resume",
    .run = run_resume,
};
