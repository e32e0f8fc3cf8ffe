/* SPDX-License-Identifier: Apache-2.0 */
/* A desk in a folder: seed, tickets, and requests on their way. */
#include "desk/intake.h"

#include <string.h>

#include "article.h"
#include "desk/catalog.h"
#include "desk/dispatch.h"
#include "desk/ticket.h"
#include "office.h"

static int put_article_twice(struct db_tx *tx, void *arg, struct err *e)
{
    (void)arg;
    enum article_change c;
    struct knowledge_article a = an_article();
    int r = article_put(tx, &a, 0, 1000, &c, NULL, e);
    assert_int_equal(c, ARTICLE_NEW);
    if (!r)
        r = article_put(tx, &a, 0, 1000, &c, NULL, e);
    assert_int_equal(c, ARTICLE_SAME);
    return r;
}

static int open_with_article(void **state)
{
    struct err e = {0};
    return open_desk(state) ||
           db_write(desk_db(desk), 0, put_article_twice, NULL, &e) ||
           desk_refresh(desk, &e);
}

/* ---- seed and catalog ------------------------------------------------------
 */

static void test_seed(void **state)
{
    (void)state;
    struct err e = {0};
    struct catalog *c = desk_catalog(desk);
    const struct catalog_topic *t = catalog_topic(c, STR("printing"));
    assert_non_null(t);
    assert_true(str_is(t->team->key, "line")); /* from its parent */
    assert_non_null(t->sla);
    assert_int_equal(c->n_staff, 3);
    assert_int_equal(c->staff[1].levels[t->skill], 4);
    catalog_unref(c);
    /* again: nothing doubles */
    assert_int_equal(db_write(desk_db(desk), 0, apply_catalog,
                              (void *)(uintptr_t)office_catalog, &e),
                     0);
    assert_int_equal(desk_refresh(desk, &e), 0);
    c = desk_catalog(desk);
    assert_int_equal(c->n_staff, 3);
    catalog_unref(c);
    static const char *const bad[] = {
        "topics:\n  x: {name_en: X, team: nowhere}\n",
        "staff:\n  x: {name: X, role: king}\n", "staff: [1]\n", "a: [\n",
        "priorities:\n  x: {rank: 1, min_level: 9}\n"};
    for (size_t i = 0; i < ROWS(bad); i++) {
        e = (struct err){0};
        assert_int_equal(db_write(desk_db(desk), 0, apply_catalog,
                                  (void *)(uintptr_t)bad[i], &e),
                         OTK_EFORMAT);
        assert_non_null(strstr(e.msg, "seed.yaml:"));
    }
}

/* ---- requests
 * ----------------------------------------------------------------- */

static int submit(const char *text, const char *dedup, const char *email,
                  struct intake_result *ret, struct err *e)
{
    struct intake_ask ask = {
        .channel = "form",
        .text = str_from(text),
        .dedup = str_from(dedup),
        .person = {.email = str_from(email)},
    };
    return intake_submit(desk, worker, &ask, arena, ret, e);
}

static void test_ticket_and_repeat(void **state)
{
    (void)state;
    struct intake_result one, two;
    struct err e = {0};
    assert_int_equal(
        submit("Сломалась кофемашина в кабинете", "k1", "A@B.ru ", &one, &e),
        0);
    assert_int_equal(one.outcome, INTAKE_TICKET);
    assert_false(one.is_repeat);
    assert_true(one.ticket_id > 0);
    assert_string_equal(one.language, "ru");
    assert_int_equal(submit("другой текст", "k1", NULL, &two, &e), 0);
    assert_true(two.is_repeat);
    assert_string_equal(one.token, two.token);
    assert_true(one.ticket_id == two.ticket_id);
    assert_int_equal(intake_find(desk, str_from(one.token), arena, &two, &e),
                     0);
    assert_true(two.ticket_id == one.ticket_id);
    assert_int_equal(intake_find(desk, STR("nobody"), arena, &two, &e),
                     OTK_ENOENT);
}

static void test_bad_requests(void **state)
{
    (void)state;
    struct intake_result x;
    struct err e = {0};
    static char big[100000];
    memset(big, 'x', sizeof(big) - 1);
    assert_int_equal(submit("", NULL, NULL, &x, &e), OTK_EFORMAT);
    assert_string_equal(e.field, "text");
    assert_int_equal(submit(" \n ", NULL, NULL, &x, &e), OTK_EFORMAT);
    assert_int_equal(submit("a\xff", NULL, NULL, &x, &e), OTK_EFORMAT);
    assert_int_equal(submit(big, NULL, NULL, &x, &e), OTK_ELIMIT);
    assert_int_equal(submit("text", NULL, "not an address", &x, &e),
                     OTK_EFORMAT);
    assert_string_equal(e.field, "email");
}

static void test_answer_and_feedback(void **state)
{
    (void)state;
    struct intake_result x, y;
    struct err e = {0};
    assert_int_equal(
        submit("Как настроить автоответ в почте?", NULL, NULL, &x, &e), 0);
    assert_int_equal(x.outcome, INTAKE_ANSWERED);
    assert_non_null(strstr(x.answer.text.p, "включите автоответ"));
    assert_int_equal(intake_feedback(desk, worker, str_from(x.token), true,
                                     STR(""), arena, &y, &e),
                     0);
    assert_true(y.ticket_id == 0);
    assert_int_equal(intake_feedback(desk, worker, str_from(x.token), false,
                                     STR("нет"), arena, &y, &e),
                     0);
    int64_t ticket = y.ticket_id;
    assert_true(ticket > 0);
    assert_int_equal(intake_feedback(desk, worker, str_from(x.token), false,
                                     STR(""), arena, &y, &e),
                     0);
    assert_true(y.ticket_id == ticket); /* once */
}

/* ---- tickets
 * -------------------------------------------------------------------- */

struct changing {
    int64_t id;
    struct ticket_change c;
    struct ticket ticket;
};

static int change(struct db_tx *tx, void *arg, struct err *e)
{
    struct changing *x = arg;
    int r = ticket_change(tx, x->id, &x->c, (struct actor){0}, 2000, e);
    return r ? r : ticket_get(tx, x->id, arena, &x->ticket, e);
}

static void test_changes(void **state)
{
    (void)state;
    struct intake_result r;
    struct err e = {0};
    const struct str solved = STR("solved");
    const struct str fresh = STR("new");
    const int64_t nobody = 99999;
    assert_int_equal(
        submit("Что-то совсем другое сломалось", NULL, NULL, &r, &e), 0);
    struct changing x = {.id = r.ticket_id,
                         .c = {.state = &solved, .if_version = 1}};
    assert_int_equal(db_write(desk_db(desk), 0, change, &x, &e), 0);
    assert_true(str_is(x.ticket.state, "solved"));
    assert_true(x.ticket.solved_at == 2000);
    assert_int_equal(db_write(desk_db(desk), 0, change, &x, &e),
                     OTK_ECONFLICT); /* the version is old */
    x.c = (struct ticket_change){.state = &fresh};
    assert_int_equal(db_write(desk_db(desk), 0, change, &x, &e), OTK_EFORMAT);
    x.c = (struct ticket_change){.assignee_id = &nobody};
    assert_int_equal(db_write(desk_db(desk), 0, change, &x, &e), OTK_EFORMAT);
    assert_string_equal(e.field, "assignee");
    x.id = 99999;
    assert_int_equal(db_write(desk_db(desk), 0, change, &x, &e), OTK_ENOENT);
}

static int set_topic(struct db_tx *tx, void *arg, struct err *e)
{
    return db_exec(tx, e,
                   "UPDATE tickets SET topic_id = (SELECT id FROM topics WHERE "
                   "key = 'printing'), assignee_id = NULL, state = 'new' WHERE "
                   "id = ?1",
                   "i", *(int64_t *)arg);
}

/* The oldest of the queue goes to the first who has room; each has one. */
static void test_dispatch(void **state)
{
    (void)state;
    struct intake_result r[3];
    struct err e = {0};
    struct dispatched done;
    for (int i = 0; i < 3; i++) {
        assert_int_equal(
            submit("Проверка очереди номер", NULL, NULL, &r[i], &e), 0);
        assert_int_equal(
            db_write(desk_db(desk), 0, set_topic, &r[i].ticket_id, &e), 0);
    }
    if (dispatch(desk, &done, &e))
        fail_msg("%s", e.msg);
    assert_int_equal(done.assigned, 2);
    struct changing x = {.id = r[2].ticket_id};
    assert_int_equal(db_write(desk_db(desk), 0, change, &x, &e), 0);
    assert_true(x.ticket.assignee_id == 0);
}

/* 250 wait for somebody who knows networks; nobody does. */
static int fill_queue(struct db_tx *tx, void *arg, struct err *e)
{
    int r = catalog_apply(
        tx, "more.yaml",
        STR("topics: {networks: {name_en: Networks, skill: net}}\n"), 1000, e);
    for (int i = 0; !r && i < 250; i++)
        r = db_exec(tx, e,
                    "INSERT INTO tickets (subject, state, channel, language, "
                    "topic_id, priority_id, created_at, updated_at) SELECT "
                    "'Нет сети', 'new', 'form', 'ru', t.id, p.id, 1000, 1000 "
                    "FROM topics t, priorities p WHERE t.key = 'networks' AND "
                    "p.key = 'normal'",
                    "");
    if (!r)
        r = db_exec(tx, e,
                    "UPDATE tickets SET assignee_id = NULL, state = 'closed' "
                    "WHERE subject <> 'Нет сети'",
                    "");
    (void)arg;
    return r;
}

/* How many do not wait for networks, and are on nobody's desk. */
static int count_others(struct db_tx *tx, void *arg, struct err *e)
{
    return db_int_of(tx, arg, e,
                     "SELECT COUNT(*) FROM tickets WHERE subject <> 'Нет сети' "
                     "AND assignee_id IS NULL AND state = 'new'",
                     "");
}

static void test_dispatch_passes_the_hopeless(void **state)
{
    (void)state;
    struct intake_result r;
    struct err e = {0};
    struct dispatched done;
    write_desk(fill_queue, NULL);
    assert_int_equal(desk_refresh(desk, &e), 0);
    assert_int_equal(submit("Замялась бумага", NULL, NULL, &r, &e), 0);
    write_desk(set_topic, &r.ticket_id);
    if (dispatch(desk, &done, &e))
        fail_msg("%s", e.msg);
    assert_int_equal(done.assigned, 1);
    int64_t others = -1;
    read_desk(count_others, &others);
    assert_int_equal(others, 0);
}

/* Desks have room, but an older request of the topic still waits. */
static void test_older_first(void **state)
{
    (void)state;
    struct intake_result older;
    struct intake_result newer;
    struct err e = {0};
    struct dispatched done;
    write_desk(fill_queue, NULL);
    assert_int_equal(submit("Принтер мигает", NULL, NULL, &older, &e), 0);
    write_desk(set_topic, &older.ticket_id);
    struct intake_ask ask = {.channel = "form",
                             .text = STR("Принтер жуёт бумагу"),
                             .topic = STR("printing"),
                             .want_ticket = true};
    assert_int_equal(intake_submit(desk, worker, &ask, arena, &newer, &e), 0);
    struct changing x = {.id = newer.ticket_id};
    assert_int_equal(db_write(desk_db(desk), 0, change, &x, &e), 0);
    assert_true(x.ticket.assignee_id == 0);
    assert_int_equal(dispatch(desk, &done, &e), 0);
    assert_int_equal(done.assigned, 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_seed),
        cmocka_unit_test(test_ticket_and_repeat),
        cmocka_unit_test(test_bad_requests),
        cmocka_unit_test(test_answer_and_feedback),
        cmocka_unit_test(test_changes),
        cmocka_unit_test(test_dispatch),
        cmocka_unit_test(test_dispatch_passes_the_hopeless),
        cmocka_unit_test(test_older_first),
    };
    return cmocka_run_group_tests(tests, open_with_article, close_desk);
}
