/*
 * channel/phone_stream.h - sound that comes in packets, put in order
 *
 * Packets of RTP (RFC 3550) are sorted by their timestamps; what comes twice or
 * too late is dropped; where some are missing, the last one is repeated, ever
 * more quietly, and then there is silence. The clock of the sender is followed
 * but not believed: a jump of more than JUMP_MS, or further than real time can
 * have gone, begins anew where it was.
 *
 * Keys are events of RFC 4733.
 *
 * Pure. One thread.
 */
#ifndef OTK_CHANNEL_PHONE_STREAM_H
#define OTK_CHANNEL_PHONE_STREAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    STREAM_WAITS = 8,         /* packets that are held back for one */
    STREAM_PACKET_MAX = 1920, /* samples; 120 ms of 16 kHz */
    STREAM_JUMP_MS = 10000,
    STREAM_AHEAD_MS = 2000,
};

struct stream_packet {
    int64_t at; /* samples since the beginning */
    size_t n;
    int16_t samples[STREAM_PACKET_MAX];
};

struct stream {
    int rate_hz, ticks; /* of the sender's clock a sample */
    void (*put)(void *arg, const int16_t *samples, size_t n);
    void *arg;
    bool begun;
    uint32_t last_tick;
    int64_t last_at;            /* where last_tick is */
    int64_t out;                /* samples that were put */
    int64_t began_ms;           /* of the first packet */
    int64_t dropped, concealed; /* packets, samples */
    int16_t tail[160];          /* of what was put last, to be repeated */
    size_t n_tail;
    size_t n_waiting;
    struct stream_packet *waiting[STREAM_WAITS]; /* by time */
    struct stream_packet room[STREAM_WAITS];
};

/* `ticks`: 1, or 3 where the sender counts 48 kHz and the sound has 16. */
void stream_init(struct stream *s, int rate_hz, int ticks,
                 void (*put)(void *arg, const int16_t *samples, size_t n),
                 void *arg);

/* One packet; `now_ms` of a clock that never jumps. */
void stream_take(struct stream *s, uint32_t tick, const int16_t *samples,
                 size_t n, int64_t now_ms);
/* Put what was held back: the end, or a pause. */
void stream_flush(struct stream *s);

/* The key that begins with this packet; 0: none does. `last`: kept between
 * packets, {0} at first. */
struct stream_keys {
    bool begun;
    uint32_t tick;
};
char stream_key(struct stream_keys *last, const uint8_t *payload, size_t n,
                uint32_t tick);

#endif
