/* What each turn at full speed took. */
#include "tests/traffic/turns.h"

#include <stdlib.h>

void turns_note(struct play *play, enum play_way way, const struct play_took *took) {
    struct turns *turns = play->context;
    turns->list = reallocarray(turns->list, turns->count + 1, sizeof *turns->list);
    if (!turns->list) abort();
    struct turn *turn = &turns->list[turns->count++];
    *turn = (struct turn){.way = way, .took = *took};
    if (turns->with_floor) turn->floor = floor_pay(took->count);
}

const char *turns_word(enum play_way way) {
    switch (way) {
    case PLAY_PLAIN: return "plain";
    case PLAY_UNREAD: return "unread";
    case PLAY_BULK: return "bulk";
    case PLAY_BULK_UNREAD: return "bulk_unread";
    case PLAY_WAYS: break;
    }
    return "";
}

static void write_floor(FILE *out, const struct turns *turns) {
    struct floor_took sum = {0};
    for (const struct turn *t = turns->list; t < turns->list + turns->count; t++) {
        sum.count += t->floor.count;
        sum.enqueue_s += t->floor.enqueue_s;
        sum.process_s += t->floor.process_s;
        sum.enqueue_us += t->floor.enqueue_us;
        sum.process_us += t->floor.process_us;
        sum.read_us += t->floor.read_us;
    }
    double n = (double)sum.count;
    fprintf(out, "\"floor\":{\"count\":%lu,\"enqueue_per_s\":%.0f,\"process_per_s\":%.0f,", sum.count, n / sum.enqueue_s,
            n / sum.process_s);
    fprintf(out, "\"enqueue_redis_us\":%.2f,\"process_redis_us\":%.2f,\"redis_us\":%.2f,\"redis_read_us\":%.2f},", sum.enqueue_us / n,
            sum.process_us / n, (sum.enqueue_us + sum.process_us) / n, sum.read_us / n);
}

void turns_write(FILE *out, const struct turns *turns) {
    if (turns->with_floor && turns->count > 0) write_floor(out, turns);
    else fprintf(out, "\"floor\":null,");
    fprintf(out, "\"turns\":[");
    for (const struct turn *t = turns->list; t < turns->list + turns->count; t++) {
        double n = t->took.count;
        fprintf(out, "%s{\"way\":\"%s\",\"redis_us\":%.3f,\"floor_us\":%.3f,\"floor_read_us\":%.3f}", t > turns->list ? "," : "",
                turns_word(t->way), t->took.redis_us / n, (t->floor.enqueue_us + t->floor.process_us) / n, t->floor.read_us / n);
    }
    fprintf(out, "]");
}

void turns_clear(struct turns *turns) { free(turns->list); }
