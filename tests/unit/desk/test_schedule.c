/* SPDX-License-Identifier: Apache-2.0 */
#include "desk/schedule.h"

#include "base/clock.h"
#include "base/err.h"
#include "base/rand.h"
#include "test.h"

static const struct schedule_hours office[] = {{0, 540, 1080}, {1, 540, 1080},
                                               {2, 540, 720},  {2, 780, 1080},
                                               {3, 540, 1080}, {4, 540, 1080}};
static const struct schedule_day days[] = {{{2026, 11, 23}, false},
                                           {{2026, 11, 28}, true}};

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
    assert_true(schedule_add(s, at("2026-11-20T17:00:00+03:00"), 2 * MS_HOUR) ==
                at("2026-11-24T10:00:00+03:00"));
    /* over the lunch of a Wednesday */
    assert_true(schedule_add(s, at("2026-11-25T11:30:00+03:00"), MS_HOUR) ==
                at("2026-11-25T13:30:00+03:00"));
    assert_true(schedule_add(NULL, 1000, 60000) == 61000);
    schedule_free(s);
}

static const char *const zones[] = {"UTC+03:00",           "Europe/Berlin",
                                    "America/New_York",    "America/Havana",
                                    "Australia/Lord_Howe", "Asia/Beirut"};

/* open_ms of open time after any moment are open_ms between, and not a
 * millisecond earlier is enough. */
static void test_between_undoes_add(void **state)
{
    (void)state;
    struct rand r;
    rand_init(&r, 5);
    for (size_t z = 0; z < ROWS(zones); z++) {
        struct schedule *s = make(zones[z]);
        for (int i = 0; i < 3000; i++) {
            int64_t from = at("2026-01-01T00:00:00Z") +
                           (int64_t)rand_below(&r, 365 * 24 * 60) * MS_MINUTE;
            int64_t open = 1 + (int64_t)rand_below(&r, 5000 * MS_MINUTE);
            int64_t to = schedule_add(s, from, open);
            if (schedule_between(s, from, to) != open ||
                schedule_between(s, from, to - 1) != open - 1)
                fail_msg("%s: %lld ms from %lld", zones[z], (long long)open,
                         (long long)from);
        }
        schedule_free(s);
    }
}

/* A week without a gap is open at every moment, whatever the clocks do, and
 * hours that touch do not count a moment twice. */
static void test_round_the_clock(void **state)
{
    (void)state;
    enum { PER_DAY = 8, WIDTH = 24 * 60 / PER_DAY };
    struct schedule_hours all[7 * PER_DAY];
    for (int i = 0; i < 7 * PER_DAY; i++)
        all[i] = (struct schedule_hours){i / PER_DAY, i % PER_DAY * WIDTH,
                                         (i % PER_DAY + 1) * WIDTH};
    int64_t from = at("2025-12-30T10:00:00Z");
    int64_t to = at("2027-01-03T10:00:00Z");
    for (size_t z = 0; z < ROWS(zones); z++) {
        struct schedule *s = NULL;
        struct err e = {0};
        assert_int_equal(
            schedule_new(str_from(zones[z]), all, ROWS(all), NULL, 0, &s, &e),
            0);
        if (schedule_between(s, from, to) != to - from)
            fail_msg("%s: %lld ms are lost", zones[z],
                     (long long)(to - from - schedule_between(s, from, to)));
        for (int64_t t = from; t < to; t += 7 * MS_MINUTE) {
            if (!schedule_is_open(s, t) || schedule_next_open(s, t) != t)
                fail_msg("%s is closed at %lld", zones[z], (long long)t);
        }
        schedule_free(s);
    }
}

/* is_open, next_open and between tell the same story. */
static void test_one_story(void **state)
{
    (void)state;
    for (size_t z = 0; z < ROWS(zones); z++) {
        struct schedule *s = make(zones[z]);
        int64_t to = at("2026-12-31T00:00:00Z");
        for (int64_t t = at("2026-01-01T00:00:00Z"); t < to;
             t += 13 * MS_MINUTE) {
            bool open = schedule_is_open(s, t);
            int64_t next = schedule_next_open(s, t);
            if (open != (schedule_between(s, t, t + 1) == 1) ||
                open != (next == t) || !schedule_is_open(s, next) ||
                schedule_between(s, t, next) != 0)
                fail_msg("%s at %lld", zones[z], (long long)t);
        }
        schedule_free(s);
    }
}

/* The night of the change: Berlin, 03:00 is 02:00 again on 25 October. */
static void test_clocks_change(void **state)
{
    (void)state;
    static const struct schedule_hours nights[] = {{6, 60, 240}};
    static const struct schedule_hours lost[] = {{6, 130, 170}};
    struct schedule *s = NULL;
    struct err e = {0};
    assert_int_equal(
        schedule_new(STR("Europe/Berlin"), nights, 1, NULL, 0, &s, &e), 0);
    assert_true(schedule_between(s, at("2026-10-24T12:00:00Z"),
                                 at("2026-10-25T12:00:00Z")) == 4 * MS_HOUR);
    assert_true(schedule_between(s, at("2026-03-28T12:00:00Z"),
                                 at("2026-03-29T12:00:00Z")) == 2 * MS_HOUR);
    schedule_free(s);
    assert_int_equal(
        schedule_new(STR("Europe/Berlin"), lost, 1, NULL, 0, &s, &e), 0);
    assert_true(schedule_next_open(s, at("2026-03-28T12:00:00Z")) ==
                at("2026-04-05T00:10:00Z")); /* not in the hour that is not */
    schedule_free(s);
}

static void test_next_open(void **state)
{
    (void)state;
    struct schedule *s = make("Europe/Moscow");
    struct err e = {0};
    assert_true(schedule_next_open(s, at("2026-11-20T19:00:00+03:00")) ==
                at("2026-11-24T09:00:00+03:00"));
    struct local_time l = schedule_local(s, at("2026-11-20T22:30:00Z"));
    assert_int_equal(l.date.day, 21);
    assert_int_equal(l.minute, 90);
    schedule_free(s);
    assert_int_equal(schedule_new(STR("UTC"), NULL, 0, NULL, 0, &s, &e), 0);
    assert_true(schedule_next_open(s, 0) == -1);
    assert_true(schedule_add(s, 1000, 5) == 1005);
    schedule_free(s);
    assert_true(schedule_next_open(NULL, 77) == 77);
}

static void test_bad(void **state)
{
    (void)state;
    struct schedule *s = NULL;
    struct err e = {0};
    assert_int_equal(schedule_new(STR("Mars/Base"), NULL, 0, NULL, 0, &s, &e),
                     OTK_ENOENT);
    const struct schedule_day twice[] = {{{2026, 1, 1}, false},
                                         {{2026, 1, 1}, true}};
    assert_int_equal(schedule_new(STR("UTC"), NULL, 0, twice, 2, &s, &e),
                     OTK_EFORMAT);
    assert_int_equal(schedule_new(STR("UTC"), office, SCHEDULE_HOURS_MAX + 1,
                                  NULL, 0, &s, &e),
                     OTK_ELIMIT);
    static const struct schedule_hours nonsense[] = {
        {7, 0, 1}, {-1, 0, 1}, {0, 5, 5}, {0, -1, 5}, {0, 0, 1441}};
    for (size_t i = 0; i < ROWS(nonsense); i++)
        assert_int_equal(
            schedule_new(STR("UTC"), &nonsense[i], 1, NULL, 0, &s, &e),
            OTK_EFORMAT);
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
        cmocka_unit_test(test_round_the_clock),
        cmocka_unit_test(test_one_story),
        cmocka_unit_test(test_clocks_change),
        cmocka_unit_test(test_next_open),
        cmocka_unit_test(test_bad),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
