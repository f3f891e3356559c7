/* till-worker: takes partitions of a book and applies their intents, until told to stop. */
#include <errno.h>
#include <getopt.h>
#include <malloc.h>
#include <signal.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <systemd/sd-daemon.h>
#include <time.h>
#include <unistd.h>

#include "config/config.h"
#include "producer/archive_pack.h"
#include "producer/redis_config.h"
#include "worker/admin.h"
#include "worker/embedded.h"
#include "worker/eviction.h"
#include "worker/lane_apply.h"
#include "worker/log.h"
#include "worker/ownership.h"
#include "worker/settings.h"
#include "worker/watchdog.h"

enum { EXIT_USAGE = 100, EXIT_REDIS = 111, TURN_MS = 100, STOP_MS = 900, ARCHIVE_STOP_MS = 1600, TRACE_STOP_MS = 200, BOOK_RETRY_MS = 200 };
enum { MALLOC_LARGE = 128 * 1024 };

static const char help[] =
    "Usage: till-worker [-c FILE] [--check-config]\n"
    "\n"
    "Takes its share of a book's partitions, applies the payment intents waiting there and answers them. Run as many as you like:\n"
    "they divide the partitions among themselves, and what a dead one held is taken over within seconds.\n"
    "\n"
    "  -c, --config FILE   settings in YAML (default: built-in defaults; TILL_CONFIG names a file too)\n"
    "      --check-config  say what is wrong with the settings, and exit (0: nothing)\n"
    "      --version       print the version\n"
    "  -h, --help          print this\n"
    "\n"
    "Signals: SIGTERM and SIGINT finish the batch, hand the partitions back and exit 0 within 2 s. SIGHUP reads the settings again;\n"
    "a file with faults is refused whole. SIGTSTP makes it quiet: it finishes the batch, hands its partitions to the other workers and\n"
    "takes none until SIGCONT; it is not stopped. Log: one line per event on stderr.\n"
    "Exit status: 0 stopped as asked, 100 usage or settings, 111 Redis not reachable or not usable at start.\n"
    "\n"
    "Examples:\n"
    "  till-worker                            a server of its own under var/redis, nothing to configure\n"
    "  till-worker -c config/till.yaml        the annotated sample\n"
    "  TILL_REDIS_URL=redis://10.0.0.5 till-worker\n";

struct worker {
    const char *config_path;
    struct config config;
    struct redis_options redis;
    struct settings settings;
    struct gate gate;
    struct durable durable;
    struct lane_shared shared;
    atomic_int applies_by;
    struct door door;
    char name[128];
    struct embedded embedded;
    struct ownership ownership;
    struct eviction eviction;
    bool quiet; /* an operator said so */
    struct metrics metrics;
    struct admin *admin;
    char token[ADMIN_TOKEN_MAX + 1];
};

/* Prints all faults, one a line, and clears them. */
static int report_faults(enum config_err err, struct config_faults *faults) {
    if (err) fprintf(stderr, "%s\n", faults->text ? faults->text : "the configuration cannot be read");
    config_faults_clear(faults);
    return err ? EXIT_USAGE : 0;
}

static int load_config(const char *path, struct config *config) {
    struct config_faults faults = {0};
    enum config_err err = config_load(path, config, &faults);
    return report_faults(err, &faults);
}

static int usage_error(const char *what) {
    fprintf(stderr, "till-worker: %s\n", what);
    return EXIT_USAGE;
}

static int check_archive(const struct config *config) {
    if (config->archive_compress != CONFIG_YES || archive_can_pack()) return 0;
    return usage_error("archive.compress: " ARCHIVE_PACK_NEEDS);
}

static void name_worker(struct worker *w) {
    char host[64] = "worker";
    gethostname(host, sizeof host - 1);
    if (w->config.worker_name[0]) snprintf(w->name, sizeof w->name, "%.64s", w->config.worker_name);
    else snprintf(w->name, sizeof w->name, "%s-%d", host, (int)getpid());
}

/* From settings to what the rest works with. */
static int set_up(struct worker *w) {
    struct config_faults faults = {0};
    const char *wrong = redis_options_of_config(&w->config, &w->redis);
    if (wrong) return usage_error(wrong);
    enum config_err err = config_read_secret(&w->config, w->door.secret, &w->door.has_secret, &faults);
    if (report_faults(err, &faults)) return EXIT_USAGE;
    err = config_read_admin_token(&w->config, w->token, sizeof w->token, &faults);
    if (report_faults(err, &faults)) return EXIT_USAGE;
    wrong = admin_check(w->config.admin_listen, w->token);
    if (wrong) return usage_error(wrong);
    name_worker(w);
    settings_apply(&w->settings, &w->config);
    snprintf(w->door.book.name, sizeof w->door.book.name, "%.32s", w->config.book_name);
    w->door.book.partitions = (unsigned)w->config.book_partitions;
    w->redis.client_name = w->name;
    if (w->config.durability_replicas > 0 && strncmp(w->config.redis_url, "embedded:", 9) == 0)
        return usage_error("durability.replicas: a server of Till's own (embedded:DIR) has no replicas; name one that has in redis.url");
    w->shared = (struct lane_shared){w->redis, &w->settings, w->name, (unsigned)w->config.worker_lease_ttl_ms, &w->gate, NULL, NULL,
                                     &w->durable, NULL, &w->applies_by};
    return 0;
}

/* Whether the password that stands in its file now is right: an operator wants to know before he takes the old one away. Connections that
 * are there stay, those to come read it anew. */
static void try_password(struct worker *w) {
    struct redis *redis;
    if (!w->redis.password_file[0]) return;
    enum redis_err err = redis_open(&redis, &w->ownership.control);
    if (!err) log_event(LOG_INFO, "password_accepted", {"at", LOG_S(redis_where(redis))});
    if (err == REDIS_REFUSED)
        log_event(LOG_ERROR, "password_refused", {"at", LOG_S(redis_where(redis))}, {"error", LOG_S(redis_error(redis))});
    redis_close(redis);
}

static void reload(struct worker *w) {
    struct config_faults faults = {0};
    struct config fresh;
    char needs_restart[512];
    spans_reopen(w->shared.spans);
    if (config_load(w->config_path, &fresh, &faults)) {
        log_event(LOG_ERROR, "reload_refused", {"faults", LOG_S(faults.text ? faults.text : "unreadable")});
    } else {
        unsigned changed = config_reload(&w->config, &fresh, needs_restart, sizeof needs_restart);
        settings_apply(&w->settings, &w->config);
        log_event(LOG_INFO, "reloaded", {"changed", LOG_N(changed)}, {"needs_restart", LOG_S(needs_restart)});
        try_password(w);
    }
    config_faults_clear(&faults);
}

static sigset_t handled_signals(void) {
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGHUP);
    sigaddset(&set, SIGTSTP);
    sigaddset(&set, SIGCONT);
    return set;
}

/* For an operator's sake, or because Redis may throw away what is written. */
static void keep_quiet(struct worker *w) {
    if (w->ownership.quiet != (w->quiet || w->eviction.evicts)) ownership_quiet(&w->ownership, w->quiet || w->eviction.evicts);
}

static void set_quiet(struct worker *w, bool quiet) {
    if (w->quiet == quiet) return; /* whoever was stopped by a debugger gets SIGCONT too */
    w->quiet = quiet;
    keep_quiet(w);
    log_event(LOG_INFO, quiet ? "worker_quiet" : "worker_goes_on", {"name", LOG_S(w->name)});
    sd_notify(0, quiet ? "STATUS=quiet" : "STATUS=serving");
}

/* True: it asks to stop. 0 is none. */
static bool heed(struct worker *w, int signal) {
    if (signal == SIGHUP) reload(w);
    else if (signal == SIGTSTP || signal == SIGCONT) set_quiet(w, signal == SIGTSTP);
    else return signal != 0;
    return false;
}

/* The next signal, or 0 after a turn's time. */
static int wait_signal(int timeout_ms) {
    sigset_t set = handled_signals();
    int got = sigtimedwait(&set, NULL, &(struct timespec){timeout_ms / 1000, timeout_ms % 1000 * 1000000L});
    return got > 0 ? got : 0;
}

/* Redis may come up after the worker: waits for it. 0, an exit status, or -1 when told to stop meanwhile. */
static int open_book(struct worker *w) {
    enum redis_err err;
    bool told = false;
    for (;;) {
        const char *wrong = ownership_open_book(&w->ownership, &err);
        if (!wrong && told) log_event(LOG_INFO, "redis_back", {"at", LOG_S(redis_where(w->ownership.redis))});
        if (!wrong) return 0;
        if (!redis_err_heals(err)) {
            log_event(LOG_ERROR, "book_refused", {"error", LOG_S(wrong)});
            return err == REDIS_REFUSED && strncmp(wrong, "book ", 5) == 0 ? EXIT_USAGE : EXIT_REDIS;
        }
        if (!told) log_event(LOG_WARN, "redis_away", {"class", LOG_S(redis_err_word(err))}, {"error", LOG_S(wrong)});
        told = true;
        if (heed(w, wait_signal(BOOK_RETRY_MS))) return -1;
        embedded_turn(&w->embedded);
    }
}

static void serve(struct worker *w) {
    bool ready = false;
    struct watchdog watchdog;
    watchdog_init(&watchdog);
    for (;;) {
        eviction_look(&w->eviction, w->ownership.redis);
        keep_quiet(w);
        ownership_turn(&w->ownership);
        embedded_turn(&w->embedded);
        if (!ready && !w->ownership.away) ready = sd_notify(0, "READY=1\nSTATUS=serving") >= 0;
        watchdog_beat(&watchdog, lane_now_ms());
        if (heed(w, wait_signal(TURN_MS))) return;
    }
}

/* Better told at the start than by the first batch. */
static int check_durability(struct worker *w) {
    char why[300];
    struct redis_durable want = {(unsigned)w->config.durability_replicas, w->config.durability_aof == CONFIG_YES};
    enum redis_err err = redis_durable_probe(w->ownership.redis, &want, why, sizeof why);
    if (!err || redis_err_heals(err)) return 0;
    log_event(LOG_ERROR, "durability_refused", {"error", LOG_S(why)});
    return EXIT_USAGE;
}

/* Before there is anything to keep. */
static void start_archiver(struct worker *w) {
    w->ownership.archiver = archiver_start(&(struct archiver_options){
        .redis = w->redis,
        .gate = &w->gate,
        .settings = &w->settings,
        .book = w->door.book,
        .dir = w->config.archive_dir,
        .archive = {w->config.archive_segment_size, w->config.archive_segment_age_ms, w->config.archive_fsync_every_ms,
                    w->config.archive_compress == CONFIG_YES},
    });
    w->shared.sources = archiver_sources(w->ownership.archiver);
}

/* False: it cannot listen there. */
static bool start_admin(struct worker *w) {
    const char *wrong = NULL;
    if (!w->config.admin_listen[0]) return true;
    metrics_init(&w->metrics, w->door.book.partitions, &w->gate, &w->durable, w->shared.spans);
    w->shared.metrics = &w->metrics;
    struct admin_options options = {w->config.admin_listen, w->token, w->name, w->redis, w->door.book, &w->metrics, &w->settings};
    w->admin = admin_start(&options, &wrong);
    if (!w->admin) log_event(LOG_ERROR, "admin_refused", {"on", LOG_S(w->config.admin_listen)}, {"error", LOG_S(wrong)});
    return w->admin != NULL;
}

/* False: it cannot be written. */
static bool start_spans(struct worker *w) {
    const char *wrong = NULL;
    if (!w->config.trace_file[0]) return true;
    w->shared.spans = spans_open(w->config.trace_file, w->name, TILL_VERSION, &wrong);
    if (!w->shared.spans) log_event(LOG_ERROR, "trace_refused", {"path", LOG_S(w->config.trace_file)}, {"error", LOG_S(wrong)});
    return w->shared.spans != NULL;
}

/* Two connections a partition and three files of its archive: a book of many partitions needs more than the usual 1024. */
static void raise_file_limit(void) {
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur == limit.rlim_max) return;
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit); /* else whoever opens too many says so */
}

/* What a lane needs for a large batch for a moment, it gives back, however often that happens: left to itself, malloc learns to keep it. */
static void keep_malloc_lean(void) {
    mallopt(M_MMAP_THRESHOLD, MALLOC_LARGE);
    mallopt(M_TRIM_THRESHOLD, MALLOC_LARGE);
}

static int run(struct worker *w) {
    char url[200];
    redis_url_show(&w->redis.url, url, sizeof url);
    log_event(LOG_INFO, "worker_starts", {"name", LOG_S(w->name)}, {"book", LOG_S(w->door.book.name)},
              {"partitions", LOG_N(w->door.book.partitions)}, {"redis", LOG_S(url)});
    const char *wrong = embedded_start(&w->embedded, &w->config, &w->redis.url);
    if (wrong) {
        log_event(LOG_ERROR, "embedded_redis_failed", {"error", LOG_S(wrong)});
        embedded_stop(&w->embedded);
        return EXIT_REDIS;
    }
    if (!start_spans(w) || !start_admin(w)) {
        embedded_stop(&w->embedded);
        return EXIT_USAGE;
    }
    ownership_init(&w->ownership, &w->shared, &w->door);
    start_archiver(w);
    int status = open_book(w);
    if (status == 0) status = check_durability(w);
    if (status == 0) {
        serve(w);
    }
    sd_notify(0, "STOPPING=1");
    uint64_t now_ms = lane_now_ms();
    archiver_end(w->ownership.archiver);
    bool closed = ownership_close(&w->ownership, now_ms + STOP_MS) && archiver_close(w->ownership.archiver, now_ms + ARCHIVE_STOP_MS);
    admin_stop(w->admin);
    if (closed) closed = spans_close(w->shared.spans, lane_now_ms() + TRACE_STOP_MS);
    embedded_stop(&w->embedded);
    log_event(LOG_INFO, "worker_stopped", {"name", LOG_S(w->name)}, {"clean", LOG_S(closed ? "yes" : "no")});
    if (!closed) _exit(status > 0 ? status : 0); /* a lane hangs in a connect, or a disk does; the lease lapses */
    metrics_clear(&w->metrics);
    return status > 0 ? status : 0;
}

int main(int argc, char **argv) {
    static const struct option options[] = {
        {"config", required_argument, NULL, 'c'}, {"check-config", no_argument, NULL, 'C'}, {"version", no_argument, NULL, 'V'},
        {"help", no_argument, NULL, 'h'},         {NULL, 0, NULL, 0},
    };
    static struct worker w;
    bool check_only = false;
    w.config_path = getenv("TILL_CONFIG");
    for (int o; (o = getopt_long(argc, argv, "c:h", options, NULL)) != -1;) {
        if (o == 'c') w.config_path = optarg;
        else if (o == 'C') check_only = true;
        else if (o == 'V') return puts("till-worker " TILL_VERSION) < 0;
        else if (o == 'h') return fputs(help, stdout) < 0;
        else return usage_error("see till-worker --help");
    }
    if (optind < argc) return usage_error("takes no arguments, see till-worker --help");
    sigset_t blocked = handled_signals();
    sigprocmask(SIG_BLOCK, &blocked, NULL); /* before any thread: main alone waits for them */
    signal(SIGPIPE, SIG_IGN);
    raise_file_limit();
    keep_malloc_lean();
    signal(SIGXFSZ, SIG_IGN); /* a file of the archive that may not grow is a failed write, and no reason to end */
    if (sodium_init() < 0) return usage_error("libsodium does not work here");
    int bad = load_config(w.config_path, &w.config);
    if (!bad) bad = check_archive(&w.config);
    if (bad) return bad;
    bad = set_up(&w);
    if (bad) return bad;
    if (check_only) return puts("the configuration is good") < 0;
    return run(&w);
}
