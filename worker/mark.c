/* Loss detection. */
#include "worker/mark.h"

#include <stdio.h>

bool mark_missing(const struct mark *mark, struct entry_id applied, uint64_t bill, char *out, size_t capacity) {
    char had[ENTRY_TEXT_MAX + 1], has[ENTRY_TEXT_MAX + 1];
    if (entry_id_compare(applied, mark->applied) >= 0 && bill >= mark->bill) return false;
    entry_id_format(mark->applied, had);
    entry_id_format(applied, has);
    unsigned long long bills = mark->bill > bill ? mark->bill - bill : 0;
    snprintf(out, capacity, "applied went from %s back to %s, %llu bills are missing", had, has, bills);
    return true;
}
