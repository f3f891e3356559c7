/* The installed library, as its users get it: found by pkg-config, shared and static, from C and C++, with no name but its own. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "tests/producer/test_till_fake.h"
#include "tests/support/process.h"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED 1
#elif defined(__has_feature)
#define SANITIZED (__has_feature(address_sanitizer) || __has_feature(thread_sanitizer))
#else
#define SANITIZED 0
#endif

static struct server server;
static struct fake_worker worker;
static char dir[64];

/* Runs a script of sh with $BUILD (where the worker lies in worker/), $DIR, $SOURCE and $URL; what it writes is left in $DIR/log. */
static int run(const char *script) {
    char build[600], place[80], source[600], url[128], log[96];
    snprintf(build, sizeof build, "WORKER=%s", TILL_WORKER_PATH);
    snprintf(place, sizeof place, "DIR=%s", dir);
    snprintf(source, sizeof source, "SOURCE=%s", TILL_SOURCE_DIR);
    snprintf(url, sizeof url, "URL=%s", server.url);
    snprintf(log, sizeof log, "%s/log", dir);
    char whole[2048];
    int size = snprintf(whole, sizeof whole,
                        "set -eu; BUILD=$(dirname \"$(dirname \"$WORKER\")\")\n"
                        "export PKG_CONFIG_PATH=$(dirname \"$(find $DIR -name till.pc)\" 2>/dev/null)\n"
                        "export LD_LIBRARY_PATH=${PKG_CONFIG_PATH%%/pkgconfig}\n%s", script);
    cr_assert_lt(size, (int)sizeof whole);
    remove(log);
    pid_t pid = process_start((const char *[]){"sh", "-c", whole, NULL}, (const char *[]){build, place, source, url, NULL}, log);
    int status = -1;
    cr_assert(process_wait(&pid, 120000, &status), "not done in time: %s", script);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 255;
}

/* What the last script wrote; valid until the next call. */
static const char *said(void) {
    static char text[8192];
    char log[96];
    snprintf(log, sizeof log, "%s/log", dir);
    FILE *file = fopen(log, "r");
    size_t size = file != NULL ? fread(text, 1, sizeof text - 1, file) : 0;
    text[size] = '\0';
    if (file != NULL)
        fclose(file);
    return text;
}

static void expect(const char *name, const char *script, int status, const char *text) {
    int got = run(script);
    cr_assert_eq(got, status, "%s: exit %d: %s", name, got, said());
    cr_assert(strstr(said(), text), "%s: %s", name, said());
}

static void start(void) {
    process_make_dir("till-install", dir, sizeof dir);
    fake_server_start(&server, NULL);
    fake_worker_start(&worker, &server);
}

static void stop(void) {
    fake_worker_stop(&worker);
    server_stop(&server);
    process_remove_tree(dir);
}

Test(till_install, serves_programs_outside_the_tree, .init = start, .fini = stop, .timeout = 200) {
    if (SANITIZED)
        cr_skip("a library that wants a sanitizer's runtime is not one to install");
    expect("build", "cd $BUILD/producer; [ -e libtill.a -a -e libtill.so ] || cmake --build .. --target till_shared till_archive", 0, "");
    expect("install", "cmake --install $BUILD --prefix $DIR --component libtill", 0, "till.pc");
    expect("headers", "cd $DIR/include; echo *", 0, "till.h\n");
    expect("soname", "readelf -d $LD_LIBRARY_PATH/libtill.so", 0, "[libtill.so.1]");
    expect("names of the shared one", "! nm -D --defined-only $LD_LIBRARY_PATH/libtill.so | grep -v ' till_'", 0, "");
    expect("names of the static one", "! nm -g --defined-only $LD_LIBRARY_PATH/libtill.a | grep ' [A-Z] ' | grep -v ' till_'", 0, "");
    expect("there are names", "nm -D --defined-only $LD_LIBRARY_PATH/libtill.so", 0, " till_call\n");
    expect("example", "cc -Wall -Wextra -Werror $SOURCE/producer/example.c -o $DIR/example $(pkg-config --cflags --libs till); "
           "$DIR/example $URL k1", 0, "paid 1999 as bill 1-7, alice has 8001 left\n");
    atomic_store(&worker.code, TILL_INSUFFICIENT_FUNDS);
    expect("example refused", "$DIR/example $URL k2", 1, "not paid: insufficient_funds");
    atomic_store(&worker.code, TILL_OK);
    expect("example without redis", "$DIR/example unix:/nowhere", 111, "till: ");
    expect("static", "cc $SOURCE/producer/example.c -o $DIR/example-static $(pkg-config --cflags till) $LD_LIBRARY_PATH/libtill.a "
           "$(pkg-config --static --libs till | sed 's/-ltill//'); ! ldd $DIR/example-static | grep libtill; $DIR/example-static $URL k3",
           0, "paid 1999");
    expect("C++", "cd $DIR; printf '#include <till.h>\\nint main() { till_options o{}; till *t; int code = till_open(&t, &o);"
           " till_close(t); return code == TILL_INVALID ? 0 : 1; }\\n' > cpp.cc; c++ -Wall -Wextra -Werror -pedantic cpp.cc -o cpp "
           "$(pkg-config --cflags --libs till); ./cpp", 0, "");
}
