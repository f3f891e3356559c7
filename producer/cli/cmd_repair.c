/* `till repair`: after Redis lost data, tells once more what one partition owes another. */
#include <inttypes.h>
#include <stdio.h>

#include "producer/cli/args.h"
#include "producer/cli/commands.h"
#include "producer/cli/json_out.h"
#include "producer/cli/password.h"
#include "producer/cli/repair.h"

enum { OPTION_LIST, OPTION_TAKE_BACK, OPTION_TIMEOUT, TIMEOUT_MS = 10000 };

static const char *const found[] = {
    [REPAIR_LOST_THERE] = "was sent and never arrived",
    [REPAIR_UNSETTLED] = "arrived, and its sender was not told",
    [REPAIR_LOST_HERE] = "arrived, and its sender knows nothing of it",
    [REPAIR_ORDER] = "is held, and what became of it is not known",
    [REPAIR_MONTH] = "has settled a month there that never came home",
    [REPAIR_SHARD] = "has no shard there",
    [REPAIR_STATUS] = "has a shard of another status there",
};
static const char *const done[] = {
    [REPAIR_LOST_THERE] = "sent again",
    [REPAIR_UNSETTLED] = "its sender was told",
    [REPAIR_LOST_HERE] = "noted where it arrived: sent again it is paid for, and does not come twice",
    [REPAIR_ORDER] = "the order's home was asked again",
    [REPAIR_MONTH] = "sent again",
    [REPAIR_SHARD] = "made",
    [REPAIR_STATUS] = "told",
};

static const char *what(const struct repair_item *item) {
    switch (item->fate) {
    case REPAIR_SENT: return done[item->kind];
    case REPAIR_STANDS_STILL: return "its partitions do not get on (halted, paused or without a worker?): not repaired yet";
    case REPAIR_NO_ORDER: return "its intent was trimmed, and so nobody knows which order it pays for: not repaired";
    case REPAIR_NOTED: return "noted before; nobody has sent it again, or it was refused then (--take-back)";
    case REPAIR_TAKEN_BACK: return "went back from there";
    case REPAIR_KEPT: return "its receiver no longer has as much: not taken back";
    case REPAIR_FOUND: return "not repaired yet";
    case REPAIR_CANDIDATE: case REPAIR_IS_FINE: break;
    }
    return "";
}

static bool is_done(const struct repair_item *item) { return item->fate == REPAIR_SENT || item->fate == REPAIR_TAKEN_BACK; }

static json_t *item_json(const struct repair_item *item) {
    json_t *object = json_out_object();
    json_out_text(object, "identity", item->identity);
    json_out_text(object, "found", found[item->kind]);
    json_out_number(object, "sender", item->sender);
    json_out_number(object, "receiver", item->receiver);
    json_out_text(object, "to", item->to);
    json_out_number(object, "amount", item->amount_minor);
    json_out_text(object, "currency", item->currency);
    json_out_bool(object, "repaired", is_done(item));
    json_out_text(object, "text", what(item));
    return object;
}

static void print_item(const struct repair_item *item) {
    bool month = item->kind == REPAIR_MONTH;
    if (repair_is_merchants(item)) {
        printf("merchant %s, at home in partition %u (partition %u%s%s) %s: %s\n", item->to, month ? item->receiver : item->sender,
               month ? item->sender : item->receiver, month ? ", " : "", item->month, found[item->kind], what(item));
        return;
    }
    printf("%s %s (%" PRId64 " %s, partition %u to %s in %u) %s: %s\n", item->kind == REPAIR_ORDER ? "payment of an order" : "transfer",
           item->identity, item->amount_minor, item->currency, item->sender, item->to, item->receiver, found[item->kind], what(item));
}

/* How many remain. */
static uint64_t print_items(const struct cli *cli, const struct repair *r, json_t *list) {
    uint64_t left = 0;
    for (size_t n = 0; n < r->count; n++) {
        const struct repair_item *i = &r->items[n];
        if (i->fate == REPAIR_IS_FINE) continue;
        left += !is_done(i);
        if (cli->json) json_out_append(list, item_json(i));
        else print_item(i);
    }
    return left;
}

static void print_rest(const struct repair *r, uint64_t repaired, uint64_t left) {
    printf("%" PRIu64 " repaired, %" PRIu64 " not\n", repaired, left);
    if (r->again)
        printf("%" PRIu64 " times money came or went twice: that is for people (till audit names them)\n", r->again);
    if (r->untold)
        printf("%" PRIu64 " cannot be told of: the ledger was trimmed about where they were\n", r->untold);
}

static int print(const struct cli *cli, const struct repair *r) {
    json_t *list = json_out_array();
    uint64_t left = print_items(cli, r, list), all = 0;
    for (size_t n = 0; n < r->count; n++) all += r->items[n].fate != REPAIR_IS_FINE;
    if (cli->json) {
        json_t *object = json_out_object();
        json_out_number(object, "repaired", (int64_t)(all - left));
        json_out_number(object, "left", (int64_t)left);
        json_out_number(object, "twice", (int64_t)r->again);
        json_out_number(object, "untold", (int64_t)r->untold);
        json_out_value(object, "items", json_incref(list));
        json_out(object);
    } else print_rest(r, all - left, left);
    json_decref(list);
    return left || r->again || r->untold ? CLI_FOUND : CLI_OK;
}

static int run(struct cli *cli) {
    struct connection c = {0};
    struct repair r = {.c = &c, .timeout_ms = TIMEOUT_MS};
    uint8_t *secret = NULL;
    if (!args_timeout(cli, OPTION_TIMEOUT, &r.timeout_ms)) return CLI_USAGE;
    int code = connect_book(cli, &c);
    if (!code) code = password_of_book(cli, &c.config, &secret);
    if (!code) code = repair_find(&r);
    if (!code && !cli->value[OPTION_LIST]) code = repair_send(&r, secret, cli->value[OPTION_TAKE_BACK] != NULL);
    if (!code) code = print(cli, &r);
    repair_clear(&r);
    password_free(secret);
    connect_close(&c);
    return code;
}

static const struct cli_option options[] = {
    {"list", 0, NULL, "only show what could be repaired"},
    {"take-back", 0, NULL, "what was noted before and nobody has paid for since goes back from its receiver"},
    {"timeout", 't', "TIME", "how long what is under way is waited for; default 10s"},
    {0},
};

const struct cli_command cmd_repair = {
    .name = "repair",
    .group = CLI_OPERATE,
    .summary = "makes partitions agree again on what was between them when Redis lost data",
    .operands = "",
    .options = options,
    .about = "A transfer into another partition, and the payment of an order that lies in one, have a part in each. In a Redis\n"
             "Cluster one master may lose its last moments (its replica lagged when it took over, and durability.replicas was\n"
             "0) and another not; then one part is there without the other. This reads the whole book as `till audit` does\n"
             "and sends what is missing once more, through the streams: what was sent and never arrived comes, once; whose\n"
             "sender was not told is told; what arrived from a sender that has forgotten it is noted, so that it does not\n"
             "come twice when the checkout sends it again. A merchant's shard that a partition has lost is made again, and a\n"
             "settled month that never came home is sent again.\n\n"
             "First `till repair`, while the partitions that lost data stand still, then `till accept-loss`, then checkouts\n"
             "send again what they miss, then `till repair` once more. It may run at any time, while workers of this release\n"
             "go on, and as often as one likes. What nobody sends again by then, or is refused when sent again, is money that\n"
             "came from nowhere: `till repair --take-back` takes it back, where it is not spent. Exit code 1 when something\n"
             "remains that it could not repair.",
    .examples = "  till repair --list\n  till repair\n  till accept-loss",
    .run = run,
};
