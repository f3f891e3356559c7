/* The golden vectors: what every version and every language must agree on. They are added to, never edited. */
#include <criterion/criterion.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>

#include "schema/intent.h"
#include "schema/keys.h"
#include "schema/sign.h"
#include "tests/schema/from_json.h"

static const char *text_of(json_t *vector, const char *name) {
    const char *text = json_string_value(json_object_get(vector, name));
    cr_assert(text != NULL, "no %s", name);
    return text;
}

static void check_fields(const char *name, const struct intent *intent, json_t *fields) {
    const char *field_text;
    json_t *value;
    uint64_t listed = 0;
    json_object_foreach(fields, field_text, value) {
        enum field field = field_of_name(field_text, strlen(field_text));
        cr_assert(field != FIELD_COUNT, "%s: %s", name, field_text);
        listed |= FIELD_BIT(field);
        size_t size;
        const char *text = intent_text(intent, field, &size);
        if (field_shape(field) == SHAPE_BYTES || json_is_object(value) || json_is_array(value))
            continue; /* seen in the bytes */
        if (json_is_string(value))
            cr_assert(size == json_string_length(value) && memcmp(text, json_string_value(value), size) == 0, "%s: %s", name, field_text);
        else if (json_is_boolean(value))
            cr_assert((intent_number(intent, field) == 1) == json_is_true(value), "%s: %s", name, field_text);
        else if (field_shape(field) == SHAPE_INTEGER)
            cr_assert(intent_integer(intent, field) == json_integer_value(value), "%s: %s", name, field_text);
        else
            cr_assert(intent_number(intent, field) == (uint64_t)json_integer_value(value), "%s: %s", name, field_text);
    }
    cr_assert(listed == intent->present, "%s: present %llx, listed %llx", name, (unsigned long long)intent->present,
              (unsigned long long)listed);
}

/* The vector's fields in field order, as bytes. */
static void check_bytes(const char *name, json_t *fields, const struct message *m) {
    static struct message made;
    json_t *ordered = json_object();
    for (enum field field = 0; field < FIELD_COUNT; field++)
        if (json_object_get(fields, field_name(field)) != NULL)
            json_object_set(ordered, field_name(field), json_object_get(fields, field_name(field)));
    message_from_json(&made, ordered);
    cr_assert(made.size == m->size && memcmp(made.bytes, m->bytes, m->size) == 0, "%s: the fields are not the bytes", name);
    json_decref(ordered);
}

static void check_steps(const char *name, const struct intent *intent, json_t *steps) {
    json_t *step;
    size_t i;
    cr_assert(json_array_size(steps) == intent->step_count, "%s: %u steps", name, intent->step_count);
    json_array_foreach(steps, i, step) {
        char fingerprint[INTENT_FINGERPRINT_SIZE + 1], identity[INTENT_IDENTITY_MAX + 1];
        struct intent alone;
        intent_step_fingerprint(intent, (unsigned)i, fingerprint);
        intent_step_identity(intent, (unsigned)i, identity);
        cr_assert_str_eq(fingerprint, text_of(step, "fingerprint"), "%s: step %zu", name, i + 1);
        cr_assert_str_eq(identity, text_of(step, "identity"), "%s: step %zu", name, i + 1);
        intent_step_alone(intent, (unsigned)i, &alone);
        cr_assert_str_eq(alone.key, intent->steps[i].key, "%s: step %zu", name, i + 1);
    }
}

static void check_intents(const char *file) {
    json_t *vectors = vectors_load(file), *vector;
    const struct book book = {.name = "till", .partitions = 16};
    size_t i;
    json_array_foreach(vectors, i, vector) {
        const char *name = text_of(vector, "name");
        struct message m;
        struct intent intent;
        struct intent_fault fault;
        char fingerprint[INTENT_FINGERPRINT_SIZE + 1], identity[INTENT_IDENTITY_MAX + 1];
        uint8_t again[INTENT_FOLLOW_UP_SIZE_MAX];
        size_t size;
        message_from_hex(&m, text_of(vector, "hex"));
        cr_assert(intent_decode(m.bytes, m.size, &intent, &fault) == INTENT_OK, "%s: %s", name, fault.text);
        check_fields(name, &intent, json_object_get(vector, "fields"));
        check_bytes(name, json_object_get(vector, "fields"), &m);
        check_steps(name, &intent, json_object_get(vector, "steps"));
        cr_assert_null(intent_check(&intent, &fault), "%s: %s", name, fault.text);
        intent_fingerprint(&intent, fingerprint);
        cr_assert_str_eq(fingerprint, text_of(vector, "fingerprint"), "%s", name);
        cr_assert(intent_identity(&intent, identity) == strlen(text_of(vector, "identity")), "%s", name);
        cr_assert_str_eq(identity, text_of(vector, "identity"), "%s", name);
        cr_assert(keys_partition(&book, intent.account, strlen(intent.account)) ==
                      (unsigned)json_integer_value(json_object_get(vector, "partition_of_16")), "%s", name);
        cr_assert(intent_encode(&intent, again, sizeof again, &size), "%s", name);
        cr_assert(size == m.size && memcmp(again, m.bytes, size) == 0, "%s: encodes otherwise", name);
    }
    json_decref(vectors);
}

Test(vectors, intents) {
    check_intents("intents-v1.json");
    check_intents("intents-v1-rules.json");
    check_intents("intents-v1-shop.json");
}

Test(vectors, other_spellings_mean_the_same) {
    json_t *vectors = vectors_load("spellings-v1.json"), *intents = vectors_load("intents-v1.json"), *vector, *plain;
    size_t i, j;
    json_array_foreach(vectors, i, vector) {
        struct message m;
        struct intent intent;
        struct intent_fault fault;
        bool found = false;
        message_from_hex(&m, text_of(vector, "hex"));
        cr_assert(intent_decode(m.bytes, m.size, &intent, &fault) == INTENT_OK, "%s: %s", text_of(vector, "name"), fault.text);
        json_array_foreach(intents, j, plain) {
            if (strcmp(text_of(plain, "name"), text_of(vector, "means")) == 0) {
                check_fields(text_of(vector, "name"), &intent, json_object_get(plain, "fields"));
                found = true;
            }
        }
        cr_assert(found, "%s", text_of(vector, "name"));
    }
    json_decref(intents);
    json_decref(vectors);
}

/* What was of a later version when its vector was made, and has come since. */
static bool has_come(const char *name) {
    return strcmp(name, "operation of a later version") == 0;
}

static void check_faults(const char *file) {
    static const char *const outcomes[] = {[INTENT_OK] = "ok", [INTENT_INVALID] = "invalid", [INTENT_UNREADABLE] = "unreadable"};
    json_t *vectors = vectors_load(file), *vector;
    size_t i;
    json_array_foreach(vectors, i, vector) {
        const char *name = text_of(vector, "name");
        struct message m;
        struct intent intent;
        struct intent_fault fault;
        message_from_hex(&m, text_of(vector, "hex"));
        enum intent_err err = intent_decode(m.bytes, m.size, &intent, &fault);
        if (has_come(name)) {
            cr_assert(err == INTENT_OK, "%s: %s", name, fault.text);
            continue;
        }
        cr_assert_str_eq(outcomes[err], text_of(vector, "outcome"), "%s", name);
        cr_assert_str_eq(fault.field, text_of(vector, "field"), "%s: %s", name, fault.text);
        cr_assert(fault.text[0] != '\0', "%s", name);
    }
    json_decref(vectors);
}

Test(vectors, faults) {
    check_faults("faults-v1.json");
    check_faults("faults-v1-rules.json");
    check_faults("faults-v1-shop.json");
}

Test(vectors, partitions) {
    json_t *vectors = vectors_load("partitions.json"), *vector, *partition;
    size_t i;
    json_array_foreach(vectors, i, vector) {
        const char *account = text_of(vector, "account"), *count;
        json_object_foreach(json_object_get(vector, "of"), count, partition) {
            struct book book = {.name = "till", .partitions = (unsigned)strtoul(count, NULL, 10)};
            cr_assert(keys_partition(&book, account, strlen(account)) == (unsigned)json_integer_value(partition), "%s of %s", account,
                      count);
        }
    }
    json_decref(vectors);
}

Test(vectors, signatures) {
    json_t *vectors = vectors_load("signatures.json"), *vector;
    size_t i;
    json_array_foreach(vectors, i, vector) {
        struct message secret, bytes, sig;
        uint8_t made[SIGN_SIZE];
        message_from_hex(&secret, text_of(vector, "secret"));
        message_from_hex(&bytes, text_of(vector, "hex"));
        message_from_hex(&sig, text_of(vector, "sig"));
        sign_make(secret.bytes, bytes.bytes, bytes.size, made);
        cr_assert(sig.size == SIGN_SIZE && memcmp(made, sig.bytes, SIGN_SIZE) == 0, "%s", text_of(vector, "name"));
        cr_assert(sign_verify(secret.bytes, bytes.bytes, bytes.size, sig.bytes, sig.size), "%s", text_of(vector, "name"));
    }
    json_decref(vectors);
}
