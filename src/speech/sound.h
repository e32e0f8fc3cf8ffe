/*
 * speech/sound.h - sound in memory: one channel, 16 bits a sample
 *
 * What speech/wav.h reads and speech/resample.h makes of it, as calls and
 * recognisers have it.
 */
#ifndef OTK_SPEECH_SOUND_H
#define OTK_SPEECH_SOUND_H

#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

struct err;

enum {
    SOUND_MS_MAX = 5 * 3600 * 1000, /* longer than any call is allowed to be */
    SOUND_WAV_HEAD = 44,            /* bytes of the header that is written */
};

struct sound {
    int16_t *samples; /* owned */
    size_t n;
    int rate_hz;
};

void sound_free(struct sound *s); /* empty afterwards */

static inline int64_t sound_ms(const struct sound *s)
{
    return s->rate_hz ? (int64_t)s->n * 1000 / s->rate_hz : 0;
}

/* OTK_EFORMAT: no WAVE, or nothing in it; OTK_ELIMIT. */
int sound_read_wav(struct str bytes, struct sound *ret, struct err *e);

/* The header of a WAVE file with `n` samples after it. */
void sound_wav_head(unsigned char ret[SOUND_WAV_HEAD], int rate_hz, size_t n);

/* Samples from -1 to 1, as many. */
void sound_floats(const int16_t *samples, size_t n, float *ret);

/* Another rate. `ret` is new. OTK_EINVAL: a rate that resample.h has not;
 * OTK_ELIMIT. */
int sound_resample(const struct sound *s, int rate_hz, struct sound *ret,
                   struct err *e);

#endif
