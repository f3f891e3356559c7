/* `till acl`: the rights of a role at Redis, as a line for its ACL file. */
#include <sodium.h>
#include <stdio.h>
#include <string.h>

#include "producer/cli/acl.h"
#include "producer/cli/commands.h"
#include "producer/cli/connect.h"
#include "producer/cli/json_out.h"

enum { OPTION_SOURCE, OPTION_BOOK, OPTION_USER, OPTION_LOOKUP, OPTION_AOF, OPTION_PASSWORD_FILE };
enum { HASH_TEXT_SIZE = 2 * crypto_hash_sha256_BYTES + 1, USER_SIZE = 96 };

/* A name that cannot be taken for something else in a line of words. */
static bool is_word(const char *text, size_t max) {
    size_t size = strlen(text);
    return size > 0 && size <= max && strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-") == size;
}

static int read_source(const struct cli *cli, const struct acl_role *role) {
    const char *source = cli->value[OPTION_SOURCE];
    struct intent scratch = {0};
    if (!role->of_source) return source ? cli_usage(cli, "--source is for a producer; a role of %s has none", role->name) : CLI_OK;
    if (!source) return cli_usage(cli, "which --source?");
    const char *why = intent_set_text(&scratch, FIELD_source, source, strlen(source));
    if (why) return cli_usage(cli, "--source %s %s", source, why);
    if (strcmp(source, INTENT_SOURCE_TILL) == 0) return cli_usage(cli, "--source till is for workers");
    return CLI_OK;
}

/* As Redis keeps it: the file is what redis.password_file names, and is read by its rules. */
static int hash_password(const struct cli *cli, char out[HASH_TEXT_SIZE]) {
    struct config config = {0};
    struct config_faults faults = {0};
    char password[CONFIG_TEXT_MAX + 1];
    uint8_t hash[crypto_hash_sha256_BYTES];
    const char *path = cli->value[OPTION_PASSWORD_FILE];
    if (strlen(path) >= sizeof config.redis_password_file) return cli_usage(cli, "--password-file: too long");
    memcpy(config.redis_password_file, path, strlen(path) + 1);
    int code = CLI_OK;
    if (config_read_password(&config, password, sizeof password, &faults) != CONFIG_OK)
        code = cli_usage(cli, "%s", faults.text ? faults.text : "the password cannot be read");
    else {
        crypto_hash_sha256(hash, (const unsigned char *)password, strlen(password));
        sodium_bin2hex(out, HASH_TEXT_SIZE, hash, sizeof hash);
    }
    explicit_bzero(password, sizeof password);
    config_faults_clear(&faults);
    return code;
}

static void print(const struct cli *cli, const struct acl_user *user) {
    char rights[ACL_LINE_MAX];
    acl_rights(rights, user);
    if (!cli->json) {
        printf("user %s %s\n", user->name, rights);
        return;
    }
    json_t *object = json_out_object();
    json_out_text(object, "user", user->name);
    json_out_text(object, "role", user->role->name);
    json_out_text(object, "rights", rights);
    json_out(object);
}

/* --book wins; a configuration that is wrong is told only when it is needed. */
static int read_book(const struct cli *cli, struct config *config, struct acl_user *user) {
    user->book = cli->value[OPTION_BOOK];
    int code = user->book ? CLI_OK : connect_config(cli, config);
    if (!code && !user->book) user->book = config->book_name;
    if (!code && !is_word(user->book, KEYS_BOOK_NAME_MAX)) code = cli_usage(cli, "--book %s is no book's name", user->book);
    return code;
}

static int run(struct cli *cli) {
    struct config config;
    char name[USER_SIZE], hash[HASH_TEXT_SIZE];
    struct acl_user user = {.role = acl_find(cli->operands[0]), .source = cli->value[OPTION_SOURCE], .name = cli->value[OPTION_USER]};
    user.lookup = cli->value[OPTION_LOOKUP] != NULL;
    user.aof = cli->value[OPTION_AOF] != NULL;
    if (!user.role) return cli_usage(cli, "no role '%s'; there are producer, worker, operator, auditor", cli->operands[0]);
    int code = read_source(cli, user.role);
    if (!code) code = read_book(cli, &config, &user);
    if (code) return code;
    if (user.lookup && !user.role->of_source) return cli_usage(cli, "--lookup is for a producer");
    if (user.name && !is_word(user.name, USER_SIZE - 1)) return cli_usage(cli, "--user %s: letters, digits and . _ - only", user.name);
    if (cli->value[OPTION_PASSWORD_FILE]) {
        if ((code = hash_password(cli, hash))) return code;
        user.password_sha256 = hash;
    }
    if (!user.name) {
        snprintf(name, sizeof name, "%s-%s%s%s", user.book, user.role->name, user.source ? "-" : "", user.source ? user.source : "");
        user.name = name;
    }
    print(cli, &user);
    return CLI_OK;
}

static const struct cli_option options[] = {
    {"source", 's', "NAME", "of a producer: whose answers it may read; needed for it"},
    {"book", 'b', "NAME", "default: book.name of the configuration"},
    {"user", 'u', "NAME", "the user's name; default BOOK-ROLE, of a producer BOOK-producer-SOURCE"},
    {"lookup", 0, NULL, "a producer that also looks up accounts, bills, orders and articles, and so can read everybody's"},
    {"aof", 0, NULL, "with WAITAOF, for durability.aof: Redis 7.2 or later; an older one refuses the whole line"},
    {"password-file", 0, "FILE", "sets the password, as a SHA-256: the file that redis.password_file of its user names"},
    {0},
};

const struct cli_command cmd_acl = {
    .name = "acl",
    .group = CLI_OPERATE,
    .summary = "prints a role's rights at Redis: producer, worker, operator or auditor",
    .operands = "ROLE",
    .operands_min = 1,
    .operands_max = 1,
    .options = options,
    .about = "A line for Redis' ACL file. With `user` put as `ACL SETUSER` it is a command: it replaces the rights that the\n"
             "user had and, without --password-file, leaves its passwords. A user without any cannot log in. Needs no Redis.",
    .examples = "  till acl worker\n  till acl producer --source shop\n  till acl auditor --json\n"
                "  till acl operator | sed 's/^user/ACL SETUSER/'",
    .run = run,
};
