/* SPDX-License-Identifier: Apache-2.0 */
#include "channel/phone_timer.h"

#include <stdio.h>
#include <strings.h>

#include "base/clock.h"

enum { GRACE_S = 32, RETRY_MS = 3000 /* RFC 3261, 14.1: after 491 */ };

/* ---- reading
 * ----------------------------------------------------------------------- */

static bool is_word(struct str s, const char *word)
{
    return s.n == strlen(word) && strncasecmp(s.p, word, s.n) == 0;
}

bool phone_timer_parse(struct str value, int64_t *ret_s,
                       enum timer_refresher *ret)
{
    struct str part;
    int64_t n;
    if (!str_next(&value, ';', &part) || str_to_int(str_trim(part), &n) ||
        n <= 0 || n > INT32_MAX)
        return false;
    enum timer_refresher found = REFRESHER_OPEN;
    while (str_next(&value, ';', &part)) {
        size_t at = str_find(part, '=');
        struct str who = str_trim(str_sub(part, at + 1, part.n));
        if (!is_word(str_trim(str_sub(part, 0, at)), "refresher"))
            continue;
        if (!is_word(who, "uac") && !is_word(who, "uas"))
            return false;
        found = is_word(who, "uac") ? REFRESHER_UAC : REFRESHER_UAS;
    }
    *ret_s = n;
    *ret = found;
    return true;
}

/* ---- agreeing
 * ---------------------------------------------------------------------- */

bool phone_timer_agree(struct phone_timer *t, const struct timer_asked *a,
                       int64_t min_s, int64_t now_ms)
{
    bool small = a->interval_s < min_s;
    if (a->interval_s && small && a->supported)
        return false;
    *t = (struct phone_timer){.since_ms = now_ms};
    if (!a->interval_s || small) /* a proxy's wish: it must not be refused */
        return true;
    t->interval_s = a->interval_s;
    if (t->interval_s > TIMER_LONGEST_S)
        t->interval_s = a->min_s > TIMER_LONGEST_S ? a->min_s : TIMER_LONGEST_S;
    /* table 2 of section 9: who knows no timers cannot refresh */
    t->ours = !a->supported || a->refresher == REFRESHER_UAS;
    t->demanded = a->supported;
    return true;
}

void phone_timer_print(const struct phone_timer *t,
                       char ret[TIMER_HEADERS_BYTES])
{
    ret[0] = '\0';
    if (t->interval_s)
        (void)snprintf(ret, TIMER_HEADERS_BYTES,
                       "%sSession-Expires: %lld;refresher=%s\r\n",
                       t->demanded ? "Require: timer\r\n" : "",
                       (long long)t->interval_s, t->ours ? "uas" : "uac");
}

/* ---- time goes by
 * ------------------------------------------------------------------ */

enum timer_order phone_timer_look(const struct phone_timer *t, int64_t now_ms)
{
    if (!t->interval_s)
        return TIMER_WAITS;
    int64_t gone_ms = now_ms - t->since_ms;
    int64_t interval_ms = t->interval_s * MS_SECOND;
    int64_t grace_ms = GRACE_S * MS_SECOND; /* section 10 */
    if (interval_ms / 3 < grace_ms)
        grace_ms = interval_ms / 3;
    if (gone_ms >= interval_ms - grace_ms)
        return TIMER_END;
    bool due = gone_ms >= interval_ms / 2 && now_ms >= t->again_ms;
    return t->ours && due && !t->waits ? TIMER_REFRESH : TIMER_WAITS;
}

void phone_timer_sent(struct phone_timer *t)
{
    t->waits = true;
}

bool phone_timer_answered(struct phone_timer *t, int status, int64_t min_s,
                          int64_t now_ms)
{
    t->waits = false;
    if (status >= 200 && status < 300) {
        t->since_ms = now_ms;
        return true;
    }
    if (status == 422 && min_s > t->interval_s) {
        /* its half is over now, too: again at once, with what it wants */
        t->since_ms += (t->interval_s - min_s) * MS_SECOND / 2;
        t->interval_s = min_s;
        return true;
    }
    t->again_ms = now_ms + RETRY_MS;
    return status != 481 && status != 408;
}
