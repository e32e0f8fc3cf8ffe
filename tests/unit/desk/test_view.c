/* SPDX-License-Identifier: Apache-2.0 */
/* Saved views: one's own and everybody's, and what others may not see. */
#include "desk/view.h"

#include "office.h"

static int64_t ann, bob;

struct call {
    struct view v;
    struct view *list;
    size_t n;
    int64_t id, person;
};

static int add(struct db_tx *tx, void *arg, struct err *e)
{
    struct call *c = arg;
    return view_add(tx, &c->v, 1000, &c->id, e);
}

static int get(struct db_tx *tx, void *arg, struct err *e)
{
    struct call *c = arg;
    return view_get(tx, c->id, c->person, arena, &c->v, e);
}

static int list(struct db_tx *tx, void *arg, struct err *e)
{
    struct call *c = arg;
    return view_list(tx, c->person, arena, &c->list, &c->n, e);
}

static int drop(struct db_tx *tx, void *arg, struct err *e)
{
    return view_drop(tx, ((struct call *)arg)->id, e);
}

static int find_staff(struct db_tx *tx, void *arg, struct err *e)
{
    (void)arg;
    static const char sql[] = "SELECT person_id FROM staff WHERE login = ?1";
    int r = db_int_of(tx, &ann, e, sql, "t", "ann");
    return r ? r : db_int_of(tx, &bob, e, sql, "t", "bob");
}

static int drop_all(struct db_tx *tx, void *arg, struct err *e)
{
    (void)arg;
    return db_exec(tx, e, "DELETE FROM saved_views", "");
}

static int fresh(void **state)
{
    (void)state;
    read_desk(find_staff, NULL);
    write_desk(drop_all, NULL);
    return 0;
}

static int64_t view_of(int64_t owner, const char *name)
{
    struct call c = {.v = {.owner_id = owner,
                           .name = str_from(name),
                           .filter = STR("{\"state\":\"new,open\"}")}};
    write_desk(add, &c);
    return c.id;
}

static bool sees(int64_t person, int64_t view)
{
    struct err e = {0};
    struct call c = {.id = view, .person = person};
    int r = db_read(desk_db(desk), 0, get, &c, &e);
    if (r) {
        assert_int_equal(r, OTK_ENOENT);
        assert_string_equal(e.field, "view");
    }
    return r == 0;
}

static void test_own_and_shared(void **state)
{
    (void)state;
    int64_t mine = view_of(ann, "Мои открытые");
    int64_t hers = view_of(bob, "B");
    int64_t shared = view_of(0, "A");
    const struct {
        int64_t person, view;
        bool seen;
    } rows[] = {
        {ann, mine, true},  {ann, hers, false}, {ann, shared, true},
        {bob, mine, false}, {bob, hers, true},  {bob, shared, true},
        {0, mine, false},   {0, shared, true},  {ann, 99999, false},
    };
    for (size_t i = 0; i < ROWS(rows); i++) {
        if (sees(rows[i].person, rows[i].view) != rows[i].seen)
            fail_msg("row %zu", i);
    }
    struct call c = {.id = mine, .person = ann};
    read_desk(get, &c);
    assert_int_equal(c.v.id, mine);
    assert_int_equal(c.v.owner_id, ann);
    assert_true(str_is(c.v.name, "Мои открытые"));
    assert_true(str_is(c.v.filter, "{\"state\":\"new,open\"}"));

    read_desk(list, &c);
    assert_int_equal(c.n, 2);
    assert_int_equal(c.list[0].id, shared); /* by name */
    assert_int_equal(c.list[0].owner_id, 0);
    assert_int_equal(c.list[1].id, mine);
    assert_true(str_is(c.list[1].filter, "{\"state\":\"new,open\"}"));
    c.person = 0;
    read_desk(list, &c);
    assert_int_equal(c.n, 1);
}

static void test_drop(void **state)
{
    (void)state;
    struct call c = {.id = view_of(ann, "one")};
    int64_t other = view_of(ann, "two");
    write_desk(drop, &c);
    assert_false(sees(ann, c.id));
    assert_true(sees(ann, other));
}

static void test_limit(void **state)
{
    (void)state;
    struct err e = {0};
    for (int i = 0; i < VIEWS_MAX; i++)
        (void)view_of(ann, "one of many");
    struct call c = {.v = {.owner_id = ann,
                           .name = STR("one too many"),
                           .filter = STR("{}")}};
    assert_int_equal(db_write(desk_db(desk), 0, add, &c, &e), OTK_ELIMIT);
    assert_non_null(strstr(e.msg, "200"));
    /* another's number is his own, and so is everybody's */
    int64_t last = view_of(bob, "first");
    assert_true(sees(bob, last));
    for (int i = 0; i < VIEWS_MAX; i++)
        last = view_of(0, "shared by all");
    c.v.owner_id = 0;
    assert_int_equal(db_write(desk_db(desk), 0, add, &c, &e), OTK_ELIMIT);
    /* none is cut off a full list */
    c.person = ann;
    read_desk(list, &c);
    assert_int_equal(c.n, 2 * VIEWS_MAX);
    assert_int_equal(c.list[2 * VIEWS_MAX - 1].id, last);
    c.id = last;
    write_desk(drop, &c);
    write_desk(add, &c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_own_and_shared, fresh),
        cmocka_unit_test_setup(test_drop, fresh),
        cmocka_unit_test_setup(test_limit, fresh),
    };
    return cmocka_run_group_tests(tests, open_desk, close_desk);
}
