/* SPDX-License-Identifier: Apache-2.0 */
#include "desk/schedule.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/mem.h"
#include "desk/time_zone.h"

enum { DAYS_AHEAD = 3 * 366, DAY_S = 86400 };

struct exception {
    int64_t day;
    bool is_open;
};

struct schedule {
    struct time_zone *zone;
    struct schedule_hours *hours; /* sorted by weekday, then from */
    size_t n_hours;
    struct exception *days; /* sorted */
    size_t n_days;
};

static int by_time(const void *a, const void *b)
{
    const struct schedule_hours *x = a;
    const struct schedule_hours *y = b;
    return x->weekday != y->weekday ? x->weekday - y->weekday
                                    : x->from - y->from;
}

static int by_day(const void *a, const void *b)
{
    const struct exception *x = a;
    const struct exception *y = b;
    return (x->day > y->day) - (x->day < y->day);
}

static int set_hours(struct schedule *s, const struct schedule_hours *hours,
                     size_t n, struct err *e)
{
    s->hours = mem_new(n + 1, sizeof(*s->hours));
    s->n_hours = n;
    for (size_t i = 0; i < n; i++)
        s->hours[i] = hours[i];
    qsort(s->hours, n, sizeof(*s->hours), by_time);
    for (size_t i = 0; i < n; i++) {
        const struct schedule_hours *h = &s->hours[i];
        bool overlaps = i && h[-1].weekday == h->weekday && h[-1].to > h->from;
        if (h->weekday < 0 || h->weekday > 6 || h->from < 0 ||
            h->to > 24 * 60 || h->from >= h->to || overlaps)
            return err_set(e, OTK_EFORMAT, "open hours overlap or are none");
    }
    return OTK_OK;
}

static int set_days(struct schedule *s, const struct schedule_day *days,
                    size_t n, struct err *e)
{
    s->days = mem_new(n + 1, sizeof(*s->days));
    s->n_days = n;
    for (size_t i = 0; i < n; i++)
        s->days[i] =
            (struct exception){date_number(days[i].date), days[i].is_open};
    qsort(s->days, n, sizeof(*s->days), by_day);
    for (size_t i = 1; i < n; i++) {
        struct date d = date_of(s->days[i].day);
        if (s->days[i].day == s->days[i - 1].day)
            return err_set(e, OTK_EFORMAT, "%04d-%02d-%02d is said twice",
                           d.year, d.month, d.day);
    }
    return OTK_OK;
}

int schedule_new(struct str time_zone, const struct schedule_hours *hours,
                 size_t n_hours, const struct schedule_day *days, size_t n_days,
                 struct schedule **ret, struct err *e)
{
    if (n_hours > SCHEDULE_HOURS_MAX || n_days > SCHEDULE_DAYS_MAX)
        return err_set(e, OTK_ELIMIT,
                       "a schedule has at most %d spans and %d days",
                       SCHEDULE_HOURS_MAX, SCHEDULE_DAYS_MAX);
    struct schedule *s = MEM_NEW(struct schedule);
    int r = time_zone_new(time_zone, &s->zone, e);
    if (!r)
        r = set_hours(s, hours, n_hours, e);
    if (!r)
        r = set_days(s, days, n_days, e);
    if (r) {
        schedule_free(s);
        return r;
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

static int64_t floor_div(int64_t a, int64_t b)
{
    return a / b - (a % b < 0);
}

/* Seconds since 1970 that the clock on the wall shows. */
static int64_t local_s(const struct schedule *s, int64_t at_ms)
{
    int64_t at = floor_div(at_ms, MS_SECOND);
    return s ? at + time_zone_offset(s->zone, at) : at;
}

static int64_t local_day(const struct schedule *s, int64_t at_ms)
{
    return floor_div(local_s(s, at_ms), DAY_S);
}

struct local_time schedule_local(const struct schedule *s, int64_t at_ms)
{
    int64_t local = local_s(s, at_ms);
    int64_t day = floor_div(local, DAY_S);
    return (struct local_time){date_of(day), (int)((local - day * DAY_S) / 60)};
}

/* The weekday whose hours count on that day; -1: closed. */
static int weekday_of(const struct schedule *s, int64_t day)
{
    const struct exception key = {.day = day};
    const struct exception *found =
        bsearch(&key, s->days, s->n_days, sizeof(key), by_day);
    if (found)
        return found->is_open ? 0 : -1;
    return date_weekday(day);
}

/* When the offset changes between two moments with different ones. */
static int64_t change_between(const struct time_zone *z, int64_t low,
                              int64_t high)
{
    int before = time_zone_offset(z, low);
    while (high - low > 1) {
        int64_t mid = low + (high - low) / 2;
        if (time_zone_offset(z, mid) == before)
            low = mid;
        else
            high = mid;
    }
    return high;
}

/*
 * The moment when the local clock of that day shows `minute`: the first one
 * where a clock set back shows it twice, the change itself where a clock set
 * forward leaves it out.
 */
static int64_t moment(const struct schedule *s, int64_t day, int minute)
{
    int64_t local = day * DAY_S + (int64_t)minute * 60;
    int64_t early = local - time_zone_offset(s->zone, local - DAY_S);
    int64_t late = local - time_zone_offset(s->zone, local + DAY_S);
    int64_t at = early;
    if (early + time_zone_offset(s->zone, early) != local) {
        at = late;
        if (late + time_zone_offset(s->zone, late) != local)
            at = change_between(s->zone, late, early);
    }
    return at * MS_SECOND;
}

/* The open spans of a day, in order; returns how many. */
static size_t spans_of(const struct schedule *s, int64_t day,
                       int64_t ret[SCHEDULE_HOURS_MAX][2])
{
    int weekday = weekday_of(s, day);
    size_t n = 0;
    for (size_t i = 0; i < s->n_hours && weekday >= 0; i++) {
        if (s->hours[i].weekday != weekday)
            continue;
        ret[n][0] = moment(s, day, s->hours[i].from);
        ret[n][1] = moment(s, day, s->hours[i].to);
        n += ret[n][0] < ret[n][1]; /* a clock set forward may skip it */
    }
    return n;
}

bool schedule_is_open(const struct schedule *s, int64_t at_ms)
{
    if (!s)
        return true;
    int64_t spans[SCHEDULE_HOURS_MAX][2];
    size_t n = spans_of(s, local_day(s, at_ms), spans);
    for (size_t i = 0; i < n; i++) {
        if (at_ms >= spans[i][0] && at_ms < spans[i][1])
            return true;
    }
    return false;
}

int64_t schedule_add(const struct schedule *s, int64_t from_ms, int64_t open_ms)
{
    int64_t left = open_ms;
    if (!s)
        return from_ms + left;
    int64_t first = local_day(s, from_ms);
    for (int64_t day = first; day < first + DAYS_AHEAD; day++) {
        int64_t spans[SCHEDULE_HOURS_MAX][2];
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
    return from_ms + open_ms;
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
        int64_t spans[SCHEDULE_HOURS_MAX][2];
        size_t n = spans_of(s, day, spans);
        for (size_t i = 0; i < n; i++) {
            int64_t begin = spans[i][0] > from_ms ? spans[i][0] : from_ms;
            int64_t end = spans[i][1] < to_ms ? spans[i][1] : to_ms;
            sum += end > begin ? end - begin : 0;
        }
    }
    return sum;
}

int64_t schedule_next_open(const struct schedule *s, int64_t at_ms)
{
    if (!s)
        return at_ms;
    int64_t first = local_day(s, at_ms);
    for (int64_t day = first; day < first + DAYS_AHEAD; day++) {
        int64_t spans[SCHEDULE_HOURS_MAX][2];
        size_t n = spans_of(s, day, spans);
        for (size_t i = 0; i < n; i++) {
            if (spans[i][1] > at_ms)
                return spans[i][0] > at_ms ? spans[i][0] : at_ms;
        }
    }
    return -1;
}
