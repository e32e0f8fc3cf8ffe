/* SPDX-License-Identifier: Apache-2.0 */
#include "channel/phone_timer.h"

#include <string.h>

#include "test.h"

enum { S = 1000, START = 5000 };

static void test_parse(void **state)
{
    (void)state;
    static const struct {
        const char *value;
        int64_t s; /* 0: it makes no sense */
        enum timer_refresher who;
    } rows[] = {
        {"1800", 1800, REFRESHER_OPEN},
        {" 90 ;refresher=uac", 90, REFRESHER_UAC},
        {"90; Refresher = UAS ;x=y", 90, REFRESHER_UAS},
        {"90;other=uas", 90, REFRESHER_OPEN},
        {"90;refresher=me", 0, 0},
        {"", 0, 0},
        {";refresher=uac", 0, 0},
        {"-90", 0, 0},
        {"0", 0, 0},
        {"4294967296", 0, 0},
        {"90x", 0, 0},
    };
    for (size_t i = 0; i < ROWS(rows); i++) {
        int64_t s = 0;
        enum timer_refresher who = REFRESHER_OPEN;
        bool is = phone_timer_parse(str_from(rows[i].value), &s, &who);
        if (is != (rows[i].s != 0) || s != rows[i].s || who != rows[i].who)
            fail_msg("%s", rows[i].value);
    }
}

/* RFC 4028, section 9, table 2. */
static void test_agree(void **state)
{
    (void)state;
    static const struct {
        struct timer_asked asked;
        const char *headers;
    } rows[] = {
        {{true, 0, 0, REFRESHER_OPEN}, ""},
        {{true, 90, 0, REFRESHER_OPEN},
         "Require: timer\r\nSession-Expires: 90;refresher=uac\r\n"},
        {{true, 90, 0, REFRESHER_UAC},
         "Require: timer\r\nSession-Expires: 90;refresher=uac\r\n"},
        {{true, 90, 0, REFRESHER_UAS},
         "Require: timer\r\nSession-Expires: 90;refresher=uas\r\n"},
        {{false, 90, 0, REFRESHER_OPEN},
         "Session-Expires: 90;refresher=uas\r\n"},
        {{false, 90, 0, REFRESHER_UAC},
         "Session-Expires: 90;refresher=uas\r\n"},
        {{false, 10, 0, REFRESHER_OPEN}, ""}, /* of a proxy, and too small */
        {{true, 7200, 0, REFRESHER_UAC},
         "Require: timer\r\nSession-Expires: 1800;refresher=uac\r\n"},
        {{true, 7200, 3600, REFRESHER_UAC},
         "Require: timer\r\nSession-Expires: 3600;refresher=uac\r\n"},
    };
    for (size_t i = 0; i < ROWS(rows); i++) {
        char headers[TIMER_HEADERS_BYTES];
        struct phone_timer t = {0};
        assert_true(phone_timer_agree(&t, &rows[i].asked, 90, START));
        phone_timer_print(&t, headers);
        assert_string_equal(headers, rows[i].headers);
    }
}

static void test_too_small(void **state)
{
    (void)state;
    struct phone_timer t = {.interval_s = 1800};
    struct timer_asked a = {true, 89, 0, REFRESHER_UAC};
    assert_false(phone_timer_agree(&t, &a, 90, START));
    assert_int_equal(t.interval_s, 1800);
}

static void test_theirs(void **state)
{
    (void)state;
    struct phone_timer t = {0};
    struct timer_asked a = {true, 90, 0, REFRESHER_UAC};
    assert_int_equal(phone_timer_look(&t, 1 << 30), TIMER_WAITS); /* none */
    assert_true(phone_timer_agree(&t, &a, 90, START));
    /* it ends a third before: section 10 */
    assert_int_equal(phone_timer_look(&t, START + 60 * S - 1), TIMER_WAITS);
    assert_int_equal(phone_timer_look(&t, START + 60 * S), TIMER_END);
    assert_true(phone_timer_agree(&t, &a, 90, START + 50 * S));
    assert_int_equal(phone_timer_look(&t, START + 60 * S), TIMER_WAITS);
    a.interval_s = 1800; /* 32 s before, not 600 */
    assert_true(phone_timer_agree(&t, &a, 90, START));
    assert_int_equal(phone_timer_look(&t, START + 1767 * S), TIMER_WAITS);
    assert_int_equal(phone_timer_look(&t, START + 1768 * S), TIMER_END);
}

static void test_ours(void **state)
{
    (void)state;
    struct phone_timer t = {0};
    struct timer_asked a = {true, 90, 0, REFRESHER_UAS};
    assert_true(phone_timer_agree(&t, &a, 90, START));
    assert_int_equal(phone_timer_look(&t, START + 45 * S - 1), TIMER_WAITS);
    assert_int_equal(phone_timer_look(&t, START + 45 * S), TIMER_REFRESH);
    phone_timer_sent(&t);
    assert_int_equal(phone_timer_look(&t, START + 46 * S), TIMER_WAITS);
    assert_true(phone_timer_answered(&t, 200, 0, START + 47 * S));
    assert_int_equal(phone_timer_look(&t, START + 60 * S), TIMER_WAITS);
    assert_int_equal(phone_timer_look(&t, START + 92 * S), TIMER_REFRESH);
    phone_timer_sent(&t);
    /* both at once: again a little later */
    assert_true(phone_timer_answered(&t, 491, 0, START + 93 * S));
    assert_int_equal(phone_timer_look(&t, START + 94 * S), TIMER_WAITS);
    assert_int_equal(phone_timer_look(&t, START + 96 * S), TIMER_REFRESH);
    phone_timer_sent(&t);
    assert_true(phone_timer_answered(&t, 422, 600, START + 97 * S));
    assert_int_equal(t.interval_s, 600);
    assert_int_equal(phone_timer_look(&t, START + 97 * S), TIMER_REFRESH);
    phone_timer_sent(&t);
    assert_false(phone_timer_answered(&t, 481, 0, START + 98 * S));
}

/* Nobody answers our refresh: it ends with the interval. */
static void test_ours_unanswered(void **state)
{
    (void)state;
    struct phone_timer t = {0};
    struct timer_asked a = {true, 90, 0, REFRESHER_UAS};
    assert_true(phone_timer_agree(&t, &a, 90, START));
    phone_timer_sent(&t);
    assert_int_equal(phone_timer_look(&t, START + 60 * S), TIMER_END);
    assert_false(phone_timer_answered(&t, 408, 0, START + 60 * S));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_parse),
        cmocka_unit_test(test_agree),
        cmocka_unit_test(test_too_small),
        cmocka_unit_test(test_theirs),
        cmocka_unit_test(test_ours),
        cmocka_unit_test(test_ours_unanswered),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
