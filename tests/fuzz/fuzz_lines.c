/* Fuzzes `till send`: lines of JSON from a file, whatever they are. No bytes may crash it, every line is given out or refused with words,
 * and an intent that it takes can be encoded, and reads the same when it is shown and read again. */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "producer/cli/json_intent.h"
#include "producer/cli/lines.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static uint8_t bytes[INTENT_FOLLOW_UP_SIZE_MAX], bytes_again[INTENT_FOLLOW_UP_SIZE_MAX];

/* `size` of the bytes are the intent. */
static void check_shown(const struct intent *intent, size_t size) {
    struct intent again;
    size_t size_again;
    struct intent_fault fault;
    json_t *shown = json_intent_show(intent);
    assert(shown);
    char *text = json_dumps(shown, JSON_COMPACT);
    assert(text);
    /* A credential is never shown, and inner bytes are no JSON: those do not read again. */
    if (!(intent->present & (FIELD_BIT(FIELD_credential) | FIELD_BIT(FIELD_inner)))) {
        assert(json_intent_parse(text, strlen(text), "fuzz", &again, NULL, &fault));
        assert(intent_encode(&again, bytes_again, sizeof bytes_again, &size_again));
        assert(size_again == size && memcmp(bytes, bytes_again, size) == 0);
    }
    free(text);
    json_decref(shown);
}

static void read_line(const char *line, size_t size) {
    struct intent intent;
    struct intent_fault fault = {0};
    size_t encoded;
    if (!json_intent_parse(line, size, "fuzz", &intent, NULL, &fault)) {
        assert(fault.text[0] && memchr(fault.text, '\0', sizeof fault.text) && memchr(fault.field, '\0', sizeof fault.field));
        return;
    }
    assert(intent.source[0] && intent.key[0] && intent.v == 1);
    assert(intent_encode(&intent, bytes, sizeof bytes, &encoded));
    check_shown(&intent, encoded);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct lines lines;
    const char *line;
    size_t length;
    uint64_t number = 0;
    enum lines_got got;
    int fd = memfd_create("fuzz", MFD_CLOEXEC);
    assert(fd >= 0 && write(fd, data, size) == (ssize_t)size && lseek(fd, 0, SEEK_SET) == 0);
    lines_init(&lines, fd);
    while ((got = lines_next(&lines, 0, &line, &length)) == LINES_LINE || got == LINES_TOO_LONG) {
        assert(lines.number > number && lines.number <= size + 1);
        number = lines.number;
        if (got == LINES_TOO_LONG) continue;
        assert(length < LINES_SIZE_MAX && memchr(line, '\n', length) == NULL);
        read_line(line, length);
    }
    assert(got == LINES_END);
    lines_clear(&lines);
    close(fd);
    return 0;
}
