/* SPDX-License-Identifier: Apache-2.0 */
#include "knowledge/knowledge.h"

#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "knowledge/measure.h"
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
    assert_int_equal(
        knowledge_index_new(articles, ROWS(articles), NULL, &x, NULL), 0);
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
        {"упало vpn соединение", "vpn"},
        {"приntер", "printer"}, /* both alphabets in one word */
        {"zamyatie bumagi", "printer"},
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

/* Many articles with one answer are one hit, the one asked for. */
static void test_same_answers(void **state)
{
    (void)state;
    static const struct knowledge_article twins[] = {
        {.id = 1,
         .key = T("a"),
         .title = T("Как сменить пароль"),
         .answer = T("Откройте  профиль.")},
        {.id = 2,
         .key = T("b"),
         .title = T("Забыл пароль"),
         .answer = T("откройте профиль.")},
        {.id = 3,
         .key = T("c"),
         .title = T("Пароль от почты"),
         .answer = T("Напишите администратору.")},
        {.id = 4,
         .key = T("d"),
         .title = T("Пароль не подходит"),
         .answer = T("Откройте профиль.")},
    };
    struct knowledge_index *x = NULL;
    struct knowledge_scratch *s = knowledge_scratch_new();
    struct knowledge_hit hits[4];
    static const char *const asked[][2] = {{"забыл пароль", "b"},
                                           {"сменить пароль", "a"},
                                           {"пароль не подходит", "d"},
                                           {"пароль почта", "c"}};
    assert_int_equal(knowledge_index_new(twins, ROWS(twins), NULL, &x, NULL),
                     0);
    for (size_t i = 0; i < ROWS(asked); i++) {
        struct knowledge_query q = {.text = str_from(asked[i][0])};
        assert_int_equal(knowledge_search(x, s, &q, hits, 4), 2);
        assert_true(str_is(hits[0].article->key, asked[i][1]));
        bool first_is_c = str_is(hits[0].article->key, "c");
        assert_int_equal(str_is(hits[1].article->key, "c"), !first_is_c);
        assert_int_equal(knowledge_search(x, s, &q, hits, 1), 1);
    }
    knowledge_scratch_free(s);
    knowledge_index_unref(x);
}

static void test_passage(void **state)
{
    (void)state;
    static const struct knowledge_article one[] = {
        {.id = 1,
         .key = T("a"),
         .title = T("Принтер"),
         .answer = T("Сначала проверьте питание.\n\n- Откройте лоток, "
                     "достаньте бумагу.\n- Позвоните нам.")},
    };
    struct knowledge_index *x = NULL;
    struct knowledge_scratch *s = knowledge_scratch_new();
    assert_int_equal(knowledge_index_new(one, 1, NULL, &x, NULL), 0);
    assert_true(str_is(knowledge_passage(x, s, &one[0], STR("застряла бумага")),
                       "- Откройте лоток, достаньте бумагу."));
    assert_true(str_is(knowledge_passage(x, s, &one[0], STR("позвонить")),
                       "- Позвоните нам."));
    assert_true(str_is(knowledge_passage(x, s, &one[0], STR("")),
                       "Сначала проверьте питание."));
    knowledge_scratch_free(s);
    knowledge_index_unref(x);
}

static void test_measure(void **state)
{
    (void)state;
    struct knowledge_index *x = make();
    static const struct measure_question questions[] = {
        {T("впн не работает"), T("vpn"), {0}},
        {T("замятие бумаги"), T("nothing printer"), {0}},
        {T("замятие бумаги в принтере"), T("vpn"), {0}}, /* found second */
        {T("где купить билеты на концерт"), {0}, {0}},
        {T("погода на завтра"), {0}, {0}},
    };
    struct measured m;
    measure_search(x, questions, ROWS(questions), &m);
    assert_int_equal(m.n, 3);
    assert_int_equal(m.strangers, 2);
    assert_true(m.hit1 > 0.66 && m.hit1 < 0.67);
    assert_true(m.mrr >= m.hit1 && m.hit10 >= m.hit3 && m.hit3 >= m.hit1);
    assert_true(m.at_10.strangers == 1 && m.at_10_right.strangers == 1);
    assert_true(m.curve[0].refused_answerable == 0);
    assert_true(m.curve[MEASURE_POINTS - 1].refused_unanswerable == 1);
    assert_true(m.curve[MEASURE_POINTS - 1].refused_right == 1);
    measure_search(x, questions + 3, 2, &m); /* strangers only */
    assert_int_equal(m.n, 0);
    assert_true(m.hit1 == 0);
    knowledge_index_unref(x);
}

/* A wrong first hit of little confidence: to refuse it is not wrong. */
static void test_measure_right(void **state)
{
    (void)state;
    struct knowledge_index *x = make();
    static const struct measure_question questions[] = {
        {T("впн не работает"), T("vpn"), {0}},
        {T("закажите бумаги на склад до пятницы"), T("vpn"), {0}},
    };
    struct measured m;
    measure_search(x, questions, ROWS(questions), &m);
    assert_true(m.hit1 == 0.5);
    assert_true(m.at_10.unanswerable == 0.5);
    assert_true(m.at_10_right.unanswerable == 1);
    int between = 0; /* the two confidences */
    for (int i = 0; i < MEASURE_POINTS; i++) {
        if (m.curve[i].refused_answerable != 0.5)
            continue;
        between++;
        assert_true(m.curve[i].refused_right == 0);
    }
    assert_true(between > 0);
    knowledge_index_unref(x);
}

/* What else is taken away does not count as right. */
static void test_measure_without(void **state)
{
    (void)state;
    struct knowledge_index *x = make();
    static const struct measure_question questions[] = {
        {T("замятие бумаги"), T("vpn"), T("printer printer-en secret")},
    };
    struct measured m;
    measure_search(x, questions, ROWS(questions), &m);
    assert_true(m.hit1 == 0);
    assert_true(m.curve[1].refused_unanswerable == 1); /* nothing is left */
    assert_true(m.curve[1].refused_answerable == 0);
    assert_true(m.curve[MEASURE_POINTS - 1].refused_right == 0); /* none is */
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
    assert_int_equal(knowledge_index_new(NULL, 0, NULL, &empty, NULL), 0);
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
        cmocka_unit_test(test_same_answers),
        cmocka_unit_test(test_passage),
        cmocka_unit_test(test_measure),
        cmocka_unit_test(test_odd_queries),
        cmocka_unit_test(test_measure_right),
        cmocka_unit_test(test_measure_without),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
