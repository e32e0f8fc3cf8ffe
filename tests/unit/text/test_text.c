/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/utf8.h"
#include "test.h"
#include "text/language.h"
#include "text/stem.h"
#include "text/transliterate.h"
#include "text/unicode.h"
#include "text/words.h"

static void check_str(struct str got, const char *want)
{
    if (!str_is(got, want))
        fail_msg("got '" STR_FMT "', wanted '%s'", STR_ARG(got), want);
}

static void test_fold(void **state)
{
    (void)state;
    static const char *const rows[][2] = {
        {"", ""},
        {"  \t\n ", ""},
        {"Ёлка  и\u00a0ЩЁТКА\r\n", "елка и щетка"},
        {"WiFi НЕ Работает!", "wifi не работает!"},
        {"ﬁle №5 ½", "file no5 1⁄2"},                /* NFKC */
        {"и\u0306ог\u0443рт е\u0308ж", "йогурт еж"}, /* composed first */
        {"STRAẞE Ünï", "strasse ünï"},
        {"«Кавычки» — “тире”", "«кавычки» — “тире”"},
        {"a\xffq", "a\ufffdq"},
        {"\xd0", "\ufffd"},
        {"İ", "i\u0307"},
    };
    struct arena *a = arena_new();
    for (size_t i = 0; i < ROWS(rows); i++)
        check_str(text_fold(a, str_from(rows[i][0])), rows[i][1]);
    arena_free(a);
}

/* The fast path and utf8proc say the same; folding twice changes nothing. */
static void test_fold_paths_agree(void **state)
{
    (void)state;
    struct arena *a = arena_new();
    uint32_t x = 1;
    for (int round = 0; round < 20000; round++) {
        char text[64];
        char slow[80];
        size_t n = 0;
        for (int i = 0; i < 10; i++) {
            x = x * 1664525 + 1013904223;
            uint32_t k = x >> 16;
            uint32_t cp = k % 3 == 0   ? 0x20 + k % 0x5f
                          : k % 3 == 1 ? 0x400 + k % 0x60
                                       : 0x2012 + k % 14;
            n += utf8_encode(cp, text + n);
        }
        struct str fast = text_fold(a, (struct str){text, n});
        memcpy(slow, text, n);
        memcpy(slow + n, " ß", 3); /* forces the other path */
        struct str s = text_fold(a, (struct str){slow, n + 3});
        assert_true(s.n >= 3);
        struct str front = str_trim(str_sub(s, 0, s.n - 2));
        if (!str_eq(front, fast))
            fail_msg("'" STR_FMT "' and '" STR_FMT "'", STR_ARG(fast),
                     STR_ARG(front));
        struct str twice = text_fold(a, fast);
        assert_true(str_eq(twice, fast));
        arena_reset(a);
    }
    arena_free(a);
}

static void test_fingerprint(void **state)
{
    (void)state;
    struct arena *a = arena_new();
    check_str(text_fingerprint(a, STR("Не печатает... принтер!!!")),
              "не печатает принтер");
    assert_true(str_eq(text_fingerprint(a, STR("VPN? упал")),
                       text_fingerprint(a, STR("vpn УПАЛ"))));
    check_str(text_fingerprint(a, STR("???")), "???");
    arena_free(a);
}

static void words_of(const char *text, char ret[256])
{
    size_t at = 0;
    struct word w;
    ret[0] = '\0';
    while (word_next(str_from(text), &at, &w)) {
        size_t n = strlen(ret);
        (void)snprintf(ret + n, 256 - n, "[" STR_FMT "]", STR_ARG(w.text));
    }
}

static void test_words(void **state)
{
    (void)state;
    static const char *const rows[][2] = {
        {"wi-fi на 10.0.0.1, a@b.ru!", "[wi-fi][на][10.0.0.1][a@b.ru]"},
        {"по-русски don't -x- a--b", "[по][русски][don't][x][a][b]"},
        {"1с:erp 8.3.", "[1с][erp][8.3]"},
        {"", ""},
        {"... \xff !", ""},
        {"日本語 ok", "[日本語][ok]"},
    };
    char got[256];
    for (size_t i = 0; i < ROWS(rows); i++) {
        words_of(rows[i][0], got);
        assert_string_equal(got, rows[i][1]);
    }
}

static void test_stems(void **state)
{
    (void)state;
    struct arena *a = arena_new();
    struct stemmer *s = stemmer_new();
    for (int twice = 0; twice < 2; twice++) { /* the second time cached */
        check_str(stems_of(a, s, STR("Принтеры не печатают документы")),
                  "принтер не печата документ");
        check_str(stems_of(a, s, STR("Printers are printing 10.0.0.1")),
                  "printer are print 10.0.0.1");
        check_str(stems_of(a, s, STR("Всё ещё 1С")), "все ещ 1с");
    }
    assert_true(stem_is_stopword(STR("и")));
    assert_true(stem_is_stopword(STR("the")));
    assert_true(stem_is_stopword(STR("a")));
    assert_true(stem_is_stopword(STR("я")));
    assert_false(stem_is_stopword(STR("принтер")));
    assert_false(stem_is_stopword(STR("")));
    stemmer_free(s);
    arena_free(a);
}

static void test_language(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        enum language want;
    } rows[] = {
        {"Здравствуйте, не работает принтер", LANGUAGE_RU},
        {"впн упал", LANGUAGE_RU},
        {"не открывается Microsoft Outlook 2019 Professional", LANGUAGE_RU},
        {"printer jammed", LANGUAGE_EN},
        {"I cannot log in to my account, please help", LANGUAGE_EN},
        {"Der Drucker ist kaputt und ich kann nicht drucken", LANGUAGE_OTHER},
        {"Mon imprimante ne marche pas, je ne peux pas imprimer",
         LANGUAGE_OTHER},
        {"No puedo conectar a la impresora de la oficina", LANGUAGE_OTHER},
        {"Не працює принтер, допоможіть будь ласка", LANGUAGE_OTHER},
        {"打印机坏了", LANGUAGE_OTHER},
        {"12345 !!! 🙂", LANGUAGE_UNKNOWN},
        {"", LANGUAGE_UNKNOWN},
    };
    for (size_t i = 0; i < ROWS(rows); i++) {
        struct language_guess g = language_detect(str_from(rows[i].text));
        if (g.language != rows[i].want)
            fail_msg("%s: %s", rows[i].text, language_code(g.language));
        assert_true(g.confidence >= 0 && g.confidence <= 1);
    }
}

static void test_check(void **state)
{
    (void)state;
    struct err e = {0};
    assert_int_equal(text_check(STR("строка\n\tдва"), "text", 1, 100, &e), 0);
    assert_int_equal(text_check(STR("   \n"), "text", 1, 100, &e), OTK_EFORMAT);
    assert_string_equal(e.field, "text");
    assert_int_equal(text_check(STR("   \n"), "text", 0, 100, &e), 0);
    assert_int_equal(text_check(STR("ab\0c"), "text", 1, 100, &e), OTK_EFORMAT);
    assert_int_equal(text_check(STR("ab\xff"), "text", 1, 100, &e),
                     OTK_EFORMAT);
    assert_int_equal(text_check(STR("abcdef"), "text", 1, 5, &e), OTK_ELIMIT);
    /* letters are counted, not the bytes that they take */
    assert_int_equal(text_check(STR("Щётка"), "text", 1, 5, &e), 0);
    assert_int_equal(text_check(STR("Щётки!"), "text", 1, 5, &e), OTK_ELIMIT);
    assert_string_equal(e.msg, "6 characters long, the limit is 5");
}

static void test_transliteration(void **state)
{
    (void)state;
    static const char *const rows[][2] = {
        {"впн", "vpn"},
        {"vpn", "впн"},
        {"принтер", "printer"},
        {"shchuka", "щука"},
        {"щука", "shuka"},
        {"объект", "obekt"},
        {"wifi", "вифи"},
        {"xbox", "ксбокс"},
        {"jira", "джира"},
        {"приntер", ""},
        {"wi-fi", ""},
        {"809", ""},
        {"", ""},
        {"київ", ""}, /* no Russian letter */
        {"é", ""},
        {"打印", ""},
        {"\xff", ""},
    };
    struct arena *a = arena_new();
    for (size_t i = 0; i < ROWS(rows); i++)
        check_str(transliterate(a, str_from(rows[i][0])), rows[i][1]);
    char big[1000];
    memset(big, 'x', sizeof(big));
    check_str(transliterate(a, (struct str){big, sizeof(big)}), "");
    arena_free(a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_fold),
        cmocka_unit_test(test_fold_paths_agree),
        cmocka_unit_test(test_fingerprint),
        cmocka_unit_test(test_words),
        cmocka_unit_test(test_stems),
        cmocka_unit_test(test_language),
        cmocka_unit_test(test_check),
        cmocka_unit_test(test_transliteration),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
