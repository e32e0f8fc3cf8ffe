/*
 * channel/phone_timer.h - is the other side of a call still there? (RFC 4028)
 *
 * Who calls may ask for a sign of life at intervals: one of the two refreshes
 * the call by a request, and when none comes in time, the other ends it.
 *
 * Pure: the time is told, in milliseconds of a clock that never jumps.
 */
#ifndef OTK_CHANNEL_PHONE_TIMER_H
#define OTK_CHANNEL_PHONE_TIMER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"

enum { TIMER_LONGEST_S = 1800, TIMER_HEADERS_BYTES = 128 };

/* Who refreshes, as seen by a request: its sender or who answers it. */
enum timer_refresher { REFRESHER_OPEN, REFRESHER_UAC, REFRESHER_UAS };

/* What a request of the other side says. */
struct timer_asked {
    bool supported;     /* Supported: timer */
    int64_t interval_s; /* Session-Expires; 0: none */
    int64_t min_s;      /* Min-SE; 0: none */
    enum timer_refresher refresher;
};

struct phone_timer {
    int64_t interval_s; /* 0: the call has no timer */
    bool ours;          /* we refresh */
    bool demanded;      /* the other side knows what Require: timer is */
    bool waits;         /* our refresh is not answered yet */
    int64_t since_ms;   /* the last refresh */
    int64_t again_ms;   /* not before this */
};

/* The value of Session-Expires or Min-SE. False: it makes no sense. */
bool phone_timer_parse(struct str value, int64_t *ret_s,
                       enum timer_refresher *ret);

/* An INVITE or UPDATE of the other side. False: its interval is too small (422
 * with Min-SE), and `t` is as it was. */
bool phone_timer_agree(struct phone_timer *t, const struct timer_asked *a,
                       int64_t min_s, int64_t now_ms);
/* The headers of the answer, "" without a timer. */
void phone_timer_print(const struct phone_timer *t,
                       char ret[TIMER_HEADERS_BYTES]);

/* Time goes by. */
enum timer_order { TIMER_WAITS, TIMER_REFRESH, TIMER_END };
enum timer_order phone_timer_look(const struct phone_timer *t, int64_t now_ms);
/* Our refresh was sent, and answered: 2xx, 422 with its Min-SE, or another.
 * False: the other side does not know the call any more. */
void phone_timer_sent(struct phone_timer *t);
bool phone_timer_answered(struct phone_timer *t, int status, int64_t min_s,
                          int64_t now_ms);

#endif
