/* SPDX-License-Identifier: Apache-2.0 */
#include "channel/phone_g722.h"

#include <errno.h>
#include <math.h>

#include "test.h"

enum { FRAMES = 25, OUT = 2 * G722_FRAME };

/* A tone that moves comes back, a little later. */
static void test_round_trip(void **state)
{
    (void)state;
    static int16_t said[FRAMES * G722_FRAME];
    static int16_t heard[FRAMES * OUT];
    uint8_t bytes[G722_FRAME];
    struct phone_g722 *g = NULL;
    int err = phone_g722_new(&g);
    if (!phone_g722_is_built()) {
        assert_int_equal(err, ENOSYS);
        skip();
    }
    assert_int_equal(err, 0);
    for (size_t i = 0; i < FRAMES * G722_FRAME; i++) {
        double s = (double)i / 8000;
        said[i] = (int16_t)lrint(8000 * sin(2 * M_PI * (300 + 800 * s) * s));
    }
    for (size_t i = 0; i < FRAMES; i++) {
        phone_g722_encode(g, said + i * G722_FRAME, bytes);
        assert_int_equal(
            phone_g722_decode(g, bytes, sizeof(bytes), heard + i * OUT), OUT);
    }
    double best = 0;
    for (size_t delay = 0; delay < OUT; delay++) {
        double ab = 0;
        double aa = 0;
        double bb = 0;
        for (size_t i = OUT; i + delay < FRAMES * OUT; i += 2) {
            double a = said[i / 2];
            double b = heard[i + delay];
            ab += a * b;
            aa += a * a;
            bb += b * b;
        }
        best = fmax(best, ab / sqrt(aa * bb + 1));
    }
    assert_true(best > 0.97);
    phone_g722_free(g);
}

/* Any bytes are sound; more than a packet has are cut. */
static void test_any(void **state)
{
    (void)state;
    static uint8_t bytes[G722_BYTES_MAX + 40];
    static int16_t pcm[2 * G722_BYTES_MAX];
    struct phone_g722 *g = NULL;
    if (!phone_g722_is_built())
        skip();
    assert_int_equal(phone_g722_new(&g), 0);
    for (size_t i = 0; i < sizeof(bytes); i++)
        bytes[i] = (uint8_t)(i * 151);
    assert_int_equal(phone_g722_decode(g, bytes, sizeof(bytes), pcm),
                     2 * G722_BYTES_MAX);
    assert_int_equal(phone_g722_decode(g, bytes, 0, pcm), 0);
    phone_g722_free(g);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_round_trip),
        cmocka_unit_test(test_any),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
