/* SPDX-License-Identifier: Apache-2.0 */
/* Links between tickets: kinds, directions, both ends. */
#include "desk/link.h"

#include "office.h"

struct call {
    int64_t ticket, other;
    struct str kind;
    struct link *list;
    size_t n;
};

static const struct actor nobody = {0};
static int64_t ids[3];

static int add(struct db_tx *tx, void *arg, struct err *e)
{
    const struct call *c = arg;
    return link_add(tx, c->ticket, c->other, c->kind, nobody, 1000, e);
}

static int drop(struct db_tx *tx, void *arg, struct err *e)
{
    const struct call *c = arg;
    return link_drop(tx, c->ticket, c->other, nobody, 1000, e);
}

static int list(struct db_tx *tx, void *arg, struct err *e)
{
    struct call *c = arg;
    return link_list(tx, c->ticket, arena, &c->list, &c->n, e);
}

/* Three tickets, no links: each case begins so. */
static int fresh(void **state)
{
    (void)state;
    static const char *const texts[] = {"Первая заявка", "Вторая заявка",
                                        "Третья заявка"};
    for (size_t i = 0; i < ROWS(ids); i++)
        ids[i] = ticket_of(texts[i], "a@b.ru");
    return 0;
}

static struct call links_of(int64_t ticket)
{
    struct call c = {.ticket = ticket};
    read_desk(list, &c);
    return c;
}

static void join(int64_t ticket, int64_t other, const char *kind)
{
    struct call c = {.ticket = ticket, .other = other, .kind = str_from(kind)};
    write_desk(add, &c);
}

static void test_both_ends(void **state)
{
    (void)state;
    static const char *const kinds[] = {"blocks", "duplicate", "split"};
    for (size_t i = 0; i < ROWS(kinds); i++) {
        (void)fresh(NULL);
        join(ids[1], ids[0], kinds[i]); /* the newer one, the older one */
        struct call c = links_of(ids[1]);
        assert_int_equal(c.n, 1);
        assert_int_equal(c.list[0].other_id, ids[0]);
        assert_true(str_is(c.list[0].kind, kinds[i]));
        assert_true(str_is(c.list[0].subject, "Первая заявка"));
        assert_true(str_is(c.list[0].state, "new"));
        assert_true(c.list[0].outward);
        c = links_of(ids[0]);
        assert_int_equal(c.n, 1);
        assert_int_equal(c.list[0].other_id, ids[1]);
        assert_true(str_is(c.list[0].subject, "Вторая заявка"));
        assert_false(c.list[0].outward);
        assert_int_equal(links_of(ids[2]).n, 0);
    }
}

static void test_related(void **state)
{
    (void)state;
    join(ids[0], ids[1], "related");
    join(ids[1], ids[0], "related"); /* the same from the other side */
    join(ids[0], ids[1], "related");
    assert_int_equal(links_of(ids[0]).n, 1);
    assert_int_equal(links_of(ids[1]).n, 1);
    join(ids[2], ids[0], "related");
    struct call c = links_of(ids[0]);
    assert_int_equal(c.n, 2);
    assert_int_equal(c.list[0].other_id, ids[1]);
    assert_int_equal(c.list[1].other_id, ids[2]);
}

static void test_several_kinds(void **state)
{
    (void)state;
    join(ids[0], ids[1], "related");
    join(ids[0], ids[1], "blocks");
    join(ids[1], ids[0], "blocks"); /* another statement, silly or not */
    assert_int_equal(links_of(ids[1]).n, 3);
    struct call c = {.ticket = ids[1], .other = ids[0]};
    write_desk(drop, &c); /* all of them, from either side */
    assert_int_equal(links_of(ids[0]).n, 0);
    assert_int_equal(links_of(ids[1]).n, 0);
}

static void test_drop_one(void **state)
{
    (void)state;
    struct err e = {0};
    join(ids[0], ids[1], "blocks");
    join(ids[0], ids[2], "blocks");
    struct call c = {.ticket = ids[0], .other = ids[1]};
    write_desk(drop, &c);
    struct call left = links_of(ids[0]);
    assert_int_equal(left.n, 1);
    assert_int_equal(left.list[0].other_id, ids[2]);
    assert_int_equal(db_write(desk_db(desk), 0, drop, &c, &e), OTK_ENOENT);
    assert_non_null(strstr(e.msg, "not linked"));
}

static void test_refused(void **state)
{
    (void)state;
    const struct {
        int64_t ticket, other;
        const char *kind;
        int code;
        const char *field;
    } rows[] = {
        {ids[0], ids[1], "", OTK_EFORMAT, "kind"},
        {ids[0], ids[1], "parent", OTK_EFORMAT, "kind"},
        {ids[0], ids[1], "Related", OTK_EFORMAT, "kind"},
        {ids[0], ids[0], "related", OTK_EFORMAT, "ticket"},
        {ids[0], ids[0], "blocks", OTK_EFORMAT, "ticket"},
        {ids[0], 99999, "blocks", OTK_ENOENT, "ticket"},
        {99999, ids[0], "blocks", OTK_ENOENT, "ticket"},
        {99999, ids[0], "related", OTK_ENOENT, "ticket"},
    };
    for (size_t i = 0; i < ROWS(rows); i++) {
        struct err e = {0};
        struct call c = {.ticket = rows[i].ticket,
                         .other = rows[i].other,
                         .kind = str_from(rows[i].kind)};
        int r = db_write(desk_db(desk), 0, add, &c, &e);
        if (r != rows[i].code || strcmp(e.field, rows[i].field) != 0)
            fail_msg("row %zu: %d, %s", i, r, e.field);
    }
    assert_int_equal(links_of(ids[0]).n, 0);
}

static int count_notes(struct db_tx *tx, void *arg, struct err *e)
{
    struct call *c = arg;
    int64_t n = 0;
    char object[40];
    (void)snprintf(object, sizeof(object), "ticket:%lld", (long long)c->ticket);
    int r = db_int_of(tx, &n, e,
                      "SELECT COUNT(*) FROM audit WHERE object = ?1 AND action "
                      "IN ('ticket.link', 'ticket.unlink')",
                      "t", object);
    c->n = (size_t)n;
    return r;
}

/* Who looks at either ticket learns who linked it. */
static void test_noted(void **state)
{
    (void)state;
    struct call c = {.ticket = ids[0], .other = ids[1], .kind = STR("blocks")};
    write_desk(add, &c);
    write_desk(drop, &c);
    read_desk(count_notes, &c);
    assert_int_equal(c.n, 2);
    c.ticket = ids[1];
    read_desk(count_notes, &c);
    assert_int_equal(c.n, 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_both_ends),
        cmocka_unit_test_setup(test_related, fresh),
        cmocka_unit_test_setup(test_several_kinds, fresh),
        cmocka_unit_test_setup(test_drop_one, fresh),
        cmocka_unit_test_setup(test_refused, fresh),
        cmocka_unit_test_setup(test_noted, fresh),
    };
    return cmocka_run_group_tests(tests, open_desk, close_desk);
}
