/* A password, from a file or a terminal to the credential made of it. It is never an argument, in the environment, in a message or in a
 * buffer of stdio; what holds it is locked, left out of core files, and wiped before this returns. */
#ifndef CLI_PASSWORD_H
#define CLI_PASSWORD_H

#include <stdint.h>

#include "config/config.h"
#include "producer/cli/cli.h"

#define PASSWORD_HELP "in a file that only you can read; -: stdin, not echoed"

/* Reads the password from `path` ("-": stdin), all of it but one newline at the end, and gives the credential of this account of this
 * book: TILL_CREDENTIAL_SIZE bytes for password_free. NULL, and said with the option's name: it cannot be read, others can read it, it
 * is empty or too long, or the account's name is none. */
uint8_t *password_credential(const struct cli *cli, const char *option, const char *path, const char *book, const char *account);
/* The book's secret, which signs policies, in memory of the same kind; NULL when the configuration names none. The exit code. */
int password_of_book(const struct cli *cli, const struct config *config, uint8_t **key) __attribute__((warn_unused_result));
void password_free(uint8_t *credential); /* wipes it; NULL is fine */

#endif
