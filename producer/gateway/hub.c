/* Events for those who follow. */
#include "producer/gateway/hub.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <utlist.h>

#include "producer/cli/answer_out.h"
#include "schema/entry.h"

enum { BLOCK = 4096, SHOWN_MAX = 20 };

struct hub_follower {
    struct hub_follower *prev, *next_one;
    struct hub *hub;
    struct MHD_Connection *connection;
    uint64_t at;     /* the event it is told next */
    size_t offset;   /* in that one */
    bool asleep;
};

void hub_init(struct hub *h) {
    memset(h, 0, sizeof *h);
    pthread_mutex_init(&h->lock, NULL);
}

void hub_clear(struct hub *h) {
    for (unsigned n = 0; n < HUB_EVENTS; n++) free(h->ring[n].text);
    pthread_mutex_destroy(&h->lock);
}

bool hub_is_followed(struct hub *h) { return atomic_load(&h->count) > 0; }

static void wake(struct hub *h) {
    struct hub_follower *f;
    DL_FOREACH2(h->followers, f, next_one) {
        if (f->asleep) MHD_resume_connection(f->connection);
        f->asleep = false;
    }
}

void hub_publish(struct hub *h, const char *event, json_t *data) {
    char *json = json_dumps(data, JSON_COMPACT), *text = NULL;
    if (!json || asprintf(&text, "event: %s\ndata: %s\n\n", event, json) < 0) abort();
    free(json);
    json_decref(data);
    pthread_mutex_lock(&h->lock);
    unsigned place = (unsigned)(h->next++ % HUB_EVENTS);
    free(h->ring[place].text);
    h->ring[place].text = text;
    h->ring[place].size = strlen(text);
    wake(h);
    pthread_mutex_unlock(&h->lock);
}

static bool count_answer(struct hub *h, const struct till_answer *a) {
    struct hub_answers *s = &h->answers;
    struct entry_id given;
    pthread_mutex_lock(&h->lock);
    s->count++;
    s->refused += a->code != TILL_OK;
    bool timed = s->sample_count < HUB_SAMPLES && !a->replayed && entry_id_parse(a->response, strlen(a->response), &given);
    if (timed) s->took_ms[s->sample_count++] = given.ms > a->at_ms ? (uint32_t)(given.ms - a->at_ms) : 0;
    bool shown = s->shown < SHOWN_MAX;
    s->shown += shown;
    pthread_mutex_unlock(&h->lock);
    return shown;
}

void hub_answer(void *hub, const struct till_answer *answer) {
    if (hub_is_followed(hub) && count_answer(hub, answer)) hub_publish(hub, "answer", answer_json(answer));
}

void hub_take_answers(struct hub *h, struct hub_answers *out) {
    pthread_mutex_lock(&h->lock);
    *out = h->answers;
    h->answers = (struct hub_answers){0};
    pthread_mutex_unlock(&h->lock);
}

/* What libmicrohttpd asks when it has room for more. */
static ssize_t read_events(void *context, uint64_t position, char *out, size_t most) {
    struct hub_follower *f = context;
    struct hub *h = f->hub;
    ssize_t size = MHD_CONTENT_READER_END_OF_STREAM;
    (void)position;
    pthread_mutex_lock(&h->lock);
    if (!h->closed && h->next - f->at <= HUB_EVENTS) {
        size = 0;
        if (f->at == h->next) {
            f->asleep = true;
            MHD_suspend_connection(f->connection);
        } else {
            unsigned place = (unsigned)(f->at % HUB_EVENTS);
            size_t left = h->ring[place].size - f->offset;
            size = (ssize_t)(left < most ? left : most);
            memcpy(out, h->ring[place].text + f->offset, (size_t)size);
            f->offset += (size_t)size;
            if (f->offset == h->ring[place].size) {
                f->offset = 0;
                f->at++;
            }
        }
    }
    pthread_mutex_unlock(&h->lock);
    return size;
}

static void unfollow(void *context) {
    struct hub_follower *f = context;
    struct hub *h = f->hub;
    pthread_mutex_lock(&h->lock);
    DL_DELETE2(h->followers, f, prev, next_one);
    atomic_fetch_sub(&h->count, 1);
    pthread_mutex_unlock(&h->lock);
    free(f);
}

struct MHD_Response *hub_follow(struct hub *h, struct MHD_Connection *connection) {
    struct hub_follower *f = calloc(1, sizeof *f);
    if (!f) abort();
    *f = (struct hub_follower){.hub = h, .connection = connection};
    pthread_mutex_lock(&h->lock);
    bool fits = !h->closed && atomic_load(&h->count) < HUB_FOLLOWERS_MAX;
    f->at = h->next;
    if (fits) {
        DL_APPEND2(h->followers, f, prev, next_one);
        atomic_fetch_add(&h->count, 1);
    }
    pthread_mutex_unlock(&h->lock);
    struct MHD_Response *response =
        fits ? MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, BLOCK, read_events, f, unfollow) : NULL;
    if (!fits) free(f);
    else if (!response) unfollow(f);
    return response;
}

void hub_close(struct hub *h) {
    pthread_mutex_lock(&h->lock);
    h->closed = true;
    wake(h);
    pthread_mutex_unlock(&h->lock);
}
