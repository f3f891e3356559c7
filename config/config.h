/* Configuration: a YAML file and TILL_SECTION_NAME environment variables into one plain struct, over the one table of settings, param.def.
 * Pure but for reading the files it is told to; nothing is logged; thread-safe as long as a struct belongs to one thread. */
#ifndef CONFIG_CONFIG_H
#define CONFIG_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { CONFIG_TEXT_MAX = 511, CONFIG_ORIGIN_MAX = 300 };

enum config_param {
#define X(section, name, member, type, min, max, standard, unit, reload, help) CONFIG_##member,
#include "config/param.def"
#undef X
    CONFIG_PARAM_COUNT
};

typedef char config_text[CONFIG_TEXT_MAX + 1];
#define CONFIG_C_TEXT config_text
#define CONFIG_C_UINT uint64_t
#define CONFIG_C_DURATION uint64_t
#define CONFIG_C_RETENTION uint64_t
#define CONFIG_C_SIZE uint64_t
#define CONFIG_C_CHOICE unsigned

struct config {
#define X(section, name, member, type, min, max, standard, unit, reload, help) CONFIG_C_##type member;
#include "config/param.def"
#undef X
    char origin[CONFIG_PARAM_COUNT][CONFIG_ORIGIN_MAX]; /* where each value came from: "default", "till.yaml:14:9", "TILL_WORKER_BATCH" */
};

#define CONFIG_KEEP UINT64_MAX /* of a RETENTION: for ever */
enum { CONFIG_NO, CONFIG_YES };
enum { CONFIG_LOSS_HALT, CONFIG_LOSS_CONTINUE };
enum { CONFIG_LOG_ERROR, CONFIG_LOG_WARN, CONFIG_LOG_INFO, CONFIG_LOG_DEBUG };
enum { CONFIG_FORMAT_LOGFMT, CONFIG_FORMAT_JSON };
enum { CONFIG_FSYNC_ALWAYS, CONFIG_FSYNC_EVERYSEC, CONFIG_FSYNC_NO };

enum config_err { CONFIG_OK = 0, CONFIG_BAD };

/* All faults of one call, a line each: "till.yaml:14:9: worker.batch: 5000 is above the maximum 1024". In the order of the file, then
 * those of the environment. Nothing in it ever shows a password or the text of a url. */
struct config_faults {
    char *text; /* lines joined by \n, none at the end, or NULL; owned, freed by config_faults_clear */
    size_t size;
    unsigned count; /* how many were found; text shows the first hundred and then says so */
};
void config_faults_clear(struct config_faults *faults);

/* Defaults, then the file (NULL: none), then the environment. On CONFIG_BAD `config` holds defaults where it was bad and must not be
 * used; `faults` says everything that is wrong at once. `faults` is overwritten; the caller clears it in either case. */
enum config_err config_load(const char *path, struct config *config, struct config_faults *faults) __attribute__((warn_unused_result));

/* The same from bytes in memory, under this name in messages; `with_environment` as above. For tests, fuzzing and --check-config -. */
enum config_err config_load_bytes(const char *name, const void *bytes, size_t size, bool with_environment, struct config *config,
                                  struct config_faults *faults) __attribute__((warn_unused_result));

/* Takes over from `fresh` what may change while running. Returns how many settings changed; those that differ but need a restart are
 * listed in `needs_restart`, comma-separated ("" when none, cut after a whole name when it is full). A new worker.block that the
 * redis.timeout still in force does not allow waits for the restart too. */
unsigned config_reload(struct config *config, const struct config *fresh, char *needs_restart, size_t capacity);

/* For `till config` and the manual: "worker.batch", the value as YAML text (a password shows as ***), the help, the default as YAML
 * text, the largest value, whether SIGHUP applies it. 1100 bytes hold every value. */
const char *config_param_name(enum config_param param);
void config_param_show(const struct config *config, enum config_param param, char *out, size_t capacity);
const char *config_param_help(enum config_param param);
const char *config_param_default(enum config_param param);
uint64_t config_param_max(enum config_param param); /* of a number */
bool config_param_reloads(enum config_param param);

/* The secret of the book: 32 bytes from book.secret_file (raw, or 64 hex digits). *present is false when none is configured. A file that
 * anybody but its owner can read is refused. `faults` is overwritten; the caller clears it in either case. */
enum config_err config_read_secret(const struct config *config, uint8_t secret[32], bool *present, struct config_faults *faults)
    __attribute__((warn_unused_result));
/* The first line of redis.password_file into `out`; "" when none is configured. Refuses, and reports, as above. */
enum config_err config_read_password(const struct config *config, char *out, size_t capacity, struct config_faults *faults)
    __attribute__((warn_unused_result));
/* Likewise of admin.token_file. */
enum config_err config_read_admin_token(const struct config *config, char *out, size_t capacity, struct config_faults *faults)
    __attribute__((warn_unused_result));
/* Likewise of any file, "" when the path is; `name` is whom the faults blame. */
enum config_err config_read_secret_line(const char *name, const char *path, char *out, size_t capacity, struct config_faults *faults)
    __attribute__((warn_unused_result));

#endif
