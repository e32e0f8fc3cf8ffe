/* SPDX-License-Identifier: Apache-2.0 */
/* Texts, buffers, JSON, times, maps. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/file.h"
#include "base/json.h"
#include "base/map.h"
#include "base/mem.h"
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
    assert_int_equal(str_to_int(STR("1\0"), &n), OTK_EFORMAT);
    assert_int_equal(str_to_int(STR("9223372036854775807"), &n), 0);
    assert_true(n == INT64_MAX);
    double x;
    assert_int_equal(str_to_real(STR("0.5"), &x), 0);
    assert_true(x == 0.5);
    assert_int_equal(str_to_real(STR("nan"), &x), OTK_EFORMAT);
    assert_int_equal(str_to_real(STR("1e999"), &x), OTK_EFORMAT);
    assert_true(str_is(str_trim(STR(" \t a b\n")), "a b"));
    assert_true(str_is(str_sub(STR("abc"), 1, 99), "bc"));
    assert_int_equal(str_sub(STR("abc"), 9, 1).n, 0);
    assert_int_equal(str_find(STR("a=b=c"), '='), 1);
    assert_int_equal(str_find(STR("abc"), '='), 3);
    assert_int_equal(str_find((struct str){0}, '='), 0);
    assert_true(str_cmp(STR("a"), STR("ab")) < 0);
    assert_true(str_cmp(STR("b"), STR("ab")) > 0);
    assert_true(str_eq((struct str){0}, STR("")));
}

/* An empty text is one empty part; a separator at the end makes one more. */
static void test_str_next_ends(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int parts;
    } rows[] = {{"", 1}, {"a", 1}, {"a,", 2}, {",", 2}, {",,", 3}};
    for (size_t i = 0; i < ROWS(rows); i++) {
        struct str rest = str_from(rows[i].text);
        struct str one;
        int parts = 0;
        while (str_next(&rest, ',', &one))
            parts++;
        assert_int_equal(parts, rows[i].parts);
    }
    struct str nothing = {0};
    struct str one;
    assert_false(str_next(&nothing, ',', &one));
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
        {"\xc1\xbf", 2},         /* overlong 7f */
        {"\xe0\x9f\xbf", 3},     /* overlong U+07FF */
        {"\xf0\x8f\xbf\xbf", 4}, /* overlong U+FFFF */
        {"\xed\xbf\xbf", 3},     /* the last surrogate */
        {"\xf5\x80\x80\x80", 4},
        {"\xf0\x9f\x99", 3},
        {"\xd0\x41", 2},
        {"\x80", 1},
        {"\xff", 1},
    };
    for (size_t i = 0; i < ROWS(bad); i++)
        assert_int_equal(utf8_check((struct str){bad[i].bytes, bad[i].n}), 0);
    assert_int_equal(utf8_check(STR("ёж🙂")), strlen("ёж🙂"));
    assert_int_equal(utf8_len(STR("ёж🙂")), 3);
    assert_true(str_is(utf8_cut(STR("ёж"), 3), "ё"));
    assert_true(str_is(utf8_cut(STR("ёж"), 4), "ёж"));
    assert_int_equal(utf8_cut(STR("🙂"), 3).n, 0);
    assert_int_equal(utf8_check(STR("ok\xff")), 2);
    /* every code point comes back, at the shortest length */
    for (uint32_t cp = 0; cp <= 0x10ffff; cp++) {
        char bytes[UTF8_MAX];
        uint32_t back = 0;
        if (cp >= 0xd800 && cp <= 0xdfff)
            continue;
        size_t n = utf8_encode(cp, bytes);
        if (utf8_decode((struct str){bytes, n}, &back) != n || back != cp)
            fail_msg("U+%04X came back as U+%04X", cp, back);
    }
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
    assert_true(buf_reserve(&b, 10));
    assert_false(buf_reserve(&b, 11));
    assert_int_equal(buf_check(&b), OTK_ELIMIT);
    buf_reset(&b);
    buf_put(&b, "a\0b", 3);
    size_t n = 0;
    char *bytes = buf_take(&b, &n);
    assert_int_equal(n, 3);
    assert_memory_equal(bytes, "a\0b", 4);
    free(bytes);
    assert_int_equal(b.len, 0);
    bytes = buf_take(&b, NULL); /* of an empty one: still a C string */
    assert_string_equal(bytes, "");
    free(bytes);
    buf_free(&b);
}

/* A text longer than the small buffer inside buf_printf(). */
static void test_buf_long(void **state)
{
    (void)state;
    struct buf b = BUF_INIT(1000);
    buf_printf(&b, "%0500d", 7);
    assert_int_equal(b.len, 500);
    assert_int_equal(b.ptr[499], '7');
    assert_int_equal(b.ptr[500], '\0');
    buf_printf(&b, "%0501d", 7); /* one too many: nothing of it */
    assert_int_equal(b.len, 500);
    assert_int_equal(buf_check(&b), OTK_ELIMIT);
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
    check_json("7", OTK_EFORMAT);
    check_json("{\"a\":{\"b\":1,\"b\":2}}", OTK_EFORMAT);
    check_json("{\"a\":1,}", OTK_EFORMAT);
    check_json("{\"a\":NaN}", OTK_EFORMAT);
    check_json("{\"a\":1e999}", OTK_EFORMAT);
    check_json("{\"a\":99999999999999999999}", OTK_EFORMAT);
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
    assert_int_equal(json_text(j, &(struct json_want){"t", true, 1, 1}, &s, &e),
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
    assert_int_equal(json_read(STR("{\"n\":4.0,\"m\":4.5}"), 100, &j, &e), 0);
    assert_int_equal(
        json_whole(j, &(struct json_want){"n", true, 1, 4}, &n, &e), 0);
    assert_true(n == 4);
    assert_int_equal(
        json_whole(j, &(struct json_want){"m", true, 1, 9}, &n, &e),
        OTK_EFORMAT);
    json_decref(j);
    assert_int_equal(json_read(STR("{\"t\":\"\\u0000\"}"), 100, &j, &e),
                     OTK_EFORMAT);
    assert_non_null(strstr(e.msg, "a NUL character is not allowed"));
    struct buf b = BUF_INIT(100);
    json_put_text(&b, STR("\"\\\n\x01\xffё"));
    assert_string_equal(b.ptr, "\"\\\"\\\\\\n\\u0001\xef\xbf\xbdё\"");
    buf_free(&b);
}

static void check_real(double x, const char *want)
{
    struct buf b = BUF_INIT(1000);
    json_put_real(&b, x);
    assert_string_equal(b.ptr, want);
    buf_free(&b);
}

static void test_json_limits(void **state)
{
    (void)state;
    json_t *j = NULL;
    struct err e = {0};
    assert_int_equal(json_read(STR("{\"a\":1}"), 6, &j, &e), OTK_ELIMIT);
    assert_null(j);
    /* brackets beyond any sense are an error, not a stack overflow */
    enum { DEEP = 100000 };
    struct buf b = BUF_INIT(DEEP);
    for (int i = 0; i < DEEP; i++)
        buf_putc(&b, '[');
    assert_int_equal(json_read(buf_str(&b), DEEP, &j, &e), OTK_EFORMAT);
    assert_int_equal(json_measure(buf_str(&b), 9, DEEP, &e), OTK_ELIMIT);
    buf_free(&b);
    struct str text = STR("{\"[[\\\"{{\": [1, 2], \"b\": {}}");
    assert_int_equal(json_measure(text, 2, 7, &e), 0);
    assert_int_equal(json_measure(text, 1, 7, &e), OTK_ELIMIT);
    assert_int_equal(json_measure(text, 2, 6, &e), OTK_ELIMIT);
    check_real(0.5, "0.5");
    check_real(3, "3.0");
    check_real(1e15, "1000000000000000.0");
    check_real(0.0 / 0.0, "null");
}

/* A number of 309 digits is longer than most buffers for a number. */
static void test_json_huge_real(void **state)
{
    (void)state;
    struct buf b = BUF_INIT(1000);
    json_t *j = NULL;
    buf_puts(&b, "[");
    json_put_real(&b, 1.7e308);
    buf_puts(&b, ",");
    json_put_real(&b, -1e100);
    buf_puts(&b, "]");
    assert_int_equal(json_read(buf_str(&b), 1000, &j, NULL), 0);
    assert_true(json_real_value(json_array_get(j, 0)) == 1.7e308);
    assert_true(json_real_value(json_array_get(j, 1)) == -1e100);
    json_decref(j);
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
    static const char *const bad[] = {"2026-02-31T00:00:00Z",
                                      "2026-13-01T00:00:00Z",
                                      "2026-01-01",
                                      "2026-01-01T24:00:00Z",
                                      "2026-01-01T00:00:00",
                                      "x",
                                      "2026-01-01T00:00:00Zx",
                                      "2026-02-29T00:00:00Z",
                                      "2026-00-10T00:00:00Z",
                                      "2026-01-00T00:00:00Z",
                                      "2026-01-01T00:60:00Z",
                                      "2026-01-01T00:00:00.Z",
                                      "2026-01-01T00:00:00+0300",
                                      "2026-01-01T00:00:00+24:00",
                                      "2026-1-1T00:00:00Z",
                                      "0000-01-01T00:00:00+00:01",
                                      "9999-12-31T23:59:60Z",
                                      "9999-12-31T23:59:59-00:01",
                                      ""};
    for (size_t i = 0; i < ROWS(bad); i++)
        assert_int_equal(time_parse(str_from(bad[i]), &ms), OTK_EFORMAT);
    char text[TIME_TEXT];
    time_print(1769851800250, text);
    assert_string_equal(text, "2026-01-31T09:30:00.250Z");
    time_print(-1, text);
    assert_string_equal(text, "1969-12-31T23:59:59.999Z");
    time_print(INT64_MAX, text);
    assert_string_equal(text, "1970-01-01T00:00:00.000Z");
}

static void test_time_round_trip(void **state)
{
    (void)state;
    struct rand r;
    rand_init(&r, 3);
    for (int i = 0; i < 2000; i++) {
        int64_t ms = (int64_t)rand_below(&r, 4000000000U) * 60 + i;
        int64_t back = -1;
        char text[TIME_TEXT];
        time_print(ms, text);
        assert_int_equal(time_parse(str_from(text), &back), 0);
        assert_true(back == ms);
    }
}

static void test_time_offsets(void **state)
{
    (void)state;
    static const struct {
        const char *text, *utc;
    } rows[] = {
        {"2026-01-01T00:30:00+03:00", "2025-12-31T21:30:00.000Z"},
        {"2026-01-01T00:30:00-05:30", "2026-01-01T06:00:00.000Z"},
        {"2024-02-29t23:59:59z", "2024-02-29T23:59:59.000Z"},
        {"2026-01-01 00:00:00.1234567Z", "2026-01-01T00:00:00.123Z"},
        {"2026-01-01T00:00:00.5Z", "2026-01-01T00:00:00.500Z"},
        {"2016-12-31T23:59:60Z", "2017-01-01T00:00:00.000Z"}, /* leap second */
        {"0000-01-01T03:00:00+03:00", "0000-01-01T00:00:00.000Z"},
        {"0007-01-01T00:00:00Z", "0007-01-01T00:00:00.000Z"},
        {"9999-12-31T23:59:59.999Z", "9999-12-31T23:59:59.999Z"},
    };
    for (size_t i = 0; i < ROWS(rows); i++) {
        int64_t ms = 0;
        char text[TIME_TEXT];
        if (time_parse(str_from(rows[i].text), &ms))
            fail_msg("%s is refused", rows[i].text);
        time_print(ms, text);
        assert_string_equal(text, rows[i].utc);
    }
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

/* The numbers of a second implementation: splits are the same everywhere. */
static void test_rand_everywhere(void **state)
{
    (void)state;
    static const uint32_t want[] = {0x4be788d7, 0xfa6ac9dc, 0x68ef91ea,
                                    0xe32a3f28};
    struct rand r;
    rand_init(&r, 7);
    for (size_t i = 0; i < ROWS(want); i++)
        assert_int_equal(rand_next(&r), want[i]);
    size_t items[10];
    size_t again[10];
    bool seen[10] = {false};
    for (size_t i = 0; i < 10; i++)
        items[i] = again[i] = i;
    rand_init(&r, 5);
    rand_shuffle(&r, items, 10);
    rand_init(&r, 5);
    rand_shuffle(&r, again, 10);
    assert_memory_equal(items, again, sizeof(items));
    for (size_t i = 0; i < 10; i++)
        seen[items[i]] = true;
    for (size_t i = 0; i < 10; i++)
        assert_true(seen[i]);
    double sum = 0;
    for (int i = 0; i < 10000; i++) {
        double x = rand_real(&r);
        assert_true(x >= 0 && x < 1);
        sum += x;
    }
    assert_true(sum > 4800 && sum < 5200);
    assert_int_equal(rand_below(&r, 1), 0);
}

static void test_remove_dir(void **state)
{
    (void)state;
    char top[] = "/tmp/otklik-dir-XXXXXX";
    char path[100];
    struct err e = {0};
    assert_non_null(mkdtemp(top));
    (void)snprintf(path, sizeof(path), "%s/a/b", top);
    assert_int_equal(file_make_dir(path, &e), 0);
    (void)snprintf(path, sizeof(path), "%s/a/b/file", top);
    assert_int_equal(file_write(path, STR("x"), 0600, &e), 0);
    (void)snprintf(path, sizeof(path), "%s/a", top);
    assert_int_equal(file_empty_dir(path, &e), 0);
    assert_true(file_exists(path));
    assert_int_equal(file_remove_dir(top, &e), 0);
    assert_false(file_exists(top));
    assert_int_equal(file_remove_dir(top, &e), 0); /* it is not there */
}

static void test_arena_keep(void **state)
{
    (void)state;
    struct arena *a = arena_new();
    int64_t *list = NULL;
    size_t n = 0;
    size_t cap = 0;
    while (n < 1000) {
        list = mem_grow(list, n, &cap, sizeof(*list));
        list[n] = (int64_t)n;
        n++;
    }
    const int64_t *kept = arena_keep(a, list, n, sizeof(*list));
    for (size_t i = 0; i < n; i++)
        assert_int_equal(kept[i], i);
    assert_int_equal(kept[n], 0);
    kept = arena_keep(a, NULL, 0, sizeof(*kept));
    assert_int_equal(kept[0], 0);
    arena_free(a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_remove_dir),
        cmocka_unit_test(test_arena_keep),
        cmocka_unit_test(test_str),
        cmocka_unit_test(test_utf8),
        cmocka_unit_test(test_buf),
        cmocka_unit_test(test_json),
        cmocka_unit_test(test_time),
        cmocka_unit_test(test_map),
        cmocka_unit_test(test_rand),
        cmocka_unit_test(test_str_next_ends),
        cmocka_unit_test(test_buf_long),
        cmocka_unit_test(test_json_limits),
        cmocka_unit_test(test_json_huge_real),
        cmocka_unit_test(test_time_round_trip),
        cmocka_unit_test(test_time_offsets),
        cmocka_unit_test(test_rand_everywhere),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
