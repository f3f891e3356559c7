/* rows: one row of the bench: some kind of intents at full speed, in turns with payments, each answer checked. Prints one JSON object. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/traffic/kinds.h"

struct arguments {
    const char *url, *kind, *redis, *workers;
    unsigned long accounts, count, waiting, rounds, window, before;
};

static const char usage[] =
    "usage: rows --url URL --kind KIND [--count N] [--waiting N] [--rounds N] [--accounts N] [--window N] [--before N]\n"
    "            [--redis PID] [--workers PID,PID] (whose CPU time is measured)\n"
    "Once for each kind on a book. `settle` needs one that past.lua began, with a merchant for each 64 payments.\n";

static bool take(struct arguments *a, const char *name, const char *value) {
    const struct { const char *name; const char **place; } texts[] = {
        {"--url", &a->url}, {"--kind", &a->kind}, {"--redis", &a->redis}, {"--workers", &a->workers}};
    const struct { const char *name; unsigned long *place; } numbers[] = {
        {"--accounts", &a->accounts}, {"--count", &a->count},   {"--waiting", &a->waiting},
        {"--rounds", &a->rounds},     {"--window", &a->window}, {"--before", &a->before},
    };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        if (strcmp(name, texts[i].name) != 0) continue;
        *texts[i].place = value;
        return true;
    }
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        char *end;
        if (strcmp(name, numbers[i].name) != 0) continue;
        *numbers[i].place = strtoul(value, &end, 10);
        return *value && !*end;
    }
    return false;
}

static bool parse(int count, char **words, struct arguments *a) {
    for (int i = 1; i < count; i += 2)
        if (i + 1 == count || !take(a, words[i], words[i + 1])) return false;
    return a->url && a->kind && kind_find(a->kind) && a->rounds && a->count / a->rounds >= TILL_STEPS_MAX && a->accounts >= 100 &&
           a->waiting && a->window >= 2048;
}

static void print_meter(const char *name, const struct meter *m) {
    double n = m->units ? m->units : 1;
    printf("%s{\"count\":%u,\"per_s\":%.0f,\"redis_us\":%.2f,\"worker_us\":%.2f,\"producer_us\":%.2f}", name, m->units,
           m->seconds > 0 ? m->units / m->seconds : 0, m->redis_us / n, m->workers_us / n, m->own_us / n);
}

static double each(double sum, const struct meter *m) { return m->units ? sum / m->units : 0; }
static double ratio(double a, double b) { return b > 0 ? a / b : 0; }

static void print_lapsing(const struct row *row) {
    const struct meter *u = &row->units, *c = &row->calm, *r = &row->rough;
    double beside = each(row->payments.redis_us, &row->payments) * u->units + each(c->redis_us, c) * r->units;
    print_meter(",\"held\":", &row->held);
    printf(",\"lapsed\":{\"count\":%u,\"seconds\":%.2f,\"per_s\":%.0f,\"redis_us\":%.2f}", row->held.units, row->lapsed_s,
           ratio(row->held.units, row->lapsed_s), each(u->redis_us + r->redis_us - beside, &row->held));
    printf(",\"burst_ms\":{\"before\":%.1f,\"before_most\":%.1f,\"while\":%.1f,\"while_most\":%.1f}", 1e3 * ratio(c->seconds, c->pours),
           1e3 * c->longest_s, 1e3 * ratio(r->seconds, r->pours), 1e3 * r->longest_s);
}

static void print_row(const struct row *row) {
    const struct meter *u = &row->units, *p = &row->payments;
    double redis = ratio(each(u->redis_us, u), each(p->redis_us, p)), speed = ratio(each(p->seconds, p), each(u->seconds, u));
    printf("{\"kind\":\"%s\",\"unit\":\"%s\",", row->kind->name, row->kind->unit);
    print_meter("\"each\":", u);
    print_meter(",\"payments\":", p);
    printf(",\"redis_to_payment\":%.2f,\"per_s_to_payment\":%.2f", redis, speed);
    if (row->kind->parts > 1)
        printf(",\"parts\":%u,\"part_redis_us\":%.2f,\"part_redis_to_payment\":%.2f,\"part_per_s_to_payment\":%.2f", row->kind->parts,
               each(u->redis_us, u) / row->kind->parts, redis / row->kind->parts, speed * row->kind->parts);
    if (row->put_off.units) {
        print_meter(",\"put_off\":", &row->put_off);
        print_meter(",\"taken_back\":", &row->taken_back);
    }
    if (row->held.units) print_lapsing(row);
    printf("}\n");
}

static int run(const struct arguments *a, struct till *till) {
    struct task_list list;
    struct row row = {.kind = kind_find(a->kind), .count = (uint32_t)a->count, .waiting = (uint32_t)a->waiting,
                      .before = (uint32_t)a->before,
                      .rounds = (uint32_t)a->rounds};
    task_list_init(&list, a->kind, till, (uint32_t)a->accounts, strcmp(a->kind, "signed") == 0);
    row.pour = (struct pour){.list = &list, .till = till, .window = (unsigned)a->window};
    measure_pids_parse(a->redis, &row.pour.redis);
    measure_pids_parse(a->workers, &row.pour.workers);
    bool sound = pour_open(&row.pour) && kind_run(&row);
    if (sound) print_row(&row);
    else fprintf(stderr, "rows: %s: %s\n", a->kind, row.pour.error);
    pour_close(&row.pour);
    task_list_clear(&list);
    return sound ? 0 : 1;
}

static bool needs_another(const char *kind) { return strcmp(kind, "transfer") == 0 || strcmp(kind, "order_pay_away") == 0; }

int main(int count, char **words) {
    struct arguments a = {.redis = "", .workers = "", .accounts = 1000, .count = 40000, .waiting = 100000, .rounds = 4, .window = 100000};
    if (!parse(count, words, &a)) {
        fputs(usage, stderr);
        return 100;
    }
    struct till *till;
    struct till_options options = {.url = a.url, .open_wait_ms = 30000, .client_name = "rows"};
    int code = 111;
    if (till_open(&till, &options) != TILL_OK) fprintf(stderr, "rows: %s\n", till_error(till));
    else if (till_partitions(till) < 2 && needs_another(a.kind)) fprintf(stderr, "rows: there is no other partition\n");
    else code = run(&a, till);
    till_close(till);
    return code;
}
