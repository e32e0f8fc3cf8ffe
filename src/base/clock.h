/*
 * base/clock.h - the time, in milliseconds
 *
 * Things that time out or stamp take a `struct clock *`, so that a test can
 * give them a fake one. Two scales: `wall` is the Unix epoch in UTC and is
 * stored; `mono` never jumps and is for waiting only.
 */
#ifndef OTK_BASE_CLOCK_H
#define OTK_BASE_CLOCK_H

#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

enum {
    MS_SECOND = 1000,
    MS_MINUTE = 60 * MS_SECOND,
    MS_HOUR = 60 * MS_MINUTE,
    MS_DAY = 24 * MS_HOUR,
};

struct clock {
    int64_t (*wall_ms)(const struct clock *c);
    int64_t (*mono_ms)(const struct clock *c);
};

extern const struct clock clock_real;

/* A clock that a test sets by hand; both scales read `now_ms`. */
struct clock_fake {
    struct clock base; /* first: a fake is a clock */
    int64_t now_ms;
};
void clock_fake_init(struct clock_fake *f, int64_t now_ms);

static inline int64_t clock_wall(const struct clock *c)
{
    return c->wall_ms(c);
}
static inline int64_t clock_mono(const struct clock *c)
{
    return c->mono_ms(c);
}

/* RFC 3339 in UTC with milliseconds: "2026-01-31T09:30:00.000Z". Years are 0 to
 * 9999; what is outside is printed as the epoch. */
enum { TIME_TEXT = 25 };
void time_print(int64_t wall_ms, char ret[TIME_TEXT]);

/* Read RFC 3339 with any offset; 0 or OTK_EFORMAT, also for what time_print()
 * could not print. */
int time_parse(struct str s, int64_t *ret_wall_ms);

#endif
