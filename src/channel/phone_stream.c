/* SPDX-License-Identifier: Apache-2.0 */
#include "channel/phone_stream.h"

#include <string.h>

enum { FADES = 6 /* repeats, each half as loud; 60 ms of 10 ms pieces */ };

void stream_init(struct stream *s, int rate_hz, int ticks,
                 void (*put)(void *arg, const int16_t *samples, size_t n),
                 void *arg)
{
    *s = (struct stream){
        .rate_hz = rate_hz, .ticks = ticks, .put = put, .arg = arg};
}

/* ---- putting
 * ----------------------------------------------------------------------- */

static void put(struct stream *s, const int16_t *samples, size_t n)
{
    size_t keep = (size_t)s->rate_hz / 100;
    s->put(s->arg, samples, n);
    s->out += (int64_t)n;
    if (n >= keep) {
        memcpy(s->tail, samples + n - keep, keep * sizeof(*samples));
        s->n_tail = keep;
    }
}

static void conceal(struct stream *s, int64_t n)
{
    int16_t piece[sizeof(s->tail) / sizeof(s->tail[0])];
    size_t size = s->n_tail ? s->n_tail : (size_t)s->rate_hz / 100;
    s->concealed += n;
    memset(piece, 0, sizeof(piece));
    if (s->n_tail)
        memcpy(piece, s->tail, s->n_tail * sizeof(*piece));
    for (int i = 0; n > 0; i++) {
        size_t now = (int64_t)size < n ? size : (size_t)n;
        for (size_t k = 0; k < size; k++)
            piece[k] = (int16_t)(i < FADES ? piece[k] / 2 : 0);
        s->put(s->arg, piece, now);
        s->out += (int64_t)now;
        n -= (int64_t)now;
    }
    s->n_tail = 0;
}

static void put_first(struct stream *s)
{
    struct stream_packet *p = s->waiting[0];
    if (p->at > s->out)
        conceal(s, p->at - s->out);
    size_t over = (size_t)(s->out - p->at); /* it overlaps what was put */
    if (over < p->n)
        put(s, p->samples + over, p->n - over);
    s->n_waiting--;
    memmove(s->waiting, s->waiting + 1, s->n_waiting * sizeof(s->waiting[0]));
    s->waiting[s->n_waiting] = p;
}

void stream_flush(struct stream *s)
{
    while (s->n_waiting)
        put_first(s);
}

/* ---- taking
 * ------------------------------------------------------------------------ */

/* The end of all that is known. */
static int64_t end_of(const struct stream *s)
{
    if (!s->n_waiting)
        return s->out;
    const struct stream_packet *p = s->waiting[s->n_waiting - 1];
    return p->at + (int64_t)p->n > s->out ? p->at + (int64_t)p->n : s->out;
}

static int64_t ms(const struct stream *s, int64_t samples)
{
    return samples * 1000 / s->rate_hz;
}

/* Where the packet belongs. */
static int64_t place_of(struct stream *s, uint32_t tick, size_t n,
                        int64_t now_ms)
{
    int64_t at = s->last_at + (int32_t)(tick - s->last_tick) / s->ticks;
    int64_t jump = at - end_of(s);
    bool far = ms(s, jump < 0 ? -jump : jump) > STREAM_JUMP_MS;
    bool ahead =
        ms(s, at + (int64_t)n) > now_ms - s->began_ms + STREAM_AHEAD_MS;
    if (far || (ahead && jump > 0))
        at = end_of(s);
    s->last_tick = tick;
    s->last_at = at;
    return at;
}

static void begin(struct stream *s, uint32_t tick, int64_t now_ms)
{
    s->begun = true;
    s->last_tick = tick;
    s->last_at = s->out;
    s->began_ms = now_ms - ms(s, s->out);
    for (size_t i = 0; i < STREAM_WAITS; i++)
        s->waiting[i] = &s->room[i];
}

void stream_take(struct stream *s, uint32_t tick, const int16_t *samples,
                 size_t n, int64_t now_ms)
{
    if (n == 0 || n > STREAM_PACKET_MAX)
        return;
    if (!s->begun)
        begin(s, tick, now_ms);
    int64_t at = place_of(s, tick, n, now_ms);
    size_t i = s->n_waiting;
    while (i > 0 && s->waiting[i - 1]->at > at)
        i--;
    bool floods =
        ms(s, at + (int64_t)n) > now_ms - s->began_ms + STREAM_AHEAD_MS;
    if (floods || at + (int64_t)n <= s->out ||
        (i > 0 && s->waiting[i - 1]->at == at)) {
        s->dropped++;
        return;
    }
    if (s->n_waiting == STREAM_WAITS) {
        put_first(s);
        i -= i > 0;
        if (at + (int64_t)n <= s->out) {
            s->dropped++;
            return;
        }
    }
    struct stream_packet *p = s->waiting[s->n_waiting];
    memmove(s->waiting + i + 1, s->waiting + i,
            (s->n_waiting - i) * sizeof(s->waiting[0]));
    s->waiting[i] = p;
    s->n_waiting++;
    p->at = at;
    p->n = n;
    memcpy(p->samples, samples, n * sizeof(*samples));
    while (s->n_waiting && s->waiting[0]->at <= s->out)
        put_first(s);
}

/* ---- keys
 * -------------------------------------------------------------------------- */

char stream_key(struct stream_keys *last, const uint8_t *payload, size_t n,
                uint32_t tick)
{
    static const char keys[] = "0123456789*#ABCD";
    enum { EVENT_BYTES = 4 };
    if (n < EVENT_BYTES || payload[0] >= sizeof(keys) - 1)
        return 0;
    if (last->begun && last->tick == tick)
        return 0; /* the same key, still or again said to be over */
    last->begun = true;
    last->tick = tick;
    return keys[payload[0]];
}
