/* SPDX-License-Identifier: Apache-2.0 */
#include "channel/phone_codec.h"

#include "base/err.h"
#include "channel/phone_g722.h"
#include "channel/phone_opus.h"
#include "test.h"

static void test_find(void **state)
{
    (void)state;
    assert_int_equal(phone_codec_find("OPUS", 111), CODEC_OPUS);
    assert_int_equal(phone_codec_find("pcma", 8), CODEC_ALAW);
    assert_int_equal(phone_codec_find("PCMU", 0), CODEC_ULAW);
    assert_int_equal(phone_codec_find("telephone-event", 101), CODEC_KEYS);
    assert_int_equal(phone_codec_find("speex", 97), CODEC_NONE);
    assert_int_equal(phone_codec_find("", 97), CODEC_NONE);
    /* a static type needs no name */
    assert_int_equal(phone_codec_find(NULL, 0), CODEC_ULAW);
    assert_int_equal(phone_codec_find(NULL, 8), CODEC_ALAW);
    assert_int_equal(phone_codec_find(NULL, 9), CODEC_G722);
    assert_int_equal(phone_codec_find(NULL, 18), CODEC_NONE);
}

static void test_read(void **state)
{
    (void)state;
    struct phone_codecs x;
    struct err e = {0};
    assert_int_equal(
        phone_codecs_read(STR(" pcmu , opus,g722,PCMA,,pcmu"), &x, &e), OTK_OK);
    assert_int_equal(x.n, 2 + phone_opus_is_built() + phone_g722_is_built());
    assert_int_equal(x.list[0], CODEC_ULAW);
    assert_int_equal(x.list[x.n - 1], CODEC_ALAW);
    static const char *const bad[] = {"", ",", "PCMU,G729", "telephone-event"};
    for (size_t i = 0; i < ROWS(bad); i++) {
        e.msg[0] = '\0';
        assert_int_equal(phone_codecs_read(str_from(bad[i]), &x, &e),
                         OTK_EFORMAT);
        assert_non_null(strstr(e.msg, "phone.codecs"));
    }
}

static void test_kinds(void **state)
{
    (void)state;
    for (int c = CODEC_NONE + 1; c < CODECS; c++) {
        const struct phone_codec_kind *k =
            phone_codec_kind((enum phone_codec)c);
        /* one is a multiple of the other */
        assert_true(k->clock_hz % k->rate_hz == 0 ||
                    k->rate_hz % k->clock_hz == 0);
        assert_int_equal(phone_codec_find(k->name, -1), c);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_find),
        cmocka_unit_test(test_read),
        cmocka_unit_test(test_kinds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
