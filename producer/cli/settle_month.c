/* Months as settlement counts them, and the fee on one. Pure. */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "producer/cli/settle.h"

enum { EAST_MAX = 840, DAY_MINUTES = 1440 };

bool settle_month_parse(const char *text, size_t size, int *month) {
    if (size != 7 || text[4] != '-') return false;
    for (size_t n = 0; n < size; n++)
        if (n != 4 && (text[n] < '0' || text[n] > '9')) return false;
    int year = (text[0] - '0') * 1000 + (text[1] - '0') * 100 + (text[2] - '0') * 10 + text[3] - '0';
    int number = (text[5] - '0') * 10 + text[6] - '0';
    *month = 12 * year + number - 1;
    return year >= 1970 && number >= 1 && number <= 12;
}

void settle_month_text(int month, char out[8]) { snprintf(out, 8, "%04u-%02u", (unsigned)month / 12 % 10000, (unsigned)month % 12 + 1); }

static int minutes_east(unsigned offset) { return offset > EAST_MAX ? (int)offset - DAY_MINUTES : (int)offset; }

uint64_t settle_month_begins(int month, unsigned offset) {
    struct tm tm = {.tm_year = month / 12 - 1900, .tm_mon = month % 12, .tm_mday = 1};
    int64_t seconds = (int64_t)timegm(&tm) - 60 * minutes_east(offset);
    return seconds > 0 ? (uint64_t)seconds * 1000 : 0;
}

void settle_offset_text(unsigned offset, char out[8]) {
    int east = minutes_east(offset);
    unsigned length = (unsigned)(east < 0 ? -east : east);
    snprintf(out, 8, "%c%02u:%02u", east < 0 ? '-' : '+', length / 60 % 100, length % 60);
}

int64_t settle_fee(int64_t gross, unsigned basis_points) {
    int64_t rest = gross % 10000 * basis_points, fee = gross / 10000 * basis_points + rest / 10000, over = rest % 10000;
    return fee + (over > 5000 || (over == 5000 && fee % 2 == 1));
}
