/* A request on its way through the gateway. It belongs to the thread of HTTP; while it waits, to whom it was handed. */
#ifndef GATEWAY_REQUEST_H
#define GATEWAY_REQUEST_H

#include <microhttpd.h>
#include <stdatomic.h>

#include "producer/gateway/desk.h"
#include "producer/gateway/gateway.h"
#include "producer/gateway/guard.h"
#include "producer/gateway/hub.h"
#include "producer/gateway/reply.h"
#include "producer/gateway/sender.h"
#include "producer/gateway/session.h"
#include "producer/gateway/sources.h"
#include "producer/gateway/tokens.h"

enum { REQUEST_URL_MAX = 700, GATEWAY_RATES = 128 };

struct gateway {
    struct cli *cli;
    struct config config;
    char shown[120];
    bool tls;
    struct MHD_Daemon *daemon;
    bool open;                /* no tokens: whoever is on this machine may be any source */
    pthread_rwlock_t tokens_lock;
    struct tokens tokens;     /* of sources */
    struct tokens operators;
    struct waiting waiting;
    struct sources sources;
    struct sender *sender;
    struct desk *desk;
    struct desk *board;       /* the page's, so that looking on costs checkouts nothing */
    struct hub hub;
    struct sessions sessions; /* the thread of HTTP's */
    struct desk_job state_job;
    atomic_bool state_asked;
    struct guard guard;
    struct rate {
        char name[TILL_SOURCE_SIZE];
        int64_t spent_until_us;
    } rates[GATEWAY_RATES];   /* the thread of HTTP's */
    pthread_t ticker;
    atomic_bool stopping, ended;
    atomic_uint waits;        /* requests that are suspended */
};

struct request {
    struct gateway *gateway;
    struct MHD_Connection *connection;
    struct guard_link *link;
    const struct route *route;
    char url[REQUEST_URL_MAX]; /* decoded */
    char source[TILL_SOURCE_SIZE]; /* whose token it has; "" anybody's */
    struct session *session;       /* an operator's */
    char *body;
    size_t size, dropped;
    bool whole, suspended;
    struct gateway_reply reply;
    void (*finish)(struct request *r); /* makes the reply once it no longer waits, unless it was made */
    struct desk_job job;
    struct outgoing *outgoing;
    int64_t wait_ms;
};

/* Takes a request whole: makes its reply, or hands it to somebody behind request_suspend. */
typedef void handler(struct request *r);

enum route_door { DOOR_OPEN, DOOR_SOURCE, DOOR_PAGE, DOOR_LOGIN, DOOR_OPERATOR };

struct route {
    const char *method, *path; /* of a path that ends with / what is behind it may be anything */
    enum route_door door;
    handler *handle;
};

/* From now on another thread has it, which gives it back by request_resume. */
void request_suspend(struct request *r);
void request_resume(struct request *r);
/* Has it done by a desk: `run` ends with request_resume. */
void request_hand_over(struct request *r, struct desk *desk, void (*run)(struct desk_job *job, struct desk *desk));
struct request *request_of_job(struct desk_job *job);
const char *request_header(const struct request *r, const char *name); /* NULL: it is not there */
/* How long it is ready to wait. */
int64_t request_wait_ms(const struct request *r);
/* The part of the path behind the route's, cut at slashes: how many parts, at most `most`; 0 when there are more. */
unsigned request_parts(struct request *r, char **parts, unsigned most);
/* /v1/answers/ACCOUNT/SOURCE/KEY?at=AT */
void request_location(char out[GATEWAY_LOCATION_MAX], const char *account, const char *source, const char *key, uint64_t at_ms);

/* Whether it may come in. False: the reply says why not. */
bool door_check(struct request *r);

handler intents_post, lookups_answer, lookups_account;
handler page_html, page_css, page_js, page_login, page_logout, page_session;
handler board_events, board_dead, board_change, board_look;
/* Once a second: tells those who look on how the book stands. */
void board_tick(struct gateway *g);

/* The table of all, one after the other; NULL behind the last. */
const struct route *http_route_at(size_t n);
/* What libmicrohttpd calls. */
enum MHD_Result http_request(void *gateway, struct MHD_Connection *connection, const char *url, const char *method, const char *version,
                             const char *body, size_t *size, void **state);
void http_completed(void *gateway, struct MHD_Connection *connection, void **state, enum MHD_RequestTerminationCode why);
void http_connection(void *gateway, struct MHD_Connection *connection, void **link, enum MHD_ConnectionNotificationCode what);

#endif
