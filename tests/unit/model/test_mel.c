/* SPDX-License-Identifier: Apache-2.0 */
/* Mel bands beside a Fourier transform in plain loops. */
#include "model/mel.h"

#include <math.h>
#include <stdlib.h>

#include "base/err.h"
#include "base/rand.h"
#include "tensor/team.h"
#include "tensor/workspace.h"
#include "test.h"

enum { SAMPLES = 5000, BANDS = 80 };

static float pcm[SAMPLES];
static float filters[BANDS * MEL_BINS];

/* A sample of the padded sound: mirrored before, silent after. */
static double sample(int i)
{
    i = i < 0 ? -i : i;
    return i < SAMPLES ? (double)pcm[i] : 0;
}

static void plain(int frame, double *ret)
{
    double power[MEL_BINS];
    for (int k = 0; k < MEL_BINS; k++) {
        double re = 0;
        double im = 0;
        for (int i = 0; i < MEL_FRAME; i++) {
            double window = 0.5 - 0.5 * cos(2 * M_PI * i / MEL_FRAME);
            double x = window * sample(frame * MEL_HOP - MEL_FRAME / 2 + i);
            re += x * cos(2 * M_PI * k * i / MEL_FRAME);
            im -= x * sin(2 * M_PI * k * i / MEL_FRAME);
        }
        power[k] = re * re + im * im;
    }
    for (int b = 0; b < BANDS; b++) {
        double sum = 0;
        for (int k = 0; k < MEL_BINS; k++)
            sum += power[k] * (double)filters[b * MEL_BINS + k];
        ret[b] = log10(fmax(sum, 1e-10));
    }
}

static void as_plain_loops(void **state)
{
    (void)state;
    struct err e = {0};
    struct mel *m = NULL;
    struct rand r;
    struct team *t = team_new(2);
    struct workspace *w = workspace_new();
    size_t frames = mel_frames(SAMPLES);
    float *got = malloc(frames * BANDS * sizeof(*got));
    rand_init(&r, 1);
    for (int i = 0; i < SAMPLES; i++)
        pcm[i] =
            0.3F * sinf((float)i * 0.2F) + (float)(rand_real(&r) * 0.02 - 0.01);
    mel_filters(BANDS, filters);
    assert_int_equal(mel_new(filters, BANDS, &m, &e), OTK_OK);
    assert_non_null(got);
    /* in two pieces: a frame does not depend on where one begins */
    mel_apply(t, w, m, pcm, SAMPLES, 0, 9, got);
    mel_apply(t, w, m, pcm, SAMPLES, 9, frames - 9, got + (size_t)9 * BANDS);
    for (size_t f = 0; f < frames; f++) {
        double expected[BANDS];
        plain((int)f, expected);
        for (size_t b = 0; b < BANDS; b++)
            assert_true(fabs((double)got[f * BANDS + b] - expected[b]) < 2e-3);
    }
    free(got);
    mel_free(m);
    workspace_free(w);
    team_free(t);
}

static void counts_frames(void **state)
{
    (void)state;
    assert_int_equal(mel_frames(0), 0);
    assert_int_equal(mel_frames(1), 2); /* frames 0 and 1 reach sample 0 */
    assert_int_equal(mel_frames(MEL_RATE), 102);
}

/* Slaney's: bands below 1 kHz are even, all have the same area. */
static void filter_shapes(void **state)
{
    (void)state;
    mel_filters(BANDS, filters);
    for (int b = 10; b < BANDS; b++) {
        double sum = 0;
        for (int k = 0; k < MEL_BINS; k++)
            sum += (double)filters[b * MEL_BINS + k];
        /* area one, of bins 40 Hz wide: a coarse sum of it */
        assert_true(fabs(sum * MEL_RATE / MEL_FRAME - 1) < 0.35);
    }
    /* librosa.filters.mel(sr=16000, n_fft=400, n_mels=80)[0, 1] */
    assert_true(fabs((double)filters[1] - 0.02486259) < 1e-5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(as_plain_loops),
        cmocka_unit_test(counts_frames),
        cmocka_unit_test(filter_shapes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
