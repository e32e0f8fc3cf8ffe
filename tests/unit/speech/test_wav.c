/* SPDX-License-Identifier: Apache-2.0 */
/* WAV files of each coding, and at other rates. */
#include "speech/wav.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "speech/resample.h"
#include "test.h"

enum { FILE_MAX = 1 << 20, RATE = 16000 };

static void put(struct buf *b, uint32_t n, size_t bytes)
{
    for (size_t i = 0; i < bytes; i++)
        buf_putc(b, (char)(n >> (8 * i)));
}

static void put_head(struct buf *b, uint32_t tag, uint32_t channels,
                     uint32_t rate, uint32_t bits, uint32_t data)
{
    buf_puts(b, "RIFF");
    put(b, 36 + data, 4);
    buf_puts(b, "WAVEfmt ");
    put(b, 16, 4);
    put(b, tag, 2);
    put(b, channels, 2);
    put(b, rate, 4);
    put(b, rate * channels * bits / 8, 4);
    put(b, channels * bits / 8, 2);
    put(b, bits, 2);
    buf_puts(b, "data");
    put(b, data, 4);
}

/* The samples of a file with these bytes of data. */
static void expect(uint32_t tag, uint32_t bits, const char *data, size_t n,
                   const float *samples, size_t n_samples)
{
    struct buf b = BUF_INIT(FILE_MAX);
    struct wav w;
    struct err e = {0};
    float got[8];
    put_head(&b, tag, 1, RATE, bits, (uint32_t)n);
    buf_put(&b, data, n);
    if (wav_read(buf_str(&b), &w, &e))
        fail_msg("%s", e.msg);
    assert_int_equal(wav_frames(&w), n_samples);
    wav_mono(&w, got);
    for (size_t i = 0; i < n_samples; i++)
        assert_true(fabsf(got[i] - samples[i]) < 1e-6F);
    buf_free(&b);
}

static void codings(void **state)
{
    (void)state;
    static const float loud[] = {0, 0.5F, -1};
    expect(1, 16, "\0\0\0\x40\0\x80", 6, loud, 3);
    expect(1, 24, "\0\0\0\0\0\x40\0\0\x80", 9, loud, 3);
    expect(1, 32, "\0\0\0\0\0\0\0\x40\0\0\0\x80", 12, loud, 3);
    expect(1, 8, "\x80\xc0\0", 3, loud, 3);
    expect(3, 32, "\0\0\0\0\0\0\0\x3f\0\0\x80\xbf", 12, loud, 3);
    /* no number, and one louder than any sound */
    static const float none[] = {0, 0};
    expect(3, 32, "\0\0\xc0\x7f\xff\xff\x7f\x7f", 8, none, 2);
    /* G.711: the ends and the middle of each law */
    static const float a_law[] = {-8.0F / 32768, 8.0F / 32768, 32256.0F / 32768,
                                  -32256.0F / 32768};
    expect(6, 8, "\x55\xd5\xaa\x2a", 4, a_law, 4);
    static const float mu_law[] = {0, 32124.0F / 32768, -32124.0F / 32768, 0};
    expect(7, 8, "\xff\x80\0\x7f", 4, mu_law, 4);
}

static void channels_are_averaged(void **state)
{
    (void)state;
    struct buf b = BUF_INIT(FILE_MAX);
    struct wav w;
    float got[2];
    put_head(&b, 1, 2, 8000, 16, 9); /* a sample of the last frame is missing */
    buf_put(&b, "\0\x40\0\0\0\x40\0\xc0\1", 9);
    assert_int_equal(wav_read(buf_str(&b), &w, NULL), OTK_OK);
    assert_int_equal(wav_frames(&w), 2);
    wav_mono(&w, got);
    assert_true(got[0] == 0.25F && got[1] == 0);
    buf_free(&b);
}

static void refused(struct buf *b, const char *why)
{
    struct wav w;
    struct err e = {0};
    assert_int_equal(wav_read(buf_str(b), &w, &e), OTK_EFORMAT);
    if (!strstr(e.msg, why))
        fail_msg("'%s' is not in '%s'", why, e.msg);
    buf_free(b);
}

static void wrong_files(void **state)
{
    (void)state;
    struct buf b = BUF_INIT(FILE_MAX);
    buf_puts(&b, "ID3\x04");
    refused(&b, "this is no WAV file");
    put_head(&b, 85, 1, RATE, 16, 4); /* MP3 in WAV */
    refused(&b, "the coding 0x55");
    put_head(&b, 1, 0, RATE, 16, 4);
    refused(&b, "0 channels");
    put_head(&b, 1, 1, 0, 16, 4);
    refused(&b, "0 samples a second");
    put_head(&b, 1, 1, RATE, 12, 4);
    refused(&b, "12 bits");
    put_head(&b, 1, 1, RATE, 16, 4);
    b.len -= 8;
    refused(&b, "no chunk 'data'");
}

/* A length that was never written, or is too long: to the end. */
static void lengths_that_lie(void **state)
{
    (void)state;
    static const uint32_t lengths[] = {0, UINT32_MAX, 1000};
    for (size_t i = 0; i < ROWS(lengths); i++) {
        struct buf b = BUF_INIT(FILE_MAX);
        struct wav w;
        put_head(&b, 1, 1, RATE, 16, lengths[i]);
        buf_put(&b, "abcdef", 6);
        assert_int_equal(wav_read(buf_str(&b), &w, NULL), OTK_OK);
        assert_int_equal(wav_frames(&w), 3);
        buf_free(&b);
    }
}

/* ---- other rates
 * -------------------------------------------------------------------- */

/* What of a tone of one second gets through, away from the ends. */
static double loudness(size_t from, size_t to, double hertz)
{
    size_t made = resample_len(from, from, to);
    float *x = malloc(from * sizeof(*x));
    float *y = malloc(made * sizeof(*y));
    double sum = 0;
    size_t n = 0;
    assert_true(x && y);
    for (size_t i = 0; i < from; i++)
        x[i] = (float)sin(2 * M_PI * hertz * (double)i / (double)from);
    assert_int_equal(resample(x, from, from, to, y, NULL), OTK_OK);
    for (size_t i = made / 10; i < made - made / 10; i++, n++) {
        double right = sin(2 * M_PI * hertz * (double)i / (double)to);
        double heard = (double)y[i];
        sum += hertz * 2 < (double)to ? (heard - right) * (heard - right)
                                      : heard * heard;
    }
    free(x);
    free(y);
    return sqrt(sum / (double)n);
}

static void tones_stay(void **state)
{
    (void)state;
    static const size_t rates[] = {8000,  11025, 22050, 44100,
                                   48000, 96000, 16001};
    for (size_t i = 0; i < ROWS(rates); i++)
        assert_true(loudness(rates[i], RATE, 1000) < 1e-3);
    assert_true(loudness(44100, RATE, 7000) < 1e-3);
    assert_true(loudness(8000, RATE, 3400) < 1e-3);
}

static void what_is_too_high_goes(void **state)
{
    (void)state;
    assert_true(loudness(48000, RATE, 9000) < 1e-3);
    assert_true(loudness(44100, RATE, 15000) < 1e-3);
}

static void lengths_and_limits(void **state)
{
    (void)state;
    float x[3] = {1, 2, 3};
    float y[3] = {0};
    assert_int_equal(resample_len(44100, 44100, RATE), RATE);
    assert_int_equal(resample_len(1, 44100, RATE), 1);
    assert_int_equal(resample(x, 3, RATE, RATE, y, NULL), OTK_OK);
    assert_memory_equal(x, y, sizeof(x));
    assert_int_equal(resample(x, 3, 999, RATE, y, NULL), OTK_EINVAL);
    assert_int_equal(resample(x, 0, 8000, RATE, y, NULL), OTK_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(codings),
        cmocka_unit_test(channels_are_averaged),
        cmocka_unit_test(wrong_files),
        cmocka_unit_test(lengths_that_lie),
        cmocka_unit_test(tones_stay),
        cmocka_unit_test(what_is_too_high_goes),
        cmocka_unit_test(lengths_and_limits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
