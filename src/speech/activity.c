/* SPDX-License-Identifier: Apache-2.0 */
#include "speech/activity.h"

#include <math.h>
#include <string.h>

enum { BEGIN_FRAMES = 2, WARM_FRAMES = 5 };

/* Energies are mean squares of 16 bit samples. */
static const double floor_energy = 60.0 * 60.0;   /* about -55 dBFS */
static const double start_energy = 180.0 * 180.0; /* a noise never above it */
static const double above_noise = 6.3;            /* 8 dB */
static const double fall = 0.3, rise = 0.004;
/* A sine obeys x[i-1] + x[i+1] = c x[i] for one c; what that leaves over is
 * next to nothing for a tone, and a lot for speech. */
static const double tone_residue = 0.004;
static const double tone_memory = 0.85, tone_limit = 0.6;

void activity_init(struct activity *a, int rate_hz)
{
    *a = (struct activity){.rate_hz = rate_hz, .noise = start_energy / 4};
}

static double energy_of(const int16_t *x, size_t n)
{
    double sum = 0;
    double mean = 0;
    for (size_t i = 0; i < n; i++)
        mean += x[i];
    mean /= (double)n;
    for (size_t i = 0; i < n; i++)
        sum += (x[i] - mean) * (x[i] - mean);
    return sum / (double)n;
}

/* Two sines together (a busy tone, a key) need two steps to each side. */
static bool is_tone(const int16_t *x, size_t n)
{
    double aa = 0, ab = 0, bb = 0, ay = 0, by = 0, yy = 0;
    for (size_t i = 2; i + 2 < n; i++) {
        double y = x[i - 2] + x[i + 2];
        double a = x[i - 1] + x[i + 1];
        double b = x[i];
        aa += a * a;
        ab += a * b;
        bb += b * b;
        ay += a * y;
        by += b * y;
        yy += y * y;
    }
    double det = aa * bb - ab * ab;
    if (det <= 1e-9 * aa * bb)
        return true; /* one sine */
    double p = (ay * bb - by * ab) / det;
    double q = (by * aa - ay * ab) / det;
    double left = yy - p * ay - q * by;
    return left < tone_residue * yy;
}

static bool hear_frame(struct activity *a, const int16_t *x, size_t n)
{
    double energy = energy_of(x, n);
    double limit = a->noise * above_noise;
    bool loud = energy > floor_energy && energy > limit;
    a->tone = tone_memory * a->tone +
              (1 - tone_memory) * (loud && is_tone(x, n) ? 1.0 : 0.0);
    if (a->seen < WARM_FRAMES)
        a->seen++;
    double speed = energy < a->noise ? fall : rise;
    if (!loud || a->seen >= WARM_FRAMES)
        a->noise += speed * (energy - a->noise);
    if (a->noise > start_energy)
        a->noise = start_energy;
    bool speech = loud && a->tone < tone_limit && !is_tone(x, n);
    a->loud = speech ? a->loud + 1 : 0;
    if (a->loud < BEGIN_FRAMES)
        return false;
    a->voiced_ms += a->loud == BEGIN_FRAMES ? BEGIN_FRAMES * ACTIVITY_FRAME_MS
                                            : ACTIVITY_FRAME_MS;
    return true;
}

bool activity_hear(struct activity *a, const int16_t *samples, size_t n)
{
    size_t frame = (size_t)a->rate_hz / 1000 * ACTIVITY_FRAME_MS;
    bool speech = false;
    if (frame > sizeof(a->part) / sizeof(a->part[0]))
        frame = sizeof(a->part) / sizeof(a->part[0]);
    while (n) {
        size_t take = frame - a->n_part < n ? frame - a->n_part : n;
        memcpy(a->part + a->n_part, samples, take * sizeof(*samples));
        a->n_part += take;
        samples += take;
        n -= take;
        if (a->n_part == frame) {
            a->n_part = 0;
            speech = hear_frame(a, a->part, frame) || speech;
        }
    }
    return speech;
}

int64_t activity_voiced_ms(const int16_t *samples, size_t n, int rate_hz)
{
    struct activity a;
    activity_init(&a, rate_hz);
    (void)activity_hear(&a, samples, n);
    return a.voiced_ms;
}
