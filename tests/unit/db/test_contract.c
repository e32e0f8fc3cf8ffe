/* SPDX-License-Identifier: Apache-2.0 */
/* What db.h promises, on every driver. */
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/err.h"
#include "db/db.h"
#include "test.h"

static const char schema[] =
    "CREATE TABLE things (id :id:, name TEXT UNIQUE, size BIGINT, weight "
    "DOUBLE PRECISION, raw :bytes:);\n:fulltext: things_text\n";

/* A set of migrations: one file, or two. */
static void migrations(struct embed ret[3], int n)
{
    static const char second[] = "ALTER TABLE things ADD COLUMN more TEXT;\n";
    ret[0] = (struct embed){"0001_things.sql", (const unsigned char *)schema,
                            (const unsigned char *)schema + sizeof(schema) - 1};
    ret[1] = (struct embed){"0002_more.sql", (const unsigned char *)second,
                            (const unsigned char *)second + sizeof(second) - 1};
    ret[n] = (struct embed){0};
}

static char folder[] = "/tmp/otklik-test-XXXXXX";
static int counter;

static void fresh_url(const char *scheme, char ret[256])
{
    if (strcmp(scheme, "memory:") == 0)
        (void)snprintf(ret, 256, "memory:");
    else
        (void)snprintf(ret, 256, "%s%s/%d.db", scheme, folder, counter++);
}

static struct db *open_at(const char *url, const struct db_options *o)
{
    struct db *db = NULL;
    struct err e = {0};
    if (db_open(url, o, &db, &e))
        fail_msg("open %s: %s", url, e.msg);
    struct embed files[3];
    migrations(files, 1);
    if (db_migrate(db, files, NULL, &e))
        fail_msg("migrate: %s", e.msg);
    return db;
}

static struct db *open_fresh(void **state)
{
    char url[256];
    fresh_url(*state, url);
    return open_at(url, NULL);
}

static int insert(struct db_tx *tx, void *arg, struct err *e)
{
    return db_exec(tx, e, "INSERT INTO things (name) VALUES (?1)", "t",
                   (const char *)arg);
}

static int insert_then_fail(struct db_tx *tx, void *arg, struct err *e)
{
    int r = insert(tx, arg, e);
    return r ? r : err_set(e, OTK_EDENIED, "changed my mind");
}

static int count(struct db_tx *tx, void *arg, struct err *e)
{
    return db_int_of(tx, arg, e, "SELECT COUNT(*) FROM things", "");
}

static int64_t count_of(struct db *db)
{
    int64_t n = -1;
    assert_int_equal(db_read(db, 0, count, &n, NULL), 0);
    return n;
}

static void test_atomic(void **state)
{
    struct db *db = open_fresh(state);
    struct err e = {0};
    assert_int_equal(db_write(db, 0, insert, "a", &e), 0);
    assert_int_equal(db_write(db, 0, insert_then_fail, "b", &e), OTK_EDENIED);
    assert_string_equal(e.msg, "changed my mind");
    assert_int_equal(db_write(db, 0, insert, "a", &e), OTK_ECONFLICT);
    assert_int_equal(count_of(db), 1);
    db_close(db);
}

static int all_types(struct db_tx *tx, void *arg, struct err *e)
{
    (void)arg;
    char text[] = "temporary";
    int64_t seven = 7;
    int64_t id = 0;
    assert_int_equal(
        db_int_of(tx, &id, e,
                  "INSERT INTO things (name, size, weight, raw) VALUES (?1, "
                  "?2, ?3, ?4) RETURNING id",
                  "sirb", str_from(text), INT64_MIN, 0.1,
                  ((struct str){"\0\1\377", 3})),
        0);
    memset(text, 'X', sizeof(text) - 1);
    assert_true(id > 0);
    assert_int_equal(db_exec(tx, e,
                             "INSERT INTO things (name, size, weight, raw) "
                             "VALUES (?1, ?2, ?3, ?4)",
                             "tInI", (const char *)NULL, (const int64_t *)NULL,
                             &seven),
                     0);
    struct db_rows *rows;
    assert_int_equal(db_query(tx, &rows, e,
                              "SELECT name, size, weight, raw FROM things "
                              "ORDER BY id",
                              ""),
                     0);
    assert_int_equal(db_next(rows, e), 1);
    assert_true(str_is(db_text(rows, 0), "temporary"));
    assert_true(db_int(rows, 1) == INT64_MIN);
    assert_true(db_real(rows, 2) == 0.1);
    assert_int_equal(db_bytes(rows, 3).n, 3);
    assert_memory_equal(db_bytes(rows, 3).p, "\0\1\377", 3);
    assert_int_equal(db_next(rows, e), 1);
    for (int i = 0; i < 3; i++)
        assert_true(db_is_null(rows, i));
    assert_int_equal(db_text(rows, 0).n, 0);
    assert_int_equal(db_int(rows, 3), 7);
    assert_int_equal(db_next(rows, e), 0);
    db_rows_free(rows);
    int64_t changed;
    assert_int_equal(
        db_change(tx, &changed, e, "UPDATE things SET size = 1", ""), 0);
    assert_int_equal(changed, 2);
    assert_int_equal(db_int_of(tx, &id, e,
                               "SELECT id FROM things WHERE name = ?1", "t",
                               "nobody"),
                     OTK_ENOENT);
    return 0;
}

static void test_values(void **state)
{
    struct db *db = open_fresh(state);
    struct err e = {0};
    assert_int_equal(db_write(db, 0, all_types, NULL, &e), 0);
    db_close(db);
}

/* The same statement twice at once, one inside the other's rows. */
static int nested(struct db_tx *tx, void *arg, struct err *e)
{
    static const char sql[] = "SELECT id FROM things WHERE name <> ?1";
    (void)arg;
    struct db_rows *outer;
    int pairs = 0;
    char name[8] = "zz";
    assert_int_equal(db_query(tx, &outer, e, sql, "t", name), 0);
    name[0] = 'a'; /* the value was borrowed for the call only */
    name[1] = '\0';
    while (db_next(outer, e) > 0) {
        struct db_rows *inner;
        assert_int_equal(db_query(tx, &inner, e, sql, "t", "zz"), 0);
        while (db_next(inner, e) > 0)
            pairs++;
        db_rows_free(inner);
    }
    db_rows_free(outer);
    assert_int_equal(pairs, 4);
    return 0;
}

static void test_nested_statements(void **state)
{
    struct db *db = open_fresh(state);
    assert_int_equal(db_write(db, 0, insert, "a", NULL), 0);
    assert_int_equal(db_write(db, 0, insert, "b", NULL), 0);
    assert_int_equal(db_read(db, 0, nested, NULL, NULL), 0);
    db_close(db);
}

struct snapshot {
    struct db *db;
    int64_t before, after;
};

static int read_around_write(struct db_tx *tx, void *arg, struct err *e)
{
    struct snapshot *s = arg;
    assert_int_equal(count(tx, &s->before, e), 0);
    assert_int_equal(db_write(s->db, 0, insert, "later", NULL), 0);
    return count(tx, &s->after, e);
}

static void test_snapshot(void **state)
{
    struct db *db = open_fresh(state);
    struct snapshot s = {.db = db};
    assert_int_equal(db_read(db, 0, read_around_write, &s, NULL), 0);
    assert_int_equal(s.before, 0);
    assert_int_equal(s.after, 0);
    assert_int_equal(count_of(db), 1);
    db_close(db);
}

struct crowd {
    struct db *db;
    int first;
    int done, refused;
};

enum { CROWD = 16, EACH = 60 };

static void *many_writes(void *arg)
{
    struct crowd *c = arg;
    for (int i = 0; i < EACH; i++) {
        char name[32];
        (void)snprintf(name, sizeof(name), "n%d", c->first + i);
        /* every third changes its mind; it must not take others with it */
        bool fails = i % 3 == 0;
        int r =
            db_write(c->db, 0, fails ? insert_then_fail : insert, name, NULL);
        c->done += r == 0;
        c->refused += r == OTK_EDENIED;
    }
    return NULL;
}

static void test_crowd(void **state)
{
    struct db *db = open_fresh(state);
    struct crowd c[CROWD];
    pthread_t t[CROWD];
    for (int i = 0; i < CROWD; i++) {
        c[i] = (struct crowd){.db = db, .first = i * EACH};
        assert_int_equal(pthread_create(&t[i], NULL, many_writes, &c[i]), 0);
    }
    for (int i = 0; i < CROWD; i++) {
        (void)pthread_join(t[i], NULL);
        assert_int_equal(c[i].done, EACH - EACH / 3);
        assert_int_equal(c[i].refused, EACH / 3);
    }
    assert_int_equal(count_of(db), CROWD * (EACH - EACH / 3));
    db_close(db);
}

static int sleepy(struct db_tx *tx, void *arg, struct err *e)
{
    (void)e;
    (void)tx;
    (void)usleep(*(useconds_t *)arg);
    return 0;
}

static void *write_sleepy(void *arg)
{
    useconds_t us = 600000;
    assert_int_equal(db_write(arg, 0, sleepy, &us, NULL), 0);
    return NULL;
}

static void test_deadline_and_queue(void **state)
{
    char url[256];
    fresh_url(*state, url);
    struct db *db = open_at(url, &(struct db_options){.queue_max = 1});
    pthread_t t[2];
    assert_int_equal(pthread_create(&t[0], NULL, write_sleepy, db), 0);
    (void)usleep(100000);
    struct err e = {0};
    assert_int_equal(db_write(db, 50, insert, "late", &e), OTK_EAGAIN);
    assert_int_equal(pthread_create(&t[1], NULL, write_sleepy, db), 0);
    (void)usleep(100000);
    assert_int_equal(db_write(db, 0, insert, "full", &e), OTK_EAGAIN);
    (void)pthread_join(t[0], NULL);
    (void)pthread_join(t[1], NULL);
    assert_int_equal(count_of(db), 0);
    assert_int_equal(db_write(db, 0, insert, "now", &e), 0);
    db_close(db);
}

static void bump(void *arg)
{
    (*(int *)arg)++;
}

static void test_hook(void **state)
{
    struct db *db = open_fresh(state);
    int commits = 0;
    db_on_commit(db, bump, &commits);
    assert_int_equal(db_write(db, 0, insert, "a", NULL), 0);
    assert_int_equal(db_write(db, 0, insert_then_fail, "b", NULL), OTK_EDENIED);
    db_close(db); /* the hook runs after the caller is woken: wait for it */
    assert_int_equal(commits, 1);
}

static int fill_text(struct db_tx *tx, void *arg, struct err *e)
{
    (void)arg;
    static const char *const texts[] = {"не печата принтер", "принтер сломал",
                                        "wi-fi 10.0.0.1 don't", "a\"b OR c*",
                                        "принтер печата"};
    for (int i = 0; i < 5; i++)
        if (db_text_put(tx, "things_text", i + 1, str_from(texts[i]), e))
            return e->code;
    if (db_text_put(tx, "things_text", 2, STR("замен"), e))
        return e->code;
    return db_text_drop(tx, "things_text", 5, e);
}

struct find {
    const char *words[3];
    bool prefix;
    int64_t before;
    const char *want;
};

static int find_all(struct db_tx *tx, void *arg, struct err *e)
{
    struct find *f = arg;
    struct str all[3];
    struct db_text_query q = {.all = all,
                              .last_is_prefix = f->prefix,
                              .before_id = f->before,
                              .limit = 10};
    while (q.n_all < 3 && f->words[q.n_all]) {
        all[q.n_all] = str_from(f->words[q.n_all]);
        q.n_all++;
    }
    int64_t ids[10];
    size_t n;
    char got[64] = "";
    assert_int_equal(db_text_find(tx, "things_text", &q, ids, &n, e), 0);
    for (size_t i = 0; i < n; i++)
        (void)snprintf(got + strlen(got), sizeof(got) - strlen(got), "%lld ",
                       (long long)ids[i]);
    assert_string_equal(got, f->want);
    return 0;
}

static void test_full_text(void **state)
{
    struct db *db = open_fresh(state);
    struct err e = {0};
    if (db_write(db, 0, fill_text, NULL, &e))
        fail_msg("%s", e.msg);
    struct find finds[] = {
        {.words = {"принтер"}, .want = "1 "},
        {.words = {"принтер", "печата"}, .want = "1 "},
        {.words = {"прин"}, .want = ""},
        {.words = {"прин"}, .prefix = true, .want = "1 "},
        {.words = {"замен"}, .want = "2 "},
        {.words = {"10.0.0.1"}, .want = "3 "},
        {.words = {"wi-fi", "don't"}, .want = "3 "},
        {.words = {"wi"}, .want = ""},
        {.words = {"a\"b", "OR"}, .want = "4 "},
        {.words = {"c*"}, .want = "4 "},
        {.words = {"\" OR \"x"}, .want = ""},
        {.words = {"wi-fi"}, .before = 3, .want = ""},
    };
    for (size_t i = 0; i < ROWS(finds); i++)
        assert_int_equal(db_read(db, 0, find_all, &finds[i], NULL), 0);
    db_close(db);
}

static void test_migrations(void **state)
{
    if (strcmp(*state, "memory:") == 0)
        return; /* nothing of it outlives the first close */
    char url[256];
    char backups[300];
    fresh_url(*state, url);
    (void)snprintf(backups, sizeof(backups), "%s/backups%d", folder, counter);
    struct db *db = open_at(url, NULL);
    struct err e = {0};
    assert_int_equal(db_write(db, 0, insert, "kept", &e), 0);
    struct embed files[3];
    migrations(files, 2);
    assert_int_equal(db_migrate(db, files, backups, &e), 0);
    int64_t version = 0;
    assert_int_equal(db_version(db, &version, &e), 0);
    assert_int_equal(version, 2);
    assert_int_equal(count_of(db), 1);
    assert_int_equal(access(backups, F_OK), 0);
    migrations(files, 1);
    assert_int_equal(db_migrate(db, files, backups, &e), OTK_EDENIED);
    assert_non_null(strstr(e.msg, "newer otklik"));
    db_close(db);
}

static void test_broken_migration_changes_nothing(void **state)
{
    struct db *db = open_fresh(state);
    static const char bad[] =
        "CREATE TABLE half (id :id:);\nCREATE NONSENSE;\n";
    struct embed files[3];
    migrations(files, 2);
    files[1].begin = (const unsigned char *)bad;
    files[1].end = files[1].begin + sizeof(bad) - 1;
    struct err e = {0};
    assert_int_not_equal(db_migrate(db, files, NULL, &e), 0);
    assert_non_null(strstr(e.msg, "0002_more.sql"));
    int64_t version = 0;
    assert_int_equal(db_version(db, &version, &e), 0);
    assert_int_equal(version, 1);
    db_close(db);
}

static void test_backup(void **state)
{
    struct db *db = open_fresh(state);
    assert_int_equal(db_write(db, 0, insert, "a", NULL), 0);
    char path[300];
    char url[320];
    (void)snprintf(path, sizeof(path), "%s/copy%d.db", folder, counter++);
    (void)snprintf(url, sizeof(url), "sqlite:%s", path);
    struct err e = {0};
    assert_int_equal(db_backup(db, path, &e), 0);
    assert_int_equal(db_backup(db, path, &e), OTK_ECONFLICT);
    assert_int_equal(db_verify(db, &e), 0);
    db_close(db);
    struct db *copy = open_at(url, NULL);
    assert_int_equal(count_of(copy), 1);
    db_close(copy);
}

/* Acknowledged rows of a process that is killed are there afterwards. */
static void test_killed(void **state)
{
    if (strcmp(*state, "memory:") == 0)
        return;
    char url[256];
    fresh_url(*state, url);
    db_close(open_at(url, NULL));
    int64_t acknowledged = 0;
    for (int round = 0; round < 10; round++) {
        int ends[2];
        assert_int_equal(pipe(ends), 0);
        pid_t child = fork();
        if (child == 0) {
            struct db *db = open_at(url, NULL);
            for (int i = 0;; i++) {
                char name[32];
                (void)snprintf(name, sizeof(name), "%d-%d", round, i);
                if (db_write(db, 0, insert, name, NULL) ||
                    write(ends[1], ".", 1) != 1)
                    _exit(1);
            }
        }
        (void)close(ends[1]);
        char dot[64];
        int64_t heard = 0;
        while (heard < 5 + round * 7) {
            ssize_t n = read(ends[0], dot, 1);
            assert_int_equal(n, 1);
            heard++;
        }
        (void)kill(child, SIGKILL);
        ssize_t n;
        while ((n = read(ends[0], dot, sizeof(dot))) > 0)
            heard += n;
        (void)close(ends[0]);
        (void)waitpid(child, NULL, 0);
        acknowledged += heard;
        struct db *db = open_at(url, NULL);
        int64_t there = count_of(db);
        assert_int_equal(db_verify(db, NULL), 0);
        db_close(db);
        /* one more may be there: written, killed before it was told */
        assert_true(there >= acknowledged && there <= acknowledged + round + 1);
    }
}

static int insert_big(struct db_tx *tx, void *arg, struct err *e)
{
    return db_exec(tx, e, "INSERT INTO things (raw) VALUES (?1)", "b",
                   (struct str){arg, 1 << 20});
}

/* A full disk: refused with OTK_EAGAIN, the store goes on afterwards. */
static void test_disk_full(void **state)
{
    if (strcmp(*state, "memory:") == 0)
        return;
    char url[256];
    fresh_url(*state, url);
    pid_t child = fork();
    if (child == 0) {
        (void)signal(SIGXFSZ, SIG_IGN);
        struct db *db = open_at(url, NULL);
        char *big = calloc(1, 1 << 20);
        struct rlimit limit = {8 << 20, 64 << 20};
        int r = 0;
        int stored = 0;
        struct err e = {0};
        if (setrlimit(RLIMIT_FSIZE, &limit))
            _exit(9);
        while (stored < 100 && !(r = db_write(db, 0, insert_big, big, &e)))
            stored++;
        if (r != OTK_EAGAIN || stored == 0) {
            (void)fprintf(stderr, "%d after %d: %s\n", r, stored, e.msg);
            _exit(2);
        }
        limit.rlim_cur = 64 << 20;
        if (setrlimit(RLIMIT_FSIZE, &limit) ||
            db_write(db, 0, insert, "after", &e) || count_of(db) != stored + 1)
            _exit(3);
        db_close(db);
        free(big);
        _exit(0);
    }
    int status;
    (void)waitpid(child, &status, 0);
    assert_int_equal(status, 0);
}

/* Another process holds the lock: OTK_EAGAIN, then it works again. */
static void test_locked(void **state)
{
    if (strcmp(*state, "memory:") == 0)
        return;
    char url[256];
    fresh_url(*state, url);
    db_close(open_at(url, NULL));
    int ready[2];
    int go[2];
    assert_int_equal(pipe(ready), 0);
    assert_int_equal(pipe(go), 0);
    pid_t child = fork();
    if (child == 0) {
        struct db *db = open_at(url, NULL);
        pthread_t t;
        (void)pthread_create(&t, NULL, write_sleepy, db);
        (void)usleep(100000);
        if (write(ready[1], ".", 1) != 1)
            _exit(1);
        (void)pthread_join(t, NULL);
        db_close(db);
        _exit(0);
    }
    char dot;
    assert_int_equal(read(ready[0], &dot, 1), 1);
    struct db *db = NULL;
    struct err e = {0};
    assert_int_equal(db_open(url, &(struct db_options){.busy_ms = 50}, &db, &e),
                     0);
    assert_int_equal(db_write(db, 0, insert, "x", &e), OTK_EAGAIN);
    (void)waitpid(child, NULL, 0);
    assert_int_equal(db_write(db, 0, insert, "x", &e), 0);
    db_close(db);
}

static void test_bad_files(void **state)
{
    (void)state;
    char path[300];
    struct err e = {0};
    struct db *db = NULL;
    (void)snprintf(path, sizeof(path), "%s/not-a-database", folder);
    FILE *f = fopen(path, "w");
    for (int i = 0; i < 1000; i++)
        (void)fputs("this is not a database ", f);
    (void)fclose(f);
    assert_int_equal(db_open(path, NULL, &db, &e), OTK_EFORMAT);
    assert_int_equal(db_open("/nonexistent/x.db", NULL, &db, &e), OTK_ENOENT);
    struct db_options read_only = {.read_only = true};
    assert_int_equal(db_open("/nonexistent/x.db", &read_only, &db, &e),
                     OTK_ENOENT);
}

static int make_folder(void **state)
{
    (void)state;
    return mkdtemp(folder) == NULL;
}

static int remove_folder(void **state)
{
    (void)state;
    char command[300];
    (void)snprintf(command, sizeof(command), "rm -rf %s", folder);
    return system(command);
}

#define ON(test, scheme)                                                       \
    {                                                                          \
        .name = #test " " scheme, .test_func = test, .initial_state = scheme   \
    }
#define ON_ALL(test)                                                           \
    ON(test, "sqlite:"), ON(test, "memory:"), ON(test, "trace:sqlite:")

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON_ALL(test_atomic),
        ON_ALL(test_values),
        ON_ALL(test_nested_statements),
        ON_ALL(test_snapshot),
        ON_ALL(test_crowd),
        ON_ALL(test_deadline_and_queue),
        ON_ALL(test_hook),
        ON_ALL(test_full_text),
        ON_ALL(test_migrations),
        ON_ALL(test_broken_migration_changes_nothing),
        ON_ALL(test_backup),
        ON_ALL(test_killed),
        ON_ALL(test_disk_full),
        ON_ALL(test_locked),
        ON(test_bad_files, ""),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
