/* Every input the fuzzer starts from or once fell over, again: none may crash, and each verdict must be told. */
#include <criterion/criterion.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/slurp.h"
#include "load_text.h"

enum { BYTES_MAX = 262144 };

Test(config_corpus, every_file) {
    static char bytes[BYTES_MAX];
    char folder[512];
    snprintf(folder, sizeof folder, "%s/tests/fuzz/corpus/config", TILL_SOURCE_DIR);
    DIR *dir = opendir(folder);
    cr_assert(dir != NULL, "%s", folder);
    unsigned count = 0, good = 0;
    for (struct dirent *entry; (entry = readdir(dir));) {
        char path[1024];
        size_t size = 0;
        if (entry->d_name[0] == '.') continue;
        snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
        cr_assert_eq(slurp_read(path, bytes, sizeof bytes, &size, NULL), 0, "%s", path);
        char *said = load_text(bytes, size, false, NULL); /* asserts that a bad outcome has a text */
        good += *said == '\0';
        free(said);
        count++;
    }
    closedir(dir);
    cr_expect(count >= 20, "only %u files in %s", count, folder);
    cr_expect(good > 0 && good < count, "%u of %u are good: the corpus covers one side only", good, count);
}
