/* `till status`: workers, partitions and their owners, what waits, how fast it goes. */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "producer/cli/commands.h"
#include "producer/cli/json_out.h"
#include "producer/cli/status_streams.h"
#include "producer/cli/status_sum.h"
#include "producer/cli/table.h"
#include "producer/cli/when.h"

enum { OPTION_NO_RATE, SAMPLE_MS = 1000 };

static json_t *partition_json(const struct book_status *s, unsigned n) {
    const struct status_partition *p = &s->partitions[n];
    json_t *object = json_out_object();
    json_out_number(object, "partition", n);
    json_out_value(object, "owner", p->owner[0] ? json_out_string(p->owner, strlen(p->owner)) : json_null());
    json_out_number(object, "epoch", (int64_t)p->epoch);
    json_out_optional(object, "undelivered", p->knows_undelivered, (int64_t)p->undelivered);
    json_out_number(object, "pending", (int64_t)p->pending);
    json_out_optional(object, "oldest_ms", p->oldest_ms != 0, (int64_t)status_age_ms(s, p->oldest_ms));
    json_out_number(object, "unanswered", (int64_t)p->unanswered);
    json_out_number(object, "dead", (int64_t)p->dead);
    json_out_number(object, "bills", (int64_t)p->bills);
    json_out_value(object, "away", p->away[0] ? json_out_string(p->away, strlen(p->away)) : json_null());
    json_out_value(object, "halted", p->halted[0] ? json_out_string(p->halted, strlen(p->halted)) : json_null());
    json_out_value(object, "paused", p->paused_ms ? json_out_string(p->paused, strlen(p->paused)) : json_null());
    json_out_optional(object, "paused_since", p->paused_ms != 0, (int64_t)p->paused_ms);
    json_out_bool(object, "replaying", p->replaying);
    return object;
}

static void print_json(const struct connection *c, const struct book_status *s, const struct status_totals *t,
                       const struct status_streams *streams) {
    json_t *object = json_out_object(), *workers = json_out_array(), *partitions = json_out_array();
    for (size_t n = 0; n < s->worker_count; n++) {
        json_t *worker = json_out_object();
        json_out_text(worker, "name", s->workers[n].name);
        json_out_number(worker, "seen_ms", (int64_t)status_age_ms(s, s->workers[n].seen_ms));
        json_out_bool(worker, "alive", status_alive(c, s, &s->workers[n]));
        json_out_bool(worker, "quiet", s->workers[n].quiet);
        json_out_number(worker, "partitions", s->workers[n].partitions);
        json_out_append(workers, worker);
    }
    for (unsigned n = 0; n < s->partition_count; n++) json_out_append(partitions, partition_json(s, n));
    json_out_text(object, "book", c->book.name);
    json_out_text(object, "redis", s->server);
    json_out_optional(object, "in_per_s", t->rated, (int64_t)t->added_per_s);
    json_out_optional(object, "out_per_s", t->rated, (int64_t)t->read_per_s);
    json_out_optional(object, "undelivered", t->knows_undelivered, (int64_t)t->undelivered);
    json_out_number(object, "pending", (int64_t)t->pending);
    json_out_optional(object, "oldest_ms", t->oldest_ms != 0, (int64_t)status_age_ms(s, t->oldest_ms));
    json_out_number(object, "unanswered", (int64_t)t->unanswered);
    json_out_number(object, "dead", (int64_t)t->dead);
    json_out_number(object, "bills", (int64_t)t->bills);
    json_out_number(object, "halted", t->halted);
    json_out_number(object, "paused", t->paused);
    json_out_number(object, "away", t->away);
    json_out_number(object, "replaying", t->replaying);
    if (c->config.durability_replicas > 0) {
        json_out_number(object, "replicas_wanted", (int64_t)c->config.durability_replicas);
        json_out_number(object, "replicas", s->replicas);
        json_out_number(object, "replica_lag_s", s->replica_lag_s);
    }
    json_out_value(object, "workers", workers);
    json_out_value(object, "partitions", partitions);
    status_streams_json(c, streams, object);
    json_out(object);
}

static void print_workers(const struct connection *c, const struct book_status *s) {
    static const struct table_column columns[] = {{"WORKER", false}, {"SEEN", true}, {"PARTITIONS", true}, {"STATE", false}, {NULL, false}};
    struct table table;
    char seen[WHEN_AGE_SIZE];
    if (s->worker_count == 0) {
        puts(s->knows_workers ? "no workers" : "workers: not known, where they are listed cannot be reached");
        return;
    }
    table_init(&table, columns);
    for (size_t n = 0; n < s->worker_count; n++) {
        when_age(status_age_ms(s, s->workers[n].seen_ms), seen);
        table_add(&table, s->workers[n].name);
        table_add(&table, seen);
        table_add_number(&table, true, s->workers[n].partitions);
        table_add(&table, status_worker_state(c, s, &s->workers[n]));
    }
    table_flush(&table);
    table_clear(&table);
}

static void print_partitions(const struct book_status *s) {
    static const struct table_column columns[] = {{"PARTITION", true}, {"OWNER", false}, {"EPOCH", true}, {"WAITING", true},
                                                  {"PENDING", true},   {"OLDEST", true}, {"DEAD", true},  {"BILLS", true},
                                                  {"STATE", false},    {NULL, false}};
    struct table table;
    char oldest[WHEN_AGE_SIZE], state[STATUS_STATE_MAX];
    table_init(&table, columns);
    for (unsigned n = 0; n < s->partition_count; n++) {
        const struct status_partition *p = &s->partitions[n];
        when_age(status_age_ms(s, p->oldest_ms), oldest);
        table_add_number(&table, true, n);
        table_add(&table, p->owner[0] ? p->owner : "-");
        table_add_number(&table, true, (int64_t)p->epoch);
        if (p->away[0]) table_add(&table, "");
        else if (p->knows_undelivered) table_add_number(&table, true, (int64_t)p->undelivered);
        else table_add(&table, "?");
        table_add_number(&table, true, (int64_t)p->pending);
        table_add(&table, p->oldest_ms ? oldest : "");
        table_add_number(&table, true, (int64_t)p->dead);
        table_add_number(&table, true, (int64_t)p->bills);
        status_partition_state(p, state);
        table_add(&table, state);
    }
    table_flush(&table);
    table_clear(&table);
}

static void print_durability(const struct connection *c, const struct book_status *s) {
    unsigned long long wanted = c->config.durability_replicas;
    bool many = c->options.url.kind == REDIS_URL_CLUSTER;
    if (wanted == 0) return;
    printf("durability: %u replicas there%s, %llu wanted", s->replicas, many ? " at the master that has fewest" : "", wanted);
    if (s->replicas > 0) printf("; the slowest is %u s behind", s->replica_lag_s);
    puts(s->replicas < wanted ? ": nobody is answered\n" : "\n");
}

static void print_lines(const struct connection *c, const struct book_status *s, const struct status_totals *t,
                        const struct status_streams *streams) {
    char oldest[WHEN_AGE_SIZE];
    when_age(status_age_ms(s, t->oldest_ms), oldest);
    printf("book %s, %u partitions, Redis %s at %s\n", c->book.name, s->partition_count, s->server, c->shown);
    printf("workers %u alive; partitions %u of %u served", t->live, t->owned, s->partition_count);
    if (t->away) printf(", %u out of reach: of those nothing is known", t->away);
    putchar('\n');
    if (t->rated) printf("in %llu/s, out %llu/s; ", (unsigned long long)t->added_per_s, (unsigned long long)t->read_per_s);
    printf("waiting %s%llu, pending %llu, oldest %s; unanswered %llu; dead %llu; bills %llu\n\n",
           t->knows_undelivered ? "" : ">=", (unsigned long long)t->undelivered, (unsigned long long)t->pending,
           t->oldest_ms ? oldest : "-", (unsigned long long)t->unanswered, (unsigned long long)t->dead, (unsigned long long)t->bills);
    print_durability(c, s);
    print_workers(c, s);
    putchar('\n');
    print_partitions(s);
    putchar('\n');
    status_streams_print(c, streams);
    if (t->halted) puts("\nHalted partitions lost data; see `till accept-loss --help`.");
    if (t->paused) puts("\nPaused partitions apply nothing; see `till resume --help`.");
    if (t->replaying) puts("\nReplayed partitions are rebuilt from an archive by `till replay`; nobody else is to send meanwhile.");
    if (t->dead) puts("\nDead entries: see `till dead list`.");
}

static int run(struct cli *cli) {
    struct connection c;
    struct book_status before = {0}, status = {0};
    struct status_streams streams = {0};
    struct status_totals totals = {0};
    bool rated = !cli->value[OPTION_NO_RATE];
    int code = connect_book_partly(cli, &c);
    if (!code && rated) code = status_read(&c, &before);
    if (!code && rated) nanosleep(&(struct timespec){SAMPLE_MS / 1000, 0}, NULL);
    if (!code) code = status_read(&c, &status);
    if (!code) code = status_streams_read(&c, &streams);
    if (!code) {
        if (rated) status_rate(&before, &status, &totals);
        status_sum(&c, &status, &totals);
        (cli->json ? print_json : print_lines)(&c, &status, &totals, &streams);
        if (totals.away || !status.knows_workers) code = CLI_UNREACHABLE;
    }
    status_clear(&before);
    status_clear(&status);
    status_streams_clear(&streams);
    connect_close(&c);
    return code;
}

static const struct cli_option options[] = {{"no-rate", 0, NULL, "do not wait a second to tell how fast it goes"}, {0}};

const struct cli_command cmd_status = {
    .name = "status",
    .group = CLI_LOOK,
    .summary = "shows workers, partitions, what waits and how fast it goes",
    .operands = "",
    .options = options,
    .about = "WAITING: intents no worker was given yet. PENDING: given to one, not yet done. OLDEST: since when.\n"
             "Of all streams of a kind together, KEPT: for how long, by this configuration. CUT: entries that were\n"
             "trimmed off. UNREAD: those of them that a consumer group had not read. HELD BY: the group that trimming\n"
             "waits for. NOT ARCHIVED: entries that the workers' archive does not have yet; nothing of those is cut.\n"
             "While a node of a Redis Cluster is away its partitions are shown as away, and the exit code is 111.",
    .examples = "  till status\n  till status --no-rate --json",
    .run = run,
};
