/* SPDX-License-Identifier: Apache-2.0 */
/* What repeats a prompt goes, what people say with its words stays. */
#include "speech/echo.h"

#include "test.h"

#define PROMPT "Печать, Анна Петрова, VPN, Outlook, КриптоПро, 1С."

enum { PIECES = 8 };

/* Which pieces are echoes: a bit each. */
static unsigned echoes(const char *prompt, const char *const texts[PIECES],
                       bool doubtful)
{
    struct echo_piece pieces[PIECES];
    bool is_echo[PIECES];
    unsigned bits = 0;
    size_t n = 0;
    for (; n < PIECES && texts[n]; n++)
        pieces[n] = (struct echo_piece){str_from(texts[n]), doubtful};
    echo_find(str_from(prompt), pieces, n, is_echo);
    for (size_t i = 0; i < n; i++)
        bits |= is_echo[i] ? 1U << i : 0;
    return bits;
}

static void test_rows(void **state)
{
    (void)state;
    static const struct {
        const char *texts[PIECES];
        unsigned certain, doubtful;
    } rows[] = {
        /* the list, however it is written, and again and again */
        {{PROMPT}, 1, 1},
        {{"печать анна петрова vpn outlook криптопро 1с"}, 1, 1},
        {{PROMPT " " PROMPT " Печать"}, 1, 1},
        {{"Анна Петрова, VPN, Outlook, КриптоПро, 1С"}, 1, 1},
        /* an entry a piece */
        {{"Печать.", "Анна Петрова.", "VPN.", "Outlook.", "КриптоПро."},
         31,
         31},
        /* a part of it: when the model was not sure */
        {{"VPN, Outlook, КриптоПро"}, 0, 1},
        {{"Outlook, КриптоПро"}, 0, 1},
        /* what people say */
        {{"Outlook"}, 0, 0},
        {{"Анна Петрова"}, 0, 0},
        {{"Outlook, VPN"}, 0, 0},
        {{"Не открываются VPN и Outlook"}, 0, 0},
        {{"У меня не работают VPN, Outlook, КриптоПро, 1С"}, 0, 0},
        {{"Здравствуйте.", PROMPT, "До свидания."}, 2, 2},
        {{"", "…"}, 0, 0},
        {{NULL}, 0, 0},
    };
    for (size_t i = 0; i < ROWS(rows); i++) {
        unsigned certain = echoes(PROMPT, rows[i].texts, false);
        unsigned doubtful = echoes(PROMPT, rows[i].texts, true);
        if (certain != rows[i].certain || doubtful != rows[i].doubtful)
            fail_msg("row %zu: %x, %x", i, certain, doubtful);
    }
}

/* A prompt of one entry is what people may say; of a sentence, hardly. */
static void test_other_prompts(void **state)
{
    (void)state;
    static const char sentence[] =
        "Звонок в службу поддержки о том что не работает принтер";
    const char *one[PIECES] = {"Отклик."};
    const char *all[PIECES] = {sentence};
    const char *some[PIECES] = {"не работает принтер"};
    assert_int_equal(echoes("Отклик", one, false), 0);
    assert_int_equal(echoes("Отклик", one, true), 1);
    assert_int_equal(echoes(sentence, all, false), 1);
    assert_int_equal(echoes(sentence, some, true), 0);
    assert_int_equal(echoes("", one, true), 0);
    assert_int_equal(echoes(" ,.; ", one, true), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows),
        cmocka_unit_test(test_other_prompts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
