/* Pays with libtill and prints the answer: the whole of what a checkout needs. cc example.c $(pkg-config --cflags --libs till) */
#include <inttypes.h>
#include <stdio.h>
#include <till.h>

int main(int count, char **arguments) {
    struct till_options options = {.url = count > 1 ? arguments[1] : "embedded:var/redis"};
    struct till *till;
    if (till_open(&till, &options) != TILL_OK) {
        fprintf(stderr, "till: %s\n", till_error(till));
        till_close(till);
        return 111;
    }
    struct till_intent pay = {
        .op = "pay",
        .source = "example",
        .account = "alice",
        .to = "coffee",
        .amount_minor = 1999,
        .currency = "CNY",
        .key = count > 2 ? arguments[2] : NULL, /* yours, e.g. the order's number; NULL: one is made */
    };
    struct till_answer answer;
    int code = till_call(till, &pay, 5000, &answer);
    if (code == TILL_OK)
        printf("paid %" PRId64 " as bill %s, alice has %" PRId64 " left\n", answer.amount_minor, answer.bill, answer.balance_minor);
    else if (code == TILL_WRITE_FAILED)
        printf("not known yet: send the key %s again\n", answer.key); /* moves the money once, however often it is sent */
    else
        printf("not paid: %s (%s)\n", answer.reason, till_code_sentence(code));
    till_close(till);
    return code == TILL_OK ? 0 : 1;
}
