/* Starting and watching redis-server. */
#include "worker/embedded.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "config/config.h"
#include "producer/redis_url.h"
#include "worker/lane_apply.h"
#include "worker/log.h"

enum { START_TIMEOUT_MS = 5000, STOP_TIMEOUT_MS = 500, RESTART_FIRST_MS = 100, RESTART_LAST_MS = 5000 };

/* mkdir -p, readable by the owner only: the ledger lies in it. */
static bool make_directories(const char *dir) {
    char path[128];
    snprintf(path, sizeof path, "%s", dir);
    for (char *c = path + 1; *c; c++) {
        if (*c != '/') continue;
        *c = '\0';
        if (mkdir(path, 0755) && errno != EEXIST) return false;
        *c = '/';
    }
    return mkdir(path, 0700) == 0 || errno == EEXIST;
}

static int take_lock(const char *dir) {
    char path[128];
    snprintf(path, sizeof path, "%s/lock", dir);
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd >= 0 && flock(fd, LOCK_EX | LOCK_NB)) {
        close(fd);
        return -1;
    }
    return fd;
}

static bool answers(const char *socket_path) {
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    if (strlen(socket_path) >= sizeof address.sun_path) return false;
    memcpy(address.sun_path, socket_path, strlen(socket_path) + 1);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0); /* a server that hangs must not hold us too */
    bool connected = fd >= 0 && (connect(fd, (struct sockaddr *)&address, sizeof address) == 0 || errno == EAGAIN);
    if (fd >= 0) close(fd);
    return connected;
}

/* Looks without reaping: that is embedded_turn's to do. */
static bool child_ended(const struct embedded *e) {
    siginfo_t info = {0};
    return e->pid && (waitid(P_PID, (id_t)e->pid, &info, WEXITED | WNOHANG | WNOWAIT) || info.si_pid);
}

static void wait_for_socket(const struct embedded *e, uint64_t timeout_ms) {
    uint64_t until_ms = lane_now_ms() + timeout_ms;
    while (!answers(e->url->path) && lane_now_ms() < until_ms && !child_ended(e))
        nanosleep(&(struct timespec){0, 5 * 1000000L}, NULL);
}

/* In the child: dies with the worker, writes its log into DIR, takes no port. */
static void run_server(const struct embedded *e, const char *absolute_dir, pid_t parent) {
    static const char *const fsync_words[] = {"always", "everysec", "no"};
    char maxmemory[24], socket_path[256], log_path[256];
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    if (getppid() != parent) _exit(1);
    setpgid(0, 0); /* Ctrl-C is for the worker, which ends the server after its lanes */
    snprintf(maxmemory, sizeof maxmemory, "%llu", (unsigned long long)e->config->embedded_maxmemory);
    snprintf(socket_path, sizeof socket_path, "%s/redis.sock", absolute_dir);
    snprintf(log_path, sizeof log_path, "%s/redis.log", absolute_dir);
    execlp("redis-server", "redis-server", "--port", "0", "--unixsocket", socket_path, "--unixsocketperm", "700", "--dir", absolute_dir,
           "--logfile", log_path, "--appendonly", "yes", "--appendfsync", fsync_words[e->config->embedded_appendfsync], "--save", "",
           "--maxmemory", maxmemory, "--maxmemory-policy", "noeviction", "--daemonize", "no", (char *)NULL);
    _exit(127);
}

static const char *spawn(struct embedded *e) {
    char absolute[200];
    if (!realpath(e->url->embedded_dir, absolute) || strlen(absolute) > 90)
        return "redis.url: the embedded directory's full path is too long for a socket";
    pid_t parent = getpid(), pid = fork();
    if (pid < 0) return strerror(errno);
    if (pid == 0) run_server(e, absolute, parent);
    e->pid = pid;
    e->started_at_ms = lane_now_ms();
    log_event(LOG_INFO, "embedded_redis_started", {"dir", LOG_S(e->url->embedded_dir)}, {"pid", LOG_N(pid)});
    return NULL;
}

const char *embedded_start(struct embedded *e, const struct config *config, const struct redis_url *url) {
    *e = (struct embedded){.config = config, .url = url, .lock = -1, .restart_ms = RESTART_FIRST_MS};
    if (!url->embedded_dir[0]) return NULL;
    if (!make_directories(url->embedded_dir)) return strerror(errno);
    e->lock = take_lock(url->embedded_dir);
    if (e->lock >= 0 && !answers(url->path)) {
        const char *wrong = spawn(e);
        if (wrong) return wrong;
    }
    wait_for_socket(e, START_TIMEOUT_MS);
    return answers(url->path) ? NULL : "redis-server did not come up: is it installed? see redis.log in the embedded directory";
}

void embedded_turn(struct embedded *e) {
    int status;
    if (e->pid && waitpid(e->pid, &status, WNOHANG) == e->pid) {
        log_event(LOG_ERROR, "embedded_redis_died", {"pid", LOG_N(e->pid)}, {"status", LOG_N(status)});
        e->restart_ms = lane_now_ms() - e->started_at_ms > RESTART_LAST_MS ? RESTART_FIRST_MS : e->restart_ms * 2;
        if (e->restart_ms > RESTART_LAST_MS) e->restart_ms = RESTART_LAST_MS;
        e->started_at_ms = lane_now_ms();
        e->pid = 0;
    }
    if (!e->url->embedded_dir[0] || e->pid || lane_now_ms() - e->started_at_ms < e->restart_ms || answers(e->url->path)) return;
    if (e->lock < 0) e->lock = take_lock(e->url->embedded_dir); /* whoever had the server is gone: it is ours now */
    const char *wrong = e->lock >= 0 ? spawn(e) : NULL;
    if (wrong) log_event(LOG_ERROR, "embedded_redis_failed", {"error", LOG_S(wrong)});
}

void embedded_stop(struct embedded *e) {
    if (e->pid) {
        uint64_t until_ms = lane_now_ms() + STOP_TIMEOUT_MS;
        kill(e->pid, SIGTERM);
        while (waitpid(e->pid, NULL, WNOHANG) == 0 && lane_now_ms() < until_ms) nanosleep(&(struct timespec){0, 5 * 1000000L}, NULL);
    }
    if (e->lock >= 0) close(e->lock);
    e->pid = 0;
    e->lock = -1;
}
