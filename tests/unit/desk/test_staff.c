/* SPDX-License-Identifier: Apache-2.0 */
/* Logins: made, listed, given a password. */
#include "desk/staff.h"

#include "desk/access.h"
#include "office.h"

static const struct actor nobody;

static int list(struct db_tx *tx, void *arg, struct err *e)
{
    struct staff_login *staff;
    size_t n;
    int r = staff_list(tx, arena, &staff, &n, e);
    for (size_t i = 0; !r && i < n; i++) {
        assert_true(i == 0 || str_cmp(staff[i - 1].login, staff[i].login) < 0);
        if (str_is(staff[i].login, "eve"))
            *(struct staff_login *)arg = staff[i];
    }
    return r;
}

static int add(struct db_tx *tx, void *arg, struct err *e)
{
    struct staff_login eve = {
        .login = STR("eve"), .name = STR("Eve"), .role = STR("viewer")};
    return staff_add(tx, &eve, str_from(arg), nobody, 1000, e);
}

static void test_add(void **state)
{
    (void)state;
    struct err e = {0};
    struct staff_login found = {0};
    char weak[] = "short";
    char good[] = "long enough";
    struct db *db = desk_db(desk);
    assert_int_equal(db_write(db, 0, add, weak, &e), OTK_EFORMAT);
    read_desk(list, &found);
    assert_true(found.login.n == 0); /* not half of her */
    write_desk(add, good);
    read_desk(list, &found);
    assert_true(str_is(found.name, "Eve") && str_is(found.role, "viewer"));
    assert_true(found.is_active && found.has_password);
    assert_int_equal(db_write(db, 0, add, good, &e), OTK_ECONFLICT);
    assert_non_null(strstr(e.msg, "eve"));
}

struct found {
    const char *token;
    struct session session;
};

static int find(struct db_tx *tx, void *arg, struct err *e)
{
    struct found *f = arg;
    return session_find(tx, str_from(f->token), 2000, arena, &f->session, e);
}

static int change(struct db_tx *tx, void *arg, struct err *e)
{
    return staff_password(tx, STR("eve"), str_from(arg), nobody, 1500, e);
}

static int change_nobody(struct db_tx *tx, void *arg, struct err *e)
{
    return staff_password(tx, STR("nemo"), str_from(arg), nobody, 1500, e);
}

static int last_act(struct db_tx *tx, void *arg, struct err *e)
{
    struct db_rows *rows;
    int r = db_query(tx, &rows, e,
                     "SELECT action FROM audit ORDER BY id DESC LIMIT 1", "");
    if (r)
        return r;
    assert_int_equal(db_next(rows, e), 1);
    *(struct str *)arg = arena_str(arena, db_text(rows, 0));
    db_rows_free(rows);
    return OTK_OK;
}

static void test_password_ends_sessions(void **state)
{
    (void)state;
    struct err e = {0};
    char token[SECRET_BYTES];
    char fresh[] = "another one";
    struct str act;
    struct found f = {.token = token};
    struct db *db = desk_db(desk);
    assert_int_equal(session_open(db, STR("eve"), STR("long enough"), 1000, 1,
                                  arena, token, &f.session, &e),
                     0);
    read_desk(find, &f);
    write_desk(change, fresh);
    assert_int_equal(db_read(db, 0, find, &f, &e), OTK_ENOENT);
    read_desk(last_act, &act);
    assert_true(str_is(act, "staff.password"));
    assert_int_equal(db_write(db, 0, change_nobody, fresh, &e), OTK_ENOENT);
    assert_non_null(strstr(e.msg, "nemo"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_add),
        cmocka_unit_test(test_password_ends_sessions),
    };
    return cmocka_run_group_tests(tests, open_desk, close_desk);
}
