/* SPDX-License-Identifier: Apache-2.0 */
#include "knowledge/knowledge.h"

#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "test.h"

#define T(lit)                                                                 \
    {                                                                          \
        "" lit, sizeof(lit) - 1                                                \
    }

static const struct knowledge_article articles[] = {
    {.id = 1,
     .key = T("vpn"),
     .language = T("ru"),
     .title = T("Не подключается VPN"),
     .questions = T("впн не работает\nошибка 809"),
     .answer = T("Проверьте сертификат и время на компьютере.")},
    {.id = 2,
     .key = T("printer"),
     .language = T("ru"),
     .title = T("Принтер жуёт бумагу"),
     .questions = T("замятие бумаги"),
     .answer = T("Откройте лоток и достаньте лист.")},
    {.id = 3,
     .key = T("printer-en"),
     .language = T("en"),
     .title = T("The printer is jammed"),
     .questions = T("paper jam"),
     .answer = T("Open the tray and take the sheet out.")},
    {.id = 4,
     .key = T("secret"),
     .language = T("ru"),
     .audience = AUDIENCE_STAFF,
     .title = T("Перезапуск сервера печати"),
     .answer = T("Только для своих: перезапустите службу.")},
};

static struct knowledge_index *make(void)
{
    struct knowledge_index *x = NULL;
    assert_int_equal(knowledge_index_new(articles, ROWS(articles), &x, NULL),
                     0);
    return x;
}

static const char *first(const struct knowledge_index *x,
                         struct knowledge_scratch *s, const char *text,
                         bool staff)
{
    struct knowledge_hit hits[5];
    struct knowledge_query q = {.text = str_from(text), .with_staff = staff};
    size_t n = knowledge_search(x, s, &q, hits, 5);
    for (size_t i = 0; i < n; i++)
        assert_true(hits[i].confidence >= 0 && hits[i].confidence <= 1);
    for (size_t i = 1; i < n; i++)
        assert_true(hits[i - 1].score >= hits[i].score);
    return n ? hits[0].article->key.p : "";
}

static void test_ranking(void **state)
{
    (void)state;
    struct knowledge_index *x = make();
    struct knowledge_scratch *s = knowledge_scratch_new();
    static const char *const rows[][2] = {
        {"принтер опять зажевал бумагу", "printer"},
        {"притер жуёт бамагу", "printer"}, /* misspelt */
        {"paper jam in the printer", "printer-en"},
        {"ошибка 809 при подключении", "vpn"},
        {"VPN", "vpn"},
    };
    for (size_t i = 0; i < ROWS(rows); i++) {
        if (strcmp(first(x, s, rows[i][0], false), rows[i][1]) != 0)
            fail_msg("%s: %s", rows[i][0], first(x, s, rows[i][0], false));
    }
    assert_string_equal(first(x, s, "", false), "");
    assert_string_equal(first(x, s, "\xff\xfe", false), "");
    assert_string_equal(first(x, s, "перезапуск сервера печати", true),
                        "secret");
    assert_string_not_equal(first(x, s, "перезапуск сервера печати", false),
                            "secret");
    knowledge_scratch_free(s);
    knowledge_index_unref(x);
}

static void test_confidence(void **state)
{
    (void)state;
    struct knowledge_index *x = make();
    struct knowledge_scratch *s = knowledge_scratch_new();
    struct knowledge_hit sure, unsure;
    struct knowledge_query q = {.text = STR("Принтер жуёт бумагу")};
    assert_int_equal(knowledge_search(x, s, &q, &sure, 1), 1);
    q.text = STR("где купить билеты на концерт в субботу вечером для принтера");
    assert_int_equal(knowledge_search(x, s, &q, &unsure, 1), 1);
    assert_true(sure.confidence > 0.7);
    assert_true(unsure.confidence < 0.5);
    knowledge_scratch_free(s);
    knowledge_index_unref(x);
}

static void test_odd_queries(void **state)
{
    (void)state;
    struct knowledge_index *x = make();
    struct knowledge_index *empty = NULL;
    struct knowledge_scratch *s = knowledge_scratch_new();
    enum { BIG = 100000 };
    char *big = malloc(BIG);
    for (int i = 0; i < BIG; i++)
        big[i] = "принтер "[i % 15];
    struct knowledge_hit hits[3];
    struct knowledge_query q = {.text = {big, BIG}};
    assert_true(knowledge_search(x, s, &q, hits, 3) > 0);
    assert_int_equal(knowledge_search(x, s, &q, hits, 0), 0);
    assert_int_equal(knowledge_index_new(NULL, 0, &empty, NULL), 0);
    assert_int_equal(knowledge_search(empty, s, &q, hits, 3), 0);
    knowledge_index_unref(empty);
    free(big);
    knowledge_scratch_free(s);
    knowledge_index_unref(x);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ranking),
        cmocka_unit_test(test_confidence),
        cmocka_unit_test(test_odd_queries),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
