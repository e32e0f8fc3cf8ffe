/* SPDX-License-Identifier: Apache-2.0 */
#include "base/clock.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/err.h"

static int64_t now(clockid_t id)
{
    struct timespec t;
    (void)clock_gettime(id, &t);
    return (int64_t)t.tv_sec * MS_SECOND + t.tv_nsec / 1000000;
}

static int64_t real_wall(const struct clock *c)
{
    (void)c;
    return now(CLOCK_REALTIME);
}

static int64_t real_mono(const struct clock *c)
{
    (void)c;
    return now(CLOCK_MONOTONIC);
}

const struct clock clock_real = {.wall_ms = real_wall, .mono_ms = real_mono};

static int64_t fake_now(const struct clock *c)
{
    return ((const struct clock_fake *)c)->now_ms;
}

void clock_fake_init(struct clock_fake *f, int64_t now_ms)
{
    f->base = (struct clock){.wall_ms = fake_now, .mono_ms = fake_now};
    f->now_ms = now_ms;
}

/* A year has four digits in RFC 3339. */
static bool is_printable(int64_t s)
{
    static const int64_t year_0_begin_s = -62167219200;
    static const int64_t year_9999_end_s = 253402300799;
    return s >= year_0_begin_s && s <= year_9999_end_s;
}

void time_print(int64_t wall_ms, char ret[TIME_TEXT])
{
    int64_t ms = wall_ms % MS_SECOND;
    int64_t s = wall_ms / MS_SECOND;
    if (ms < 0) {
        ms += MS_SECOND;
        s--;
    }
    if (!is_printable(s))
        s = ms = 0;
    time_t t = (time_t)s;
    struct tm tm;
    (void)gmtime_r(&t, &tm);
    /* the year by hand: strftime() does not fill it up to four digits */
    int n = snprintf(ret, TIME_TEXT, "%04u", (unsigned)(tm.tm_year + 1900));
    n += (int)strftime(ret + n, TIME_TEXT - (size_t)n, "-%m-%dT%H:%M:%S", &tm);
    (void)snprintf(ret + n, TIME_TEXT - (size_t)n, ".%03dZ", (int)ms);
}

/* Exactly `n` digits at the front of `*s`. */
static bool take_digits(struct str *s, size_t n, int *ret)
{
    if (s->n < n)
        return false;
    int v = 0;
    for (size_t i = 0; i < n; i++) {
        if (s->p[i] < '0' || s->p[i] > '9')
            return false;
        v = v * 10 + (s->p[i] - '0');
    }
    *s = str_sub(*s, n, s->n);
    *ret = v;
    return true;
}

static bool take_char(struct str *s, const char *any_of)
{
    if (s->n == 0 || !strchr(any_of, s->p[0]) || s->p[0] == '\0')
        return false;
    *s = str_sub(*s, 1, s->n);
    return true;
}

static bool take_offset(struct str *s, int *ret_minutes)
{
    *ret_minutes = 0;
    if (take_char(s, "Zz"))
        return true;
    bool west = s->n && s->p[0] == '-';
    int h, m;
    if (!take_char(s, "+-") || !take_digits(s, 2, &h) || !take_char(s, ":") ||
        !take_digits(s, 2, &m) || h > 23 || m > 59)
        return false;
    *ret_minutes = (west ? -1 : 1) * (h * 60 + m);
    return true;
}

/* Digits after the point; more than three are cut, not rounded. */
static bool take_fraction(struct str *s, int *ret_ms)
{
    *ret_ms = 0;
    if (!take_char(s, "."))
        return true;
    int scale = 100;
    int d;
    if (!take_digits(s, 1, &d))
        return false;
    do {
        *ret_ms += d * scale;
        scale /= 10;
    } while (take_digits(s, 1, &d));
    return true;
}

int time_parse(struct str s, int64_t *ret_wall_ms)
{
    struct tm tm = {0};
    int ms, offset;
    bool ok = take_digits(&s, 4, &tm.tm_year) && take_char(&s, "-") &&
              take_digits(&s, 2, &tm.tm_mon) && take_char(&s, "-") &&
              take_digits(&s, 2, &tm.tm_mday) && take_char(&s, "Tt ") &&
              take_digits(&s, 2, &tm.tm_hour) && take_char(&s, ":") &&
              take_digits(&s, 2, &tm.tm_min) && take_char(&s, ":") &&
              take_digits(&s, 2, &tm.tm_sec) && take_fraction(&s, &ms) &&
              take_offset(&s, &offset) && s.n == 0;
    if (!ok || tm.tm_mon < 1 || tm.tm_mon > 12 || tm.tm_mday < 1 ||
        tm.tm_mday > 31 || tm.tm_hour > 23 || tm.tm_min > 59 || tm.tm_sec > 60)
        return OTK_EFORMAT;
    int day = tm.tm_mday;
    int leap = tm.tm_sec == 60; /* the first second of the next minute */
    tm.tm_sec -= leap;
    tm.tm_year -= 1900;
    tm.tm_mon -= 1;
    time_t t = timegm(&tm);
    if (tm.tm_mday != day) /* 31 February became March */
        return OTK_EFORMAT;
    int64_t utc = (int64_t)t + leap - (int64_t)offset * 60;
    if (!is_printable(utc))
        return OTK_EFORMAT;
    *ret_wall_ms = utc * MS_SECOND + ms;
    return OTK_OK;
}
