/* What Till uses of a server that not every one has, found by asking it, and what lacking it costs. */
#include <ctype.h>
#include <string.h>

#include "producer/cli/doctor.h"

/* As COMMAND INFO knows it, and since when Redis has it. What is WRONG to lack Till cannot do without. */
static const struct ability {
    const char *command, *since;
    enum doctor_level lacking;
    const char *cost;
} abilities[] = {
    {"xautoclaim", "6.2", DOCTOR_WRONG, "nothing can be taken over from a dead worker"},
    {"waitaof", "7.2", DOCTOR_NOTE, "durability.aof cannot be had: nobody can wait until an answer is on the server's disk"},
    {"fcall", "7.0", DOCTOR_NOTE, "batches are applied by a script, which is made anew in each call"},
    {"client|unblock", "7.0", DOCTOR_NOTE, "a worker that stops notices only after worker.block"},
    {"client|info", "7.0", DOCTOR_NOTE, "a lost connection cannot be ended at the server: what it had read is found a little later"},
    {"acl|dryrun", "7.0", DOCTOR_NOTE, "with it came ACL selectors: what `till acl` prints is not understood"},
};

enum { ABILITY_COUNT = sizeof abilities / sizeof *abilities };

/* With script flags came the third element of XAUTOCLAIM's reply, which tells of entries that were trimmed while pending. */
static int find_flags(struct doctor *d) {
    struct reply reply;
    bool refused;
    command_begin(&d->c.command, "SCRIPT");
    command_word(&d->c.command, "LOAD");
    command_word(&d->c.command, "#!lua\nreturn 1");
    int code = doctor_ask(d, &reply, &refused);
    if (code) return code;
    if (!refused) {
        doctor_find(d, DOCTOR_GOOD, "server", "script flags are there");
    } else if (!strstr(redis_error(d->c.redis), "NOPERM")) {
        doctor_find(d, DOCTOR_WRONG, "server",
                    "scripts cannot carry flags: a full Redis could not refuse a batch whole; what is trimmed while pending is not told");
        doctor_fix(d, "install Redis 7.0 or later, or Valkey");
    }
    return CLI_OK;
}

static void judge(struct doctor *d, const struct ability *a, struct reply info) {
    char name[40] = "";
    for (size_t n = 0; a->command[n] && n + 1 < sizeof name; n++) name[n] = a->command[n] == '|' ? ' ' : (char)toupper(a->command[n]);
    if (reply_count(info) > 0) {
        doctor_find(d, DOCTOR_GOOD, "server", "%s is there", name);
        return;
    }
    doctor_find(d, a->lacking, "server", "%s is not there: %s", name, a->cost);
    doctor_fix(d, "install Redis %s or later, or Valkey 8", a->since);
}

/* Notes the library of another version; those are named as far as there is room. */
static void note_library(struct doctor *d, const char *name) {
    doctor_find(d, DOCTOR_NOTE, "server", "library %.40s is of another version of Till: its workers apply batches by it", name);
    doctor_fix(d, "FUNCTION DELETE %.40s, when no worker of that version runs any more", name);
}

/* The libraries of ours that lie in the server. Who may not list them is not told. */
static int find_libraries(struct doctor *d) {
    struct reply reply;
    bool refused, ours = false;
    command_begin(&d->c.command, "FUNCTION");
    command_word(&d->c.command, "LIST");
    command_word(&d->c.command, "LIBRARYNAME");
    command_word(&d->c.command, "till_*");
    int code = doctor_ask(d, &reply, &refused);
    if (code || refused) return code;
    for (size_t n = 0; n < reply_count(reply); n++) {
        const char *name = reply_text(reply_at(reply_at(reply, n), 1), NULL);
        if (strcmp(name, script_apply.function) == 0) ours = true;
        else note_library(d, name);
    }
    if (ours) doctor_find(d, DOCTOR_GOOD, "server", "library %s of this version is there", script_apply.function);
    else doctor_find(d, DOCTOR_GOOD, "server", "library %s is not there: a worker that may loads it", script_apply.function);
    return CLI_OK;
}

int doctor_abilities(struct doctor *d) {
    struct reply reply;
    bool refused;
    int code = find_flags(d);
    if (code) return code;
    command_begin(&d->c.command, "COMMAND");
    command_word(&d->c.command, "INFO");
    for (size_t n = 0; n < ABILITY_COUNT; n++) command_word(&d->c.command, abilities[n].command);
    code = doctor_ask(d, &reply, &refused);
    for (size_t n = 0; n < ABILITY_COUNT && !code && !refused; n++) judge(d, &abilities[n], reply_at(reply, n));
    return code ? code : find_libraries(d);
}
