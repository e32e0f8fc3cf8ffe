/*
 * desk/schedule.h - when somebody is there: business hours
 *
 * Weekly hours in local time, holidays, working days out of turn. Immutable;
 * any thread. Time zones are "UTC+03:00" or a name of the tz database
 * ("Europe/Moscow"), read once (RFC 8536).
 */
#ifndef OTK_DESK_SCHEDULE_H
#define OTK_DESK_SCHEDULE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

struct err;
struct schedule;

struct schedule_hours {
    int weekday;  /* 0: Monday */
    int from, to; /* minutes of the day, from < to ≤ 1440 */
};

struct schedule_day { /* an exception */
    int year, month, day;
    bool is_open; /* false: closed; true: open as on a Monday */
};

int schedule_new(struct str time_zone, const struct schedule_hours *hours,
                 size_t n_hours, const struct schedule_day *days, size_t n_days,
                 struct schedule **ret, struct err *e);
void schedule_free(struct schedule *s); /* NULL is fine */

/* A NULL schedule is open round the clock. */
bool schedule_is_open(const struct schedule *s, int64_t at_ms);
/* The moment after `minutes` of open time from `from_ms` on. Searches three
 * years ahead; a schedule that never opens gives from_ms + minutes. */
int64_t schedule_add(const struct schedule *s, int64_t from_ms, int minutes);
/* Open milliseconds between two moments. */
int64_t schedule_between(const struct schedule *s, int64_t from_ms,
                         int64_t to_ms);

#endif
