/* SPDX-License-Identifier: Apache-2.0 */
#include "speech/sound.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/mem.h"
#include "speech/resample.h"
#include "speech/wav.h"

enum { FULL = 32768 }; /* of a sample that is as loud as can be */

void sound_free(struct sound *s)
{
    free(s->samples);
    *s = (struct sound){0};
}

/* ---- floats
 * ------------------------------------------------------------------------ */

static int no_memory(struct err *e, size_t n)
{
    return err_set(e, OTK_ELIMIT, "no memory for %zu samples", n);
}

/* `ret` is new, of a sound that is as long. */
static int from_floats(const float *x, size_t n, int rate_hz, struct sound *ret,
                       struct err *e)
{
    int16_t *out = mem_try(n + 1, sizeof(*out));
    if (!out)
        return no_memory(e, n);
    for (size_t i = 0; i < n; i++) {
        float v = x[i] * FULL;
        v = v > INT16_MAX ? INT16_MAX : v;
        out[i] = (int16_t)lrintf(v < INT16_MIN ? INT16_MIN : v);
    }
    *ret = (struct sound){out, n, rate_hz};
    return OTK_OK;
}

void sound_floats(const int16_t *samples, size_t n, float *ret)
{
    for (size_t i = 0; i < n; i++)
        ret[i] = (float)samples[i] / FULL;
}

/* ---- WAVE
 * -------------------------------------------------------------------------- */

int sound_read_wav(struct str bytes, struct sound *ret, struct err *e)
{
    struct wav w = {0};
    int r = wav_read(bytes, &w, e);
    if (r)
        return r;
    size_t n = wav_frames(&w);
    if (n == 0)
        return err_set(e, OTK_EFORMAT, "it holds no sound");
    if (n / w.rate_hz >= SOUND_MS_MAX / 1000)
        return err_set(e, OTK_ELIMIT,
                       "it has %zu s, the limit is %d hours: cut it into parts",
                       n / w.rate_hz, SOUND_MS_MAX / 3600000);
    float *plain = mem_try(n, sizeof(*plain));
    if (!plain)
        return no_memory(e, n);
    wav_mono(&w, plain);
    r = from_floats(plain, n, (int)w.rate_hz, ret, e);
    free(plain);
    return r;
}

static void put_little(unsigned char *p, size_t v, size_t n)
{
    for (size_t i = 0; i < n; i++)
        p[i] = (unsigned char)(v >> 8 * i);
}

void sound_wav_head(unsigned char ret[SOUND_WAV_HEAD], int rate_hz, size_t n)
{
    size_t bytes = n * sizeof(int16_t);
    memcpy(ret, "RIFF....WAVEfmt ", 16);
    put_little(ret + 4, bytes + SOUND_WAV_HEAD - 8, 4);
    put_little(ret + 16, 16, 4);
    put_little(ret + 20, 1, 2);
    put_little(ret + 22, 1, 2);
    put_little(ret + 24, (size_t)rate_hz, 4);
    put_little(ret + 28, (size_t)rate_hz * sizeof(int16_t), 4);
    put_little(ret + 32, sizeof(int16_t), 2);
    put_little(ret + 34, 16, 2);
    memcpy(ret + 36, "data", 4);
    put_little(ret + 40, bytes, 4);
}

/* ---- another rate
 * ----------------------------------------------------------------- */

int sound_resample(const struct sound *s, int rate_hz, struct sound *ret,
                   struct err *e)
{
    size_t from = (size_t)s->rate_hz;
    size_t n = resample_len(s->n, from, (size_t)rate_hz);
    float *before = mem_try(s->n + 1, sizeof(*before));
    float *after = mem_try(n + 1, sizeof(*after));
    int r;
    if (!before || !after) {
        r = no_memory(e, n);
    } else {
        sound_floats(s->samples, s->n, before);
        r = resample(before, s->n, from, (size_t)rate_hz, after, e);
        if (!r)
            r = from_floats(after, n, rate_hz, ret, e);
    }
    free(before);
    free(after);
    return r;
}
