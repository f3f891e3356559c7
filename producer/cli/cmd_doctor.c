/* `till doctor`: is everything there that Till rests on? */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "producer/cli/commands.h"
#include "producer/cli/doctor.h"
#include "producer/cli/json_out.h"
#include "producer/cli/table.h"

void doctor_find(struct doctor *d, enum doctor_level level, const char *about, const char *format, ...) {
    if (d->count == DOCTOR_FINDINGS_MAX) d->count--; /* the last one is replaced: 400 are enough */
    struct doctor_finding *f = &d->finding[d->count++];
    *f = (struct doctor_finding){.level = level, .about = about};
    int before = d->where[0] ? snprintf(f->what, sizeof f->what, "%s: ", d->where) : 0;
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(f->what + before, sizeof f->what - (size_t)before, format, arguments);
    va_end(arguments);
    d->wrong += level == DOCTOR_WRONG;
}

void doctor_fix(struct doctor *d, const char *format, ...) {
    struct doctor_finding *f = &d->finding[d->count - 1];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(f->fix, sizeof f->fix, format, arguments);
    va_end(arguments);
}

int doctor_ask(struct doctor *d, struct reply *reply, bool *refused) {
    redis_append_to(d->c.redis, &d->c.command, d->node);
    enum redis_err err = redis_next(d->c.redis, reply);
    *refused = err != REDIS_OK;
    return err == REDIS_LOST || err == REDIS_GARBLED || err == REDIS_AWAY ? connect_failed(&d->c, err, "examining") : CLI_OK;
}

static const char *const level_word[] = {"good", "note", "wrong"};

static void print_json(const struct doctor *d) {
    json_t *object = json_out_object(), *findings = json_out_array();
    for (unsigned n = 0; n < d->count; n++) {
        const struct doctor_finding *f = &d->finding[n];
        json_t *finding = json_out_object();
        json_out_text(finding, "level", level_word[f->level]);
        json_out_text(finding, "about", f->about);
        json_out_text(finding, "what", f->what);
        json_out_text(finding, "fix", f->fix);
        json_out_append(findings, finding);
    }
    json_out_bool(object, "ok", d->wrong == 0);
    json_out_value(object, "findings", findings);
    json_out(object);
}

static void print_lines(const struct doctor *d) {
    static const char *const colours[] = {"\x1b[32m", "\x1b[33m", "\x1b[31m"};
    bool colour = table_colour();
    for (unsigned n = 0; n < d->count; n++) {
        const struct doctor_finding *f = &d->finding[n];
        printf("%s%-5s%s  %-12s ", colour ? colours[f->level] : "", level_word[f->level], colour ? "\x1b[0m" : "", f->about);
        table_print_safe(f->what);
        putchar('\n');
        if (f->fix[0]) {
            printf("%20s fix: ", "");
            table_print_safe(f->fix);
            putchar('\n');
        }
    }
    if (d->wrong) printf("%u wrong\n", d->wrong);
    else puts("all well");
}

enum { OPTION_ROLE, OPTION_SOURCE };

static int read_role(const struct cli *cli, struct doctor *d) {
    const char *name = cli->value[OPTION_ROLE], *source = cli->value[OPTION_SOURCE];
    d->source = source ? source : "cli";
    if (name && !(d->role = acl_find(name)))
        return cli_usage(cli, "no role '%s'; there are producer, worker, operator, auditor", name);
    if (source && (!*source || strlen(source) > INTENT_SOURCE_MAX))
        return cli_usage(cli, "--source must be 1 to %d bytes", INTENT_SOURCE_MAX);
    return CLI_OK;
}

/* False, and found: nothing else can be asked there. */
static bool is_there(struct doctor *d) {
    struct reply reply;
    command_begin(&d->c.command, "TIME"); /* what every role may */
    redis_append_to(d->c.redis, &d->c.command, d->node);
    enum redis_err err = redis_next(d->c.redis, &reply);
    if (err != REDIS_AWAY) return true; /* what else there is to say, those who examine it say */
    doctor_find(d, DOCTOR_WRONG, "cluster", "not reachable (%.200s): its partitions stand still", redis_error(d->c.redis));
    doctor_fix(d, "start it again; or redis-cli CLUSTER FAILOVER TAKEOVER at a replica of it");
    return false;
}

/* Every master of a cluster: each has settings, users and a clock of its own. */
static int examine_nodes(struct doctor *d) {
    bool cluster = d->c.options.url.kind == REDIS_URL_CLUSTER;
    int code = CLI_OK;
    d->c.partly = cluster;
    for (d->node = 0; !code && redis_node_next(d->c.redis, &d->node); d->node++) {
        if (cluster) snprintf(d->where, sizeof d->where, "%s", redis_node_where(d->c.redis, d->node));
        if (cluster && !is_there(d)) continue;
        code = doctor_server(d);
        if (!code) code = doctor_rights(d);
    }
    d->where[0] = '\0';
    if (!code && cluster) doctor_cluster(d);
    return code;
}

static int run(struct cli *cli) {
    struct doctor *d = calloc(1, sizeof *d);
    if (!d) abort();
    int code = read_role(cli, d);
    if (!code) code = connect_redis_now(cli, &d->c);
    if (!code) code = examine_nodes(d);
    if (!code) code = doctor_book(d);
    if (!code) {
        (cli->json ? print_json : print_lines)(d);
        code = d->wrong ? CLI_FOUND : CLI_OK;
    }
    connect_close(&d->c);
    free(d);
    return code;
}

static const struct cli_option options[] = {
    {"role", 'r', "ROLE", "only what this role does: producer, worker, operator, auditor (`till acl`); default: all that Till does"},
    {"source", 's', "NAME", "of a producer; default cli"},
    {0},
};

const struct cli_command cmd_doctor = {
    .name = "doctor",
    .group = CLI_OPERATE,
    .summary = "examines Redis, rights, clock, book and workers, and says what to fix",
    .operands = "",
    .options = options,
    .about = "Tries the right to every command that Till needs, and does none of them. What the user may not look at is left\n"
             "out. Exit code 1 when something is wrong; a note is not wrong.",
    .examples = "  till doctor\n  till doctor --json\n  till doctor --role worker",
    .run = run,
};
