/* SPDX-License-Identifier: Apache-2.0 */
#include "speech/g711.h"
#include "speech/sound.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "test.h"

/* ---- G.711 -----------------------------------------------------------------
 */

/* Every byte reads back as itself, but for the second zero of mu-law. */
static void test_g711_round(void **state)
{
    (void)state;
    for (int i = 0; i < 256; i++) {
        uint8_t x = (uint8_t)i;
        assert_int_equal(g711_to_alaw(g711_from_alaw(x)), x);
        if (x != 0x7f) /* minus zero */
            assert_int_equal(g711_to_ulaw(g711_from_ulaw(x)), x);
    }
}

/* Values of the recommendation's tables, in 16 bits. */
static void test_g711_values(void **state)
{
    (void)state;
    assert_int_equal(g711_from_ulaw(0x00), -32124);
    assert_int_equal(g711_from_ulaw(0x80), 32124);
    assert_int_equal(g711_from_ulaw(0xff), 0);
    assert_int_equal(g711_from_ulaw(0x8f), 16764);
    assert_int_equal(g711_from_alaw(0x2a), -32256);
    assert_int_equal(g711_from_alaw(0xaa), 32256);
    assert_int_equal(g711_from_alaw(0xd5), 8);
    assert_int_equal(g711_from_alaw(0x55), -8);
}

/* Never further than half a step, which is a sixteenth of the segment. */
static void test_g711_steps(void **state)
{
    (void)state;
    for (int v = INT16_MIN; v <= INT16_MAX; v += 7) {
        int16_t x = (int16_t)v;
        int a = abs(v - g711_from_alaw(g711_to_alaw(x)));
        int u = abs(v - g711_from_ulaw(g711_to_ulaw(x)));
        assert_true(a <= abs(v) / 32 + 16);
        assert_true(u <= abs(v) / 32 + 8);
    }
}

/* ---- WAVE ------------------------------------------------------------------
 */

static void make_wav(unsigned kind, unsigned channels, unsigned rate,
                     unsigned bits, const void *data, size_t n, char *ret,
                     size_t *ret_n)
{
    unsigned char head[SOUND_WAV_HEAD];
    sound_wav_head(head, (int)rate, n / 2);
    head[20] = (unsigned char)kind;
    head[22] = (unsigned char)channels;
    head[34] = (unsigned char)bits;
    head[40] = (unsigned char)n;
    head[41] = (unsigned char)(n >> 8);
    memcpy(ret, head, sizeof(head));
    memcpy(ret + sizeof(head), data, n);
    *ret_n = sizeof(head) + n;
}

static void test_wav_kinds(void **state)
{
    (void)state;
    static const uint8_t u8[] = {128, 255, 0, 192};
    static const int16_t s16[] = {0, 32767, -32768, 16384};
    static const uint8_t s24[] = {1, 2, 3, 9, 0xff, 0x7f, 0, 0, 0x80};
    static const float f32[] = {0, 1.5F, -1, NAN};
    static const int16_t stereo[] = {100, 200, -100, -300};
    static const struct {
        unsigned kind, channels, bits;
        const void *data;
        size_t bytes, n;
        int16_t want[4];
    } rows[] = {
        {1, 1, 8, u8, 4, 4, {0, 32512, -32768, 16384}},
        {1, 1, 16, s16, 8, 4, {0, 32767, -32768, 16384}},
        {1, 1, 24, s24, 9, 3, {0x302, 0x7fff, -32768}},
        {3, 1, 32, f32, 16, 4, {0, 32767, -32768, 0}},
        {1, 2, 16, stereo, 8, 2, {150, -200}},
        {7, 1, 8, "\xff\x80", 2, 2, {0, 32124}},
        {6, 1, 8, "\xd5\xaa", 2, 2, {8, 32256}},
    };
    for (size_t i = 0; i < ROWS(rows); i++) {
        char bytes[256];
        size_t n;
        struct sound s;
        struct err e = {0};
        make_wav(rows[i].kind, rows[i].channels, 8000, rows[i].bits,
                 rows[i].data, rows[i].bytes, bytes, &n);
        if (sound_read_wav((struct str){bytes, n}, &s, &e))
            fail_msg("row %zu: %s", i, e.msg);
        assert_int_equal(s.n, rows[i].n);
        assert_int_equal(s.rate_hz, 8000);
        assert_memory_equal(s.samples, rows[i].want, s.n * 2);
        sound_free(&s);
    }
}

/* A header that promises more than there is: as far as it goes. */
static void test_wav_cut(void **state)
{
    (void)state;
    unsigned char bytes[SOUND_WAV_HEAD + 7];
    struct sound s;
    struct err e = {0};
    memset(bytes, 1, sizeof(bytes));
    sound_wav_head(bytes, 16000, 1000000);
    struct str all = {(const char *)bytes, sizeof(bytes)};
    assert_int_equal(sound_read_wav(all, &s, &e), 0);
    assert_int_equal(s.n, 3);
    sound_free(&s);
    for (size_t n = 0; n < SOUND_WAV_HEAD; n++)
        assert_int_equal(sound_read_wav(str_sub(all, 0, n), &s, &e),
                         OTK_EFORMAT);
}

static void test_wav_bad(void **state)
{
    (void)state;
    static const struct {
        unsigned kind, channels, rate, bits;
    } rows[] = {{2, 1, 8000, 4},  {1, 0, 8000, 16}, {1, 33, 8000, 16},
                {1, 1, 100, 16},  {1, 1, 8000, 12}, {1, 1, 8000, 0},
                {3, 1, 8000, 16}, {1, 1, 8000, 64}, {7, 1, 8000, 16}};
    for (size_t i = 0; i < ROWS(rows); i++) {
        char bytes[256];
        size_t n;
        struct sound s;
        struct err e = {0};
        make_wav(rows[i].kind, rows[i].channels, rows[i].rate, rows[i].bits,
                 "abcdefgh", 8, bytes, &n);
        assert_int_equal(sound_read_wav((struct str){bytes, n}, &s, &e),
                         OTK_EFORMAT);
    }
}

/* ---- rates -----------------------------------------------------------------
 */

/* A tone comes out as the same tone: compared where the ends do not matter. */
static void test_resample(void **state)
{
    (void)state;
    static const int rates[][2] = {
        {22050, 8000}, {8000, 16000}, {48000, 16000}, {44100, 8000}};
    for (size_t i = 0; i < ROWS(rates); i++) {
        enum { SIZE = 10000, HZ = 1000, MARGIN_MS = 20 };
        struct sound a = {.n = (size_t)rates[i][0], .rate_hz = rates[i][0]};
        struct sound b;
        struct err e = {0};
        a.samples = malloc(a.n * 2);
        for (size_t k = 0; k < a.n; k++)
            a.samples[k] = (int16_t)lrint(
                SIZE * sin(2 * M_PI * HZ * (double)k / a.rate_hz));
        assert_int_equal(sound_resample(&a, rates[i][1], &b, &e), 0);
        assert_int_equal(b.n, rates[i][1]);
        size_t margin = (size_t)rates[i][1] * MARGIN_MS / 1000;
        for (size_t k = margin; k < b.n - margin; k++) {
            double want = SIZE * sin(2 * M_PI * HZ * (double)k / rates[i][1]);
            assert_true(fabs(b.samples[k] - want) < SIZE * 0.01);
        }
        free(a.samples);
        sound_free(&b);
    }
}

/* What the lower rate cannot hold is gone, not folded into it. */
static void test_resample_alias(void **state)
{
    (void)state;
    enum { SIZE = 10000, HZ = 6000 };
    struct sound a = {.n = 22050, .rate_hz = 22050};
    struct sound b;
    struct err e = {0};
    a.samples = malloc(a.n * 2);
    for (size_t k = 0; k < a.n; k++)
        a.samples[k] =
            (int16_t)lrint(SIZE * sin(2 * M_PI * HZ * (double)k / a.rate_hz));
    assert_int_equal(sound_resample(&a, 8000, &b, &e), 0);
    for (size_t k = 200; k < b.n - 200; k++)
        assert_true(abs(b.samples[k]) < SIZE / 100);
    free(a.samples);
    sound_free(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_g711_round),
        cmocka_unit_test(test_g711_values),
        cmocka_unit_test(test_g711_steps),
        cmocka_unit_test(test_wav_kinds),
        cmocka_unit_test(test_wav_cut),
        cmocka_unit_test(test_wav_bad),
        cmocka_unit_test(test_resample),
        cmocka_unit_test(test_resample_alias),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
