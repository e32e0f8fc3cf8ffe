/*
 * desk/time_rule.h - when summer time begins and ends, year after year
 *
 * The rule at the end of a TZif file (RFC 8536, section 3.3), written as in
 * the TZ variable of POSIX: "CET-1CEST,M3.5.0,M10.5.0/3". It holds after the
 * last change that the file lists; files as zic makes them today list only
 * what the rule does not cover.
 */
#ifndef OTK_DESK_TIME_RULE_H
#define OTK_DESK_TIME_RULE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"

enum time_rule_day_kind {
    RULE_JULIAN,   /* Jn: day 1 to 365, 29 February is never counted */
    RULE_ZERO_DAY, /* n: day 0 to 365, it is */
    RULE_WEEKDAY,  /* Mm.w.d: the w-th (5: last) weekday d of a month */
};

struct time_rule_day {
    enum time_rule_day_kind kind;
    int day;               /* of the year; RULE_WEEKDAY: 0 is Sunday */
    int month, week;       /* of RULE_WEEKDAY */
    int second_of_the_day; /* local time; may lie outside of the day */
};

struct time_rule {
    int standard, summer; /* seconds ahead of UTC */
    bool has_summer;
    struct time_rule_day begin, end;
};

/* 0, or OTK_EFORMAT. */
int time_rule_parse(struct str s, struct time_rule *ret);

/* Seconds that local time is ahead of UTC at a moment. */
int time_rule_offset(const struct time_rule *r, int64_t at_s);

#endif
