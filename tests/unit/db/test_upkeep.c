/* SPDX-License-Identifier: Apache-2.0 */
/* Migrations, copies and checks, on every driver that keeps a file. */
#include <dirent.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/stat.h>

#include "store.h"

/* The path of the only file in a folder. */
static void only_file(const char *dir, char ret[600])
{
    DIR *d = opendir(dir);
    int n = 0;
    assert_non_null(d);
    for (struct dirent *f; (f = readdir(d));) {
        if (f->d_name[0] == '.')
            continue;
        (void)snprintf(ret, 600, "%s/%s", dir, f->d_name);
        n++;
    }
    (void)closedir(d);
    assert_int_equal(n, 1);
}

static void test_upgrade(void **state)
{
    char backups[300];
    char copy[600];
    (void)snprintf(backups, sizeof(backups), "%s/backups%d", folder, counter++);
    struct db *db = open_fresh(state);
    struct err e = {0};
    int64_t version = 0;
    struct embed files[3];
    assert_int_equal(put(db, "kept", &e), 0);
    migrations(files, 2);
    if (db_migrate(db, files, backups, &e))
        fail_msg("%s", e.msg);
    assert_int_equal(db_version(db, &version, &e), 0);
    assert_int_equal(version, 2);
    assert_int_equal(count_of(db), 1);
    only_file(backups, copy);
    /* nothing to do: no second backup */
    assert_int_equal(db_migrate(db, files, backups, &e), 0);
    only_file(backups, copy);
    db_close(db);
    db = open_at(copy, NULL); /* the store as it was before */
    assert_int_equal(db_version(db, &version, &e), 0);
    assert_int_equal(version, 1);
    assert_int_equal(count_of(db), 1);
    db_close(db);
}

static void test_newer_store(void **state)
{
    struct db *db = open_fresh(state);
    struct err e = {0};
    struct embed files[3];
    migrations(files, 2);
    assert_int_equal(db_migrate(db, files, NULL, &e), 0);
    migrations(files, 1);
    assert_int_equal(db_migrate(db, files, NULL, &e), OTK_EDENIED);
    assert_non_null(strstr(e.msg, "newer otklik"));
    db_close(db);
}

static void refuse_migration(void **state, const char *bad, const char *why)
{
    struct db *db = open_fresh(state);
    struct embed files[3];
    struct err e = {0};
    int64_t version = 0;
    assert_int_equal(put(db, "kept", &e), 0);
    migrations(files, 2);
    files[1] = file_of("0002_bad.sql", bad);
    assert_int_not_equal(db_migrate(db, files, NULL, &e), 0);
    if (!strstr(e.msg, why))
        fail_msg("'%s' does not say '%s'", e.msg, why);
    assert_int_equal(db_version(db, &version, &e), 0);
    assert_int_equal(version, 1);
    assert_int_equal(count_of(db), 1);
    /* the good one can still be done */
    migrations(files, 2);
    assert_int_equal(db_migrate(db, files, NULL, &e), 0);
    db_close(db);
}

static void test_broken_migration(void **state)
{
    refuse_migration(state, "DROP TABLE parts;\nCREATE NONSENSE;\n",
                     "0002_bad.sql");
}

static void test_dangling_migration(void **state)
{
    refuse_migration(state, "INSERT INTO parts (thing_id) VALUES (4711);\n",
                     "refers to");
}

static int insert_part(struct db_tx *tx, void *arg, struct err *e)
{
    (void)arg;
    return db_exec(tx, e, "INSERT INTO parts (thing_id) VALUES (1)", "");
}

static int count_parts(struct db_tx *tx, void *arg, struct err *e)
{
    return db_int_of(tx, arg, e,
                     "SELECT COUNT(*) FROM parts JOIN things ON things.id = "
                     "parts.thing_id",
                     "");
}

/* A table that others refer to is made anew. */
static void test_rebuild(void **state)
{
    struct db *db = open_fresh(state);
    struct err e = {0};
    struct embed files[3];
    int64_t n = 0;
    assert_int_equal(put(db, "kept", &e), 0);
    assert_int_equal(db_write(db, 0, insert_part, NULL, &e), 0);
    migrations(files, 2);
    files[1] = file_of("0002_rebuild.sql",
                       "CREATE TABLE anew (id :id:, name TEXT NOT NULL);\n"
                       "INSERT INTO anew SELECT id, name FROM things;\n"
                       "DROP TABLE things;\n"
                       "ALTER TABLE anew RENAME TO things;\n");
    if (db_migrate(db, files, NULL, &e))
        fail_msg("%s", e.msg);
    assert_int_equal(db_read(db, 0, count_parts, &n, &e), 0);
    assert_int_equal(n, 1);
    assert_int_equal(db_verify(db, &e), 0);
    db_close(db);
}

static int make_foreign(struct db_tx *tx, void *arg, struct err *e)
{
    (void)arg;
    return db_exec(tx, e, "CREATE TABLE somebody (id INTEGER)", "");
}

static void test_foreign_store(void **state)
{
    char url[URL_BYTES];
    struct db *db = NULL;
    struct err e = {0};
    struct embed files[3];
    fresh_url(*state, url);
    migrations(files, 1);
    assert_int_equal(db_open(url, NULL, &db, &e), 0);
    assert_int_equal(db_write(db, 0, make_foreign, NULL, &e), 0);
    assert_int_equal(db_migrate(db, files, NULL, &e), OTK_EDENIED);
    assert_non_null(strstr(e.msg, "another program"));
    db_close(db);
}

/* ---- the schema of the desk ---- */

static void test_desk_schema(void **state)
{
    char url[URL_BYTES];
    struct db *db = NULL;
    struct err e = {0};
    fresh_url(*state, url);
    if (db_open(url, NULL, &db, &e) ||
        db_migrate(db, db_migrations, NULL, &e) || db_verify(db, &e))
        fail_msg("%s", e.msg);
    db_close(db);
}

/* ---- copies ---- */

struct stream {
    struct db *db;
    atomic_bool stop;
    int failed;
};

static void *write_on(void *arg)
{
    struct stream *s = arg;
    for (int i = 0; !atomic_load(&s->stop); i++) {
        char name[32];
        (void)snprintf(name, sizeof(name), "row %d", i);
        s->failed += put(s->db, name, NULL) != 0;
    }
    return NULL;
}

static void test_backup_under_load(void **state)
{
    struct db *db = open_fresh(state);
    struct stream s = {.db = db};
    pthread_t t;
    struct err e = {0};
    assert_int_equal(pthread_create(&t, NULL, write_on, &s), 0);
    for (int i = 0; i < 10; i++) {
        char path[300];
        (void)snprintf(path, sizeof(path), "%s/copy%d.db", folder, counter++);
        int64_t before = count_of(db);
        if (db_backup(db, path, &e))
            fail_msg("%s", e.msg);
        struct db *copy = open_at(path, NULL);
        int64_t n = count_of(copy);
        assert_true(n >= before);
        assert_int_equal(db_verify(copy, &e), 0);
        db_close(copy);
    }
    atomic_store(&s.stop, true);
    (void)pthread_join(t, NULL);
    assert_int_equal(s.failed, 0);
    db_close(db);
}

static void test_backup_refused(void **state)
{
    struct db *db = open_fresh(state);
    char path[300];
    struct stat st;
    struct err e = {0};
    (void)snprintf(path, sizeof(path), "%s/copy%d.db", folder, counter++);
    assert_int_equal(db_backup(db, path, &e), 0);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    assert_int_equal(db_backup(db, path, &e), OTK_ECONFLICT);
    assert_int_not_equal(db_backup(db, "/nonexistent/copy.db", &e), 0);
    assert_non_null(strstr(e.msg, "/nonexistent/copy.db"));
    db_close(db);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON_ALL(test_upgrade),          ON_ALL(test_newer_store),
        ON_ALL(test_broken_migration), ON_ALL(test_dangling_migration),
        ON_ALL(test_rebuild),          ON_ALL(test_foreign_store),
        ON_ALL(test_desk_schema),      ON_ALL(test_backup_under_load),
        ON_ALL(test_backup_refused),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
