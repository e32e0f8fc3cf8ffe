/* SPDX-License-Identifier: Apache-2.0 */
/* Sounds that are made up: what counts as speech, and what does not. */
#include "speech/activity.h"

#include <math.h>
#include <string.h>

#include "test.h"

enum { RATE = 8000, SECONDS = 4, N = RATE * SECONDS };

static int16_t sound[N];
static uint32_t seed;

static double noise(void)
{
    seed = seed * 1664525 + 1013904223;
    return (double)(seed >> 8) / (1 << 23) - 1;
}

static void fill_noise(double size)
{
    for (size_t i = 0; i < N; i++)
        sound[i] = (int16_t)lrint(size * noise());
}

static void add_tones(double a_hz, double b_hz, double size)
{
    for (size_t i = 0; i < N; i++) {
        double t = (double)i / RATE;
        sound[i] = (int16_t)lrint(sound[i] + size * sin(2 * M_PI * a_hz * t) +
                                  size * sin(2 * M_PI * b_hz * t));
    }
}

/* A buzz through a moving resonance: syllables, 200 ms of each 350. */
static void add_speech(size_t from, size_t to, double size)
{
    double y1 = 0, y2 = 0;
    for (size_t i = from; i < to; i++) {
        double t = (double)i / RATE;
        double on = fmod(t, 0.35) < 0.2 ? 1 : 0;
        double pulse = fmod(t * (110 + 20 * sin(3 * t)), 1) < 0.1 ? 1 : 0;
        double hz = 600 + 300 * sin(5 * t);
        double y = 1.9 * cos(2 * M_PI * hz / RATE) * y1 - 0.9 * y2 +
                   (pulse + 0.05 * noise()) * on;
        y2 = y1;
        y1 = y;
        double x = sound[i] + size * y;
        sound[i] = (int16_t)lrint(fmax(-32000, fmin(32000, x)));
    }
}

static int64_t voiced(void)
{
    return activity_voiced_ms(sound, N, RATE);
}

static int setup(void **state)
{
    (void)state;
    seed = 1;
    memset(sound, 0, sizeof(sound));
    return 0;
}

static void test_silence(void **state)
{
    (void)state;
    assert_int_equal(voiced(), 0);
    fill_noise(20);
    assert_int_equal(voiced(), 0);
    fill_noise(200); /* a bad line */
    assert_true(voiced() < 200);
}

static void test_tones(void **state)
{
    (void)state;
    add_tones(425, 425, 4000); /* busy */
    assert_true(voiced() < 100);
    (void)setup(state);
    fill_noise(20);
    add_tones(941, 1477, 5000); /* '#' held down */
    assert_true(voiced() < 100);
    (void)setup(state);
    fill_noise(20);
    add_tones(50, 150, 300); /* hum */
    assert_true(voiced() < 100);
}

static void test_speech(void **state)
{
    (void)state;
    static const double sizes[] = {300, 1000, 4000};
    for (size_t i = 0; i < ROWS(sizes); i++) {
        (void)setup(state);
        fill_noise(20);
        add_speech(RATE, 3 * RATE, sizes[i]);
        int64_t ms = voiced();
        if (ms < 600 || ms > 2100)
            fail_msg("size %.0f: %lld ms", sizes[i], (long long)ms);
    }
}

/* One sample or a whole second at a time: the same. */
static void test_pieces(void **state)
{
    (void)state;
    static const size_t pieces[] = {1, 160, 999, N};
    fill_noise(20);
    add_speech(RATE, 3 * RATE, 2000);
    int64_t want = voiced();
    for (size_t k = 0; k < ROWS(pieces); k++) {
        struct activity a;
        activity_init(&a, RATE);
        for (size_t i = 0; i < N; i += pieces[k])
            (void)activity_hear(&a, sound + i,
                                i + pieces[k] < N ? pieces[k] : N - i);
        assert_int_equal(a.voiced_ms, want);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_silence, setup),
        cmocka_unit_test_setup(test_tones, setup),
        cmocka_unit_test_setup(test_speech, setup),
        cmocka_unit_test_setup(test_pieces, setup),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
