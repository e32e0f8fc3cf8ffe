/*
 * desk/date.h - days of the Gregorian calendar, as dates and as numbers
 *
 * A day's number counts from 1970-01-01, which is 0; it knows no time zone.
 */
#ifndef OTK_DESK_DATE_H
#define OTK_DESK_DATE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"

struct date {
    int year, month, day; /* month and day from 1 */
};

int64_t date_number(struct date d);
struct date date_of(int64_t number);
int date_weekday(int64_t number); /* 0: Monday */

/* "2026-01-31", a day that there is; false: anything else. */
bool date_parse(struct str s, struct date *ret);

#endif
