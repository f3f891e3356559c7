/* The set of a partition's merchants: it has exactly the accounts that are merchants'. Both are written in one script, and neither ever
 * goes, so whichever was seen first settles it: a member must be a merchant's account now, and an account seen before must be a member
 * now. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "producer/cli/audit.h"
#include "producer/cli/pages.h"

enum { PAGE = 500 };

static int check_members(struct audit *a, struct reply members) {
    for (size_t n = 0; n < reply_count(members); n++) {
        command_begin(&a->side.command, "HGET");
        audit_key(&a->side, a->part.partition, "account:", reply_text(reply_at(members, n), NULL));
        command_word(&a->side.command, "kind");
        redis_append(a->side.redis, &a->side.command);
    }
    for (size_t n = 0; n < reply_count(members); n++) {
        struct reply kind;
        int code = connect_next(&a->side, "reading the accounts", &kind);
        if (code) return code;
        if (!reply_is(kind, "merchant"))
            audit_find(a, "merchants: has '%.80s', which is no merchant's account", reply_text(reply_at(members, n), NULL));
    }
    return CLI_OK;
}

static int read_set(struct audit *a) {
    struct pages pages;
    struct reply members;
    keys_buffer key;
    bool more = true;
    int code = CLI_OK;
    keys_merchants(key, &a->c->book, a->part.partition);
    pages_members(&pages, a->c, "reading the merchants", key, PAGE);
    while (!code && !(code = pages_next(&pages, &members, &more)) && more) code = check_members(a, members);
    pages_end(&pages);
    return code;
}

int audit_merchants(struct audit *a) {
    const struct audit_account *account = audit_account_merchant(a, NULL);
    int code = read_set(a);
    while (!code && account) {
        const struct audit_account *first = account;
        unsigned count = 0;
        for (; account && count < AUDIT_AT_ONCE; account = audit_account_merchant(a, account), count++) {
            command_begin(&a->c->command, "SISMEMBER");
            audit_key(a->c, a->part.partition, "merchants", "");
            command_word(&a->c->command, audit_account_name(account));
            redis_append(a->c->redis, &a->c->command);
        }
        for (; count > 0; count--, first = audit_account_merchant(a, first)) {
            struct reply reply;
            if ((code = connect_next(a->c, "reading the merchants", &reply))) return code;
            if (reply_integer(reply) == 0) audit_find(a, "merchants: lacks %s, which is a merchant's account", audit_account_name(first));
        }
    }
    return code;
}
