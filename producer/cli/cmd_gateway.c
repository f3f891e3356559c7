/* `till gateway`: intents over HTTP. */
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <systemd/sd-daemon.h>
#include <time.h>
#include <unistd.h>

#include "producer/cli/commands.h"
#include "producer/cli/connect.h"
#include "producer/gateway/gateway.h"
#include "producer/gateway/tokens.h"

enum { OPTION_LISTEN, OPTION_OPERATOR };
enum { END_MS = 1800, TURN_S = 1 };

static sigset_t handled_signals(void) {
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGHUP);
    return set;
}

/* A Redis that hangs must not hold up the end: whoever waited has been told by then. */
static void *end_in_time(void *ignored) {
    (void)ignored;
    nanosleep(&(struct timespec){END_MS / 1000, END_MS % 1000 * 1000000L}, NULL);
    _exit(CLI_OK);
}

static void serve(struct cli *cli, struct gateway *g) {
    sigset_t set = handled_signals();
    pthread_t ending;
    int signal;
    cli_say(cli, "listens on %s", gateway_shown(g));
    sd_notify(0, "READY=1");
    while ((signal = sigtimedwait(&set, NULL, &(struct timespec){TURN_S, 0})) != SIGTERM && signal != SIGINT) {
        if (signal == SIGHUP) gateway_reload(g);
        sd_notify(0, "WATCHDOG=1");
    }
    sd_notify(0, "STOPPING=1");
    if (pthread_create(&ending, NULL, end_in_time, NULL) == 0) pthread_detach(ending);
    gateway_stop(g);
}

static int run_gateway(struct cli *cli, struct config *config) {
    struct gateway *g;
    sigset_t set = handled_signals();
    int sockets = sd_listen_fds(1);
    if (cli->value[OPTION_LISTEN]) {
        if (strlen(cli->value[OPTION_LISTEN]) > 80) return cli_usage(cli, "--listen is too long");
        snprintf(config->gateway_listen, sizeof config->gateway_listen, "%s", cli->value[OPTION_LISTEN]);
    }
    if (sockets > 1) return cli_usage(cli, "systemd handed in %d sockets; one is enough", sockets);
    pthread_sigmask(SIG_BLOCK, &set, NULL);
    signal(SIGPIPE, SIG_IGN);
    int code = gateway_start(&g, cli, config, sockets == 1 ? SD_LISTEN_FDS_START : -1);
    if (!code) serve(cli, g);
    return code;
}

/* `till gateway token NAME`: a new one, which is shown this once. */
static int make_token(struct cli *cli, const struct config *config) {
    bool is_operator = cli->value[OPTION_OPERATOR] != NULL;
    const char *path = is_operator ? config->gateway_operators_file : config->gateway_tokens_file;
    char token[TOKENS_TEXT_SIZE], why[TOKENS_WHY_SIZE];
    if (cli->operand_count != 2) return cli_usage(cli, "whose? `till gateway token NAME`");
    if (!*path) return cli_usage(cli, "gateway.%s must name the file first", is_operator ? "operators_file" : "tokens_file");
    if (!tokens_add(path, cli->operands[1], token, why)) return cli_usage(cli, "%s", why);
    puts(token);
    cli_say(cli, "only its hash is in %s; a gateway that runs reads it on SIGHUP", path);
    return CLI_OK;
}

static int run(struct cli *cli) {
    struct config config;
    if (cli->operand_count > 0 && strcmp(cli->operands[0], "token") != 0)
        return cli_usage(cli, "'%s'? token NAME, or nothing", cli->operands[0]);
    int code = connect_config(cli, &config);
    if (code) return code;
    return cli->operand_count > 0 ? make_token(cli, &config) : run_gateway(cli, &config);
}

static const struct cli_option options[] = {
    {"listen", 0, "ADDRESS:PORT", "instead of gateway.listen; port 0: any that is free"},
    {"operator", 0, NULL, "token: for an operator, who gets the page"},
    {0},
};

const struct cli_command cmd_gateway = {
    .name = "gateway",
    .group = CLI_OPERATE,
    .summary = "takes intents over HTTP, for checkouts that do not speak Redis",
    .operands = "[token NAME]",
    .operands_max = 2,
    .options = options,
    .about = "POST /v1/intents with a JSON intent and the header Idempotency-Key waits for the answer (Prefer: wait=SECONDS), or says\n"
             "where it will be (202). GET /v1/answers/ACCOUNT/SOURCE/KEY, /v1/accounts/ID. /openapi.json says it all; the table of\n"
             "statuses is in producer/gateway/README.md. It listens on this machine only, unless there are tokens\n"
             "(gateway.tokens_file): `till gateway token SOURCE` makes one, which may act as that source and as no other.\n"
             "SIGTERM finishes what waits and exits 0 within 2 s; SIGHUP reads the tokens again. It takes a socket from systemd.",
    .examples = "  till gateway\n  TILL_GATEWAY_TOKENS_FILE=gateway.tokens till gateway token shop\n"
                "  TILL_GATEWAY_OPERATORS_FILE=gateway.operators till gateway token --operator joe",
    .run = run,
};
