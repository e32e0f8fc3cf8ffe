/* SPDX-License-Identifier: Apache-2.0 */
/* Texts with places. */
#include <stdlib.h>

#include "base/arena.h"
#include "base/fill.h"
#include "base/mem.h"
#include "test.h"

static void test_places(void **state)
{
    (void)state;
    static const struct {
        const char *text, *want;
    } rows[] = {
        {"", ""},
        {"no place", "no place"},
        {"{{who}}", "Anna"},
        {"{{ who }}: {{n}}.", "Anna: 3."},
        {"{{who}}{{who}}", "AnnaAnna"},
        {"{{unknown}} {{who}}", "{{unknown}} Anna"},
        {"{{who} {{n}}", "{{who} 3"},
        {"{{{who}}}", "{Anna}"},
        {"{who}", "{who}"},
        {"{{", "{{"},
        {"{{who", "{{who"},
        {"{{who}", "{{who}"},
        {"{{}}", "{{}}"},
        {"ё{{n}}ё", "ё3ё"},
        {"{{nested}}", "{{who}}"}, /* a value is no text with places */
    };
    const struct fill_value values[] = {{"who", STR("Anna")},
                                        {"n", STR("3")},
                                        {"nested", STR("{{who}}")},
                                        {"empty", {0}}};
    struct arena *a = arena_new();
    for (size_t i = 0; i < ROWS(rows); i++) {
        struct str got = fill(a, str_from(rows[i].text), values, ROWS(values));
        if (!str_is(got, rows[i].want))
            fail_msg("'%s' gave '%.*s'", rows[i].text, (int)got.n, got.p);
    }
    assert_int_equal(fill(a, STR("{{empty}}"), values, ROWS(values)).n, 0);
    arena_free(a);
}

static void test_limit(void **state)
{
    (void)state;
    struct arena *a = arena_new();
    char *big = mem_new(FILL_MAX, 1);
    for (size_t i = 0; i < FILL_MAX; i++)
        big[i] = 'x';
    const struct fill_value values[] = {{"x", {big, FILL_MAX}}};
    assert_true(fill(a, STR("{{x}}{{x}}{{x}}"), values, 1).n <= FILL_MAX);
    free(big);
    arena_free(a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_places),
        cmocka_unit_test(test_limit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
