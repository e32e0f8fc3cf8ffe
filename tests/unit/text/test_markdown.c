/* SPDX-License-Identifier: Apache-2.0 */
#include "text/markdown.h"

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

static void test_rows(void **state)
{
    (void)state;
    static const struct {
        const char *text, *said;
        size_t max;
    } rows[] = {
        {"", "", 100},
        {"# Почта\n\nНажмите **Пуск**, затем `cmd`.",
         "Почта. Нажмите Пуск, затем cmd.", 100},
        {"1. Раз\n2. Два!\n- три\n* четыре", "1. Раз. 2. Два! три. четыре.",
         100},
        {"**bold** _slanted_\n> said", "bold slanted. said.", 100},
        {"См. [страницу](https://example.org/a_b), ![рисунок](a.png) тут",
         "См. страницу,  тут.", 100},
        {"Откройте https://example.org/x и <b>войдите</b>",
         "Откройте  и войдите.", 100},
        {"[no address] and (this) [", "[no address] and (this) [.", 100},
        {"![", "[.", 100},
        {"<", "<.", 100},
        {"---\n***\n", "", 100},
        {"One. Two! Three.", "One. Two!", 10},
        {"Не целое предложение", "Не цел", 11},
        {"a\r\nb", "a. b.", 100},
    };
    for (size_t i = 0; i < ROWS(rows); i++) {
        struct str s =
            markdown_speech(str_from(rows[i].text), rows[i].max, arena);
        if (!str_is(s, rows[i].said))
            fail_msg("'%s' gives '" STR_FMT "'", rows[i].text, STR_ARG(s));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_rows)};
    return cmocka_run_group_tests(tests, setup, teardown);
}
