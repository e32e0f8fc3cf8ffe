/* SPDX-License-Identifier: Apache-2.0 */
#include "speech/resample.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/mem.h"

enum { CROSSINGS = 64 }; /* of the sinc through zero, on either side */
static const double BETA = 9;
static const double PASS = 0.955; /* middle of the slope, of the limit */

static size_t divisor(size_t a, size_t b)
{
    while (b) {
        size_t rest = a % b;
        a = b;
        b = rest;
    }
    return a;
}

size_t resample_len(size_t n, size_t from_hz, size_t to_hz)
{
    return (n * to_hz + from_hz - 1) / from_hz;
}

/* The modified Bessel function of order 0, by its series. */
static double bessel(double x)
{
    double sum = 1;
    double term = 1;
    for (int k = 1; term > sum * 1e-12; k++) {
        term *= x / 2 / k * (x / 2 / k);
        sum += term;
    }
    return sum;
}

/* Places between two old samples at which new ones lie: `up` of them. */
struct plan {
    size_t up, down; /* the rates without what they have in common */
    size_t half;     /* old samples on either side */
    float *weights;  /* up × 2·half */
};

static int make_plan(struct plan *p, size_t from_hz, size_t to_hz,
                     struct err *e)
{
    size_t common = divisor(from_hz, to_hz);
    double band = to_hz < from_hz ? (double)to_hz / (double)from_hz : 1;
    double cut = PASS * band;
    p->up = to_hz / common;
    p->down = from_hz / common;
    p->half = (size_t)ceil(CROSSINGS / cut);
    p->weights = mem_try(p->up * 2 * p->half, sizeof(*p->weights));
    if (!p->weights)
        return err_set(e, OTK_ELIMIT, "no memory for going from %zu to %zu Hz",
                       from_hz, to_hz);
    for (size_t i = 0; i < p->up; i++) {
        float *w = p->weights + i * 2 * p->half;
        double sum = 0;
        for (size_t k = 0; k < 2 * p->half; k++) {
            double at =
                (double)k - (double)p->half + 1 - (double)i / (double)p->up;
            double edge = at / (double)p->half;
            double turn = M_PI * cut * at;
            double sinc = fabs(turn) < 1e-9 ? 1 : sin(turn) / turn;
            double window =
                fabs(edge) < 1 ? bessel(BETA * sqrt(1 - edge * edge)) : 0;
            w[k] = (float)(sinc * window);
            sum += sinc * window;
        }
        for (size_t k = 0; k < 2 * p->half; k++)
            w[k] = (float)((double)w[k] / sum); /* silence stays, so does 1 */
    }
    return OTK_OK;
}

static float weigh(const float *x, const float *w, size_t n)
{
    enum { LANES = 8 };
    float sums[LANES] = {0};
    size_t i = 0;
    for (; i + LANES <= n; i += LANES) {
        for (size_t k = 0; k < LANES; k++)
            sums[k] += x[i + k] * w[i + k];
    }
    float sum = 0;
    for (size_t k = 0; k < LANES; k++)
        sum += sums[k];
    for (; i < n; i++)
        sum += x[i] * w[i];
    return sum;
}

/* Near the ends: what lies outside is silence. */
static float weigh_part(const float *x, size_t n, size_t at, size_t half,
                        const float *w)
{
    float sum = 0;
    for (size_t k = 0; k < 2 * half; k++) {
        size_t i = at + k + 1;
        if (i >= half && i - half < n)
            sum += x[i - half] * w[k];
    }
    return sum;
}

int resample(const float *x, size_t n, size_t from_hz, size_t to_hz, float *ret,
             struct err *e)
{
    struct plan p;
    if (from_hz < RESAMPLE_RATE_MIN || from_hz > RESAMPLE_RATE_MAX ||
        to_hz < RESAMPLE_RATE_MIN || to_hz > RESAMPLE_RATE_MAX)
        return err_set(e, OTK_EINVAL,
                       "from %zu to %zu Hz; %d to %d are possible", from_hz,
                       to_hz, RESAMPLE_RATE_MIN, RESAMPLE_RATE_MAX);
    if (from_hz == to_hz) {
        memcpy(ret, x, n * sizeof(*x));
        return OTK_OK;
    }
    int r = make_plan(&p, from_hz, to_hz, e);
    if (r)
        return r;
    size_t made = resample_len(n, from_hz, to_hz);
    for (size_t i = 0; i < made; i++) {
        size_t at = i * p.down / p.up;
        const float *w = p.weights + i * p.down % p.up * 2 * p.half;
        bool whole = at + 1 >= p.half && at + p.half < n;
        ret[i] = whole ? weigh(x + at + 1 - p.half, w, 2 * p.half)
                       : weigh_part(x, n, at, p.half, w);
    }
    free(p.weights);
    return OTK_OK;
}
