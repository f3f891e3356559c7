/* Months of settlement. */
#include "producer/cli/month.h"

#include <stdio.h>
#include <time.h>

enum { EAST_MAX = 840, DAY_MINUTES = 1440 };

bool month_parse(const char *text, size_t size, int *month) {
    if (size != 7 || text[4] != '-') return false;
    for (size_t n = 0; n < size; n++)
        if (n != 4 && (text[n] < '0' || text[n] > '9')) return false;
    int year = (text[0] - '0') * 1000 + (text[1] - '0') * 100 + (text[2] - '0') * 10 + text[3] - '0';
    int number = (text[5] - '0') * 10 + text[6] - '0';
    *month = 12 * year + number - 1;
    return year >= 1970 && number >= 1 && number <= 12;
}

void month_text(int month, char out[MONTH_TEXT_SIZE]) {
    snprintf(out, MONTH_TEXT_SIZE, "%04u-%02u", (unsigned)month / 12 % 10000, (unsigned)month % 12 + 1);
}

static int minutes_east(unsigned offset) { return offset > EAST_MAX ? (int)offset - DAY_MINUTES : (int)offset; }

uint64_t month_begins(int month, unsigned offset) {
    struct tm tm = {.tm_year = month / 12 - 1900, .tm_mon = month % 12, .tm_mday = 1};
    int64_t seconds = (int64_t)timegm(&tm) - 60 * minutes_east(offset);
    return seconds > 0 ? (uint64_t)seconds * 1000 : 0;
}

void month_offset_text(unsigned offset, char out[MONTH_OFFSET_SIZE]) {
    int east = minutes_east(offset);
    unsigned length = (unsigned)(east < 0 ? -east : east);
    snprintf(out, MONTH_OFFSET_SIZE, "%c%02u:%02u", east < 0 ? '-' : '+', length / 60 % 100, length % 60);
}
