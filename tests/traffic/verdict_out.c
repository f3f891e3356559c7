/* The end of a run, for a person and for a program. */
#include "tests/traffic/verdict_out.h"

#include <inttypes.h>
#include <stdio.h>

/* 1234567 as 1,234,567. */
static const char *grouped(uint64_t n, char out[32]) {
    char digits[24];
    int size = snprintf(digits, sizeof digits, "%" PRIu64, n), used = 0;
    for (int i = 0; i < size; i++) {
        if (i && (size - i) % 3 == 0) out[used++] = ',';
        out[used++] = digits[i];
    }
    out[used] = '\0';
    return out;
}

static void print_count(const char *name, uint64_t n) {
    char text[32];
    printf("  %-11s %9s   ", name, grouped(n, text));
}

static void print_money(const char *before, int64_t minor) {
    char text[32];
    printf("%s%s %s.%02d", before, PLAN_CURRENCY, grouped((uint64_t)minor / 100, text), (int)(minor % 100));
}

static void print_refusals(const struct judgement *j) {
    const char *separator = "";
    for (int code = 1; code < 32; code++) {
        char text[32];
        if (!j->by_code[code]) continue;
        printf("%s%s %s", separator, till_code_word(code), grouped(j->by_code[code], text));
        separator = ", ";
    }
    printf("\n");
}

static void print_orders(const struct judgement *j) {
    char a[32], b[32];
    if (!j->ordered) return;
    print_count("ordered", j->ordered);
    printf("of articles in stock, %s of them paid; %s more found them sold out: nothing was sold twice\n", grouped(j->orders_paid, a),
           grouped(j->by_code[TILL_OUT_OF_STOCK], b));
}

static void print_recovery(const struct report *r) {
    const struct play *play = r->play;
    char a[32];
    if (!play->killed_ns) return;
    printf("\n  killed      one worker of %zu with SIGKILL, after intent %s\n", play->workers.count, grouped(play->killed_at, a));
    if (r->recovery.partitions == 0) {
        printf("  recovered   at once: no partition went unserved for long enough to be noticed\n");
        return;
    }
    printf("  recovered   in %.2f s: its %u partitions have new owners; %s intents had to wait, %.2f s at most, none was lost\n",
           (double)r->recovery.longest_ns / 1e9, r->recovery.partitions, grouped(r->recovery.waited, a),
           (double)r->recovery.waited_most_ns / 1e9);
}

static void print_speed(const struct report *r) {
    const struct play *play = r->play;
    const struct play_took *took = &play->took[PLAY_PLAIN];
    char a[32], b[32];
    printf("\n  speed       %s payments/s at full speed (%s in %.2f s, producer, Redis and workers together on this machine)\n",
           grouped((uint64_t)verdict_per_s(took), a), grouped(took->count, b), took->seconds);
    if (r->latency.count == 0) return;
    printf("  latency     p50 %.2f ms, p99 %.2f ms from enqueue to answer, at %s/s%s\n", (double)r->latency.p50_ns / 1e6,
           (double)r->latency.p99_ns / 1e6, grouped(play->rate, a), play->killed_ns ? ", before the kill and after the recovery" : "");
}

static void print_judgement(const struct judgement *j, const struct plan *plan) {
    char a[32], b[32];
    printf("\n  answers     %s of %s intents answered, each exactly once; %s wrong\n", grouped(plan->count - j->unanswered - j->unsent, a),
           grouped(plan->count, b), j->wrong_answers ? "some" : "none");
    printf("  balances    %s of %s accounts hold what they must\n", grouped(j->balances - j->wrong_balances, a), grouped(j->balances, b));
    if (*j->first_fault)
        printf("  WRONG       %u unanswered, %u answers too many, %u wrong answers, %u wrong balances. The first one:\n              %s\n",
               j->unanswered + j->unsent, j->strange, j->wrong_answers, j->wrong_balances, j->first_fault);
}

void verdict_out_print(const struct report *r) {
    const struct play *play = r->play;
    const struct judgement *j = &r->judgement;
    char a[32], b[32];
    printf("\n");
    print_count("sent", play->plan->count - play->plan->setup);
    printf("intents, from %s accounts to %s merchants\n", grouped(play->plan->accounts, a), grouped(play->plan->merchants, b));
    print_count("paid", j->paid);
    print_money("", j->paid_minor);
    printf("\n");
    print_count("refunded", j->refunded);
    print_money("", j->refunded_minor);
    printf("\n");
    print_orders(j);
    print_count("refused", j->refused);
    print_refusals(j);
    print_count("replayed", j->replayed);
    printf("sent again by the checkout: the first answer again, nothing moved twice\n");
    print_recovery(r);
    print_speed(r);
    print_judgement(j, play->plan);
}

static void write_took(FILE *out, const struct play_took *took) {
    double n = took->count ? took->count : 1;
    fprintf(out, "\"count\":%u,\"seconds\":%.3f,\"payments_per_s\":%.0f,", took->count, took->seconds, verdict_per_s(took));
    fprintf(out, "\"redis_us\":%.2f,\"worker_us\":%.2f,\"producer_us\":%.2f,\"libtill_us\":%.2f", took->redis_us / n,
            took->workers_us / n, took->own_us / n, took->till_us / n);
}

static void write_day(FILE *out, const struct judgement *j) {
    fprintf(out, "\"paid\":%u,\"refunded\":%u,\"ordered\":%u,\"orders_paid\":%u,\"refused\":%u,\"replayed\":%u,", j->paid, j->refunded,
            j->ordered, j->orders_paid, j->refused, j->replayed);
}

bool verdict_out_json(const struct report *r, const struct turns *turns, const char *path) {
    const struct judgement *j = &r->judgement;
    FILE *out = fopen(path, "w");
    if (!out) return false;
    fprintf(out, "{");
    write_took(out, &r->play->took[PLAY_PLAIN]);
    for (enum play_way way = PLAY_PLAIN + 1; way < PLAY_WAYS && way < r->play->ways; way++) {
        fprintf(out, ",\"%s\":{", turns_word(way));
        write_took(out, &r->play->took[way]);
        fprintf(out, "}");
    }
    fprintf(out, ",");
    turns_write(out, turns);
    fprintf(out, ",");
    write_day(out, j);
    fprintf(out, "\"latency\":{\"rate\":%u,\"count\":%u,\"p50_ms\":%.3f,\"p99_ms\":%.3f,\"p999_ms\":%.3f,\"max_ms\":%.3f},", r->play->rate,
            r->latency.count, (double)r->latency.p50_ns / 1e6, (double)r->latency.p99_ns / 1e6, (double)r->latency.p999_ns / 1e6,
            (double)r->latency.most_ns / 1e6);
    fprintf(out, "\"recovery\":{\"partitions\":%u,\"seconds\":%.3f,\"waited\":%u},", r->recovery.partitions,
            (double)r->recovery.longest_ns / 1e9, r->recovery.waited);
    fprintf(out, "\"unanswered\":%u,\"strange\":%u,\"wrong_answers\":%u,\"wrong_balances\":%u,\"sound\":%s}\n", j->unanswered + j->unsent,
            j->strange, j->wrong_answers, j->wrong_balances, r->sound ? "true" : "false");
    return fclose(out) == 0;
}
