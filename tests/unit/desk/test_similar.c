/* SPDX-License-Identifier: Apache-2.0 */
/* Which tickets are about the same, by words alone. */
#include "desk/similar.h"

#include "office.h"

enum { OTHERS = 300 };

static int64_t broken, again, worded, far_off;

/* Many tickets about other things, and a few about one printer. */
static int fill(void **state)
{
    static const char *const things[] = {"почта",   "монитор", "пропуск",
                                         "телефон", "отчёт",   "сканер"};
    static const char *const troubles[] = {"не открывается", "тормозит",
                                           "нужна замена",   "нет доступа",
                                           "пропал",         "мигает"};
    char text[200];
    if (open_desk(state))
        return -1;
    for (int i = 0; i < OTHERS; i++) {
        (void)snprintf(text, sizeof(text), "Кабинет %d: %s %s", 100 + i,
                       things[i % 6], troubles[i / 6 % 6]);
        (void)ticket_of(text, "a@b.ru");
    }
    broken = ticket_of("Принтер в бухгалтерии зажёвывает бумагу", "c@b.ru");
    far_off = ticket_of("Купите в столовую другой чай", "d@b.ru");
    worded = ticket_of("В бухгалтерии принтер опять зажевал всю бумагу, "
                       "отчёты не печатаются",
                       "e@b.ru");
    again = ticket_of("принтер бухгалтерия зажёвывает бумагу", "f@b.ru");
    return 0;
}

static size_t find(int64_t id, struct similar *ret)
{
    struct err e = {0};
    size_t n = 0;
    if (similar_find(desk, worker, id, arena, ret, &n, &e))
        fail_msg("%s", e.msg);
    for (size_t i = 0; i < n; i++) {
        assert_true(ret[i].ticket_id != id);
        assert_true(ret[i].likeness > 0 && ret[i].likeness <= 1);
        assert_true(i == 0 || ret[i].likeness <= ret[i - 1].likeness);
        assert_true(ret[i].subject.n > 0 && str_is(ret[i].state, "new"));
    }
    return n;
}

static void test_alike(void **state)
{
    (void)state;
    struct similar x[SIMILAR_MAX];
    assert_int_equal(find(broken, x), 2);
    assert_int_equal(x[0].ticket_id, again);
    assert_int_equal(x[1].ticket_id, worded);
    assert_true(x[0].likeness > 0.9);
    assert_int_equal(find(again, x), 2);
    assert_int_equal(x[0].ticket_id, broken);
    assert_int_equal(find(far_off, x), 0);
}

/* Never more than there is room for, and of equal ones the newest. */
static void test_many(void **state)
{
    (void)state;
    struct similar x[SIMILAR_MAX];
    int64_t ids[SIMILAR_MAX + 4];
    for (size_t i = 0; i < ROWS(ids); i++)
        ids[i] = ticket_of("Не горит лампа над входом", "a@b.ru");
    assert_int_equal(find(ids[0], x), SIMILAR_MAX);
    for (size_t i = 0; i < SIMILAR_MAX; i++)
        assert_int_equal(x[i].ticket_id, ids[ROWS(ids) - 1 - i]);
}

/* Of more words than are looked for it is the long ones, not the first. */
static void test_long_words(void **state)
{
    (void)state;
    enum { SHORT = 50, LONG = 30 };
    struct similar x[SIMILAR_MAX];
    char telling[1000] = "";
    char all[2000] = "";
    for (int i = 0; i < LONG; i++)
        (void)snprintf(telling + strlen(telling),
                       sizeof(telling) - strlen(telling), "zqtermk%c%c ",
                       'b' + i % 20, 'k' + i / 20);
    for (int i = 0; i < SHORT; i++)
        (void)snprintf(all + strlen(all), sizeof(all) - strlen(all), "%c%c ",
                       'b' + i % 20, 'k' + i / 20);
    (void)snprintf(all + strlen(all), sizeof(all) - strlen(all), "%s", telling);
    int64_t twin = ticket_of(telling, "a@b.ru");
    assert_int_equal(find(ticket_of(all, "a@b.ru"), x), 1);
    assert_int_equal(x[0].ticket_id, twin);
}

static int merge_away(struct db_tx *tx, void *arg, struct err *e)
{
    const int64_t *ids = arg;
    return db_exec(tx, e, "UPDATE tickets SET merged_into = ?2 WHERE id = ?1",
                   "ii", ids[0], ids[1]);
}

static void test_edges(void **state)
{
    (void)state;
    struct similar x[SIMILAR_MAX];
    struct err e = {0};
    size_t n = 7;
    assert_int_equal(similar_find(desk, worker, 999999, arena, x, &n, &e),
                     OTK_ENOENT);
    assert_int_equal(n, 0);
    /* nothing but small words and signs */
    assert_int_equal(find(ticket_of("и не в the of !!! ???", "a@b.ru"), x), 0);
    /* what was merged is the other one now */
    int64_t pair[] = {again, worded};
    write_desk(merge_away, pair);
    assert_int_equal(find(broken, x), 1);
    assert_int_equal(x[0].ticket_id, worded);
    char *text = malloc(30000);
    for (size_t i = 0; i < 30000; i++)
        text[i] = i % 7 == 6 ? ' ' : (char)('a' + i * i % 26);
    text[29999] = '\0';
    (void)find(ticket_of(text, "a@b.ru"), x);
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_alike),
        cmocka_unit_test(test_many),
        cmocka_unit_test(test_long_words),
        cmocka_unit_test(test_edges),
    };
    return cmocka_run_group_tests(tests, fill, close_desk);
}
