/* SPDX-License-Identifier: Apache-2.0 */
#include "channel/phone_opus.h"

#include <errno.h>
#include <math.h>
#include <string.h>

#include "test.h"

enum { FRAMES = 50, OUT = 320 /* samples of a frame at 16 kHz */ };

struct talk {
    struct phone_opus *opus;
    int16_t said[FRAMES * OPUS_FRAME];
    uint8_t packets[FRAMES][OPUS_PACKET_BYTES];
    size_t sizes[FRAMES];
    int16_t heard[FRAMES * OUT];
};

/* A voice's five harmonics, whose pitch and loudness move so that no shift
 * looks like another, and a little breath. A pure tone would not do: where
 * packets are lost it makes the codec's long-term prediction swing. */
static void speak(struct talk *t)
{
    unsigned seed = 1;
    double phase = 0;
    for (size_t i = 0; i < FRAMES * OPUS_FRAME; i++) {
        double s = (double)i / 8000;
        double loud = 0.55 + 0.45 * sin(2 * M_PI * 4 * s);
        double sound = 0;
        phase += 2 * M_PI * (120 + 30 * sin(2 * M_PI * 1.3 * s)) / 8000;
        for (int k = 1; k <= 5; k++)
            sound += sin(k * phase) / (k * k);
        seed = seed * 1664525 + 1013904223;
        sound += 0.02 * ((double)(seed >> 8) / (1 << 23) - 1);
        t->said[i] = (int16_t)lrint(6000 * loud * sound);
    }
    for (size_t i = 0; i < FRAMES; i++) {
        t->sizes[i] =
            phone_opus_encode(t->opus, t->said + i * OPUS_FRAME, t->packets[i]);
        assert_in_range(t->sizes[i], 1, OPUS_PACKET_BYTES);
    }
}

/* How much of what was heard from frame `from` on is what was said, 0 to 1, at
 * the best delay of up to 20 ms. */
static double likeness(const struct talk *t, size_t from, size_t frames)
{
    double best = 0;
    for (size_t delay = 0; delay < OUT; delay++) {
        double ab = 0;
        double aa = 0;
        double bb = 0;
        for (size_t i = from * OUT; i + delay < (from + frames) * OUT; i += 2) {
            double a = t->said[i / 2];
            double b = t->heard[i + delay];
            ab += a * b;
            aa += a * a;
            bb += b * b;
        }
        best = fmax(best, ab / sqrt(aa * bb + 1));
    }
    return best;
}

static int set_up(void **state)
{
    static struct talk t;
    memset(&t, 0, sizeof(t));
    int err = phone_opus_new(&t.opus);
    if (!phone_opus_is_built()) {
        assert_int_equal(err, ENOSYS);
        return 0;
    }
    assert_int_equal(err, 0);
    speak(&t);
    *state = &t;
    return 0;
}

static int tear_down(void **state)
{
    struct talk *t = *state;
    if (t)
        phone_opus_free(t->opus);
    return 0;
}

static struct talk *built(void **state)
{
    if (!*state)
        skip();
    return *state;
}

static void test_round_trip(void **state)
{
    struct talk *t = built(state);
    for (size_t i = 0; i < FRAMES; i++)
        assert_int_equal(phone_opus_decode(t->opus, t->packets[i], t->sizes[i],
                                           t->heard + i * OUT),
                         OUT);
    assert_true(likeness(t, 2, FRAMES - 2) > 0.85);
}

/* Each fifth packet is lost; how near is what is heard? */
static double lossy(struct talk *t, bool conceal)
{
    struct phone_opus *ear;
    assert_int_equal(phone_opus_new(&ear), 0);
    memset(t->heard, 0, sizeof(t->heard));
    for (size_t i = 0; i < FRAMES; i++) {
        if (i % 5 == 4)
            continue;
        if (i % 5 == 0 && i && conceal)
            assert_int_equal(phone_opus_conceal(ear, t->packets[i], t->sizes[i],
                                                OUT, t->heard + (i - 1) * OUT),
                             OUT);
        assert_int_equal(phone_opus_decode(ear, t->packets[i], t->sizes[i],
                                           t->heard + i * OUT),
                         OUT);
    }
    phone_opus_free(ear);
    return likeness(t, 2, FRAMES - 3);
}

/* The packet after a lost one tells a little of it. */
static void test_lost(void **state)
{
    struct talk *t = built(state);
    double silent = lossy(t, false);
    double concealed = lossy(t, true);
    assert_true(concealed > 0.85);
    assert_true(concealed > silent + 0.1);
}

static void test_made_up(void **state)
{
    struct talk *t = built(state);
    int16_t pcm[OPUS_SAMPLES_MAX];
    assert_int_equal(phone_opus_conceal(t->opus, NULL, 0, 41, pcm), 40);
    assert_int_equal(phone_opus_conceal(t->opus, NULL, 0, 39, pcm), 0);
    assert_int_equal(phone_opus_conceal(t->opus, NULL, 0, 1920, pcm), 1920);
    assert_int_equal(phone_opus_conceal(t->opus, NULL, 0, 1960, pcm), 0);
}

static void test_nonsense(void **state)
{
    struct talk *t = built(state);
    static const uint8_t bad[] = {0xff, 0xff, 0xff, 0xff, 0xff};
    int16_t pcm[OPUS_SAMPLES_MAX];
    assert_int_equal(phone_opus_decode(t->opus, bad, 0, pcm), 0);
    assert_int_equal(phone_opus_decode(t->opus, bad, sizeof(bad), pcm), 0);
    assert_int_equal(
        phone_opus_decode(t->opus, t->packets[9], t->sizes[9], pcm), OUT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_round_trip, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_lost, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_made_up, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_nonsense, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
