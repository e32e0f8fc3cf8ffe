/* SPDX-License-Identifier: Apache-2.0 */
#include "channel/phone_guard.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>

#include "base/err.h"
#include "test.h"

static struct phone_address at(const char *text)
{
    struct phone_address a = {0};
    struct sockaddr_in in = {.sin_family = AF_INET};
    struct sockaddr_in6 in6 = {.sin6_family = AF_INET6};
    if (inet_pton(AF_INET, text, &in.sin_addr) == 1)
        assert_true(phone_address_of((struct sockaddr *)&in, &a));
    else if (inet_pton(AF_INET6, text, &in6.sin6_addr) == 1)
        assert_true(phone_address_of((struct sockaddr *)&in6, &a));
    else
        fail_msg("%s is no address", text);
    return a;
}

static struct phone_guard *make(const char *allow, const char *trust)
{
    struct phone_guard *g;
    struct err e = {0};
    struct phone_guard_options o = {
        .allow = str_from(allow),
        .trust = str_from(trust),
        .per_minute = 3,
        .ban_ms = 600000,
    };
    if (phone_guard_new(&o, &g, &e))
        fail_msg("%s", e.msg);
    return g;
}

static void test_flood(void **state)
{
    (void)state;
    struct phone_guard *g = make("", "");
    struct phone_address a = at("192.0.2.1");
    struct phone_address b = at("192.0.2.2");
    for (int i = 0; i < 3; i++)
        assert_true(phone_guard_may_call(g, &a, 1000 + i));
    assert_false(phone_guard_may_call(g, &a, 1010));
    assert_false(phone_guard_may_speak(g, &a, 1020));
    assert_true(phone_guard_may_call(g, &b, 1020));
    assert_int_equal(phone_guard_banned(g), 1);
    assert_false(phone_guard_may_speak(g, &a, 601009));
    assert_true(phone_guard_may_call(g, &a, 601010));
    phone_guard_free(g);
}

static void test_minute(void **state)
{
    (void)state;
    struct phone_guard *g = make("", "");
    struct phone_address a = at("2001:db8::1");
    for (int64_t now = 100000; now < 1000000; now += 20001)
        assert_true(phone_guard_may_call(g, &a, now));
    phone_guard_free(g);
}

static void test_nets(void **state)
{
    (void)state;
    struct phone_guard *g = make("10.1.0.0/15, 192.0.2.7,fd00::/9", "10.1.2.3");
    static const struct {
        const char *address;
        bool may;
    } rows[] = {
        {"10.0.255.255", true}, {"10.1.0.0", true},   {"10.2.0.1", false},
        {"192.0.2.7", true},    {"192.0.2.8", false}, {"fd7f::1", true},
        {"fd80::1", false},     {"::1", false},
    };
    for (size_t i = 0; i < ROWS(rows); i++) {
        struct phone_address a = at(rows[i].address);
        if (phone_guard_may_speak(g, &a, 5000) != rows[i].may)
            fail_msg("%s", rows[i].address);
    }
    struct phone_address trusted = at("10.1.2.3");
    for (int i = 0; i < 100; i++)
        assert_true(phone_guard_may_call(g, &trusted, 5000));
    phone_guard_free(g);
}

static void test_mistakes(void **state)
{
    (void)state;
    static const char *const bad[] = {"x",     "10.0.0.0/33", "::1/129",
                                      "1.2.3", "10.0.0.0/",   "10.0.0.0/-1"};
    for (size_t i = 0; i < ROWS(bad); i++) {
        struct phone_guard *g = NULL;
        struct err e = {0};
        struct phone_guard_options o = {.trust = str_from(bad[i])};
        assert_int_equal(phone_guard_new(&o, &g, &e), OTK_EFORMAT);
        assert_non_null(strstr(e.msg, "phone.trust"));
    }
}

/* Many addresses: the table holds, and forgets the oldest. */
static void test_many(void **state)
{
    (void)state;
    struct phone_guard *g = make("", "");
    struct phone_address a = at("2001:db8::");
    for (uint32_t i = 0; i < 100000; i++) {
        memcpy(a.bytes + 12, &i, sizeof(i));
        assert_true(phone_guard_may_call(g, &a, 1000 + i));
    }
    phone_guard_free(g);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_flood),    cmocka_unit_test(test_minute),
        cmocka_unit_test(test_nets),     cmocka_unit_test(test_many),
        cmocka_unit_test(test_mistakes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
