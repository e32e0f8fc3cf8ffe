/* SPDX-License-Identifier: Apache-2.0 */
/* Which words of a desk a recogniser is told, and in what order. */
#include "desk/vocabulary.h"

#include "base/buf.h"
#include "desk/catalog.h"
#include "desk/desk.h"
#include "knowledge/articles.h"
#include "office.h"

static const struct knowledge_article articles[] = {
    {.key = STR("a"),
     .language = STR("ru"),
     .title = STR("Как настроить VPN"),
     .questions = STR("не работает vpn\nне могу войти в КриптоПро"),
     .answer = STR("# Сеть\n\nОткройте **Cisco AnyConnect** и войдите. Если "
                   "нет, поставьте КриптоПро и 1С. Внимание: НЕ ставьте его "
                   "дважды. Это не сложно.\n\nПишите на help@desk.example, "
                   "https://wiki.desk.example/Setup или C:\\Files\\Setup.")},
    {.key = STR("b"),
     .language = STR("ru"),
     .title = STR("Подпись в КриптоПро"),
     .questions = STR(""),
     .answer = STR("Подпишите в системе Диадок. В Диадоке есть 2 вида, "
                   "подпись 30px.")},
    {.key = STR("c"),
     .language = STR("en"),
     .title = STR("Print on the Zebra printer"),
     .questions = STR("Zebra does not print"),
     .answer = STR("Restart the Zebra. Call the Helpdesk, the helpdesk "
                   "knows. In the app open AnyConnect.")},
};

static struct str prompt(const char *own, const char *language)
{
    struct vocabulary *v = vocabulary_new(articles, ROWS(articles));
    struct catalog *c = desk_catalog(desk);
    struct str s = vocabulary_prompt(v, c, str_from(own), language, arena);
    catalog_unref(c);
    vocabulary_unref(v);
    return s;
}

static bool holds(struct str s, const char *what)
{
    return memmem(s.p, s.n, what, strlen(what)) != NULL;
}

/* Names, in the order of how much they count: the last is the first. */
static void test_words(void **state)
{
    (void)state;
    struct str s = prompt("", "ru");
    assert_string_equal(arena_copy(arena, s),
                        "Printing, Top, Root, Bob, Ann, Диадок, "
                        "Cisco, AnyConnect, 1С, VPN, КриптоПро.");
    s = prompt("", "en");
    assert_string_equal(arena_copy(arena, s),
                        "Printing, Top, Root, Bob, Ann, AnyConnect, Zebra.");
    /* of all languages */
    s = prompt("", "");
    assert_true(holds(s, "Zebra") && holds(s, "Диадок"));
}

/* The owner's own come last, whatever there is, and nothing twice. */
static void test_own(void **state)
{
    (void)state;
    struct str s = prompt(" Лысый ёж ,криптопро,, Ann", "ru");
    assert_string_equal(arena_copy(arena, s),
                        "Printing, Top, Root, Bob, Диадок, Cisco, "
                        "AnyConnect, 1С, VPN, Ann, криптопро, Лысый ёж.");
}

/* A thousand names: all kinds are there, and no more than a prompt may have. */
static void test_limit(void **state)
{
    (void)state;
    enum { N = 1000 };
    struct buf text = BUF_INIT(1 << 20);
    struct buf own = BUF_INIT(1 << 16);
    for (int i = 0; i < N; i++)
        buf_printf(&text, "Это Имя%dИмя и другое.\n", i);
    for (int i = 0; i < 10; i++)
        buf_printf(&own, "Слово%d,", i);
    for (int i = 0; i < 100; i++)
        buf_puts(&own, "щ"); /* longer than any word */
    struct knowledge_article a = {
        .language = STR("ru"), .title = STR("Имена"), .answer = buf_str(&text)};
    struct vocabulary *v = vocabulary_new(&a, 1);
    struct catalog *c = desk_catalog(desk);
    struct str s = vocabulary_prompt(v, c, buf_str(&own), "ru", arena);
    assert_true(s.n <= VOCABULARY_PROMPT_BYTES);
    assert_true(s.n > VOCABULARY_PROMPT_BYTES - VOCABULARY_WORD_MAX);
    assert_true(str_ends(s, "Слово1, Слово0."));
    assert_true(str_starts(s, "Printing, Top, Root, Bob, Ann, Имя"));
    assert_false(holds(s, "щ"));
    /* nothing at all */
    struct catalog none = {0};
    struct vocabulary *empty = vocabulary_new(NULL, 0);
    assert_int_equal(vocabulary_prompt(empty, &none, STR(""), "", arena).n, 0);
    assert_int_equal(vocabulary_prompt(NULL, &none, STR(""), "", arena).n, 0);
    vocabulary_unref(empty);
    catalog_unref(c);
    vocabulary_unref(v);
    buf_free(&own);
    buf_free(&text);
}

static int put_all(struct db_tx *tx, void *arg, struct err *e)
{
    (void)arg;
    int r = 0;
    for (size_t i = 0; !r && i < ROWS(articles); i++) {
        enum article_change change;
        r = article_put(tx, &articles[i], 0, 1000, &change, NULL, e);
    }
    return r;
}

/* A desk that hears has them, and takes up what changes; another one has
 * none. */
static void test_of_a_desk(void **state)
{
    (void)state;
    static const char *const overrides[] = {"speech.recogniser=memory",
                                            "speech.vocabulary=Лысый ёж"};
    struct desk *d = NULL;
    struct vocabulary *v = NULL;
    struct err e = {0};
    struct desk_options o = {
        .folder = folder, .overrides = overrides, .n_overrides = 2};
    assert_int_equal(desk_open(&o, &d, &e), 0);
    assert_true(str_is(vocabulary_prompt_of(d, "ru", arena),
                       "Printing, Top, Root, Bob, Ann, Лысый ёж."));
    write_desk(put_all, NULL);
    assert_int_equal(desk_refresh(d, &e), 0);
    struct str s = vocabulary_prompt_of(d, "ru", arena);
    assert_true(str_ends(s, "VPN, КриптоПро, Лысый ёж."));
    /* the snapshot stays until the articles change */
    struct vocabulary *one = desk_vocabulary(d);
    assert_int_equal(desk_refresh(d, &e), 0);
    struct vocabulary *two = desk_vocabulary(d);
    assert_ptr_equal(one, two);
    vocabulary_unref(one);
    vocabulary_unref(two);
    /* read from the store it is the same */
    assert_int_equal(vocabulary_load(d, &v, &e), 0);
    struct catalog *c = desk_catalog(d);
    assert_true(
        str_eq(vocabulary_prompt(v, c, STR("Лысый ёж"), "ru", arena), s));
    catalog_unref(c);
    vocabulary_unref(v);
    desk_close(d);
    assert_int_equal(desk_refresh(desk, &e), 0);
    assert_null(desk_vocabulary(desk));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_words),
        cmocka_unit_test(test_own),
        cmocka_unit_test(test_limit),
        cmocka_unit_test(test_of_a_desk),
    };
    return cmocka_run_group_tests(tests, open_desk, close_desk);
}
