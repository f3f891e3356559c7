/* Which bytes are UTF-8, seen by a note. */
#include <criterion/criterion.h>
#include <string.h>

#include "schema/intent.h"
#include "tests/schema/from_json.h"

static const struct {
    const char *name, *bytes;
    bool good;
} notes[] = {
    {"a null", "\xc0\x80", false},
    {"overlong 2", "\xc1\xbf", false},
    {"least 2", "\xc2\x80", true},
    {"overlong 3", "\xe0\x9f\xbf", false},
    {"least 3", "\xe0\xa0\x80", true},
    {"before the surrogates", "\xed\x9f\xbf", true},
    {"a surrogate", "\xed\xa0\x80", false},
    {"after the surrogates", "\xee\x80\x80", true},
    {"overlong 4", "\xf0\x8f\xbf\xbf", false},
    {"least 4", "\xf0\x90\x80\x80", true},
    {"the last", "\xf4\x8f\xbf\xbf", true},
    {"past the last", "\xf4\x90\x80\x80", false},
    {"f5", "\xf5\x80\x80\x80", false},
    {"ff", "\xff", false},
    {"cut", "a\xe4\xb8", false},
    {"alone", "\x80", false},
    {"followed by a letter", "\xc3(", false},
    {"all in a row", "\xc3\xa9\xe4\xb8\xad\xf0\x9f\x98\x80z", true},
};

Test(utf8, notes) {
    for (size_t i = 0; i < sizeof notes / sizeof notes[0]; i++) {
        struct message m;
        struct intent intent;
        struct intent_fault fault;
        message_from_text(&m, "{\"v\":1,\"op\":\"freeze\",\"source\":\"s\",\"key\":\"k\",\"at\":1,\"account\":\"a\"}");
        size_t size = strlen(notes[i].bytes);
        m.bytes[0]++;
        memcpy(m.bytes + m.size, "\xa4note", 5);
        m.bytes[m.size + 5] = (uint8_t)(0xa0 | size);
        memcpy(m.bytes + m.size + 6, notes[i].bytes, size);
        m.size += 6 + size;
        bool good = notes[i].good;
        enum intent_err err = intent_decode(m.bytes, m.size, &intent, &fault);
        cr_assert(err == (good ? INTENT_OK : INTENT_INVALID), "%s: %s", notes[i].name, fault.text);
        cr_assert_str_eq(fault.field, good ? "" : "note", "%s", notes[i].name);
    }
}
