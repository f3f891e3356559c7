/* A password that stands in a file may be changed while a handle is open. */
#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/producer/test_till_fake.h"

static struct server server;
static char path[120];

static void stop(void) {
    server_stop(&server);
}

static void put_password(const char *password, mode_t mode) {
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    cr_assert(fd >= 0 && write(fd, password, strlen(password)) == (ssize_t)strlen(password) && fchmod(fd, mode) == 0);
    close(fd);
}

/* At the server; everybody else has to log in again. */
static void change(const char *password) {
    cr_assert_str_eq(server_text(&server, "CONFIG", "SET", "requirepass", password, NULL), "OK");
    server_integer(&server, "CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes", NULL);
}

static int send_one(struct till *till, const char *key) {
    struct till_intent pay = fake_pay("alice", key);
    struct till_result result;
    return till_send(till, &pay, 1, 5000, &result) == 1 ? TILL_OK : result.code;
}

static struct till *start(void) {
    fake_server_start(&server, NULL);
    snprintf(path, sizeof path, "%s/password", server.dir);
    put_password("first\n", 0600);
    change("first");
    struct till_options options = fake_options(&server);
    options.password_file = path;
    return fake_open(&server, &options);
}

TestSuite(till_password, .fini = stop);

Test(till_password, is_read_again_by_the_next_connection) {
    struct till *till = start();
    cr_assert_eq(send_one(till, "1"), TILL_OK, "%s", till_error(till));
    put_password("second\n", 0600);
    change("second");
    cr_assert_eq(send_one(till, "2"), TILL_OK, "%s", till_error(till));
    till_close(till);
}

Test(till_password, that_comes_late_is_found) {
    struct till *till = start();
    change("second");
    cr_assert_neq(send_one(till, "1"), TILL_OK);
    cr_assert(strstr(till_error(till), "WRONGPASS"), "%s", till_error(till));
    put_password("second\n", 0600);
    cr_assert_eq(send_one(till, "1"), TILL_OK, "%s", till_error(till));
    till_close(till);
}

Test(till_password, that_cannot_be_read_stays_as_it_was) {
    struct till *till = start();
    put_password("second\n", 0644);
    change("first");
    cr_assert_eq(send_one(till, "1"), TILL_OK, "%s", till_error(till));
    change("second");
    cr_assert_neq(send_one(till, "2"), TILL_OK);
    cr_assert(strstr(till_error(till), "WRONGPASS") && strstr(till_error(till), "chmod 600"), "%s", till_error(till));
    till_close(till);
}

Test(till_password, that_others_can_read_opens_nothing) {
    struct till *till = start();
    till_close(till);
    put_password("first\n", 0644);
    struct till_options options = fake_options(&server);
    options.password_file = path;
    cr_assert_eq(till_open(&till, &options), TILL_INVALID);
    cr_assert(strstr(till_error(till), "password_file: ") && !strstr(till_error(till), "first"), "%s", till_error(till));
    till_close(till);
}
