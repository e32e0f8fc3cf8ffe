/* SPDX-License-Identifier: Apache-2.0 */
/* Texts, buffers, JSON, times, maps. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/json.h"
#include "base/map.h"
#include "base/rand.h"
#include "base/utf8.h"
#include "test.h"

static void test_str(void **state)
{
    (void)state;
    struct str rest = STR("a,,b");
    struct str one;
    assert_true(str_next(&rest, ',', &one) && str_is(one, "a"));
    assert_true(str_next(&rest, ',', &one) && one.n == 0);
    assert_true(str_next(&rest, ',', &one) && str_is(one, "b"));
    assert_false(str_next(&rest, ',', &one));
    int64_t n = 7;
    assert_int_equal(str_to_int(STR("-9223372036854775808"), &n), 0);
    assert_true(n == INT64_MIN);
    static const char *const bad[] = {
        "", "-", "1x", " 1", "1 ", "+", "9223372036854775808", "1.0"};
    for (size_t i = 0; i < ROWS(bad); i++) {
        n = 7;
        assert_int_equal(str_to_int(str_from(bad[i]), &n), OTK_EFORMAT);
        assert_int_equal(n, 7);
    }
    double x;
    assert_int_equal(str_to_real(STR("0.5"), &x), 0);
    assert_true(x == 0.5);
    assert_int_equal(str_to_real(STR("nan"), &x), OTK_EFORMAT);
    assert_int_equal(str_to_real(STR("1e999"), &x), OTK_EFORMAT);
    assert_true(str_is(str_trim(STR(" \t a b\n")), "a b"));
    assert_true(str_is(str_sub(STR("abc"), 1, 99), "bc"));
    assert_int_equal(str_sub(STR("abc"), 9, 1).n, 0);
}

static void test_utf8(void **state)
{
    (void)state;
    static const struct {
        const char *bytes;
        size_t n;
    } bad[] = {
        {"\xc0\x80", 2},         /* overlong NUL */
        {"\xed\xa0\x80", 3},     /* a surrogate */
        {"\xf4\x90\x80\x80", 4}, /* above U+10FFFF */
        {"\xd0", 1},             /* cut */
        {"\x80", 1},
        {"\xff", 1},
    };
    for (size_t i = 0; i < ROWS(bad); i++)
        assert_int_equal(utf8_check((struct str){bad[i].bytes, bad[i].n}), 0);
    assert_int_equal(utf8_check(STR("ёж🙂")), strlen("ёж🙂"));
    assert_int_equal(utf8_len(STR("ёж🙂")), 3);
    assert_true(str_is(utf8_cut(STR("ёж"), 3), "ё"));
}

static void test_buf(void **state)
{
    (void)state;
    struct buf b = BUF_INIT(10);
    assert_string_equal(b.ptr, "");
    buf_puts(&b, "12345");
    buf_printf(&b, "%d", 67890);
    assert_int_equal(buf_check(&b), 0);
    buf_putc(&b, 'x');
    assert_int_equal(buf_check(&b), OTK_ELIMIT);
    buf_puts(&b, "y");
    assert_string_equal(b.ptr, "1234567890");
    buf_reset(&b);
    assert_int_equal(buf_check(&b), 0);
    buf_free(&b);
}

static void check_json(const char *text, int want)
{
    json_t *j = NULL;
    struct err e = {0};
    int r = json_read(str_from(text), 1000, &j, &e);
    if (r != want)
        fail_msg("%s: %d (%s)", text, r, e.msg);
    json_decref(j);
}

static void test_json(void **state)
{
    (void)state;
    check_json("{\"a\":1}", 0);
    check_json("{\"a\":1,\"a\":2}", OTK_EFORMAT);
    check_json("{\"a\":1} x", OTK_EFORMAT);
    check_json("{\"a\":\"\\u0000\"}", OTK_EFORMAT);
    check_json("{\"a\":\"\xff\"}", OTK_EFORMAT);
    check_json("", OTK_EFORMAT);
    json_t *j = NULL;
    struct err e = {0};
    struct str s = {0};
    bool flag = false;
    int64_t n = 0;
    assert_int_equal(
        json_read(STR("{\"t\":\"ёж\",\"n\":5,\"b\":true,\"z\":null}"), 100, &j,
                  &e),
        0);
    assert_int_equal(
        json_text(j, &(struct json_want){"t", true, 1, 10}, &s, &e), 0);
    assert_true(str_is(s, "ёж"));
    assert_int_equal(json_text(j, &(struct json_want){"t", true, 1, 3}, &s, &e),
                     OTK_ELIMIT);
    assert_string_equal(e.field, "t");
    assert_int_equal(json_text(j, &(struct json_want){"n", true, 1, 3}, &s, &e),
                     OTK_EFORMAT);
    assert_int_equal(
        json_text(j, &(struct json_want){"z", false, 1, 3}, &s, &e),
        OTK_ENOENT);
    assert_int_equal(json_text(j, &(struct json_want){"q", true, 1, 3}, &s, &e),
                     OTK_EFORMAT);
    assert_int_equal(
        json_whole(j, &(struct json_want){"n", true, 1, 4}, &n, &e),
        OTK_EFORMAT);
    assert_int_equal(
        json_flag(j, &(struct json_want){"b", true, 0, 0}, &flag, &e), 0);
    assert_true(flag);
    static const char *const known[] = {"t", "n", "b", NULL};
    assert_int_equal(json_known(j, known, &e), OTK_EFORMAT);
    assert_string_equal(e.field, "z");
    json_decref(j);
    struct buf b = BUF_INIT(100);
    json_put_text(&b, STR("\"\\\n\x01\xffё"));
    assert_string_equal(b.ptr, "\"\\\"\\\\\\n\\u0001\xef\xbf\xbdё\"");
    buf_free(&b);
}

static void test_time(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int64_t ms;
    } rows[] = {
        {"1970-01-01T00:00:00Z", 0},
        {"2026-01-31T12:30:00.250+03:00", 1769851800250},
    };
    int64_t ms;
    assert_int_equal(time_parse(str_from(rows[0].text), &ms), 0);
    assert_true(ms == 0);
    assert_int_equal(time_parse(str_from(rows[1].text), &ms), 0);
    assert_true(ms == rows[1].ms);
    static const char *const bad[] = {
        "2026-02-31T00:00:00Z", "2026-13-01T00:00:00Z", "2026-01-01",
        "2026-01-01T24:00:00Z", "2026-01-01T00:00:00",  "x",
        "2026-01-01T00:00:00Zx"};
    for (size_t i = 0; i < ROWS(bad); i++)
        assert_int_equal(time_parse(str_from(bad[i]), &ms), OTK_EFORMAT);
    char text[TIME_TEXT];
    time_print(1769851800250, text);
    assert_string_equal(text, "2026-01-31T09:30:00.250Z");
}

static void test_map(void **state)
{
    (void)state;
    struct map *m = map_new();
    bool is_new;
    for (int i = 0; i < 1000; i++) {
        char key[16];
        (void)snprintf(key, sizeof(key), "k%d", i % 500);
        union map_value *v = map_put(m, str_from(key), &is_new);
        assert_int_equal(is_new, i < 500);
        v->num = i;
    }
    assert_int_equal(map_len(m), 500);
    assert_int_equal(map_find(m, STR("k7"))->num, 507);
    assert_null(map_find(m, STR("k500")));
    assert_true(str_is(map_key(m, 3), "k3"));
    map_free(m);
}

static void test_rand(void **state)
{
    (void)state;
    struct rand a, b;
    rand_init(&a, 7);
    rand_init(&b, 7);
    for (int i = 0; i < 100; i++) {
        assert_int_equal(rand_next(&a), rand_next(&b));
        assert_true(rand_below(&a, 5) < 5);
        (void)rand_below(&b, 5);
    }
    char one[33], two[33];
    rand_token(one, 16);
    rand_token(two, 16);
    assert_int_equal(strlen(one), 32);
    assert_string_not_equal(one, two);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_str),  cmocka_unit_test(test_utf8),
        cmocka_unit_test(test_buf),  cmocka_unit_test(test_json),
        cmocka_unit_test(test_time), cmocka_unit_test(test_map),
        cmocka_unit_test(test_rand),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
