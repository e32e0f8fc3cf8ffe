/* SPDX-License-Identifier: Apache-2.0 */
#include "channel/phone_due.h"

#include "base/arena.h"
#include "test.h"

static struct arena *arena;

static int setup(void **state)
{
    (void)state;
    arena = arena_new();
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    arena_free(arena);
    return 0;
}

/* Now is Thursday, 1 January 2026, 10:07. */
static const struct local_time now = {{2026, 1, 1}, 10 * 60 + 7};

static void check(struct local_time due, const char *ru, const char *en)
{
    struct str said = phone_due_words(now, due, PHONE_RU, arena);
    if (!str_is(said, ru))
        fail_msg("'" STR_FMT "' instead of '%s'", STR_ARG(said), ru);
    said = phone_due_words(now, due, PHONE_EN, arena);
    if (!str_is(said, en))
        fail_msg("'" STR_FMT "' instead of '%s'", STR_ARG(said), en);
}

static void test_days(void **state)
{
    (void)state;
    enum { AT = 14 * 60 };
    check((struct local_time){{2026, 1, 1}, AT},
          "сегодня до четырнадцати часов", "today by 2 p.m.");
    check((struct local_time){{2026, 1, 2}, AT}, "завтра до четырнадцати часов",
          "tomorrow by 2 p.m.");
    check((struct local_time){{2026, 1, 5}, AT},
          "в понедельник до четырнадцати часов", "on Monday by 2 p.m.");
    check((struct local_time){{2026, 1, 6}, AT},
          "во вторник до четырнадцати часов", "on Tuesday by 2 p.m.");
    check((struct local_time){{2026, 1, 7}, AT},
          "в среду до четырнадцати часов", "on Wednesday by 2 p.m.");
    check((struct local_time){{2026, 1, 8}, AT},
          "восьмого января до четырнадцати часов", "on January 8 by 2 p.m.");
    check((struct local_time){{2026, 12, 31}, AT},
          "тридцать первого декабря до четырнадцати часов",
          "on December 31 by 2 p.m.");
}

static void test_times(void **state)
{
    (void)state;
    static const struct {
        int minute;
        const char *ru, *en;
    } rows[] = {
        {1, "завтра до ноля пятнадцати", "tomorrow by 12:15 a.m."},
        {60, "завтра до часа ночи", "tomorrow by 1 a.m."},
        {2 * 60, "завтра до двух часов", "tomorrow by 2 a.m."},
        {9 * 60 + 15, "завтра до девяти пятнадцати", "tomorrow by 9:15 a.m."},
        {9 * 60 + 16, "завтра до девяти тридцати", "tomorrow by 9:30 a.m."},
        {11 * 60 + 59, "завтра до двенадцати часов", "tomorrow by noon"},
        {12 * 60 + 40, "завтра до двенадцати сорока пяти",
         "tomorrow by 12:45 p.m."},
        {21 * 60, "завтра до двадцати одного часа", "tomorrow by 9 p.m."},
        {23 * 60, "завтра до двадцати трёх часов", "tomorrow by 11 p.m."},
        {23 * 60 + 50, "завтра до полуночи", "tomorrow by midnight"},
    };
    for (size_t i = 0; i < ROWS(rows); i++)
        check((struct local_time){{2026, 1, 2}, rows[i].minute}, rows[i].ru,
              rows[i].en);
    /* midnight ends the day before */
    check((struct local_time){{2026, 1, 2}, 0}, "сегодня до полуночи",
          "today by midnight");
}

static void test_over(void **state)
{
    (void)state;
    check((struct local_time){{2026, 1, 1}, 9 * 60}, "", "");
    check((struct local_time){{2025, 12, 31}, 11 * 60}, "", "");
    check((struct local_time){{2026, 1, 1}, 10 * 60 + 7},
          "сегодня до десяти пятнадцати", "today by 10:15 a.m.");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_days),
        cmocka_unit_test(test_times),
        cmocka_unit_test(test_over),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
