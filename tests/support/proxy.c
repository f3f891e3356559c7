/* Starts a fault proxy and tells it what to do. */
#include "tests/support/proxy.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/support/process.h"

struct proxy_shared *proxy_share(void) {
    void *page = mmap(NULL, sizeof(struct proxy_shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (page == MAP_FAILED) process_die(NULL, "mmap: %s", strerror(errno));
    return page;
}

/* The proxy's process: nothing of the test's is left open in it, so that nobody waits for it. */
static void become_proxy(const struct proxy *proxy, const char *server, int listener, int wake, pid_t parent) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent) _exit(1);
    for (int fd = 3; fd < 256; fd++)
        if (fd != listener && fd != wake) close(fd);
    proxy_serve(proxy->shared, listener, server, wake);
    _exit(0);
}

void proxy_start(struct proxy *proxy, const char *server_socket) {
    int ends[2];
    memset(proxy, 0, sizeof *proxy);
    int size = snprintf(proxy->socket, sizeof proxy->socket, "%s.proxy", server_socket);
    if (size < 0 || (size_t)size >= sizeof proxy->socket) process_die(NULL, "too long for a socket's path: %s.proxy", server_socket);
    snprintf(proxy->url, sizeof proxy->url, "unix:%s", proxy->socket);
    int listener = proxy_listen(proxy->socket);
    if (listener < 0 || socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends)) process_die(NULL, "the proxy: %s", strerror(errno));
    proxy->shared = proxy_share();
    pid_t parent = getpid();
    proxy->pid = fork();
    if (proxy->pid < 0) process_die(NULL, "fork: %s", strerror(errno));
    if (proxy->pid == 0) become_proxy(proxy, server_socket, listener, ends[1], parent);
    close(listener);
    close(ends[1]);
    proxy->wake = ends[0];
}

void proxy_stop(struct proxy *proxy) {
    if (!proxy->shared) return;
    process_kill(&proxy->pid);
    close(proxy->wake);
    unlink(proxy->socket);
    munmap(proxy->shared, sizeof *proxy->shared);
    memset(proxy, 0, sizeof *proxy);
}

/* The answer says that it has been seen: what is sent from now on meets the new rule. */
static void wake(const struct proxy *proxy) {
    char byte = 0;
    if (write(proxy->wake, &byte, 1) != 1 || read(proxy->wake, &byte, 1) != 1) process_die(NULL, "the proxy has ended");
}

void proxy_set_rule(struct proxy_shared *shared, enum proxy_rule rule, uint64_t argument) {
    __atomic_store_n(&shared->argument, argument, __ATOMIC_RELEASE);
    __atomic_store_n(&shared->rule, (int)rule, __ATOMIC_RELEASE);
    __atomic_add_fetch(&shared->since, 1, __ATOMIC_RELEASE);
}

void proxy_set_act(struct proxy_shared *shared, enum proxy_act act, uint64_t trip, pid_t victim) {
    __atomic_store_n(&shared->act, PROXY_NOTHING, __ATOMIC_RELEASE);
    __atomic_store_n(&shared->acted, 0, __ATOMIC_RELEASE);
    __atomic_store_n(&shared->victim, victim, __ATOMIC_RELEASE);
    __atomic_store_n(&shared->at_trip, __atomic_load_n(&shared->trips, __ATOMIC_ACQUIRE) + trip, __ATOMIC_RELEASE);
    __atomic_store_n(&shared->act, (int)act, __ATOMIC_RELEASE);
}

void proxy_rule(struct proxy *proxy, enum proxy_rule rule, uint64_t argument) {
    proxy_set_rule(proxy->shared, rule, argument);
    wake(proxy);
}

void proxy_at(struct proxy *proxy, enum proxy_act act, uint64_t trip, pid_t victim) {
    proxy_set_act(proxy->shared, act, trip, victim);
    wake(proxy);
}

bool proxy_acted(const struct proxy *proxy) { return __atomic_load_n(&proxy->shared->acted, __ATOMIC_ACQUIRE) > 0; }
uint64_t proxy_trips(const struct proxy *proxy) { return __atomic_load_n(&proxy->shared->trips, __ATOMIC_ACQUIRE); }
