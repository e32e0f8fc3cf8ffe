/* SPDX-License-Identifier: Apache-2.0 */
#include "desk/date.h"

/* Four centuries repeat to the day; years begin in March, so that the leap
 * day is the last of a year. */
enum { ERA_YEARS = 400, ERA_DAYS = 146097, EPOCH_DAY = 719468 };

static int64_t floor_div(int64_t a, int64_t b)
{
    return a / b - (a % b < 0);
}

int64_t date_number(struct date d)
{
    int64_t year = d.month <= 2 ? (int64_t)d.year - 1 : d.year;
    int64_t era = floor_div(year, ERA_YEARS);
    int64_t of_era = year - era * ERA_YEARS;
    int64_t month = d.month > 2 ? d.month - 3 : d.month + 9;
    int64_t of_year = (153 * month + 2) / 5 + d.day - 1;
    return era * ERA_DAYS + of_era * 365 + of_era / 4 - of_era / 100 + of_year -
           EPOCH_DAY;
}

struct date date_of(int64_t number)
{
    int64_t day = number + EPOCH_DAY;
    int64_t era = floor_div(day, ERA_DAYS);
    day -= era * ERA_DAYS;
    int64_t year = (day - day / 1460 + day / 36524 - day / 146096) / 365;
    int64_t of_year = day - (365 * year + year / 4 - year / 100);
    int64_t month = (5 * of_year + 2) / 153;
    return (struct date){
        .year = (int)(year + era * ERA_YEARS + (month >= 10)),
        .month = (int)(month < 10 ? month + 3 : month - 9),
        .day = (int)(of_year - (153 * month + 2) / 5 + 1),
    };
}

int date_weekday(int64_t number)
{
    /* 1970-01-01 was a Thursday */
    return (int)(number + 3 - 7 * floor_div(number + 3, 7));
}

/* Exactly `n` digits from `at` on; -1: something else. */
static int digits(struct str s, size_t at, size_t n)
{
    int value = 0;
    for (size_t i = at; i < at + n; i++) {
        if (s.p[i] < '0' || s.p[i] > '9')
            return -1;
        value = value * 10 + (s.p[i] - '0');
    }
    return value;
}

bool date_parse(struct str s, struct date *ret)
{
    if (s.n != 10 || s.p[4] != '-' || s.p[7] != '-')
        return false;
    struct date d = {digits(s, 0, 4), digits(s, 5, 2), digits(s, 8, 2)};
    if (d.year < 0 || d.month < 1 || d.month > 12 || d.day < 1 || d.day > 31)
        return false;
    struct date real = date_of(date_number(d));
    if (real.month != d.month) /* 31 April */
        return false;
    *ret = d;
    return true;
}
