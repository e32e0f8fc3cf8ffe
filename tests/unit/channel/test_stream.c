/* SPDX-License-Identifier: Apache-2.0 */
/* Packets in every order; what is heard must be where it was said. */
#include "channel/phone_stream.h"

#include <stdlib.h>
#include <string.h>

#include "test.h"

enum { RATE = 8000, FRAME = 160, HEARD_MAX = RATE * 120 };

static int16_t heard[HEARD_MAX];
static size_t n_heard;
static struct stream *s;

static void put(void *arg, const int16_t *samples, size_t n)
{
    (void)arg;
    assert_true(n_heard + n <= HEARD_MAX);
    memcpy(heard + n_heard, samples, n * sizeof(*samples));
    n_heard += n;
}

static int setup(void **state)
{
    (void)state;
    s = calloc(1, sizeof(*s));
    return s ? 0 : -1;
}

static int teardown(void **state)
{
    (void)state;
    free(s);
    return 0;
}

static void begin(void)
{
    n_heard = 0;
    stream_init(s, RATE, 1, put, NULL);
}

/* Frame `i` says i + 1 all the time. */
static void take(int i, int64_t now)
{
    int16_t frame[FRAME];
    for (int k = 0; k < FRAME; k++)
        frame[k] = (int16_t)(i + 1);
    stream_take(s, 4294960000U + (uint32_t)(i * FRAME), frame, FRAME, now);
}

static void check(int n)
{
    stream_flush(s);
    assert_int_equal(n_heard, n * FRAME);
    for (size_t k = 0; k < n_heard; k++)
        assert_int_equal(heard[k], (int)(k / FRAME) + 1);
}

static void test_in_order(void **state)
{
    (void)state;
    begin();
    for (int i = 0; i < 500; i++) /* the timestamps wrap on the way */
        take(i, 1000 + i * 20);
    check(500);
    assert_int_equal(s->concealed, 0);
}

static void test_mixed(void **state)
{
    (void)state;
    static const int order[] = {0, 2, 1, 1, 3, 6, 5, 4, 4, 0, 7, 9, 8};
    begin();
    for (size_t i = 0; i < ROWS(order); i++)
        take(order[i], 1000 + (int)i * 20);
    check(10);
    assert_int_equal(s->dropped, 3);
}

static void test_lost(void **state)
{
    (void)state;
    begin();
    for (int i = 0; i < 40; i++) {
        if (i < 10 || i > 12)
            take(i, 1000 + i * 20);
    }
    stream_flush(s);
    assert_int_equal(n_heard, 40 * FRAME);
    assert_int_equal(s->concealed, 3 * FRAME);
    assert_int_equal(heard[10 * FRAME], 10 / 2); /* the last, half as loud */
    assert_int_equal(heard[13 * FRAME - 1], 0);
    assert_int_equal(heard[13 * FRAME], 14);
}

/* A sender that pauses (no packets in silence) leaves silence behind. */
static void test_pause(void **state)
{
    (void)state;
    begin();
    take(0, 1000);
    take(100, 3000);
    stream_flush(s);
    assert_int_equal(n_heard, 101 * FRAME);
    assert_int_equal(heard[50 * FRAME], 0);
    assert_int_equal(heard[100 * FRAME], 101);
}

/* Another source, another beginning of time: it goes on where it was. */
static void test_jump(void **state)
{
    (void)state;
    begin();
    take(0, 1000);
    for (int i = 0; i < 10; i++)
        take(1000000 + i, 1020 + i * 20);
    stream_flush(s);
    assert_int_equal(n_heard, 11 * FRAME);
}

/* Neither jumps nor a flood make more sound than time went by. */
static void test_flood(void **state)
{
    (void)state;
    uint32_t seed = 7;
    begin();
    for (int i = 0; i < 200000; i++) {
        int16_t frame[FRAME] = {0};
        seed = seed * 1664525 + 1013904223;
        stream_take(s, i % 3 ? (uint32_t)i * FRAME : seed, frame,
                    1 + (seed >> 8) % FRAME, 1000 + i / 100);
    }
    stream_flush(s);
    assert_true(n_heard <= (size_t)RATE * (2 + STREAM_AHEAD_MS / 1000) + FRAME);
}

static void test_three_ticks(void **state)
{
    (void)state;
    n_heard = 0;
    stream_init(s, 16000, 3, put, NULL);
    for (int i = 0; i < 20; i++) {
        int16_t frame[320];
        for (int k = 0; k < 320; k++)
            frame[k] = (int16_t)i;
        if (i != 7)
            stream_take(s, (uint32_t)i * 960, frame, 320, 1000 + i * 20);
    }
    stream_flush(s);
    assert_int_equal(n_heard, 20 * 320);
    assert_int_equal(heard[19 * 320], 19);
}

static void test_keys(void **state)
{
    (void)state;
    struct stream_keys k = {0};
    const uint8_t hash[] = {11, 0x0a, 0, 160};
    const uint8_t over[] = {11, 0x8a, 3, 32};
    const uint8_t flash[] = {16, 0x0a, 0, 160};
    assert_int_equal(stream_key(&k, hash, sizeof(hash), 0), '#');
    assert_int_equal(stream_key(&k, hash, sizeof(hash), 0), 0);
    assert_int_equal(stream_key(&k, over, sizeof(over), 0), 0);
    assert_int_equal(stream_key(&k, over, sizeof(over), 800), '#');
    assert_int_equal(stream_key(&k, flash, sizeof(flash), 1600), 0);
    assert_int_equal(stream_key(&k, hash, 3, 2400), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_in_order), cmocka_unit_test(test_mixed),
        cmocka_unit_test(test_lost),     cmocka_unit_test(test_pause),
        cmocka_unit_test(test_jump),     cmocka_unit_test(test_flood),
        cmocka_unit_test(test_keys),     cmocka_unit_test(test_three_ticks),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
