/* Plays the plan: a sender and a reader. */
#include "producer/traffic/play.h"

#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>

enum {
    BATCH = 1024,
    PILE = 64,
    SEND_TIMEOUT_MS = 30000,
    OPEN_WAIT_MS = 30000,
    READ_TIMEOUT_MS = 400,    /* from 200 on Redis wakes the reader; with less it would look every now and then, up to 2 ms late */
    SILENCE_MS = 60000,       /* without any answer for so long, no more will come */
    EXTRA_MS = 200,           /* how long to look for answers too many */
    HELD_MS = 5,              /* a reader that is not to read looks whether it is again */
    LOOK_LEAST_MS = 1,        /* whether all is answered that nobody reads */
    LOOK_MOST_MS = 100,
};
static const int64_t MS = 1000000, PILE_MOST_NS = 50000000;

/* The first failure counts, of whichever thread. */
static void fail(struct play *play, const char *what, const char *why) {
    if (atomic_exchange(&play->failed, true)) return;
    snprintf(play->error, sizeof play->error, "%s: %s", what, why);
}

static bool open_handle(struct play *play, struct till **till, bool bulk_answers) {
    if (*till) return true;
    struct till_options options = {.url = play->url, .open_wait_ms = OPEN_WAIT_MS, .client_name = "traffic", .bulk_answers = bulk_answers};
    if (till_open(till, &options) == TILL_OK) return true;
    fail(play, "cannot connect", till_error(*till));
    return false;
}

/* --- the reader --- */

static void mix_in(uint64_t *digest, const void *bytes, size_t size) {
    for (const unsigned char *b = bytes; size--; b++) *digest = (*digest ^ *b) * UINT64_C(0x100000001b3);
}

static uint64_t digest_of(const struct till_answer *a) {
    uint64_t digest = UINT64_C(0xcbf29ce484222325);
    for (unsigned i = 0; i < TILL_ANSWER_FIELDS; i++) {
        char number[TILL_NUMBER_SIZE];
        if (strcmp(till_answer_field_name(i), "replayed") == 0) continue;
        const char *text = till_answer_field(a, i, number);
        mix_in(&digest, text, strlen(text) + 1);
    }
    return digest;
}

static void take_answer(struct play *play, const struct till_answer *a, int64_t now) {
    uint32_t n = plan_place(play->plan, a->key);
    if (n != PLAN_NONE && (a->replayed || a->code == TILL_KEY_REUSED))
        n = atomic_load_explicit(&play->plan->shots[n].repeat, memory_order_acquire);
    struct shot *shot = n == PLAN_NONE ? NULL : &play->plan->shots[n];
    if (!shot || atomic_load_explicit(&shot->answered, memory_order_relaxed)) {
        atomic_fetch_add(&play->strange, 1);
        return;
    }
    shot->answered_ns = now;
    shot->code = a->code;
    shot->replayed = a->replayed;
    shot->answer_amount_minor = a->amount_minor;
    shot->balance_minor = a->balance_minor;
    shot->digest = digest_of(a);
    if (sscanf(a->entry, "%lu-%lu", &shot->answer_entry_ms, &shot->answer_entry_seq) != 2) shot->answer_entry_ms = 0;
    atomic_store_explicit(&shot->answered, true, memory_order_release);
}

/* Answers that were read and not judged yet. Judged some at a time, so that the CPU of that can be told from the library's. */
struct pile {
    struct till_answer answers[PILE];
    int64_t read_ns[PILE];
    unsigned count;
};

static void judge_pile(struct play *play, struct pile *pile) {
    double before_us = measure_thread_cpu_us(pthread_self());
    for (unsigned n = 0; n < pile->count; n++) take_answer(play, &pile->answers[n], pile->read_ns[n]);
    pile->count = 0;
    atomic_store(&play->judging_us, atomic_load(&play->judging_us) + measure_thread_cpu_us(pthread_self()) - before_us);
}

/* False: none came in time. */
static bool read_one(struct play *play, struct till_reader *reader, struct pile *pile) {
    if (till_reader_next(reader, READ_TIMEOUT_MS, &pile->answers[pile->count]) != TILL_OK) return false;
    int64_t now = measure_now_ns();
    pile->read_ns[pile->count++] = now;
    atomic_fetch_add(&play->answered, 1);
    atomic_store(&play->last_answer_ns, now);
    return pile->count < PILE && now - pile->read_ns[0] < PILE_MOST_NS;
}

/* Reads nothing while it is told so. */
static void hold(struct play *play) {
    while (atomic_load(&play->holding) && !atomic_load(&play->stopping)) {
        atomic_store(&play->held, true);
        measure_sleep_until(measure_now_ns() + HELD_MS * MS);
    }
    atomic_store(&play->held, false);
}

static void *read_answers(void *context) {
    static struct pile pile; /* one reader */
    struct play *play = context;
    struct till_reader *reader = NULL;
    if (open_handle(play, &play->reads, false) && till_reader_open(play->reads, PLAN_SOURCE, "0", &reader) != TILL_OK)
        fail(play, "cannot read answers", till_error(play->reads));
    while (reader && !atomic_load(&play->stopping)) {
        if (!read_one(play, reader, &pile)) judge_pile(play, &pile);
        hold(play);
    }
    judge_pile(play, &pile);
    till_reader_close(reader);
    till_close(play->reads);
    return NULL;
}

/* --- the sender --- */

struct batch {
    struct plan_texts texts[BATCH];
    struct till_intent intents[BATCH];
    struct till_result results[BATCH];
    uint32_t places[BATCH]; /* in the plan */
};

static bool note_sent(struct shot *shot, unsigned partition, const struct till_result *result) {
    shot->partition = partition;
    shot->sent = sscanf(result->entry, "%lu-%lu", &shot->entry_ms, &shot->entry_seq) == 2;
    return shot->sent;
}

/* One go at sending what is in the batch. Leaves those in it that were refused for now (busy) and returns how many; -1: no use. */
static int send_once(struct play *play, struct batch *b, uint32_t count) {
    int left = 0;
    double before_us = measure_thread_cpu_us(pthread_self());
    atomic_fetch_add(&play->sent, (uint32_t)till_send(play->sends, b->intents, count, SEND_TIMEOUT_MS, b->results));
    play->sending_us += measure_thread_cpu_us(pthread_self()) - before_us;
    for (uint32_t i = 0; i < count; i++) {
        const struct till_result *result = &b->results[i];
        struct shot *shot = &play->plan->shots[b->places[i]];
        if (result->code == TILL_OK && note_sent(shot, till_partition_of(play->till, b->intents[i].account), result)) continue;
        if (result->code != TILL_BUSY) {
            fail(play, "cannot send", *result->text ? result->text : till_error(play->sends));
            return -1;
        }
        b->intents[left] = b->intents[i];
        b->places[left++] = b->places[i];
    }
    return left;
}

static bool send_batch(struct play *play, uint32_t from, uint32_t count) {
    static struct batch batch; /* one sender */
    for (uint32_t i = 0; i < count; i++) {
        plan_intent(play->plan, from + i, &batch.texts[i], &batch.intents[i]);
        batch.places[i] = from + i;
    }
    int left = send_once(play, &batch, count);
    while (left > 0) {
        measure_sleep_until(measure_now_ns() + 5 * MS);
        left = send_once(play, &batch, (uint32_t)left);
    }
    return left == 0;
}

static uint32_t waiting(struct play *play) {
    uint32_t answered = atomic_load(&play->answered), sent = atomic_load(&play->sent);
    return sent > answered ? sent - answered : 0; /* an answer may be read before till_send has returned */
}

static bool is_silent(struct play *play, int64_t since_ns) {
    if (measure_now_ns() - since_ns <= SILENCE_MS * MS) return false;
    fail(play, "answers are missing", "none has come for a minute");
    return true;
}

/* Waits until at most so many are unanswered. */
static bool wait_for_answers(struct play *play, uint32_t at_most) {
    int64_t began = measure_now_ns();
    while (waiting(play) > at_most) {
        int64_t last = atomic_load(&play->last_answer_ns);
        if (atomic_load(&play->failed) || is_silent(play, last > began ? last : began)) return false;
        measure_sleep_until(measure_now_ns() + MS / 5);
    }
    return true;
}

/* The same for all, while nobody reads. Each look costs Redis what is being measured: there are few of them, the next one when by the pace
 * so far the end has come. */
static bool wait_for_writing(struct play *play, int64_t *ended_ns) {
    int64_t then = measure_now_ns(), changed = then, pause = 0;
    uint64_t before = UINT64_MAX, left;
    while ((left = play->waiting(play)) > 0) {
        int64_t now = measure_now_ns();
        if (left < before) changed = now;
        if (atomic_load(&play->failed) || is_silent(play, changed)) return false;
        if (left == before) pause *= 2;
        else if (before != UINT64_MAX) pause = (int64_t)((double)(now - then) * (double)left / (double)(before - left));
        if (pause < LOOK_LEAST_MS * MS) pause = LOOK_LEAST_MS * MS;
        if (pause > LOOK_MOST_MS * MS) pause = LOOK_MOST_MS * MS;
        before = left;
        then = now;
        measure_sleep_until(now + pause);
    }
    *ended_ns = measure_now_ns();
    return true;
}

static void kill_in_the_middle(struct play *play, uint32_t n) {
    uint32_t middle = play->plan->setup + (play->plan->count - play->plan->setup) / 2;
    if (!play->victim || play->killed_ns || n < middle) return;
    kill(play->victim, SIGKILL);
    play->killed_ns = measure_now_ns();
    play->killed_at = n - play->plan->setup;
}

static bool play_setup(struct play *play) {
    const struct plan *plan = play->plan;
    for (uint32_t n = 0; n < plan->setup;) {
        uint32_t end = n < plan->merchants ? plan->merchants : plan->setup, count = end - n < BATCH ? end - n : BATCH;
        if (!send_batch(play, n, count) || !wait_for_answers(play, count)) return false;
        n += count;
        if (n == plan->merchants && !wait_for_answers(play, 0)) return false; /* nobody pays a merchant that is not there yet */
    }
    return wait_for_answers(play, 0);
}

static bool play_rush(struct play *play, uint32_t n, uint32_t end, unsigned window) {
    while (n < end) {
        uint32_t count = end - n < BATCH ? end - n : BATCH;
        if (!wait_for_answers(play, window > count ? window - count : 0)) return false;
        for (uint32_t i = 0; i < count; i++) {
            plan_next(play->plan, n + i);
            play->plan->shots[n + i].due_ns = measure_now_ns();
        }
        if (!send_batch(play, n, count)) return false;
        n += count;
        kill_in_the_middle(play, n);
    }
    return true;
}

static bool play_steady(struct play *play, uint32_t n, uint32_t end) {
    prctl(PR_SET_TIMERSLACK, 1000UL); /* else the kernel wakes the sender 50 us late, and that would be taken for Till's latency */
    int64_t began = measure_now_ns(), step = 1000000000 / play->rate;
    uint32_t first = n;
    while (n < end) {
        measure_sleep_until(began + (int64_t)(n - first) * step);
        uint32_t due = (uint32_t)((measure_now_ns() - began) / step) + 1 - (n - first);
        uint32_t count = due < 1 ? 1 : due > BATCH ? BATCH : due;
        if (count > end - n) count = end - n;
        for (uint32_t i = 0; i < count; i++) {
            plan_next(play->plan, n + i);
            play->plan->shots[n + i].due_ns = began + (int64_t)(n + i - first) * step;
        }
        if (atomic_load(&play->failed) || !send_batch(play, n, count)) return false;
        n += count;
        kill_in_the_middle(play, n);
    }
    return wait_for_answers(play, 0);
}

static double redis_cpu_us(struct play *play) {
    return play->redis_cpu_us ? play->redis_cpu_us(play->context) : measure_cpu_us(&play->redis);
}

static double till_cpu_us(const struct play *play) {
    return play->sending_us + measure_thread_cpu_us(play->reader) - atomic_load(&play->judging_us);
}

static void add_took(struct play_took *sum, const struct play_took *took) {
    sum->count += took->count;
    sum->seconds += took->seconds;
    sum->redis_us += took->redis_us;
    sum->workers_us += took->workers_us;
    sum->own_us += took->own_us;
    sum->till_us += took->till_us;
}

/* At full speed, from n to end. What nobody reads is within the window all at once. */
static bool play_measured(struct play *play, uint32_t n, uint32_t end, bool unread, struct play_took *took) {
    double redis = redis_cpu_us(play), workers = measure_cpu_us(&play->workers), own = measure_own_cpu_us(), till = till_cpu_us(play);
    int64_t began_ns = measure_now_ns(), ended_ns = 0;
    if (!play_rush(play, n, end, unread ? UINT_MAX : play->window)) return false;
    if (unread ? !wait_for_writing(play, &ended_ns) : !wait_for_answers(play, 0)) return false;
    if (!unread) ended_ns = atomic_load(&play->last_answer_ns);
    *took = (struct play_took){.count = end - n, .seconds = (double)(ended_ns - began_ns) / 1e9, .redis_us = redis_cpu_us(play) - redis,
                               .workers_us = measure_cpu_us(&play->workers) - workers, .own_us = measure_own_cpu_us() - own,
                               .till_us = till_cpu_us(play) - till};
    return true;
}

/* What is measured ends when the last answer is there; then they are read. */
static bool play_unread(struct play *play, uint32_t n, uint32_t end, struct play_took *took) {
    atomic_store(&play->stage, STAGE_UNREAD);
    atomic_store(&play->holding, true);
    while (!atomic_load(&play->held) && !atomic_load(&play->failed)) measure_sleep_until(measure_now_ns() + MS);
    bool played = play_measured(play, n, end, true, took);
    atomic_store(&play->holding, false);
    while (played && atomic_load(&play->held)) measure_sleep_until(measure_now_ns() + MS);
    return played && wait_for_answers(play, 0);
}

static bool play_turn(struct play *play, enum play_way way, uint32_t n, uint32_t end) {
    struct play_took took;
    bool unread = way == PLAY_UNREAD || way == PLAY_BULK_UNREAD;
    if (n == end) return true;
    play->sends = way == PLAY_BULK || way == PLAY_BULK_UNREAD ? play->bulk : play->till;
    atomic_store(&play->stage, STAGE_RUSH);
    if (unread ? !play_unread(play, n, end, &took) : !play_measured(play, n, end, false, &took)) return false;
    add_took(&play->took[way], &took);
    if (play->after_turn) play->after_turn(play, way, &took);
    return true;
}

/* Each time another one is first. */
static bool play_turns(struct play *play, uint32_t n) {
    for (uint64_t turn = 0; turn < play->turns; turn++) {
        uint32_t count = (uint32_t)(play->rush * (turn + 1) / play->turns - play->rush * turn / play->turns);
        for (unsigned w = 0; w < play->ways; w++, n += count)
            if (!play_turn(play, (enum play_way)((turn + w) % play->ways), n, n + count)) return false;
    }
    return true;
}

static bool play_day(struct play *play) {
    if (!play_turns(play, play->plan->setup)) return false;
    play->sends = play->till;
    atomic_store(&play->stage, STAGE_STEADY);
    play->steady_began_ns = measure_now_ns();
    bool played = play_steady(play, play->plan->count - play->steady, play->plan->count);
    play->steady_ended_ns = measure_now_ns();
    return played;
}

bool play_all(struct play *play) {
    if (!open_handle(play, &play->till, false) || (play->ways > PLAY_BULK && !open_handle(play, &play->bulk, true))) return false;
    play->sends = play->till;
    int err = pthread_create(&play->reader, NULL, read_answers, play);
    if (err) {
        fail(play, "cannot start a thread", strerror(err));
        return false;
    }
    bool played = play_setup(play) && play_day(play);
    if (played) measure_sleep_until(measure_now_ns() + EXTRA_MS * MS);
    atomic_store(&play->stopping, true);
    pthread_join(play->reader, NULL);
    till_close(play->bulk);
    atomic_store(&play->stage, STAGE_END);
    return played && !atomic_load(&play->failed);
}
