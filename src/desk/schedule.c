/* SPDX-License-Identifier: Apache-2.0 */
#include "desk/schedule.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/mem.h"
#include "desk/time_zone.h"

enum { DAYS_AHEAD = 3 * 366, HOURS_MAX = 100, DAYS_MAX = 5000 };

struct schedule {
    struct time_zone *zone;
    struct schedule_hours *hours; /* sorted by weekday, then from */
    size_t n_hours;
    struct schedule_day *days;
    size_t n_days;
};

static int by_time(const void *a, const void *b)
{
    const struct schedule_hours *x = a;
    const struct schedule_hours *y = b;
    return x->weekday != y->weekday ? x->weekday - y->weekday
                                    : x->from - y->from;
}

int schedule_new(struct str time_zone, const struct schedule_hours *hours,
                 size_t n_hours, const struct schedule_day *days, size_t n_days,
                 struct schedule **ret, struct err *e)
{
    if (n_hours > HOURS_MAX || n_days > DAYS_MAX)
        return err_set(e, OTK_ELIMIT, "too many hours or days in a schedule");
    struct time_zone *zone;
    int r = time_zone_new(time_zone, &zone, e);
    if (r)
        return r;
    struct schedule *s = MEM_NEW(struct schedule);
    s->zone = zone;
    s->hours = mem_new(n_hours + 1, sizeof(*s->hours));
    s->days = mem_new(n_days + 1, sizeof(*s->days));
    s->n_hours = n_hours;
    s->n_days = n_days;
    for (size_t i = 0; i < n_hours; i++)
        s->hours[i] = hours[i];
    for (size_t i = 0; i < n_days; i++)
        s->days[i] = days[i];
    qsort(s->hours, n_hours, sizeof(*s->hours), by_time);
    for (size_t i = 0; i < n_hours; i++) {
        const struct schedule_hours *h = &s->hours[i];
        bool overlaps = i && s->hours[i - 1].weekday == h->weekday &&
                        s->hours[i - 1].to > h->from;
        if (h->weekday < 0 || h->weekday > 6 || h->from < 0 ||
            h->to > 24 * 60 || h->from >= h->to || overlaps) {
            schedule_free(s);
            return err_set(e, OTK_EFORMAT, "open hours overlap or are none");
        }
    }
    *ret = s;
    return OTK_OK;
}

void schedule_free(struct schedule *s)
{
    if (!s)
        return;
    time_zone_free(s->zone);
    free(s->hours);
    free(s->days);
    free(s);
}

/* Days since 1970-01-01 of a date (Hinnant's algorithm). */
static int64_t day_number(int y, int m, int d)
{
    int64_t year = m <= 2 ? y - 1 : y;
    int64_t era = (year >= 0 ? year : year - 399) / 400;
    int64_t yoe = year - era * 400;
    int64_t doy = (153 * (m + (m > 2 ? -3 : 9)) + 2) / 5 + d - 1;
    int64_t doe = yoe * 365 + yoe / 4 - yoe / 100 + doy;
    return era * 146097 + doe - 719468;
}

static int64_t floor_div(int64_t a, int64_t b)
{
    return a / b - (a % b < 0);
}

static int64_t local_day(const struct schedule *s, int64_t at_ms)
{
    int64_t at = floor_div(at_ms, MS_SECOND);
    return floor_div(at + time_zone_offset(s->zone, at), 86400);
}

/* The weekday whose hours count on that day; -1: closed. */
static int weekday_of(const struct schedule *s, int64_t day)
{
    for (size_t i = 0; i < s->n_days; i++) {
        const struct schedule_day *d = &s->days[i];
        if (day_number(d->year, d->month, d->day) == day)
            return d->is_open ? 0 : -1;
    }
    return (int)((day % 7 + 7 + 3) % 7); /* 1970-01-01 was a Thursday */
}

/* The moment when the local clock of that day shows `minute`. */
static int64_t moment(const struct schedule *s, int64_t day, int minute)
{
    int64_t local = day * 86400 + (int64_t)minute * 60;
    int64_t guess = local - time_zone_offset(s->zone, local);
    return (local - time_zone_offset(s->zone, guess)) * MS_SECOND;
}

/* The open spans of a day, in order; returns how many. */
static size_t spans_of(const struct schedule *s, int64_t day,
                       int64_t ret[HOURS_MAX][2])
{
    int weekday = weekday_of(s, day);
    size_t n = 0;
    for (size_t i = 0; i < s->n_hours && weekday >= 0; i++) {
        if (s->hours[i].weekday != weekday)
            continue;
        ret[n][0] = moment(s, day, s->hours[i].from);
        ret[n++][1] = moment(s, day, s->hours[i].to);
    }
    return n;
}

bool schedule_is_open(const struct schedule *s, int64_t at_ms)
{
    if (!s)
        return true;
    int64_t spans[HOURS_MAX][2];
    size_t n = spans_of(s, local_day(s, at_ms), spans);
    for (size_t i = 0; i < n; i++) {
        if (at_ms >= spans[i][0] && at_ms < spans[i][1])
            return true;
    }
    return false;
}

int64_t schedule_add(const struct schedule *s, int64_t from_ms, int minutes)
{
    int64_t left = (int64_t)minutes * MS_MINUTE;
    if (!s)
        return from_ms + left;
    int64_t first = local_day(s, from_ms);
    for (int64_t day = first; day < first + DAYS_AHEAD; day++) {
        int64_t spans[HOURS_MAX][2];
        size_t n = spans_of(s, day, spans);
        for (size_t i = 0; i < n; i++) {
            int64_t begin = spans[i][0] > from_ms ? spans[i][0] : from_ms;
            int64_t open = spans[i][1] - begin;
            if (open <= 0)
                continue;
            if (left <= open)
                return begin + left;
            left -= open;
        }
    }
    return from_ms + (int64_t)minutes * MS_MINUTE;
}

int64_t schedule_between(const struct schedule *s, int64_t from_ms,
                         int64_t to_ms)
{
    if (to_ms <= from_ms)
        return 0;
    if (!s)
        return to_ms - from_ms;
    int64_t sum = 0;
    int64_t last = local_day(s, to_ms);
    for (int64_t day = local_day(s, from_ms); day <= last; day++) {
        int64_t spans[HOURS_MAX][2];
        size_t n = spans_of(s, day, spans);
        for (size_t i = 0; i < n; i++) {
            int64_t begin = spans[i][0] > from_ms ? spans[i][0] : from_ms;
            int64_t end = spans[i][1] < to_ms ? spans[i][1] : to_ms;
            sum += end > begin ? end - begin : 0;
        }
    }
    return sum;
}
