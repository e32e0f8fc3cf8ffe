/* SPDX-License-Identifier: Apache-2.0 */
#include "channel/phone_due.h"

#include "base/arena.h"

enum { QUARTER = 15, HOUR = 60, NOON = 12 * HOUR, DAY = 24 * HOUR, WEEK = 7 };

/* What it is rounded to: minutes of the day, 1 to DAY. */
struct moment {
    int64_t day;
    int minute;
};

static struct moment round_up(struct local_time t)
{
    struct moment m = {date_number(t.date), t.minute};
    m.minute = (m.minute + QUARTER - 1) / QUARTER * QUARTER;
    if (m.minute == 0)
        m = (struct moment){m.day - 1, DAY};
    return m;
}

/* ---- Russian: all in the genitive, after "до"
 * ---------------------------------------------------------------------- */

static const char *const ru_hours[] = {
    "ноля",          "часа",
    "двух",          "трёх",
    "четырёх",       "пяти",
    "шести",         "семи",
    "восьми",        "девяти",
    "десяти",        "одиннадцати",
    "двенадцати",    "тринадцати",
    "четырнадцати",  "пятнадцати",
    "шестнадцати",   "семнадцати",
    "восемнадцати",  "девятнадцати",
    "двадцати",      "двадцати одного",
    "двадцати двух", "двадцати трёх",
};
static const char *const ru_quarters[] = {"", "пятнадцати", "тридцати",
                                          "сорока пяти"};
static const char *const ru_weekdays[] = {
    "в понедельник", "во вторник", "в среду",      "в четверг",
    "в пятницу",     "в субботу",  "в воскресенье"};
static const char *const ru_days[] = {
    "первого",
    "второго",
    "третьего",
    "четвёртого",
    "пятого",
    "шестого",
    "седьмого",
    "восьмого",
    "девятого",
    "десятого",
    "одиннадцатого",
    "двенадцатого",
    "тринадцатого",
    "четырнадцатого",
    "пятнадцатого",
    "шестнадцатого",
    "семнадцатого",
    "восемнадцатого",
    "девятнадцатого",
    "двадцатого",
    "двадцать первого",
    "двадцать второго",
    "двадцать третьего",
    "двадцать четвёртого",
    "двадцать пятого",
    "двадцать шестого",
    "двадцать седьмого",
    "двадцать восьмого",
    "двадцать девятого",
    "тридцатого",
    "тридцать первого",
};
static const char *const ru_months[] = {
    "января", "февраля", "марта",    "апреля",  "мая",    "июня",
    "июля",   "августа", "сентября", "октября", "ноября", "декабря"};

static const char *ru_time(int minute, struct arena *a)
{
    int hour = minute / HOUR;
    int quarter = minute % HOUR / QUARTER;
    if (minute == DAY)
        return "полуночи";
    if (quarter)
        return arena_printf(a, "%s %s", ru_hours[hour], ru_quarters[quarter]);
    if (hour == 1)
        return "часа ночи";
    return arena_printf(a, hour == 21 ? "%s часа" : "%s часов", ru_hours[hour]);
}

static const char *ru_words(struct moment m, int64_t days, struct arena *a)
{
    const char *time = ru_time(m.minute, a);
    if (days == 0)
        return arena_printf(a, "сегодня до %s", time);
    if (days == 1)
        return arena_printf(a, "завтра до %s", time);
    if (days < WEEK)
        return arena_printf(a, "%s до %s", ru_weekdays[date_weekday(m.day)],
                            time);
    struct date d = date_of(m.day);
    return arena_printf(a, "%s %s до %s", ru_days[d.day - 1],
                        ru_months[d.month - 1], time);
}

/* ---- English
 * ----------------------------------------------------------------------- */

static const char *const en_weekdays[] = {"Monday",   "Tuesday", "Wednesday",
                                          "Thursday", "Friday",  "Saturday",
                                          "Sunday"};
static const char *const en_months[] = {
    "January", "February", "March",     "April",   "May",      "June",
    "July",    "August",   "September", "October", "November", "December"};

static const char *en_time(int minute, struct arena *a)
{
    int hour = (minute / HOUR + 11) % 12 + 1;
    int past = minute % HOUR;
    const char *half = minute < NOON ? "a.m." : "p.m.";
    if (minute == DAY)
        return "midnight";
    if (minute == NOON)
        return "noon";
    return past ? arena_printf(a, "%d:%d %s", hour, past, half)
                : arena_printf(a, "%d %s", hour, half);
}

static const char *en_words(struct moment m, int64_t days, struct arena *a)
{
    const char *time = en_time(m.minute, a);
    if (days == 0)
        return arena_printf(a, "today by %s", time);
    if (days == 1)
        return arena_printf(a, "tomorrow by %s", time);
    if (days < WEEK)
        return arena_printf(a, "on %s by %s", en_weekdays[date_weekday(m.day)],
                            time);
    struct date d = date_of(m.day);
    return arena_printf(a, "on %s %d by %s", en_months[d.month - 1], d.day,
                        time);
}

struct str phone_due_words(struct local_time now, struct local_time due,
                           enum phone_language l, struct arena *a)
{
    struct moment m = round_up(due);
    int64_t days = m.day - date_number(now.date);
    if (days < 0 || (days == 0 && m.minute < now.minute))
        return (struct str){0};
    return str_from(l == PHONE_RU ? ru_words(m, days, a)
                                  : en_words(m, days, a));
}
