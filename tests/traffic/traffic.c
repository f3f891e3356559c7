/* traffic: plays a day at the checkout against a running Till, and judges what came of it. Exits 1 when anything is wrong. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/traffic/screen.h"
#include "tests/traffic/verdict_out.h"
#include "tests/traffic/waiting.h"

struct arguments {
    const char *url, *json, *floor;
    unsigned long accounts, merchants, rush, ways, turns, steady, rate, window, seed, victim;
    unsigned long retries, poor, malformed, refunds, orders;
    const char *redis, *workers;
    bool quiet;
};

static const char usage[] =
    "usage: traffic --url URL [--accounts N] [--merchants N] [--rush N] [--steady N] [--rate N] [--window N] [--seed N]\n"
    "               [--ways N] [--turns N] [--floor SOCKET] (the rush each way, in turns, each with the native floor behind it)\n"
    "               [--retries N] [--poor N] [--malformed N] [--refunds N] [--orders N] (in a thousand) [--kill PID]\n"
    "               [--redis PID] [--workers PID,PID] (whose CPU time is measured) [--json FILE] [--quiet]\n";

static unsigned long *number_of(struct arguments *a, const char *name) {
    const struct { const char *name; unsigned long *place; } numbers[] = {
        {"accounts", &a->accounts}, {"merchants", &a->merchants}, {"rush", &a->rush},           {"steady", &a->steady},
        {"ways", &a->ways},         {"turns", &a->turns},
        {"rate", &a->rate},         {"window", &a->window},       {"seed", &a->seed},           {"kill", &a->victim},
        {"retries", &a->retries},   {"poor", &a->poor},           {"malformed", &a->malformed}, {"refunds", &a->refunds},
        {"orders", &a->orders},
    };
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        if (strcmp(numbers[i].name, name) == 0) return numbers[i].place;
    return NULL;
}

static bool parse(int count, char **words, struct arguments *a) {
    for (int i = 1; i < count; i++) {
        const char *name = words[i];
        if (strcmp(name, "--quiet") == 0) {
            a->quiet = true;
            continue;
        }
        if (strncmp(name, "--", 2) != 0 || i + 1 == count) return false;
        const char *value = words[++i];
        unsigned long *number = number_of(a, name + 2);
        char *end = NULL;
        if (number) *number = strtoul(value, &end, 10);
        else if (strcmp(name, "--url") == 0) a->url = value;
        else if (strcmp(name, "--json") == 0) a->json = value;
        else if (strcmp(name, "--floor") == 0) a->floor = value;
        else if (strcmp(name, "--redis") == 0) a->redis = value;
        else if (strcmp(name, "--workers") == 0) a->workers = value;
        else return false;
        if (number && (*end || end == value)) return false;
    }
    return a->url && a->accounts && a->merchants && a->rate && a->window && a->rush + a->steady && a->ways &&
           a->ways <= PLAY_WAYS && a->turns;
}

static int play_and_judge(const struct arguments *a, const struct turns *turns, struct play *play) {
    struct screen screen;
    static struct report report;
    if (!a->quiet) screen_begin(&screen, play);
    bool played = play_all(play);
    if (!a->quiet) screen_end(&screen);
    if (*play->error) fprintf(stderr, "traffic: %s\n", play->error);
    if (!play->till || atomic_load(&play->sent) <= play->plan->setup) return 111;
    verdict_make(&report, play);
    if (!a->quiet) verdict_out_print(&report);
    else if (*report.judgement.first_fault) fprintf(stderr, "traffic: %s\n", report.judgement.first_fault);
    if (a->json && !verdict_out_json(&report, turns, a->json)) {
        fprintf(stderr, "traffic: cannot write %s\n", a->json);
        return 100;
    }
    return played && report.sound ? 0 : 1;
}

int main(int count, char **words) {
    struct arguments a = {.accounts = 1000, .merchants = 10, .rush = 40000, .ways = 1, .turns = 1, .steady = 60000, .rate = 6000,
                          .window = 8192, .seed = 1,
                          .retries = 20, .poor = 20, .malformed = 10, .refunds = 10, .orders = 3, .redis = "", .workers = ""};
    if (!parse(count, words, &a)) {
        fputs(usage, stderr);
        return 100;
    }
    struct plan plan;
    struct turns turns = {.with_floor = a.floor != NULL};
    if (a.floor) floor_open(a.floor);
    plan_init(&plan, (uint32_t)a.accounts, (uint32_t)a.merchants, (uint32_t)(a.rush * a.ways + a.steady),
              (struct mix){(unsigned)a.retries, (unsigned)a.poor, (unsigned)a.malformed, (unsigned)a.refunds, (unsigned)a.orders}, a.seed);
    struct play play = {.plan = &plan, .url = a.url, .rush = (uint32_t)a.rush, .ways = (unsigned)a.ways, .turns = (unsigned)a.turns,
                        .steady = (uint32_t)a.steady, .rate = (unsigned)a.rate, .window = (unsigned)a.window, .victim = (int)a.victim,
                        .waiting = waiting_count, .after_turn = turns_note, .context = &turns};
    measure_pids_parse(a.redis, &play.redis);
    measure_pids_parse(a.workers, &play.workers);
    int code = play_and_judge(&a, &turns, &play);
    till_close(play.till);
    plan_clear(&plan);
    turns_clear(&turns);
    return code;
}
