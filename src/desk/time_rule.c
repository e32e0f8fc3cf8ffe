/* SPDX-License-Identifier: Apache-2.0 */
#include "desk/time_rule.h"

#include "base/err.h"
#include "desk/date.h"

enum {
    HOUR_S = 3600,
    DAY_S = 86400,
    OFFSET_HOURS_MAX = 24,
    TIME_HOURS_MAX = 167, /* a week: RFC 8536, section 3.3.1 */
    NAME_MIN = 3,
    CHANGE_AT = 2 * HOUR_S, /* when a rule names no time */
};

/* ---- reading ------------------------------------------------------------- */

static bool take(struct str *s, char c)
{
    if (s->n == 0 || s->p[0] != c)
        return false;
    *s = str_sub(*s, 1, s->n);
    return true;
}

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* "CET" or "<+0330>"; nobody needs what it says. */
static bool take_name(struct str *s)
{
    size_t n = 0;
    if (take(s, '<')) {
        n = str_find(*s, '>');
        bool ends = n < s->n;
        *s = str_sub(*s, n + 1, s->n);
        return ends && n >= NAME_MIN;
    }
    while (n < s->n && is_letter(s->p[n]))
        n++;
    *s = str_sub(*s, n, s->n);
    return n >= NAME_MIN;
}

/* A number of one to three digits in min … max. */
static bool take_number(struct str *s, int min, int max, int *ret)
{
    int value = 0;
    size_t n = 0;
    for (; n < 3 && n < s->n && s->p[n] >= '0' && s->p[n] <= '9'; n++)
        value = value * 10 + (s->p[n] - '0');
    if (n == 0 || value < min || value > max)
        return false;
    *s = str_sub(*s, n, s->n);
    *ret = value;
    return true;
}

/* "[+-]hh[:mm[:ss]]" in seconds. */
static bool take_time(struct str *s, int hours_max, int *ret)
{
    int h, m = 0, sec = 0;
    int sign = take(s, '-') ? -1 : 1;
    if (sign > 0)
        (void)take(s, '+');
    if (!take_number(s, 0, hours_max, &h) ||
        (take(s, ':') && (!take_number(s, 0, 59, &m) ||
                          (take(s, ':') && !take_number(s, 0, 59, &sec)))))
        return false;
    *ret = sign * (h * HOUR_S + m * 60 + sec);
    return true;
}

/* ",M10.5.0/3" */
static bool take_day(struct str *s, struct time_rule_day *d)
{
    if (!take(s, ','))
        return false;
    bool ok;
    if (take(s, 'M')) {
        d->kind = RULE_WEEKDAY;
        ok = take_number(s, 1, 12, &d->month) && take(s, '.') &&
             take_number(s, 1, 5, &d->week) && take(s, '.') &&
             take_number(s, 0, 6, &d->day);
    } else if (take(s, 'J')) {
        d->kind = RULE_JULIAN;
        ok = take_number(s, 1, 365, &d->day);
    } else {
        d->kind = RULE_ZERO_DAY;
        ok = take_number(s, 0, 365, &d->day);
    }
    d->second_of_the_day = CHANGE_AT;
    return ok && (!take(s, '/') ||
                  take_time(s, TIME_HOURS_MAX, &d->second_of_the_day));
}

int time_rule_parse(struct str s, struct time_rule *ret)
{
    struct time_rule r = {0};
    if (!take_name(&s) || !take_time(&s, OFFSET_HOURS_MAX, &r.standard))
        return OTK_EFORMAT;
    r.standard = -r.standard; /* POSIX counts to the west */
    r.has_summer = s.n > 0;
    if (r.has_summer) {
        r.summer = r.standard + HOUR_S;
        if (!take_name(&s))
            return OTK_EFORMAT;
        if (s.n && s.p[0] != ',') {
            if (!take_time(&s, OFFSET_HOURS_MAX, &r.summer))
                return OTK_EFORMAT;
            r.summer = -r.summer;
        }
        if (!take_day(&s, &r.begin) || !take_day(&s, &r.end) || s.n)
            return OTK_EFORMAT;
    }
    *ret = r;
    return OTK_OK;
}

/* ---- what it says -------------------------------------------------------- */

static int64_t day_in(const struct time_rule_day *d, int year)
{
    int64_t first = date_number((struct date){year, 1, 1});
    if (d->kind == RULE_ZERO_DAY)
        return first + d->day;
    if (d->kind == RULE_JULIAN) {
        int64_t march = date_number((struct date){year, 3, 1});
        /* 1 March is day 60 of every year */
        return d->day < 60 ? first + d->day - 1 : march + d->day - 60;
    }
    int weekday = (d->day + 6) % 7; /* 0: Monday, as in date.h */
    int64_t month = date_number((struct date){year, d->month, 1});
    int64_t next = date_number(
        (struct date){d->month == 12 ? year + 1 : year, d->month % 12 + 1, 1});
    int64_t day = month + (weekday - date_weekday(month) + 7) % 7 +
                  7 * ((int64_t)d->week - 1);
    return day < next ? day : day - 7;
}

static int64_t moment_in(const struct time_rule_day *d, int year, int offset)
{
    return day_in(d, year) * DAY_S + d->second_of_the_day - offset;
}

int time_rule_offset(const struct time_rule *r, int64_t at_s)
{
    if (!r->has_summer)
        return r->standard;
    int64_t local = at_s + r->standard;
    int year = date_of(local / DAY_S - (local % DAY_S < 0)).year;
    int64_t begin = moment_in(&r->begin, year, r->standard);
    int64_t end = moment_in(&r->end, year, r->summer);
    /* in the south summer lasts over the new year */
    bool summer =
        begin < end ? at_s >= begin && at_s < end : at_s >= begin || at_s < end;
    return summer ? r->summer : r->standard;
}
