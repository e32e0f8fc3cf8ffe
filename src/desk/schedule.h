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
#include "desk/date.h"

struct err;
struct schedule;

struct schedule_hours {
    int weekday;  /* 0: Monday */
    int from, to; /* minutes of the day, from < to ≤ 1440 */
};

struct schedule_day { /* an exception */
    struct date date;
    bool is_open; /* false: closed; true: open as on a Monday */
};

enum { SCHEDULE_HOURS_MAX = 100, SCHEDULE_DAYS_MAX = 5000 };

/* OTK_EFORMAT: hours that overlap or are none, a day that is said twice;
 * OTK_ENOENT: no such time zone. */
int schedule_new(struct str time_zone, const struct schedule_hours *hours,
                 size_t n_hours, const struct schedule_day *days, size_t n_days,
                 struct schedule **ret, struct err *e);
void schedule_free(struct schedule *s); /* NULL is fine */

/* A NULL schedule is open round the clock. */
bool schedule_is_open(const struct schedule *s, int64_t at_ms);
/* The moment when `open_ms` of open time have passed since `from_ms`. A
 * schedule that is not open for so long within three years: from_ms + open_ms.
 */
int64_t schedule_add(const struct schedule *s, int64_t from_ms,
                     int64_t open_ms);
/* Open milliseconds between two moments. */
int64_t schedule_between(const struct schedule *s, int64_t from_ms,
                         int64_t to_ms);
/* `at_ms` itself when open, else when it opens next; -1: not within three
 * years. */
int64_t schedule_next_open(const struct schedule *s, int64_t at_ms);

/* What calendar and clock on the wall show there; UTC for a NULL schedule. */
struct local_time {
    struct date date;
    int minute; /* of the day */
};
struct local_time schedule_local(const struct schedule *s, int64_t at_ms);

#endif
