/* SPDX-License-Identifier: Apache-2.0 */
#include "desk/sla.h"

#include "base/clock.h"
#include "desk/catalog.h"
#include "office.h"

/* "std" of the office knows no hours; "day" counts those of weekdays. */
static const char promises[] =
    "schedules:\n"
    "  days: {time_zone: 'UTC+03:00', hours: {mon: '09:00-18:00', tue: "
    "'09:00-18:00', wed: '09:00-18:00', thu: '09:00-18:00', fri: "
    "'09:00-18:00'}, holidays: {2026-11-24: Rest}}\n"
    "slas:\n"
    "  day: {schedule: days, targets: {normal: {first: 2h, next: 30m, "
    "solution: 600}, high: {first: 15m}}}\n"
    "topics:\n"
    "  repair: {name_en: Repair, sla: day}\n"
    "  screen: {name_en: Screen, parent: repair}\n"
    "  alone: {name_en: Alone}\n";

static struct catalog *catalog;

static int open_promises(void **state)
{
    struct err e = {0};
    if (open_desk(state) ||
        db_write(desk_db(desk), 0, apply_catalog, (void *)(uintptr_t)promises,
                 &e) ||
        desk_refresh(desk, &e)) {
        (void)fprintf(stderr, "%s\n", e.msg);
        return -1;
    }
    catalog = desk_catalog(desk);
    return 0;
}

static int close_promises(void **state)
{
    catalog_unref(catalog);
    return close_desk(state);
}

/* "20T17:00": of November 2026, UTC+3; the 20th is a Friday. "": 0. */
static int64_t at(const char *text)
{
    int64_t ms = 0;
    if (text[0] &&
        time_parse(str_from(arena_printf(arena, "2026-11-%s:00+03:00", text)),
                   &ms))
        fail_msg("%s", text);
    return ms;
}

static const struct catalog_topic *topic(const char *key)
{
    return key ? catalog_topic(catalog, str_from(key)) : NULL;
}

static void check(struct sla_dues got, const char *first, const char *next,
                  const char *solution, size_t row)
{
    if (got.first != at(first) || got.next != at(next) ||
        got.solution != at(solution))
        fail_msg("row %zu: %lld %lld %lld", row, (long long)got.first,
                 (long long)got.next, (long long)got.solution);
}

struct due_row {
    const char *topic, *priority, *at;
    const char *first, *next, *solution; /* "": no promise */
};

static const struct due_row due_rows[] = {
    /* within a day, over a night, over a weekend, a holiday */
    {"repair", "normal", "18T09:00", "18T11:00", "18T09:30", "19T10:00"},
    {"repair", "normal", "18T17:45", "19T10:45", "19T09:15", "20T09:45"},
    {"repair", "normal", "20T17:00", "23T10:00", "20T17:30", "23T18:00"},
    {"repair", "normal", "23T17:00", "25T10:00", "23T17:30", "25T18:00"},
    /* asked while closed: the clock starts with the shift */
    {"repair", "normal", "21T12:00", "23T11:00", "23T09:30", "25T10:00"},
    {"repair", "normal", "18T06:00", "18T11:00", "18T09:30", "19T10:00"},
    /* what is not said is not promised */
    {"repair", "high", "18T09:00", "18T09:15", "", ""},
    /* the SLA of an ancestor */
    {"screen", "normal", "18T09:00", "18T11:00", "18T09:30", "19T10:00"},
    /* no SLA is named: the first of the catalog, round the clock */
    {"alone", "normal", "21T23:30", "22T00:30", "", "22T23:30"},
    {NULL, "normal", "21T23:30", "22T00:30", "", "22T23:30"},
    {"top", "normal", "21T23:30", "22T00:30", "", "22T23:30"},
    /* no target for it, no priority */
    {"top", "high", "21T23:30", "", "", ""},
    {"repair", NULL, "18T09:00", "", "", ""},
};

static void test_dues(void **state)
{
    (void)state;
    for (size_t i = 0; i < ROWS(due_rows); i++) {
        const struct due_row *x = &due_rows[i];
        const struct catalog_priority *p =
            x->priority ? catalog_priority(catalog, str_from(x->priority))
                        : NULL;
        check(sla_dues(catalog, topic(x->topic), p, at(x->at)), x->first,
              x->next, x->solution, i);
    }
}

static void test_no_sla(void **state)
{
    (void)state;
    static const struct catalog none;
    const struct catalog_priority *p = catalog_priority(catalog, STR("normal"));
    check(sla_dues(&none, NULL, p, at("18T09:00")), "", "", "", 0);
    assert_true(sla_shift(&none, NULL, 1000, 5000, 7000) == 3000);
}

struct pause_row {
    const char *topic, *from, *to;
    const char *first, *next, *solution; /* the dues before … */
    const char *then[3];                 /* … and after */
};

static const struct pause_row pause_rows[] = {
    /* one open hour is left at 10:00, and so at 15:00 */
    {"repair",
     "18T10:00",
     "18T15:00",
     "18T11:00",
     "18T10:30",
     "19T10:00",
     {"18T16:00", "18T15:30", "19T15:00"}},
    /* over a night, a weekend and a holiday: only open time is carried over */
    {"repair",
     "20T17:00",
     "23T17:30",
     "23T10:00",
     "20T17:30",
     "",
     {"25T10:30", "23T18:00", ""}},
    /* all of the pause in closed hours: nothing moves */
    {"repair",
     "20T19:00",
     "22T12:00",
     "23T10:00",
     "",
     "23T18:00",
     {"23T10:00", "", "23T18:00"}},
    /* what was due already stays late, to the moment */
    {"repair",
     "18T12:00",
     "18T15:00",
     "18T11:00",
     "18T12:00",
     "18T13:00",
     {"18T11:00", "18T12:00", "18T16:00"}},
    /* no pause at all, or one that ends before it begins */
    {"repair",
     "18T12:00",
     "18T12:00",
     "18T13:00",
     "",
     "",
     {"18T13:00", "", ""}},
    {"repair",
     "18T12:00",
     "18T10:00",
     "18T13:00",
     "",
     "",
     {"18T13:00", "", ""}},
    /* round the clock */
    {"top",
     "21T22:00",
     "23T03:00",
     "21T23:00",
     "",
     "22T22:00",
     {"23T04:00", "", "24T03:00"}},
};

static void test_resume(void **state)
{
    (void)state;
    for (size_t i = 0; i < ROWS(pause_rows); i++) {
        const struct pause_row *x = &pause_rows[i];
        const struct sla_dues dues = {at(x->first), at(x->next),
                                      at(x->solution)};
        check(
            sla_resume(catalog, topic(x->topic), dues, at(x->from), at(x->to)),
            x->then[0], x->then[1], x->then[2], i);
    }
}

/* Promises counted from the later start are the resumed ones. */
static void test_shift(void **state)
{
    (void)state;
    static const char *const pauses[][2] = {{"18T10:00", "18T10:20"},
                                            {"18T10:20", "20T11:00"},
                                            {"18T09:10", "24T12:00"},
                                            {"18T10:00", "21T08:00"}};
    const struct catalog_topic *t = topic("repair");
    const struct catalog_priority *p = catalog_priority(catalog, STR("normal"));
    int64_t start = at("18T09:00");
    for (size_t i = 0; i < ROWS(pauses); i++) {
        int64_t from = at(pauses[i][0]);
        int64_t to = at(pauses[i][1]);
        struct sla_dues before = sla_dues(catalog, t, p, start);
        struct sla_dues after =
            sla_dues(catalog, t, p, sla_shift(catalog, t, start, from, to));
        struct sla_dues resumed = sla_resume(catalog, t, before, from, to);
        assert_true(before.first > from && before.solution > from);
        assert_true(after.first == resumed.first);
        assert_true(after.solution == resumed.solution);
    }
    assert_true(sla_shift(catalog, t, start, at("18T10:00"), at("18T12:30")) ==
                at("18T11:30"));
    assert_true(sla_shift(catalog, t, start, at("18T17:00"), at("19T10:00")) ==
                at("18T11:00"));
    assert_true(sla_shift(catalog, t, start, at("18T12:00"), at("18T10:00")) ==
                start);
}

static void test_late(void **state)
{
    (void)state;
    static const struct {
        int64_t due, done_at, now;
        bool late;
    } rows[] = {
        {0, 0, 9000, false},       {5000, 0, 4999, false},
        {5000, 0, 5000, false},    {5000, 0, 5001, true},
        {5000, 5000, 9000, false}, {5000, 5001, 5001, true},
        {0, 9000, 9000, false},
    };
    for (size_t i = 0; i < ROWS(rows); i++)
        assert_int_equal(sla_is_late(rows[i].due, rows[i].done_at, rows[i].now),
                         rows[i].late);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_dues),   cmocka_unit_test(test_no_sla),
        cmocka_unit_test(test_resume), cmocka_unit_test(test_shift),
        cmocka_unit_test(test_late),
    };
    return cmocka_run_group_tests(tests, open_promises, close_promises);
}
