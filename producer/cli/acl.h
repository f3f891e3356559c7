/* Who may do what at Redis: the rights of each role, in one table. `till acl` prints it, `till doctor --role` tries it, and the files in
 * config/acl/ are what the former prints. */
#ifndef CLI_ACL_H
#define CLI_ACL_H

#include <stdbool.h>
#include <stddef.h>

enum { ACL_RULES_MAX = 20, ACL_KEY_MAX = 160, ACL_LINE_MAX = 8192 };

/* These commands on these keys. A key pattern is as Redis has it, but for B, the book, and S, the source. */
struct acl_rule {
    const char *keys;     /* separated by a space; "": commands that name no key */
    const char *commands; /* "hget xinfo|groups" */
    bool lookup;          /* only for producers that look up accounts, bills, orders and articles */
};

struct acl_role {
    const char *name;
    bool of_source;                       /* it is the role of one source */
    struct acl_rule rules[ACL_RULES_MAX]; /* the first holds always, each of the others on its own; ended by NULL commands */
};

extern const struct acl_role acl_roles[]; /* ended by a NULL name */

/* NULL: there is none of this name. */
const struct acl_role *acl_find(const char *name);


/* A word of a text separated by spaces. */
struct acl_word {
    const char *at;
    size_t size;
};
/* Goes to the next one; start with {text, 0}. False: there is none. */
bool acl_next(struct acl_word *word);

/* The pattern with book and source filled in. */
void acl_fill(char out[ACL_KEY_MAX], struct acl_word pattern, const char *book, const char *source);

struct acl_user {
    const struct acl_role *role;
    const char *name, *book, *source; /* source: of a role of one */
    const char *password_sha256;      /* 64 hex digits, or NULL: none is set, and none is taken away */
    bool lookup;
    bool aof; /* the server has WAITAOF, and durability.aof wants it: a server that has not refuses the whole line */
};

/* The user's rights, as they stand in an ACL file behind `user NAME`, or in ACL SETUSER behind the name. They replace those it had. */
void acl_rights(char out[ACL_LINE_MAX], const struct acl_user *user);

#endif
