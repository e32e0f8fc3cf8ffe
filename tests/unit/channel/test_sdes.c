/* SPDX-License-Identifier: Apache-2.0 */
#include "channel/phone_sdes.h"

#include <string.h>

#include "test.h"

static void test_example(void **state)
{
    (void)state;
    struct sdes x, y;
    char line[SDES_LINE_BYTES];
    /* RFC 4568, 4 */
    assert_true(sdes_parse(STR("1 AES_CM_128_HMAC_SHA1_80 "
                               "inline:WVNfX19zZW1jdGwgKCkgewkyMjA7fQp9CnVubG"
                               "Vz|2^20|1:4"),
                           &x));
    assert_int_equal(x.tag, 1);
    assert_memory_equal(x.key, "YS___semctl () {\t220;}\n}\nunles",
                        SDES_KEY_BYTES);
    sdes_print(&x, line);
    assert_string_equal(line, "1 AES_CM_128_HMAC_SHA1_80 "
                              "inline:WVNfX19zZW1jdGwgKCkgewkyMjA7fQp9CnVubGV"
                              "z");
    assert_true(sdes_parse(str_from(line), &y));
    assert_memory_equal(&x, &y, sizeof(x));
}

static void test_others(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "",
        "1",
        "1 AES_CM_128_HMAC_SHA1_80",
        "0 AES_CM_128_HMAC_SHA1_80 inline:WVNfX19zZW1jdGwgKCkgewkyMjA7fQp9CnVub"
        "GVz",
        "1 F8_128_HMAC_SHA1_80 inline:WVNfX19zZW1jdGwgKCkgewkyMjA7fQp9CnVubGVz",
        "1 AES_CM_128_HMAC_SHA1_80 WVNfX19zZW1jdGwgKCkgewkyMjA7fQp9CnVubGVz",
        "1 AES_CM_128_HMAC_SHA1_80 inline:AAAA",
        "1 AES_CM_128_HMAC_SHA1_80 inline:WVNfX19zZW1jdGwgKCkgewkyMjA7fQp9CnVub"
        "GVz UNENCRYPTED_SRTP",
        "1 AES_CM_128_HMAC_SHA1_80 inline:WVNfX19zZW1jdGwgKCkgewkyMjA7fQp9CnVub"
        "GVzAAAA",
    };
    for (size_t i = 0; i < ROWS(bad); i++) {
        struct sdes x;
        if (sdes_parse(str_from(bad[i]), &x))
            fail_msg("%s", bad[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_example),
        cmocka_unit_test(test_others),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
