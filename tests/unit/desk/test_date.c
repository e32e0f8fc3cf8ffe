/* SPDX-License-Identifier: Apache-2.0 */
#include "desk/date.h"

#include <time.h>

#include "test.h"

/* Every day of eight centuries beside the C library. */
static void test_every_day(void **state)
{
    (void)state;
    enum { FROM = -146097, TO = 146097, DAY_S = 86400 };
    for (int64_t n = FROM; n <= TO; n++) {
        time_t t = (time_t)n * DAY_S;
        struct tm tm;
        struct date d = date_of(n);
        assert_non_null(gmtime_r(&t, &tm));
        if (d.year != tm.tm_year + 1900 || d.month != tm.tm_mon + 1 ||
            d.day != tm.tm_mday || date_number(d) != n ||
            date_weekday(n) != (tm.tm_wday + 6) % 7)
            fail_msg("day %lld is not %d-%d-%d", (long long)n, d.year, d.month,
                     d.day);
    }
}

static void test_parse(void **state)
{
    (void)state;
    struct date d;
    assert_true(date_parse(STR("2028-02-29"), &d));
    assert_int_equal(d.year, 2028);
    assert_int_equal(d.month, 2);
    assert_int_equal(d.day, 29);
    static const char *const bad[] = {
        "2027-02-29", "2026-04-31",  "2026-13-01", "2026-00-10",
        "2026-01-00", "2026-1-1",    "2026-01-1x", "2026/01/01",
        "20260101",   "2026-01-011", "",           "+026-01-01",
    };
    for (size_t i = 0; i < ROWS(bad); i++) {
        if (date_parse(str_from(bad[i]), &d))
            fail_msg("'%s' was taken", bad[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_day),
        cmocka_unit_test(test_parse),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
