/* SPDX-License-Identifier: Apache-2.0 */
#include "desk/time_zone.h"

#include <string.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "desk/time_rule.h"
#include "test.h"

static int64_t at(const char *text)
{
    int64_t ms = 0;
    assert_int_equal(time_parse(str_from(text), &ms), 0);
    return ms / MS_SECOND;
}

/* ---- rules --------------------------------------------------------------- */

static void test_rules(void **state)
{
    (void)state;
    static const struct {
        const char *rule, *at;
        int offset_minutes;
    } rows[] = {
        {"MSK-3", "2040-07-01T00:00:00Z", 180},
        {"<+0330>-3:30", "2040-07-01T00:00:00Z", 210},
        {"CET-1CEST,M3.5.0,M10.5.0/3", "2026-03-29T00:59:59Z", 60},
        {"CET-1CEST,M3.5.0,M10.5.0/3", "2026-03-29T01:00:00Z", 120},
        {"CET-1CEST,M3.5.0,M10.5.0/3", "2026-10-25T00:59:59Z", 120},
        {"CET-1CEST,M3.5.0,M10.5.0/3", "2026-10-25T01:00:00Z", 60},
        {"CET-1CEST,M3.5.0,M10.5.0/3", "2100-12-31T23:59:59Z", 60},
        {"EST5EDT,M3.2.0,M11.1.0", "2026-03-08T06:59:59Z", -300},
        {"EST5EDT,M3.2.0,M11.1.0", "2026-03-08T07:00:00Z", -240},
        {"EST5EDT,M3.2.0,M11.1.0", "2026-11-01T06:00:00Z", -300},
        /* the south: summer over the new year */
        {"AEST-10AEDT,M10.1.0,M4.1.0/3", "2026-01-01T00:00:00Z", 660},
        {"AEST-10AEDT,M10.1.0,M4.1.0/3", "2026-07-01T00:00:00Z", 600},
        {"AEST-10AEDT,M10.1.0,M4.1.0/3", "2026-12-31T23:00:00Z", 660},
        /* half an hour of summer time; days of the year, both ways */
        {"LHST-10:30LHDT-11,M10.1.0,M4.1.0", "2026-01-01T00:00:00Z", 660},
        {"AAA0BBB,J60/0,J61/0", "2028-03-01T00:00:00Z", 60},
        {"AAA0BBB,J60/0,J61/0", "2028-02-29T23:59:59Z", 0},
        {"AAA0BBB,59/0,60/0", "2028-02-29T00:00:00Z", 60},
        {"AAA0BBB,59/0,60/0", "2027-03-01T00:00:00Z", 60},
        /* times outside of the day */
        {"<-02>2<-01>,M3.5.0/-1,M10.5.0/0", "2026-03-29T00:59:59Z", -120},
        {"<-02>2<-01>,M3.5.0/-1,M10.5.0/0", "2026-03-29T01:00:00Z", -60},
        {"IST-2IDT,M3.4.4/26,M10.5.0", "2026-03-27T00:00:00Z", 180},
        {"IST-2IDT,M3.4.4/26,M10.5.0", "2026-03-26T23:59:59Z", 120},
    };
    for (size_t i = 0; i < ROWS(rows); i++) {
        struct time_rule r;
        assert_int_equal(time_rule_parse(str_from(rows[i].rule), &r), 0);
        int offset = time_rule_offset(&r, at(rows[i].at));
        if (offset != rows[i].offset_minutes * 60)
            fail_msg("%s at %s: %d s", rows[i].rule, rows[i].at, offset);
    }
}

static void test_bad_rules(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "",
        "CET",
        "CE-1",
        "<CET-1",
        "<C>-1",
        "CET-25",
        "CET-1:60",
        "CET-1CEST",
        "CET-1CEST,M3.5.0",
        "CET-1CEST,M13.5.0,M10.5.0",
        "CET-1CEST,M3.6.0,M10.5.0",
        "CET-1CEST,M3.0.0,M10.5.0",
        "CET-1CEST,M3.5.7,M10.5.0",
        "CET-1CEST,J0,J365",
        "CET-1CEST,J1,J366",
        "CET-1CEST,0,366",
        "CET-1CEST,M3.5.0/168,M10.5.0",
        "CET-1CEST,M3.5.0,M10.5.0/3x",
        "CET-1CEST,M3.5.0,M10.5.0,",
        "CET-1 ",
    };
    for (size_t i = 0; i < ROWS(bad); i++) {
        struct time_rule r;
        if (time_rule_parse(str_from(bad[i]), &r) != OTK_EFORMAT)
            fail_msg("'%s' was taken", bad[i]);
    }
}

/* ---- files --------------------------------------------------------------- */

static void put_number(struct buf *b, uint64_t x, int bytes)
{
    for (int i = bytes - 1; i >= 0; i--)
        buf_putc(b, (char)(x >> (8 * i) & 0xff));
}

static void put_header(struct buf *b, uint64_t times, uint64_t types)
{
    buf_put(b, "TZif2\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 20);
    put_number(b, 0, 4);
    put_number(b, 0, 4);
    put_number(b, 0, 4);
    put_number(b, times, 4);
    put_number(b, types, 4);
    put_number(b, 4, 4);
}

/* One change, in 1980, from UTC to two hours ahead; then the rule. */
static void make_file(struct buf *b, int first_offset, const char *footer)
{
    put_header(b, 0, 1);
    buf_put(b, "\0\0\0\0\0\0UTC\0", 10);
    put_header(b, 1, 2);
    put_number(b, (uint64_t)at("1980-01-01T00:00:00Z"), 8);
    buf_putc(b, 1);
    put_number(b, (uint32_t)first_offset, 4);
    buf_put(b, "\0\0", 2);
    put_number(b, 7200, 4);
    buf_put(b, "\0\0UTC\0", 6);
    buf_puts(b, footer);
}

static int parse(int first_offset, const char *footer, struct time_zone **ret)
{
    struct buf b = BUF_INIT(1000);
    struct err e = {0};
    make_file(&b, first_offset, footer);
    int r = time_zone_parse(buf_str(&b), ret, &e);
    buf_free(&b);
    return r;
}

/* A file says little more than its rule: that is how zic makes them now. */
static void test_rule_of_file(void **state)
{
    (void)state;
    struct time_zone *z;
    assert_int_equal(parse(0, "\nCET-1CEST,M3.5.0,M10.5.0/3\n", &z), 0);
    assert_int_equal(time_zone_offset(z, at("1979-07-01T00:00:00Z")), 0);
    assert_int_equal(time_zone_offset(z, at("2026-07-01T00:00:00Z")), 7200);
    assert_int_equal(time_zone_offset(z, at("2026-12-01T00:00:00Z")), 3600);
    time_zone_free(z);
    assert_int_equal(parse(0, "\n\n", &z), 0); /* no rule is known */
    assert_int_equal(time_zone_offset(z, at("2026-12-01T00:00:00Z")), 7200);
    time_zone_free(z);
}

static void test_bad_files(void **state)
{
    (void)state;
    struct time_zone *z;
    static const char *const footers[] = {"", "\n", "CET-1\n", "\nCET-1",
                                          "\nnonsense\n"};
    for (size_t i = 0; i < ROWS(footers); i++)
        assert_int_equal(parse(0, footers[i], &z), OTK_EFORMAT);
    assert_int_equal(parse(90000, "\n\n", &z), OTK_EFORMAT);
    assert_int_equal(parse(INT32_MIN, "\n\n", &z), OTK_EFORMAT);
    /* cut anywhere */
    struct buf b = BUF_INIT(1000);
    struct err e = {0};
    make_file(&b, 0, "\nMSK-3\n");
    for (size_t n = 0; n < b.len; n++)
        assert_int_equal(time_zone_parse(str_sub(buf_str(&b), 0, n), &z, &e),
                         OTK_EFORMAT);
    buf_free(&b);
}

static void test_names(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        int offset;
    } good[] = {{"UTC", 0},
                {"UTC+3", 10800},
                {"UTC+05:30", 19800},
                {"UTC-03:30", -12600}};
    struct time_zone *z;
    struct err e = {0};
    for (size_t i = 0; i < ROWS(good); i++) {
        assert_int_equal(time_zone_new(str_from(good[i].name), &z, &e), 0);
        assert_int_equal(time_zone_offset(z, 0), good[i].offset);
        time_zone_free(z);
    }
    static const char *const bad[] = {"UTC3",      "UTC+15", "UTC+3:60",
                                      "../passwd", "",       "/etc/passwd",
                                      "Nowhere"};
    for (size_t i = 0; i < ROWS(bad); i++) {
        assert_int_not_equal(time_zone_new(str_from(bad[i]), &z, &e), 0);
        assert_string_equal(e.field, "time_zone");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rules),        cmocka_unit_test(test_bad_rules),
        cmocka_unit_test(test_rule_of_file), cmocka_unit_test(test_bad_files),
        cmocka_unit_test(test_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
