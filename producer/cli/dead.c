/* Dead entries: reading them, showing them, putting them back or aside. */
#include "producer/cli/dead.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "producer/cli/json_intent.h"
#include "producer/cli/json_out.h"
#include "schema/entry.h"

static void read_parts(struct dead *d) {
    size_t size, sigs_size, traces_size;
    const char *intents = reply_text(reply_field(d->fields, "intents"), &size);
    const char *traces = reply_text(reply_field(d->fields, "traceparents"), &traces_size);
    struct reply sigs = reply_field(d->fields, "sigs");
    const char *sigs_bytes = reply_type(sigs) == REPLY_TEXT ? reply_text(sigs, &sigs_size) : NULL;
    bool single = reply_type(reply_field(d->fields, "intent")) == REPLY_TEXT;
    if (single || bulk_split(intents, size, sigs_bytes, sigs_bytes ? sigs_size : 0, d->parts, &d->part_count)) d->part_count = 0;
    else d->fault.text[0] = '\0';
    if (d->part_count) bulk_split_traces(traces, traces_size, d->parts, d->part_count);
}

void dead_read(struct reply entry, unsigned partition, struct dead *d) {
    size_t size;
    d->partition = partition;
    d->fields = reply_at(entry, 1);
    d->id = reply_text(reply_at(entry, 0), NULL);
    d->entry = reply_text(reply_field(d->fields, "entry"), NULL);
    d->reason = reply_text(reply_field(d->fields, "reason"), NULL);
    d->attempts = reply_text(reply_field(d->fields, "attempts"), NULL);
    const char *bytes = reply_text(reply_field(d->fields, "intent"), &size);
    d->readable = intent_decode(bytes, size, &d->intent, &d->fault) != INTENT_UNREADABLE;
    read_parts(d);
}

json_t *dead_raw_json(struct reply value) {
    size_t size;
    const char *bytes = reply_text(value, &size);
    char *hex = malloc(2 * size + 3);
    if (!hex) abort();
    memcpy(hex, "0x", 3);
    for (size_t n = 0; n < size; n++) snprintf(hex + 2 + 2 * n, 3, "%02x", (unsigned char)bytes[n]);
    json_t *text = json_out_string(hex, 2 * size + 2);
    free(hex);
    return text;
}

json_t *dead_part_json(const struct bulk_part *part) {
    struct intent intent;
    struct intent_fault fault;
    return intent_decode(part->bytes, part->size, &intent, &fault) == INTENT_UNREADABLE ? json_null() : json_intent_show(&intent);
}

static json_t *parts_json(const struct dead *d) {
    json_t *list = json_out_array();
    for (unsigned n = 0; n < d->part_count; n++) json_out_append(list, dead_part_json(&d->parts[n]));
    return list;
}

json_t *dead_json(const struct dead *d) {
    char id[80];
    json_t *object = json_out_object(), *fields = json_out_object();
    snprintf(id, sizeof id, "%u:%s", d->partition, d->id);
    json_out_text(object, "id", id);
    json_out_number(object, "partition", d->partition);
    json_out_text(object, "entry", d->entry);
    json_out_text(object, "reason", d->reason);
    json_out_text(object, "attempts", d->attempts);
    json_out_value(object, "intent", d->readable ? json_intent_show(&d->intent) : json_null());
    if (d->part_count) json_out_value(object, "intents", parts_json(d));
    json_out_text(object, "fault", d->fault.text);
    for (size_t n = 6; n + 1 < reply_count(d->fields); n += 2)
        json_out_value(fields, reply_text(reply_at(d->fields, n), NULL), dead_raw_json(reply_at(d->fields, n + 1)));
    json_out_value(object, "fields", fields);
    return object;
}

bool dead_parse_id(const struct book *book, const char *text, unsigned *partition, const char **id) {
    struct entry_id parsed;
    char *end;
    unsigned long n = strtoul(text, &end, 10);
    if (*end != ':' || n >= book->partitions || text[0] < '0' || text[0] > '9') return false;
    *partition = (unsigned)n;
    *id = end + 1;
    return entry_id_parse_whole(*id, strlen(*id), &parsed);
}

int dead_fetch(struct connection *c, unsigned partition, const char *id, struct dead *d, bool *found) {
    struct reply reply;
    keys_buffer key;
    command_begin(&c->command, "XRANGE");
    command_copy(&c->command, key, keys_dead(key, &c->book, partition));
    command_word(&c->command, id);
    command_word(&c->command, id);
    int code = connect_call(c, "reading the dead stream", &reply);
    *found = !code && reply_count(reply) == 1;
    if (*found) dead_read(reply_at(reply, 0), partition, d);
    return code;
}

enum redis_err dead_requeue(struct connection *c, const struct dead *d, const char *id, const char **entry) {
    struct reply reply;
    keys_buffer key;
    redis_script_begin(&c->command, &script_requeue, 2);
    command_copy(&c->command, key, keys_dead(key, &c->book, d->partition));
    command_copy(&c->command, key, keys_intents(key, &c->book, d->partition));
    command_word(&c->command, id);
    for (unsigned n = 0; n < d->part_count; n++) {
        command_copy(&c->command, d->parts[n].bytes, d->parts[n].size);
        command_copy(&c->command, d->parts[n].sig ? d->parts[n].sig : "", d->parts[n].sig_size);
        command_copy(&c->command, d->parts[n].trace ? d->parts[n].trace : "", d->parts[n].trace_size);
    }
    enum redis_err err = redis_script_call(c->redis, &script_requeue, &c->command, &reply);
    *entry = err || reply_type(reply) == REPLY_NIL ? "" : reply_text(reply, NULL);
    return err;
}

enum redis_err dead_discard(struct connection *c, unsigned partition, const char *id, const char *reason, bool *found) {
    struct reply reply;
    keys_buffer key;
    redis_script_begin(&c->command, &script_discard, 2);
    command_copy(&c->command, key, keys_dead(key, &c->book, partition));
    command_copy(&c->command, key, keys_discarded(key, &c->book, partition));
    command_word(&c->command, id);
    command_word(&c->command, reason);
    enum redis_err err = redis_script_call(c->redis, &script_discard, &c->command, &reply);
    *found = !err && reply_integer(reply) != 0;
    return err;
}
