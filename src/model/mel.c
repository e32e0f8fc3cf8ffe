/* SPDX-License-Identifier: Apache-2.0 */
#include "model/mel.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/mem.h"
#include "tensor/linear.h"
#include "tensor/workspace.h"

enum {
    CHUNK = 256, /* frames at a time: all stays in the second cache */
    WAVES = 2 * MEL_BINS,
};
static const float LEAST = 1e-10F;

struct mel {
    struct linear *waves; /* MEL_FRAME -> cosines, sines */
    struct linear *bands;
    size_t n;
};

int mel_new(const float *filters, size_t bands, struct mel **ret, struct err *e)
{
    struct mel *m = MEM_NEW(struct mel);
    float *w = mem_new((size_t)WAVES * MEL_FRAME, sizeof(*w));
    m->n = bands;
    for (int i = 0; i < MEL_FRAME; i++) {
        double turn = 2 * M_PI / MEL_FRAME;
        double window = (1 - cos(turn * i)) / 2;
        for (int k = 0; k < MEL_BINS; k++) {
            double at = turn * (k * i % MEL_FRAME);
            w[(size_t)k * MEL_FRAME + (size_t)i] = (float)(window * cos(at));
            w[(size_t)(MEL_BINS + k) * MEL_FRAME + (size_t)i] =
                (float)(window * sin(at));
        }
    }
    int r = linear_new(w, NULL, WAVES, MEL_FRAME, PRECISION_F32, &m->waves, e);
    if (!r)
        r = linear_new(filters, NULL, bands, MEL_BINS, PRECISION_F32, &m->bands,
                       e);
    free(w);
    if (r)
        mel_free(m);
    else
        *ret = m;
    return r;
}

void mel_free(struct mel *m)
{
    if (!m)
        return;
    linear_free(m->waves);
    linear_free(m->bands);
    free(m);
}

/* Slaney's scale: linear below 1 kHz, logarithmic above. */
static double hertz_of(double mel)
{
    const double per_mel = 200.0 / 3;
    const double bend = 15; /* mel of 1 kHz */
    const double step = 27 / log(6.4);
    return mel < bend ? mel * per_mel : 1000 * exp((mel - bend) / step);
}

void mel_filters(size_t bands, float *ret)
{
    const double top = 15 + log(8.0) * 27 / log(6.4); /* mel of 8 kHz */
    for (size_t b = 0; b < bands; b++) {
        double step = top / (double)(bands + 1);
        double low = hertz_of(step * (double)b);
        double middle = hertz_of(step * (double)(b + 1));
        double high = hertz_of(step * (double)(b + 2));
        for (size_t k = 0; k < MEL_BINS; k++) {
            double f = (double)k * MEL_RATE / MEL_FRAME;
            double up = (f - low) / (middle - low);
            double down = (high - f) / (high - middle);
            double height = fmax(0, fmin(up, down));
            ret[b * MEL_BINS + k] = (float)(height * 2 / (high - low));
        }
    }
}

size_t mel_frames(size_t samples)
{
    /* the last one that reaches back to a sample */
    return samples ? (samples - 1 + MEL_FRAME / 2) / MEL_HOP + 1 : 0;
}

/* Samples from `from`, which counts from MEL_FRAME / 2 before the first. */
static void cut(const float *pcm, size_t samples, size_t from, size_t n,
                float *ret)
{
    enum { HALF = MEL_FRAME / 2 };
    size_t i = 0;
    for (; i < n && from + i < HALF; i++) {
        size_t mirrored = HALF - from - i;
        ret[i] = mirrored < samples ? pcm[mirrored] : 0;
    }
    size_t at = from + i - HALF;
    size_t whole = at < samples ? samples - at : 0;
    whole = whole < n - i ? whole : n - i;
    if (whole)
        memcpy(ret + i, pcm + at, whole * sizeof(*ret));
    memset(ret + i + whole, 0, (n - i - whole) * sizeof(*ret));
}

void mel_apply(struct team *t, struct workspace *space, const struct mel *m,
               const float *pcm, size_t samples, size_t first, size_t n,
               float *ret)
{
    size_t mark = workspace_mark(space);
    float *cuts =
        WORKSPACE_ARRAY(space, float, (CHUNK - 1) * MEL_HOP + MEL_FRAME);
    float *waves = WORKSPACE_ARRAY(space, float, (size_t)CHUNK *WAVES);
    float *power = WORKSPACE_ARRAY(space, float, (size_t)CHUNK *MEL_BINS);
    for (size_t done = 0; done < n; done += CHUNK) {
        size_t rows = n - done < CHUNK ? n - done : CHUNK;
        cut(pcm, samples, (first + done) * MEL_HOP,
            (rows - 1) * MEL_HOP + MEL_FRAME, cuts);
        struct linear_job wave = {.l = m->waves,
                                  .x = cuts,
                                  .rows = rows,
                                  .ldx = MEL_HOP,
                                  .ldy = WAVES};
        wave.y = waves;
        linear_apply(t, space, &wave);
        for (size_t r = 0; r < rows; r++) {
            const float *re = waves + r * WAVES;
            for (size_t k = 0; k < MEL_BINS; k++)
                power[r * MEL_BINS + k] =
                    re[k] * re[k] + re[MEL_BINS + k] * re[MEL_BINS + k];
        }
        struct linear_job band = {.l = m->bands,
                                  .x = power,
                                  .rows = rows,
                                  .ldx = MEL_BINS,
                                  .ldy = m->n};
        band.y = ret + done * m->n;
        linear_apply(t, space, &band);
        for (size_t i = done * m->n; i < (done + rows) * m->n; i++)
            ret[i] = log10f(ret[i] > LEAST ? ret[i] : LEAST);
    }
    workspace_reset(space, mark);
}
