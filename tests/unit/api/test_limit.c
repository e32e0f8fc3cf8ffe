/* SPDX-License-Identifier: Apache-2.0 */
/* Token buckets, and from paths to routes. */
#include "api/limit.h"

#include <stdio.h>
#include <string.h>

#include "api/router.h"
#include "base/arena.h"
#include "test.h"

static void test_bucket(void **state)
{
    (void)state;
    struct limit *l = limit_new(100);
    const struct limit_rate rate = {60, 3}; /* one a second, three at once */
    int wait = 0;
    for (int i = 0; i < 3; i++)
        assert_true(limit_take(l, rate, STR("a"), 1000, &wait));
    assert_false(limit_take(l, rate, STR("a"), 1000, &wait));
    assert_int_equal(wait, 1 + 1);
    assert_true(limit_take(l, rate, STR("b"), 1000, &wait)); /* its own */
    assert_true(limit_take(l, rate, STR("a"), 2000, &wait));
    assert_false(limit_take(l, rate, STR("a"), 2000, &wait));
    const struct limit_rate none = {0, 0};
    for (int i = 0; i < 1000; i++)
        assert_true(limit_take(l, none, STR("a"), 2000, &wait));
    limit_free(l);
}

/* Another rate counts from the next token on. */
static void test_other_rate(void **state)
{
    (void)state;
    struct limit *l = limit_new(100);
    int wait = 0;
    for (int i = 0; i < 10; i++)
        assert_true(
            limit_take(l, (struct limit_rate){60, 10}, STR("a"), 0, &wait));
    const struct limit_rate fast = {6000, 2}; /* a hundred a second */
    assert_false(limit_take(l, fast, STR("a"), 0, &wait));
    assert_true(limit_take(l, fast, STR("a"), 1000, &wait));
    assert_true(limit_take(l, fast, STR("a"), 1000, &wait));
    assert_false(limit_take(l, fast, STR("a"), 1000, &wait));
    limit_free(l);
}

/* More clients than fit: the table forgets, and only ever forgives. */
static void test_table_is_bounded(void **state)
{
    (void)state;
    struct limit *l = limit_new(8);
    int wait;
    for (int i = 0; i < 10000; i++) {
        char name[16];
        (void)snprintf(name, sizeof(name), "c%d", i);
        assert_true(
            limit_take(l, (struct limit_rate){1, 1}, str_from(name), i, &wait));
    }
    limit_free(l);
}

static const struct http_route routes[] = {
    {.method = "GET", .pattern = "/a/{id}"},
    {.method = "POST", .pattern = "/a/{id}"},
    {.method = "GET", .pattern = "/a/{id}/b/{x}"},
    {.method = "GET", .pattern = "/files/{*}"},
    {0},
};

static void test_router(void **state)
{
    (void)state;
    struct route_match m;
    router_match(routes, "GET", "/a/7", &m);
    assert_ptr_equal(m.route, &routes[0]);
    assert_true(str_is(m.params[0], "7"));
    router_match(routes, "HEAD", "/a/7/b/y", &m);
    assert_ptr_equal(m.route, &routes[2]);
    assert_true(str_is(m.params[1], "y"));
    router_match(routes, "GET", "/files/x/y", &m);
    assert_true(str_is(m.params[0], "x/y"));
    router_match(routes, "PUT", "/a/7", &m);
    assert_null(m.route);
    assert_string_equal(m.allow, "GET, HEAD, POST");
    static const char *const nothing[] = {"/a", "/a/", "/a/7/", "/",
                                          "",   "x",   "/a/7/b"};
    for (size_t i = 0; i < ROWS(nothing); i++) {
        router_match(routes, "GET", nothing[i], &m);
        assert_null(m.route);
        assert_string_equal(m.allow, "");
    }
}

static void test_percent(void **state)
{
    (void)state;
    struct arena *a = arena_new();
    struct str s;
    assert_true(percent_decode(a, STR("a%20b+c%2F"), false, &s));
    assert_true(str_is(s, "a b+c/"));
    assert_true(percent_decode(a, STR("a+b"), true, &s));
    assert_true(str_is(s, "a b"));
    static const char *const bad[] = {"%", "%4", "%zz", "%00", "%ff", "x%e"};
    for (size_t i = 0; i < ROWS(bad); i++)
        assert_false(percent_decode(a, str_from(bad[i]), false, &s));
    arena_free(a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bucket),
        cmocka_unit_test(test_other_rate),
        cmocka_unit_test(test_table_is_bounded),
        cmocka_unit_test(test_router),
        cmocka_unit_test(test_percent),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
