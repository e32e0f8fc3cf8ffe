/* SPDX-License-Identifier: Apache-2.0 */
/* Passwords, sessions, API keys. */
#include "desk/access.h"

#include "office.h"

static int set_password(struct db_tx *tx, void *arg, struct err *e)
{
    return password_set(tx, STR("ann"), str_from(arg), e);
}

struct found {
    const char *token;
    int64_t now;
    struct session session;
};

static int find_session(struct db_tx *tx, void *arg, struct err *e)
{
    struct found *f = arg;
    return session_find(tx, str_from(f->token), f->now, arena, &f->session, e);
}

static void test_access(void **state)
{
    (void)state;
    struct err e = {0};
    char token[SECRET_BYTES];
    struct session s;
    char good[] = "long enough";
    char bad[] = "short";
    struct db *db = desk_db(desk);
    assert_int_equal(db_write(db, 0, set_password, bad, &e), OTK_EFORMAT);
    assert_int_equal(db_write(db, 0, set_password, good, &e), 0);
    assert_int_equal(session_open(db, STR("ann"), STR("wrong password"), 1000,
                                  1, arena, token, &s, &e),
                     OTK_EDENIED);
    assert_int_equal(session_open(db, STR("nobody"), STR("long enough"), 1000,
                                  1, arena, token, &s, &e),
                     OTK_EDENIED);
    assert_int_equal(
        session_open(db, STR("bob"), STR(""), 1000, 1, arena, token, &s, &e),
        OTK_EDENIED); /* has no password */
    assert_int_equal(session_open(db, STR("ann"), STR("long enough"), 1000, 1,
                                  arena, token, &s, &e),
                     0);
    struct found f = {.token = token, .now = 2000};
    assert_int_equal(db_read(db, 0, find_session, &f, &e), 0);
    assert_true(str_is(f.session.login, "ann"));
    f.now = 1000 + 3600001;
    assert_int_equal(db_read(db, 0, find_session, &f, &e), OTK_ENOENT);
    f = (struct found){.token = "nonsense", .now = 2000};
    assert_int_equal(db_read(db, 0, find_session, &f, &e), OTK_ENOENT);
}

static int add_key(struct db_tx *tx, void *arg, struct err *e)
{
    char *key = arg;
    int64_t id;
    unsigned scopes;
    assert_int_equal(key_add(tx, STR("x"), STR("magic"), 0, 1000, key, &id, e),
                     OTK_EFORMAT);
    assert_int_equal(
        key_add(tx, STR("x"), STR("requests triage"), 5000, 1000, key, &id, e),
        0);
    assert_int_equal(key_find(tx, str_from(key), 2000, &id, &scopes, e), 0);
    assert_int_equal(scopes, SCOPE_REQUESTS | SCOPE_TRIAGE);
    assert_int_equal(key_find(tx, str_from(key), 5000, &id, &scopes, e),
                     OTK_ENOENT);
    assert_int_equal(key_revoke(tx, id, 2000, e), 0);
    assert_int_equal(key_find(tx, str_from(key), 2000, &id, &scopes, e),
                     OTK_ENOENT);
    assert_int_equal(key_revoke(tx, id, 2000, e), OTK_ENOENT);
    return 0;
}

static void test_keys(void **state)
{
    (void)state;
    char key[SECRET_BYTES];
    assert_int_equal(db_write(desk_db(desk), 0, add_key, key, NULL), 0);
}

static int list_keys(struct db_tx *tx, void *arg, struct err *e)
{
    size_t *n = arg;
    struct key *keys;
    char key[SECRET_BYTES];
    int64_t id;
    int r = key_list(tx, arena, &keys, n, e);
    size_t before = *n;
    if (!r)
        r = key_add(tx, STR("shop"), STR("triage"), 5000, 1000, key, &id, e);
    if (!r)
        r = key_list(tx, arena, &keys, n, e);
    if (r)
        return r;
    assert_int_equal(*n, before + 1);
    const struct key *last = &keys[*n - 1];
    assert_int_equal(last->id, id);
    assert_true(str_is(last->name, "shop") && str_is(last->scopes, "triage"));
    assert_true(last->created_at == 1000 && last->expires_at == 5000);
    assert_true(last->revoked_at == 0);
    assert_true(last->hint.n < strlen(key) / 2); /* nothing to come in by */
    assert_memory_equal(key, last->hint.p, last->hint.n);
    return OTK_OK;
}

static void test_key_list(void **state)
{
    (void)state;
    size_t n;
    write_desk(list_keys, &n);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_access),
        cmocka_unit_test(test_keys),
        cmocka_unit_test(test_key_list),
    };
    return cmocka_run_group_tests(tests, open_desk, close_desk);
}
