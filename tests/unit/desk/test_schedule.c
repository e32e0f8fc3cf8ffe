/* SPDX-License-Identifier: Apache-2.0 */
#include "desk/schedule.h"

#include "base/clock.h"
#include "base/err.h"
#include "base/rand.h"
#include "test.h"

static const struct schedule_hours office[] = {{0, 540, 1080}, {1, 540, 1080},
                                               {2, 540, 720},  {2, 780, 1080},
                                               {3, 540, 1080}, {4, 540, 1080}};
static const struct schedule_day days[] = {{2026, 11, 23, false},
                                           {2026, 11, 28, true}};

static int64_t at(const char *text)
{
    int64_t ms = 0;
    assert_int_equal(time_parse(str_from(text), &ms), 0);
    return ms;
}

static struct schedule *make(const char *zone)
{
    struct schedule *s = NULL;
    struct err e = {0};
    if (schedule_new(str_from(zone), office, ROWS(office), days, ROWS(days), &s,
                     &e))
        fail_msg("%s: %s", zone, e.msg);
    return s;
}

static void test_open(void **state)
{
    (void)state;
    struct schedule *s = make("UTC+03:00");
    assert_true(schedule_is_open(s, at("2026-11-20T09:00:00+03:00")));
    assert_false(schedule_is_open(s, at("2026-11-20T08:59:59+03:00")));
    assert_false(schedule_is_open(s, at("2026-11-20T18:00:00+03:00")));
    assert_false(schedule_is_open(s, at("2026-11-21T12:00:00+03:00")));
    assert_false(schedule_is_open(s, at("2026-11-23T12:00:00+03:00")));
    assert_true(schedule_is_open(s, at("2026-11-28T12:00:00+03:00")));
    assert_false(schedule_is_open(s, at("2026-11-25T12:30:00+03:00")));
    assert_true(schedule_is_open(NULL, 0));
    schedule_free(s);
}

static void test_add(void **state)
{
    (void)state;
    struct schedule *s = make("UTC+03:00");
    /* Friday 17:00, two hours: Monday is a holiday, Tuesday 10:00 */
    assert_true(schedule_add(s, at("2026-11-20T17:00:00+03:00"), 120) ==
                at("2026-11-24T10:00:00+03:00"));
    /* over the lunch of a Wednesday */
    assert_true(schedule_add(s, at("2026-11-25T11:30:00+03:00"), 60) ==
                at("2026-11-25T13:30:00+03:00"));
    assert_true(schedule_add(NULL, 1000, 1) == 61000);
    schedule_free(s);
}

static void test_between_undoes_add(void **state)
{
    (void)state;
    static const char *const zones[] = {"UTC+03:00", "Europe/Berlin"};
    struct rand r;
    rand_init(&r, 5);
    for (size_t z = 0; z < ROWS(zones); z++) {
        struct schedule *s = make(zones[z]);
        for (int i = 0; i < 3000; i++) {
            int64_t from = at("2026-01-01T00:00:00Z") +
                           (int64_t)rand_below(&r, 365 * 24 * 60) * MS_MINUTE;
            int minutes = (int)rand_below(&r, 5000);
            int64_t to = schedule_add(s, from, minutes);
            int64_t open = schedule_between(s, from, to);
            if (open != (int64_t)minutes * MS_MINUTE)
                fail_msg("%s: %d minutes became %lld ms", zones[z], minutes,
                         (long long)open);
        }
        schedule_free(s);
    }
}

static void test_bad(void **state)
{
    (void)state;
    struct schedule *s = NULL;
    struct err e = {0};
    static const char *const zones[] = {"Mars/Base", "../../etc/passwd",
                                        "UTC+99:00", "", "UTC+3:99"};
    for (size_t i = 0; i < ROWS(zones); i++)
        assert_int_not_equal(
            schedule_new(str_from(zones[i]), NULL, 0, NULL, 0, &s, &e), 0);
    const struct schedule_hours overlap[] = {{0, 100, 300}, {0, 200, 400}};
    assert_int_equal(schedule_new(STR("UTC"), overlap, 2, NULL, 0, &s, &e),
                     OTK_EFORMAT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_open),
        cmocka_unit_test(test_add),
        cmocka_unit_test(test_between_undoes_add),
        cmocka_unit_test(test_bad),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
