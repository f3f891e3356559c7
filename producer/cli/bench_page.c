/* The page of `till bench`: Markdown for people and their issues, JSON for programs. */
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

#include "producer/cli/bench.h"
#include "producer/cli/json_out.h"

static const char *const part_text[] = {
#define TEXT(name, text) text,
    BENCH_PARTS(TEXT)};
static const char *const part_name[] = {
#define NAME(name, text) #name,
    BENCH_PARTS(NAME)};

/* "model name : Intel..." of the first processor; "" where it is not told. */
static void read_model(char *out, size_t size) {
    char line[256];
    FILE *file = fopen("/proc/cpuinfo", "r");
    out[0] = '\0';
    while (file && fgets(line, sizeof line, file)) {
        const char *colon = strchr(line, ':');
        if (strncmp(line, "model name", 10) != 0 || !colon) continue;
        snprintf(out, size, "%.*s", (int)strcspn(colon + 2, "\n"), colon + 2);
        break;
    }
    if (file) fclose(file);
}

void bench_machine(char out[BENCH_TEXT_MAX]) {
    char model[80];
    struct utsname name;
    read_model(model, sizeof model);
    if (uname(&name)) snprintf(name.release, sizeof name.release, "?");
    snprintf(out, BENCH_TEXT_MAX, "%ld x %s, Linux %.40s", sysconf(_SC_NPROCESSORS_ONLN), *model ? model : "a processor", name.release);
}

/* What was measured, with its names for programs. */
struct figures {
    double per_s, redis_us, redis_share, worker_us, producer_us, libtill_us, memory;
};

static struct figures figures_of(const struct bench *b) {
    const struct play_took *took = &b->play.took[PLAY_PLAIN];
    double n = took->count ? took->count : 1;
    int64_t grown = (int64_t)(b->readings[1].memory - b->readings[0].memory);
    return (struct figures){.per_s = verdict_per_s(took), .redis_us = took->redis_us / n,
                            .redis_share = took->seconds > 0 ? took->redis_us / took->seconds / 1e4 : 0, .worker_us = took->workers_us / n,
                            .producer_us = took->own_us / n, .libtill_us = took->till_us / n, .memory = (double)grown / n};
}

/* Of each intent that has a bill; the accounts were made before there were any. */
static double bytes_each(const struct bench *b, enum bench_part part) {
    return (double)b->part[part] / (part == BENCH_account ? b->plan.accounts + b->plan.merchants : b->plan.count);
}

static double ms(int64_t ns) { return (double)ns / 1e6; }

static void print_memory(const struct bench *b, const struct figures *f) {
    const char *separator = "";
    double settled = bytes_each(b, BENCH_bills) + bytes_each(b, BENCH_ledger) + bytes_each(b, BENCH_responses);
    printf("| Redis memory | %.0f bytes a payment in all; settled, with its intent trimmed, %.0f: ", f->memory, settled);
    for (unsigned n = 0; n <= BENCH_intents; n++) {
        printf("%s%s%s %.0f", separator, n == BENCH_intents ? "; " : "", part_text[n], bytes_each(b, n));
        separator = n + 1 == BENCH_intents ? "" : ", ";
    }
    printf(" |\n");
}

static void print_latency(const struct bench *b) {
    const struct latency *l = &b->report.latency;
    if (l->count == 0) return;
    printf("| enqueue to answer, at %u/s | p50 %.2f ms, p99 %.2f ms, p99.9 %.2f ms, most %.2f ms, of %u |\n", b->play.rate, ms(l->p50_ns),
           ms(l->p99_ns), ms(l->p999_ns), ms(l->most_ns), l->count);
}

static void print_verdict(const struct bench *b) {
    const struct judgement *j = &b->report.judgement;
    if (b->sound) {
        printf("\nEvery answer and balance is the one it had to be, and the audit found nothing.\n");
        return;
    }
    printf("\n**IT DOES NOT ADD UP**: %u unanswered, %u answers too many, %u wrong, %u wrong balances, %llu found by the audit. %s\n",
           j->unanswered + j->unsent, j->strange, j->wrong_answers, j->wrong_balances, (unsigned long long)b->found, j->first_fault);
}

void bench_print(const struct bench *b) {
    const struct config *config = &b->c.config;
    struct figures f = figures_of(b);
    char when[32];
    time_t now = time(NULL);
    struct tm utc;
    strftime(when, sizeof when, "%Y-%m-%d %H:%M UTC", gmtime_r(&now, &utc));
    printf("## till bench, %s\n\n| | |\n|---|---|\n", when);
    printf("| Till | %s |\n| server | %s |\n| its settings | %s |\n", TILL_VERSION, b->server, b->settings);
    printf("| this machine | %s |\n", b->machine);
    printf("| book | %u partitions, %u workers here; durability: replicas %llu, aof %s; bulk answers: %s |\n", b->c.book.partitions,
           b->worker_count, (unsigned long long)config->durability_replicas, config->durability_aof == CONFIG_YES ? "yes" : "no",
           config->producer_bulk_answers == CONFIG_YES ? "yes" : "no");
    printf("| sent | %u payments of %u accounts to %u merchants at full speed, then %u at a kept rate; 1 %% sent twice, "
           "1 %% without funds |\n",
           b->play.rush, b->plan.accounts, b->plan.merchants, b->play.steady);
    printf("| end to end | %.0f payments/s (%.2f s) |\n", f.per_s, b->play.took[PLAY_PLAIN].seconds);
    printf("| Redis CPU | %.2f us a payment, of all it did meanwhile; %.0f %% of a core |\n", f.redis_us, f.redis_share);
    printf("| worker CPU / producer CPU | %.2f us / %.2f us a payment, libtill %.2f us of it |\n", f.worker_us, f.producer_us,
           f.libtill_us);
    print_latency(b);
    print_memory(b, &f);
    print_verdict(b);
}

static json_t *real(double number) { return json_real((double)(int64_t)(number * 1000 + 0.5) / 1000); }

void bench_print_json(const struct bench *b) {
    const struct latency *l = &b->report.latency;
    struct figures f = figures_of(b);
    json_t *object = json_out_object(), *latency = json_out_object(), *memory = json_out_object();
    json_out_bool(object, "sound", b->sound);
    const struct { const char *name, *text; } texts[] = {
        {"version", TILL_VERSION}, {"server", b->server}, {"settings", b->settings}, {"machine", b->machine}};
    for (size_t n = 0; n < sizeof texts / sizeof *texts; n++) json_out_text(object, texts[n].name, texts[n].text);
    const struct { const char *name; int64_t number; } counts[] = {
        {"partitions", b->c.book.partitions}, {"workers", b->worker_count}, {"accounts", b->plan.accounts}, {"count", b->play.rush},
        {"durability_replicas", (int64_t)b->c.config.durability_replicas}, {"found", (int64_t)b->found}};
    for (size_t n = 0; n < sizeof counts / sizeof *counts; n++) json_out_number(object, counts[n].name, counts[n].number);
    json_out_bool(object, "durability_aof", b->c.config.durability_aof == CONFIG_YES);
    json_out_bool(object, "bulk_answers", b->c.config.producer_bulk_answers == CONFIG_YES);
    const struct { const char *name; double number; } numbers[] = {
        {"payments_per_s", f.per_s}, {"redis_us", f.redis_us}, {"worker_us", f.worker_us}, {"producer_us", f.producer_us},
        {"libtill_us", f.libtill_us}};
    for (size_t n = 0; n < sizeof numbers / sizeof *numbers; n++) json_out_value(object, numbers[n].name, real(numbers[n].number));
    json_out_number(latency, "rate", b->play.rate);
    json_out_number(latency, "count", l->count);
    json_out_value(latency, "p50_ms", real(ms(l->p50_ns)));
    json_out_value(latency, "p99_ms", real(ms(l->p99_ns)));
    json_out_value(latency, "p999_ms", real(ms(l->p999_ns)));
    json_out_value(latency, "max_ms", real(ms(l->most_ns)));
    json_out_value(object, "latency", latency);
    json_out_value(memory, "all", real(f.memory));
    for (unsigned n = 0; n < BENCH_PART_COUNT; n++) json_out_value(memory, part_name[n], real(bytes_each(b, n)));
    json_out_value(object, "bytes_each", memory);
    json_out(object);
}
