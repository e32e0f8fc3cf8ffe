/* SPDX-License-Identifier: Apache-2.0 */
/* The audit's chain of hashes, and that a changed row breaks it. */
#include "desk/audit.h"

#include "office.h"

static int add(struct db_tx *tx, void *arg, struct err *e)
{
    static const struct actor by[] = {
        {ACTOR_OTKLIK, 0}, {ACTOR_STAFF, 7}, {ACTOR_KEY, 3}, {ACTOR_PERSON, 9}};
    (void)arg;
    int r = OTK_OK;
    for (size_t i = 0; !r && i < ROWS(by); i++)
        r = audit_add(tx, by[i], "ticket.create", "ticket:1", STR("{}"), 1000,
                      e);
    return r;
}

static int verify(struct db_tx *tx, void *arg, struct err *e)
{
    return audit_verify(tx, arg, e);
}

static int tamper(struct db_tx *tx, void *arg, struct err *e)
{
    return db_exec(tx, e, "UPDATE audit SET actor = ?1 WHERE id = 2", "t",
                   (const char *)arg);
}

static void test_audit(void **state)
{
    (void)state;
    struct err e = {0};
    int64_t rows = 0;
    char evil[] = "staff:666";
    struct db *db = desk_db(desk);
    write_desk(add, NULL);
    assert_int_equal(db_read(db, 0, verify, &rows, &e), 0);
    assert_true(rows >= 4);
    assert_int_equal(db_write(db, 0, tamper, evil, &e), 0);
    assert_int_equal(db_read(db, 0, verify, &rows, &e), OTK_EIO);
    assert_non_null(strstr(e.msg, "row 2"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_audit),
    };
    return cmocka_run_group_tests(tests, open_desk, close_desk);
}
